package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// policyTimeout bounds the search for the admission policy: the operator starts without the answer.
const policyTimeout = 5 * time.Second

// unprotected is what the operator warns of when it does not find the admission policy in force.
const unprotected = "no admission policy checks the authors of CustomPodAutoscalers: users who may write them in a namespace can create pods there, " +
	"read its Secrets through them and scale its workloads; install the policy, or let only administrators of a namespace write the objects"

// admissionPolicy is the part of a ValidatingAdmissionPolicy that says whether it refuses anything.
type admissionPolicy struct {
	Spec struct {
		FailurePolicy string `json:"failurePolicy"`
	} `json:"spec"`
}

// admissionBinding is the same of its binding.
type admissionBinding struct {
	Spec struct {
		PolicyName        string   `json:"policyName"`
		ValidationActions []string `json:"validationActions"`
	} `json:"spec"`
}

// jsonGetter reads an object of a kind that has no Go type here.
type jsonGetter interface {
	GetJSON(ctx context.Context, path kube.Path) (json.RawMessage, error)
}

// warnUnprotected logs a warning unless the named ValidatingAdmissionPolicy is in force. It is no error: the objects still gain no
// rights of the operator's, and a cluster before Kubernetes 1.30 has no such policies.
func warnUnprotected(ctx context.Context, api jsonGetter, name string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, policyTimeout)
	defer cancel()
	if problem := policyProblem(ctx, api, name); problem != nil {
		log.Warn(unprotected, "admissionPolicy", name, "reason", problem.Error())
	}
}

// policyProblem says why the policy of the name, and its binding of the same name, refuse nothing; nil if they do.
func policyProblem(ctx context.Context, api jsonGetter, name string) error {
	if name == "" {
		return errors.New("the operator was started without the policy's name (--admission-policy)")
	}
	var policy admissionPolicy
	var binding admissionBinding
	for resource, into := range map[string]any{"validatingadmissionpolicies": &policy, "validatingadmissionpolicybindings": &binding} {
		if err := readPolicy(ctx, api, resource, name, into); err != nil {
			return err
		}
	}
	switch {
	case policy.Spec.FailurePolicy == "Ignore":
		return errors.New("its failurePolicy is Ignore: it has to be Fail")
	case binding.Spec.PolicyName != name:
		return fmt.Errorf("its binding is for the policy %q", binding.Spec.PolicyName)
	case !slices.Contains(binding.Spec.ValidationActions, "Deny"):
		return fmt.Errorf("its binding has the validationActions %v: Deny is missing", binding.Spec.ValidationActions)
	}
	return nil
}

func readPolicy(ctx context.Context, api jsonGetter, resource, name string, into any) error {
	path := kube.Path{Version: schema.GroupVersion{Group: "admissionregistration.k8s.io", Version: "v1"}, Resource: resource, Name: name}
	body, err := api.GetJSON(ctx, path)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("there is no %s (the chart's value admissionPolicy.enabled; deploy/custom-pod-autoscaler-operator-policy.yaml; Kubernetes 1.30)", path)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("not known: the operator's account needs the verb get on %s (the ClusterRole %s-policy-reader of the chart)", path, name)
	case err != nil:
		return fmt.Errorf("not known: %w", err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("not known: reading %s: %w", path, err)
	}
	return nil
}
