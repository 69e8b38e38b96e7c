package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
)

// Error is a call that failed, with what to do about it.
type Error struct {
	Verb string
	Path Path
	Hint string // empty where the cause says it all
	Err  error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %v", gerunds[e.Verb], e.Path, e.Err)
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Explain is that of a fault.Explainer. Rights that are missing stay so until somebody gives them.
func (e *Error) Explain() fault.Fault {
	lasts := apierrors.IsForbidden(e.Err) || apierrors.IsUnauthorized(e.Err)
	said := fault.Fault{Doing: fmt.Sprintf("%s %s", gerunds[e.Verb], e.Path), Err: e.Err, Hint: e.Hint, Lasts: lasts}
	if errors.Is(e.Err, context.DeadlineExceeded) {
		said.Setting = "requestTimeout"
	}
	return said
}

// IsNotServed tells whether the API does not serve the path of a call at all, rather than that an object is not there.
func IsNotServed(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

var gerunds = map[string]string{"get": "reading", "list": "listing", "patch": "patching", "create": "creating", "watch": "watching"}

func (c *Client) explain(verb string, path Path, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Verb: verb, Path: path, Hint: c.hint(verb, path, err), Err: err}
}

// hint is the way out, for the causes that have one.
func (c *Client) hint(verb string, path Path, err error) string {
	var dial *net.OpError
	switch {
	case apierrors.IsForbidden(err):
		role := "Role"
		if path.Namespace == "" {
			role = "ClusterRole"
		}
		return fmt.Sprintf("the autoscaler's %s needs the verb %q on resource %q of API group %q", role, verb, path.rule(), path.Version.Group)
	case apierrors.IsUnauthorized(err):
		return "its credentials are not accepted: is the service account or the kubeconfig's user still there?"
	case apierrors.IsConflict(err):
		return "somebody changed it at the same time; the next pass reads it anew"
	case apierrors.IsServiceUnavailable(err):
		return fmt.Sprintf("what serves %s is not available: is it running?", path.Version)
	case apierrors.IsTooManyRequests(err):
		return fmt.Sprintf("the API server at %s is overloaded; the next pass tries again", c.host)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s (requestTimeout); is the API server at %s overloaded or out of reach?", c.timeout, c.host)
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dial):
		return fmt.Sprintf("is the API server at %s running, and does the network let us reach it?", c.host)
	}
	return ""
}
