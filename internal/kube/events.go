package kube

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// EventSink writes Kubernetes Events for client-go's recorder, which decides whether one is new or another is counted up.
type EventSink struct {
	API     *Client
	Context context.Context // of all its calls: the recorder has none
	Wrote   func(error)     // is told of each try; the error is nil where it succeeded
}

// Create writes a new event.
func (s EventSink) Create(event *corev1.Event) (*corev1.Event, error) {
	created := event.DeepCopy()
	err := s.API.Create(s.Context, eventPath(event, ""), created)
	return created, s.told(err)
}

// Update is part of the recorder's interface; it counts an event up by a patch.
func (s EventSink) Update(event *corev1.Event) (*corev1.Event, error) { return s.Create(event) }

// Patch counts an event up.
func (s EventSink) Patch(event *corev1.Event, patch []byte) (*corev1.Event, error) {
	patched := &corev1.Event{}
	err := s.API.Patch(s.Context, eventPath(event, event.Name), types.StrategicMergePatchType, patch, patched)
	return patched, s.told(err)
}

func eventPath(event *corev1.Event, name string) Path {
	return Path{Version: corev1.SchemeGroupVersion, Namespace: event.Namespace, Resource: "events", Name: name}
}

// told gives the recorder the API's own error: it tries again after every other.
func (s EventSink) told(err error) error {
	s.Wrote(err)
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return status
	}
	return err
}
