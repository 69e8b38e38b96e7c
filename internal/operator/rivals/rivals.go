// Package rivals finds what else scales the targets of our objects: HorizontalPodAutoscalers and ScaledObjects of KEDA. It lists
// them now and then, and tells which of our objects have to be looked at again. What follows from that for an object is package
// plan's.
package rivals

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
)

const (
	// othersEvery is how often it is looked what others scale. They are listed, and not watched: a right that is missing, or a
	// definition that is not installed, must keep nobody from working.
	othersEvery = 20 * time.Second

	// othersPage is how many are read with one call.
	othersPage = "500"

	// othersFirst is how long an object waits for the first look.
	othersFirst = 5 * time.Second
)

// otherKinds are those that scale what they name in spec.scaleTargetRef. The later ones are named where several scale the same: KEDA
// makes a HorizontalPodAutoscaler for each of its objects.
var otherKinds = []struct {
	version     schema.GroupVersion
	resource    string
	kind        string
	defaultKind string // of the target, where none is named
}{
	{schema.GroupVersion{Group: "autoscaling", Version: "v2"}, "horizontalpodautoscalers", "HorizontalPodAutoscaler", ""},
	{schema.GroupVersion{Group: "keda.sh", Version: "v1alpha1"}, "scaledobjects", "ScaledObject", "Deployment"},
}

// Finder knows what else than our objects scales a target.
type Finder struct {
	api        *kube.Client
	namespaces []string // that are looked after; all if there are none
	objects    client.Reader

	first   chan struct{} // closed when all has been looked at once
	changed chan event.GenericEvent
	warn    func(error)

	mutex sync.Mutex
	known map[plan.Scaled]string // by what: HorizontalPodAutoscaler "web"
}

// New makes a Finder for the namespaces, all if there are none, which knows nothing until it is started. objects finds those of
// a target by plan.ByTarget.
func New(api *kube.Client, namespaces []string, objects client.Reader, log *slog.Logger) *Finder {
	return &Finder{
		api: api, namespaces: namespaces, objects: objects,
		first: make(chan struct{}), changed: make(chan event.GenericEvent),
		warn: telemetry.WarnOnce(log, "what HorizontalPodAutoscalers and ScaledObjects scale is not known; a conflict with them is not noticed"),
	}
}

// Changed gives the objects whose target begins or ends to be scaled by others.
func (f *Finder) Changed() <-chan event.GenericEvent { return f.changed }

// Of names what else scales a target, or nothing.
func (f *Finder) Of(ctx context.Context, target plan.Scaled) string {
	select {
	case <-f.first:
	case <-ctx.Done():
	case <-time.After(othersFirst):
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.known[target]
}

// Start looks again and again, until ctx is done, and has the objects looked at whose target begins or ends to be scaled by others.
func (f *Finder) Start(ctx context.Context) error {
	ticks := time.NewTicker(othersEvery)
	defer ticks.Stop()
	for first := true; ; first = false {
		for _, target := range f.look(ctx) {
			f.tell(ctx, target)
		}
		if first {
			close(f.first)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// NeedLeaderElection lets it run only where objects are looked at.
func (f *Finder) NeedLeaderElection() bool { return true }

// look reads what others scale, and gives the targets of which that has changed. Where something cannot be read, what was known of it
// stays.
func (f *Finder) look(ctx context.Context) (changed []plan.Scaled) {
	found := map[plan.Scaled]string{}
	for _, namespace := range append([]string{}, orAll(f.namespaces)...) {
		for i := range otherKinds {
			err := f.list(ctx, i, namespace, found)
			if apierrors.IsNotFound(err) || kube.IsNotServed(err) {
				err = nil // KEDA is not installed
			}
			f.warn(err)
			if err != nil && !apierrors.IsForbidden(err) {
				return nil
			}
		}
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for target := range maps.Keys(union(f.known, found)) {
		if f.known[target] != found[target] {
			changed = append(changed, target)
		}
	}
	f.known = found
	return changed
}

func orAll(namespaces []string) []string {
	if len(namespaces) == 0 {
		return []string{""}
	}
	return namespaces
}

func union(one, other map[plan.Scaled]string) map[plan.Scaled]string {
	all := maps.Clone(other)
	maps.Copy(all, one)
	return all
}

// others is a page of a list.
type others struct {
	Metadata metav1.ListMeta `json:"metadata"`
	Items    []struct {
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
		Spec struct {
			ScaleTargetRef cpav1.TargetReference `json:"scaleTargetRef"`
		} `json:"spec"`
	} `json:"items"`
}

// list adds what all of a kind scale, page by page.
func (f *Finder) list(ctx context.Context, which int, namespace string, found map[plan.Scaled]string) error {
	one, query := otherKinds[which], kube.Query{"limit": othersPage}
	for {
		body, err := f.api.ListJSONAsIs(ctx, kube.Path{Version: one.version, Namespace: namespace, Resource: one.resource}, query)
		if err != nil {
			return err
		}
		var page others
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("reading a list of %s: %w", one.resource, err)
		}
		for _, item := range page.Items {
			ref := item.Spec.ScaleTargetRef
			if ref.Kind == "" {
				ref.APIVersion, ref.Kind = "apps/v1", one.defaultKind
			}
			found[plan.ScaledBy(item.Metadata.Namespace, ref.APIVersion, ref.Kind, ref.Name)] = fmt.Sprintf("%s %q", one.kind, item.Metadata.Name)
		}
		if page.Metadata.Continue == "" {
			return nil
		}
		query = kube.Query{"limit": othersPage, "continue": page.Metadata.Continue}
	}
}

// tell has the objects looked at that have the target.
func (f *Finder) tell(ctx context.Context, target plan.Scaled) {
	var list cpav1.CustomPodAutoscalerList
	err := f.objects.List(ctx, &list, client.InNamespace(target.Namespace), client.MatchingFields{plan.ByTarget: target.Index()})
	if err != nil {
		return // they are looked at again in any case, if not as soon
	}
	for i := range list.Items {
		select {
		case f.changed <- event.GenericEvent{Object: &list.Items[i]}:
		case <-ctx.Done():
			return
		}
	}
}
