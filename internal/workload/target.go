// Package workload reads what is scaled: one Snapshot per pass, of any kind that has a scale subresource.
//
// The reference comes in; the object, its scale and, for those who ask, its pods go out, as they were when they were
// read. Nothing is written, and nothing is kept from pass to pass but where the API serves the target's kind.
package workload

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
)

// Snapshot is the target as one pass sees it.
type Snapshot struct {
	Ref       autoscalingv2.CrossVersionObjectReference
	Namespace string
	UID       types.UID
	Document  json.RawMessage // the whole object, as user code is given it
	Replicas  int32           // as its scale says there should be
	Running   int32           // as its scale says there are
	Selector  labels.Selector // nil where the target has none, and so no pods
	Pods      []Pod           // by name, where they were read
	Path      kube.Path       // where the API serves it
}

// Scene is the snapshot as sources of metrics see it.
func (s Snapshot) Scene(now time.Time) *metrics.Scene {
	scene := &metrics.Scene{Now: now, Namespace: s.Namespace, Replicas: s.Replicas, Selector: s.Selector, Pods: make([]*corev1.Pod, 0, len(s.Pods))}
	if s.Selector == nil {
		scene.NoPods = ErrNoSelector
	}
	for _, pod := range s.Pods {
		if pod.Counts() {
			scene.Pods = append(scene.Pods, pod.Pod)
		}
	}
	return scene
}

// Reader reads one target. It is not safe for two passes at once.
type Reader struct {
	api       *kube.Client
	ref       autoscalingv2.CrossVersionObjectReference
	namespace string
	kind      *Kind  // once found
	last      object // as it was last read
}

// object is the whole target at one of its versions.
type object struct {
	document json.RawMessage
	uid      types.UID
	version  string
}

// NewReader gives a reader of the target that the reference names.
func NewReader(api *kube.Client, ref autoscalingv2.CrossVersionObjectReference, namespace string) *Reader {
	return &Reader{api: api, ref: ref, namespace: namespace}
}

// Read takes a snapshot, without pods: one read of the scale, and one of the object where that has changed, which its version
// in the scale tells.
func (r *Reader) Read(ctx context.Context) (Snapshot, error) {
	path, scale, err := r.scale(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	if scale.ResourceVersion == "" || scale.ResourceVersion != r.last.version || scale.UID != r.last.uid {
		if r.last, err = r.object(ctx, path); err != nil {
			return Snapshot{}, r.explain(err)
		}
	}
	selector, err := selectorOf(scale)
	if err != nil {
		return Snapshot{}, fmt.Errorf("reading the selector %q of %s: %w", scale.Status.Selector, r.what(), err)
	}
	return Snapshot{
		Ref: r.ref, Namespace: r.namespace, UID: scale.UID, Path: path,
		Document: r.last.document, Replicas: scale.Spec.Replicas, Running: scale.Status.Replicas, Selector: selector,
	}, nil
}

// Replicas reads how many replicas there should be, and nothing else.
func (r *Reader) Replicas(ctx context.Context) (int32, error) {
	_, scale, err := r.scale(ctx)
	return scale.Spec.Replicas, err
}

func (r *Reader) scale(ctx context.Context) (path kube.Path, scale autoscalingv1.Scale, err error) {
	if path, err = r.Find(ctx); err != nil {
		return path, scale, fmt.Errorf("finding %s: %w", r.what(), err)
	}
	if err := r.api.Get(ctx, path.Sub("scale"), &scale); err != nil {
		return path, scale, r.explain(err)
	}
	return path, scale, nil
}

// Pods lists the snapshot's pods, by name.
func (r *Reader) Pods(ctx context.Context, snapshot Snapshot) ([]Pod, error) {
	if snapshot.Selector == nil {
		return nil, nil
	}
	var list corev1.PodList
	path := kube.Path{Version: corev1.SchemeGroupVersion, Namespace: r.namespace, Resource: "pods"}
	if err := r.api.List(ctx, path, kube.Selected(snapshot.Selector), &list); err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return PodsOf(list.Items), nil
}

// Why a target without a selector has no pods, and what to do about it.
const (
	NoSelector    = "its scale has no selector, so it has no pods that anybody could find"
	NoSelectorFix = "set labelSelectorPath in subresources.scale of its CustomResourceDefinition, and the status that it names"
)

// ErrNoSelector says that the pods of a target are asked for, which has no selector.
var ErrNoSelector error = &fault.Fault{Err: errors.New("the target has no pods: " + NoSelector), Setting: "scaleTargetRef", Hint: NoSelectorFix}

// selectorOf gives nil for a scale without a selector: an empty one would select every pod of the namespace.
func selectorOf(scale autoscalingv1.Scale) (labels.Selector, error) {
	selector, err := labels.Parse(scale.Status.Selector)
	if err != nil || selector.Empty() {
		return nil, err
	}
	return selector, nil
}

func (r *Reader) what() string {
	return fmt.Sprintf("%s %q of %s in namespace %q", r.ref.Kind, r.ref.Name, r.ref.APIVersion, r.namespace)
}

// explain says what to do about a target that cannot be read. One that is not there is looked up anew by the next pass,
// since its kind may have been replaced by one that is served elsewhere.
func (r *Reader) explain(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		r.kind = nil
		return &fault.Fault{Err: err, Setting: "scaleTargetRef", Hint: "does it exist? (scaleTargetRef, namespace); scaling goes on by itself once it does", Lasts: true}
	case apierrors.IsInternalError(err):
		return &fault.Fault{Err: err, Hint: "if it has no number of replicas at all, give it one"}
	}
	return err
}
