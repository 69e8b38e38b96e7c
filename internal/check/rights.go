package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kubemetrics"
)

// right is a call that the autoscaler makes.
type right struct {
	verb    string
	path    kube.Path
	without string // what is missing where scaling goes on without it; "" where it does not
}

// rightsOf are all calls that an autoscaler of the target makes.
func rightsOf(settings config.Config, target kube.Path, calls []kubemetrics.Call) []right {
	events := kube.Path{Version: corev1.SchemeGroupVersion, Namespace: settings.Namespace, Resource: "events"}
	all := []right{{"get", target, ""}, {"get", target.Sub("scale"), ""}, {"patch", target.Sub("scale"), ""}}
	if settings.NeedsPods() {
		pods := kube.Path{Version: corev1.SchemeGroupVersion, Namespace: settings.Namespace, Resource: "pods"}
		all = append(all, right{"list", pods, ""}, right{"watch", pods, "they are listed anew at each pass"})
	}
	for _, call := range calls {
		if r := (right{call.Verb, call.Path, ""}); call.Err == nil && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	const noEvents = "no events are written"
	all = append(all, right{"create", events, noEvents}, right{"patch", events, noEvents})
	if owner := settings.CustomPodAutoscaler; owner != nil {
		if settings.LeaderElection {
			all = append(all, ofLease(settings.Namespace, owner.Name)...)
		}
		all = append(all, ofObject(settings.Namespace, owner.Name)...)
	}
	if settings.APIConfig.Enabled && settings.APIConfig.Authentication == config.KubernetesAuthentication {
		all = append(all, ofCallers...)
	}
	return all
}

// ofCallers are those by which the REST API knows who calls.
var ofCallers = []right{
	{"create", kube.Path{Version: authenticationv1.SchemeGroupVersion, Resource: "tokenreviews"}, noCallers},
	{"create", kube.Path{Version: authorizationv1.SchemeGroupVersion, Resource: "subjectaccessreviews"}, noCallers},
}

const noCallers = "only callers on loopback can use the REST API (apiConfig.authentication)"

// ofLease are those by which only one autoscaler of a CustomPodAutoscaler scales.
func ofLease(namespace, name string) []right {
	lease := kube.Path{Version: coordinationv1.SchemeGroupVersion, Namespace: namespace, Resource: "leases"}
	create := right{"create", lease, ""}
	lease.Name = cpav1.LeaseOf(name)
	return []right{create, {"get", lease, ""}, {"patch", lease, ""}}
}

// ofObject are those of an autoscaler that a CustomPodAutoscaler has.
func ofObject(namespace, name string) []right {
	object := kube.Path{Version: cpav1.GroupVersion, Namespace: namespace, Resource: "custompodautoscalers", Name: name}
	const noStatus = "the object's status is not kept"
	return []right{{"get", object, noStatus}, {"patch", object.Sub("status"), noStatus}}
}

func rights(ctx context.Context, api *kube.Client, all []right) []finding.Item {
	items := make([]finding.Item, len(all))
	for i, r := range all {
		items[i] = r.ask(ctx, api)
	}
	return items
}

// ask asks the cluster whether the caller may make the call.
func (r right) ask(ctx context.Context, api *kube.Client) finding.Item {
	review := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: r.verb, Group: r.path.Version.Group, Resource: r.path.Resource, Subresource: r.path.Subresource,
			Namespace: r.path.Namespace, Name: r.path.Name,
		}},
	}
	says := r.verb + " " + r.path.String()
	err := api.Create(ctx, kube.Path{Version: authorizationv1.SchemeGroupVersion, Resource: "selfsubjectaccessreviews"}, review)
	switch {
	case err != nil:
		return failed("right", fmt.Errorf("%s: %w", says, err))
	case review.Status.Allowed:
		return finding.Fine("right", says)
	case r.without != "":
		return finding.Warn("right", says+" is not allowed: "+r.without, r.fix())
	}
	says += " is not allowed"
	if r.path.Resource == "leases" {
		says += ": nothing is scaled without it, unless leaderElection is false"
	}
	return finding.Fail("right", says, r.fix())
}

// fix is the rule to add. A metric of all pods has no name that a rule could have.
func (r right) fix() string {
	resource := strings.TrimSuffix(r.path.Resource+"/"+r.path.Subresource, "/")
	role, names := "a Role in namespace "+r.path.Namespace, ""
	if r.path.Namespace == "" {
		role = "a ClusterRole"
	}
	if r.path.Name != "" && r.path.Name != kubemetrics.EveryObject {
		names = fmt.Sprintf("resourceNames: [%q], ", r.path.Name)
	}
	return fmt.Sprintf("add to %s: {apiGroups: [%q], resources: [%q], %sverbs: [%q]}", role, r.path.Version.Group, resource, names, r.verb)
}
