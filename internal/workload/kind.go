package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// Find asks the API how it serves the target's kind, once until the resource is gone.
func (r *Reader) Find(ctx context.Context) (kube.Path, error) {
	if r.kind != nil {
		return r.path(), nil
	}
	version, err := schema.ParseGroupVersion(r.ref.APIVersion)
	if err != nil {
		return kube.Path{}, &fault.Fault{Err: fmt.Errorf("scaleTargetRef.apiVersion: %w", err), Setting: "scaleTargetRef.apiVersion", Lasts: true}
	}
	kind, err := FindKind(ctx, r.api, version.WithKind(r.ref.Kind))
	if err == nil {
		err = kind.Targetable()
	}
	if errors.Is(err, ErrNotServed) || errors.Is(err, ErrNoKind) || errors.Is(err, ErrNoTarget) {
		return kube.Path{}, &fault.Fault{Err: fmt.Errorf("%w (scaleTargetRef)", err), Setting: "scaleTargetRef", Lasts: true}
	}
	if err != nil {
		return kube.Path{}, err
	}
	r.kind = &kind
	return r.path(), nil
}

func (r *Reader) path() kube.Path {
	return kube.Path{Version: r.kind.Version, Namespace: r.namespace, Resource: r.kind.Resource, Name: r.ref.Name}
}

// object reads the object: as protobuf where its kind is known here, otherwise as the API writes it.
func (r *Reader) object(ctx context.Context, path kube.Path) (object, error) {
	kind := path.Version.WithKind(r.kind.Name)
	if !kube.Scheme.Recognizes(kind) {
		document, err := r.api.GetJSON(ctx, path)
		if err != nil {
			return object{}, err
		}
		return objectOfJSON(document)
	}
	typed, err := kube.Scheme.New(kind)
	if err != nil {
		return object{}, err
	}
	if err := r.api.Get(ctx, path, typed); err != nil {
		return object{}, err
	}
	typed.GetObjectKind().SetGroupVersionKind(kind)
	of, err := meta.Accessor(typed)
	if err != nil {
		return object{}, err
	}
	document, err := json.Marshal(typed)
	return object{document, of.GetUID(), of.GetResourceVersion()}, err
}

func objectOfJSON(document json.RawMessage) (object, error) {
	var of metav1.PartialObjectMetadata
	err := json.Unmarshal(document, &of)
	return object{document, of.UID, of.ResourceVersion}, err
}
