package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metricsapi"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// right is a call that the autoscaler makes.
type right struct {
	verb    string
	path    kube.Path
	without string // what is missing where scaling goes on without it; "" where it does not
}

// rightsOf are all calls that an autoscaler of the target makes.
func rightsOf(settings config.Config, target kube.Path, metrics []metricsapi.Call) []right {
	about := rights.About{Target: schema.GroupResource{Group: target.Version.Group, Resource: target.Resource}, TargetName: target.Name}
	if settings.CustomPodAutoscaler != nil {
		about.Object = settings.CustomPodAutoscaler.Name
	}
	var all []right
	add := func(when rights.When) {
		for _, call := range rights.Select(rights.Autoscaler, when) {
			if !call.Unused {
				all = append(all, right{call.Verb, pathOf(call, about, target, settings.Namespace), call.Without})
			}
		}
	}
	add(rights.Scaling)
	if settings.NeedsPods() {
		add(rights.Pods)
	}
	for _, call := range metrics {
		if r := (right{call.Verb, call.Path, ""}); call.Err == nil && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	add(rights.Events)
	if settings.CustomPodAutoscaler != nil {
		if settings.LeaderElection {
			add(rights.Lease)
		}
		add(rights.Object)
	}
	if settings.APIConfig.Enabled && settings.APIConfig.Authentication == config.KubernetesAuthentication {
		add(rights.Callers)
	}
	return all
}

// pathOf is where a call goes: that of a target to where the target is served.
func pathOf(call rights.Call, about rights.About, target kube.Path, namespace string) kube.Path {
	resource, subresource, _ := strings.Cut(call.Of(about).Resource, "/")
	path := kube.Path{
		Version:  schema.GroupVersion{Group: call.Group, Version: call.Version},
		Resource: resource, Name: call.Name(about), Subresource: subresource,
	}
	if call.Group == rights.OfTarget {
		path.Version = target.Version
	}
	if !call.Cluster {
		path.Namespace = namespace
	}
	return path
}

func askAll(ctx context.Context, api *kube.Client, all []right) []finding.Item {
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
	if r.path.Name != "" && r.path.Name != metricsapi.EveryObject {
		names = fmt.Sprintf("resourceNames: [%q], ", r.path.Name)
	}
	return fmt.Sprintf("add to %s: {apiGroups: [%q], resources: [%q], %sverbs: [%q]}", role, r.path.Version.Group, resource, names, r.verb)
}
