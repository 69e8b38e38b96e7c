// Package plugin is what kubectl cpa does with CustomPodAutoscaler objects. It reads an object, its events and its pods, and makes
// rows and sentences of them, which are functions of values; it pauses and resumes; and it asks an autoscaler what it would do.
//
// It prints nothing, and knows no flags: package kubectl has those.
package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// mostEvents is how many of the last events are shown.
const mostEvents = 10

// Objects are those of a cluster.
type Objects struct {
	API *kube.Client
}

func path(namespace, name string) kube.Path {
	return kube.Path{Version: cpav1.GroupVersion, Namespace: namespace, Resource: "custompodautoscalers", Name: name}
}

// One reads an object.
func (o Objects) One(ctx context.Context, namespace, name string) (object cpav1.CustomPodAutoscaler, err error) {
	body, err := o.API.GetJSON(ctx, path(namespace, name))
	if err != nil {
		return object, explain(err)
	}
	err = json.Unmarshal(body, &object)
	object.ManagedFields = nil
	return object, err
}

// All reads the objects of a namespace, or of all.
func (o Objects) All(ctx context.Context, namespace string) (list cpav1.CustomPodAutoscalerList, err error) {
	body, err := o.API.GetJSON(ctx, path(namespace, ""))
	if err != nil {
		return list, explain(err)
	}
	err = json.Unmarshal(body, &list)
	for i := range list.Items {
		list.Items[i].ManagedFields = nil
	}
	return list, err
}

// Events are the last about the object and its target, the newest at the end. What is told of both is there once.
func (o Objects) Events(ctx context.Context, object cpav1.CustomPodAutoscaler) ([]corev1.Event, error) {
	target := object.Spec.ScaleTargetRef
	about, err := o.eventsAbout(ctx, object.Namespace, cpav1.Kind, object.Name)
	if err != nil {
		return nil, err
	}
	more, err := o.eventsAbout(ctx, object.Namespace, target.Kind, target.Name)
	return latest(append(about, more...)), err
}

func (o Objects) eventsAbout(ctx context.Context, namespace, kind, name string) ([]corev1.Event, error) {
	list := &corev1.EventList{}
	selector := fields.Set{"involvedObject.kind": kind, "involvedObject.name": name}.AsSelector()
	err := o.API.List(ctx, kube.Path{Version: corev1.SchemeGroupVersion, Namespace: namespace, Resource: "events"}, kube.Query{"fieldSelector": selector.String()}, list)
	return list.Items, explain(err)
}

func latest(events []corev1.Event) (last []corev1.Event) {
	told := map[string]bool{}
	for _, event := range events { // the object's own come first
		if key := fmt.Sprint(event.Source.Component, event.Reason, event.Message); !told[key] {
			told[key] = true
			last = append(last, event)
		}
	}
	slices.SortStableFunc(last, func(a, b corev1.Event) int { return cmp.Compare(timeOf(a).Unix(), timeOf(b).Unix()) })
	return last[max(0, len(last)-mostEvents):]
}

// timeOf is when an event was last seen, whichever way it was written.
func timeOf(event corev1.Event) metav1.Time {
	switch {
	case event.Series != nil:
		return metav1.Time(event.Series.LastObservedTime)
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp
	}
	return metav1.Time(event.EventTime)
}

// Pods are those that the object's autoscaler runs in.
func (o Objects) Pods(ctx context.Context, object cpav1.CustomPodAutoscaler) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	selector := labels.SelectorFromSet(labels.Set{cpav1.OwnedBy: object.Name})
	err := o.API.List(ctx, kube.Path{Version: corev1.SchemeGroupVersion, Namespace: object.Namespace, Resource: "pods"}, kube.Selected(selector), list)
	return list.Items, explain(err)
}
