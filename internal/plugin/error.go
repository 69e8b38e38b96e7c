package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// explain gives an error of a call the hint of somebody at a terminal, where the usual one is an autoscaler's.
func explain(err error) error {
	call, ok := errors.AsType[*kube.Error](err)
	if !ok {
		return err
	}
	hinted := *call
	if hinted.Verb == "get" && hinted.Path.Name == "" {
		hinted.Verb = "list"
	}
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy"):
		hinted.Hint = "" // the policy's message names the right that is missing
	case apierrors.IsForbidden(err):
		hinted.Hint = fmt.Sprintf("you need the verb %q on resource %q of API group %q: ask who looks after the cluster", hinted.Verb, strings.TrimSuffix(hinted.Path.Resource+"/"+hinted.Path.Subresource, "/"), hinted.Path.Version.Group)
	case apierrors.IsUnauthorized(err):
		hinted.Hint = "your credentials are not accepted: is the kubeconfig's user still there?"
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "could not find the requested resource"):
		hinted.Hint = "the cluster has no CustomPodAutoscalers: install the operator first"
	case apierrors.IsNotFound(err) && hinted.Path.Resource == "custompodautoscalers":
		hinted.Hint = fmt.Sprintf("kubectl cpa get -n %s lists those that there are", hinted.Path.Namespace)
	case apierrors.IsTooManyRequests(err):
		hinted.Hint = "the API server is overloaded: try again later"
	case errors.Is(err, context.DeadlineExceeded):
		hinted.Hint = "no answer came in time: is the API server overloaded or out of reach?"
	}
	return &hinted
}
