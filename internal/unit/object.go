package unit

import (
	"context"
	"encoding/json"
	"log/slog"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/lease"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/report"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
)

// object is the CustomPodAutoscaler that the program runs for, where there is one.
type object struct {
	api       *kube.Client
	namespace string
	name      string
	uid       types.UID
	log       *slog.Logger
}

func newObject(settings config.Config, api *kube.Client, log *slog.Logger) *object {
	owner := settings.CustomPodAutoscaler
	if owner == nil {
		return nil
	}
	return &object{api, settings.Namespace, owner.Name, types.UID(owner.UID), log}
}

// status is the autoscaler's part of the object's.
func (o *object) status(settings config.Config) *report.Status {
	status := &report.Status{
		Load: o.load, Save: o.save, Wrote: telemetry.WarnOnce(o.log, "writing the status of the CustomPodAutoscaler failed; scaling goes on"),
		Rules: rulesOf(settings), Every: settings.Interval.Duration(),
	}
	return status.Start()
}

func (o *object) load(ctx context.Context) (cpav1.Status, error) {
	body, err := o.api.GetJSON(ctx, o.path())
	if err != nil {
		return cpav1.Status{}, err
	}
	var there cpav1.CustomPodAutoscaler
	return there.Status, json.Unmarshal(body, &there)
}

// save sets our fields, of this very object: one of the same name may have taken its place.
func (o *object) save(ctx context.Context, status cpav1.Status) error {
	return o.api.Apply(ctx, o.path().Sub("status"), Component, map[string]any{
		"apiVersion": cpav1.GroupVersion.String(), "kind": cpav1.Kind,
		"metadata": map[string]any{"namespace": o.namespace, "name": o.name, "uid": o.uid},
		"status":   status,
	})
}

func (o *object) path() kube.Path {
	return kube.Path{Version: cpav1.GroupVersion, Namespace: o.namespace, Resource: "custompodautoscalers", Name: o.name}
}

// lease keeps a second autoscaler of the object out, as the process that the identity names.
func (o *object) lease(identity *lease.Identity) *lease.Lease {
	return &lease.Lease{
		API: o.api, Namespace: o.namespace, Name: cpav1.LeaseOf(o.name), Holder: identity.Holder, Log: o.log,
		Owner: metav1.OwnerReference{APIVersion: cpav1.GroupVersion.String(), Kind: cpav1.Kind, Name: o.name, UID: o.uid},
		Wrote: telemetry.WarnOnce(o.log, "holding the lease failed; nothing is scaled without it"),
	}
}
