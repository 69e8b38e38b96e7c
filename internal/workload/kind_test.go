package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// group is what an API serves of one group: its versions in order, and the resources of each.
type group struct {
	name     string
	versions []string
	serves   map[string][]metav1.APIResource
}

func (g group) Versions(_ context.Context, name string) (all []metav1.GroupVersionForDiscovery, err error) {
	if name != g.name {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: name}, "")
	}
	for _, version := range g.versions {
		all = append(all, metav1.GroupVersionForDiscovery{Version: version})
	}
	return all, nil
}

func (g group) Resources(_ context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	served, ok := g.serves[version.Version]
	if version.Group != g.name || !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: version.Group}, version.Version)
	}
	return served, nil
}

// scaled is a kind with a scale, in namespaces.
func scaled(kind, plural string) []metav1.APIResource {
	return []metav1.APIResource{{Name: plural, Kind: kind, Namespaced: true}, {Name: plural + "/scale", Kind: "Scale", Namespaced: true}}
}

func TestFindKind(t *testing.T) {
	example := group{"shop.example.com", []string{"v2", "v1", "v1alpha1"}, map[string][]metav1.APIResource{
		"v2": slices.Concat(scaled("Web", "webs"), scaled("WEB", "shouts"), []metav1.APIResource{
			{Name: "webs/status", Kind: "Web", Namespaced: true}, {Name: "notes", Kind: "Note", Namespaced: true}, {Name: "globes", Kind: "Globe"}, {Name: "globes/scale", Kind: "Scale"}}),
		"v1":       slices.Concat(scaled("Web", "webs"), scaled("Old", "olds")),
		"v1alpha1": scaled("Web", "webs"),
	}}
	apps := group{"apps", []string{"v1"}, map[string][]metav1.APIResource{"v1": slices.Concat(scaled("Deployment", "deployments"), []metav1.APIResource{{Name: "daemonsets", Kind: "DaemonSet", Namespaced: true}})}}
	core := group{"", nil, map[string][]metav1.APIResource{"v1": slices.Concat(scaled("ReplicationController", "replicationcontrollers"), []metav1.APIResource{{Name: "pods", Kind: "Pod", Namespaced: true}, {Name: "secrets", Kind: "Secret", Namespaced: true}})}}
	rbac := group{"rbac.authorization.k8s.io", []string{"v1"}, map[string][]metav1.APIResource{"v1": {{Name: "roles", Kind: "Role", Namespaced: true}}}}
	for _, row := range []struct {
		name             string
		api              group
		apiVersion, kind string
		want, is, error  string
	}{
		{"it is there", example, "shop.example.com/v2", "Web", "shop.example.com/v2 Web webs", "", ""},
		{"in another case", example, "shop.example.com/v2", "note", "shop.example.com/v2 Note notes", "cannot", ""},
		{"in the case that is written, where there are several", example, "shop.example.com/v2", "WEB", "shop.example.com/v2 WEB shouts", "", ""},
		{"in an older version that is served", example, "shop.example.com/v1alpha1", "web", "shop.example.com/v1alpha1 Web webs", "", ""},
		{"in a version that is not served", example, "shop.example.com/v1beta1", "Web", "shop.example.com/v2 Web webs", "", ""},
		{"in a version that has it no longer", example, "shop.example.com/v2", "Old", "shop.example.com/v1 Old olds", "", ""},
		{"a Deployment in another case", apps, "apps/v1", "deployment", "apps/v1 Deployment deployments", "", ""},
		{"a Deployment of an old version", apps, "apps/v1beta2", "Deployment", "apps/v1 Deployment deployments", "", ""},
		{"of the core group", core, "v1", "replicationcontroller", "v1 ReplicationController replicationcontrollers", "", ""},
		{"without a version", core, "", "ReplicationController", "v1 ReplicationController replicationcontrollers", "", ""},

		{"no such kind", example, "shop.example.com/v2", "Wob", "", "kind", `the API serves no kind "Wob" in shop.example.com (v2, v1, v1alpha1), where it can scale: Web, WEB, Globe, Old: is its CustomResourceDefinition installed?`},
		{"the scale itself", apps, "apps/v1", "Scale", "", "kind", `the API serves no kind "Scale" in apps (v1), where it can scale: Deployment`},
		{"a group that is not there", apps, "example.com/v1", "Web", "", "group", `the API does not serve the group "example.com": is its CustomResourceDefinition installed?`},
		{"a group that Kubernetes has no longer", apps, "extensions/v1beta1", "Deployment", "", "group", `the API does not serve the group "extensions"; Deployment is of apps/v1`},
		{"a group that can have no definition", apps, "app/v1", "Web", "", "group", `the API does not serve the group "app"`},
		{"a Deployment in the core group", core, "v1", "Deployment", "", "kind", `the API serves no kind "Deployment" in the core group (v1), where it can scale: ReplicationController; Deployment is of apps/v1`},
		{"a group of Kubernetes' own", rbac, "rbac.authorization.k8s.io/v1", "Rule", "", "kind", `the API serves no kind "Rule" in rbac.authorization.k8s.io (v1)`},

		{"a DaemonSet", apps, "apps/v1", "DaemonSet", "apps/v1 DaemonSet daemonsets", "cannot", "DaemonSet of apps/v1 cannot be scaled: it has no number of replicas that could be set"},
		{"a Pod", core, "v1", "Pod", "v1 Pod pods", "cannot", "Pod of v1 cannot be scaled: it has no number of replicas that could be set"},
		{"a Secret", core, "v1", "secret", "v1 Secret secrets", "cannot", "Secret of v1 cannot be scaled: it has no number of replicas that could be set"},
		{"a Role", rbac, "rbac.authorization.k8s.io/v1", "Role", "rbac.authorization.k8s.io/v1 Role roles", "cannot", "cannot be scaled: it has no number of replicas that could be set"},
		{"a custom resource without a scale", example, "shop.example.com/v2", "Note", "shop.example.com/v2 Note notes", "cannot", "Note of shop.example.com/v2 cannot be scaled: its CustomResourceDefinition has no scale subresource (subresources.scale)"},
		{"outside of namespaces", example, "shop.example.com/v2", "Globe", "shop.example.com/v2 Globe globes", "cannot", "cannot be scaled: it is outside of namespaces"},
	} {
		t.Run(row.name, func(t *testing.T) {
			kind, err := FindKind(t.Context(), row.api, schema.FromAPIVersionAndKind(row.apiVersion, row.kind))
			if got := strings.TrimSpace(fmt.Sprint(kind.Version, " ", kind.Name, " ", kind.Resource)); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if err == nil {
				err = kind.Targetable()
			}
			for is, of := range map[string]error{"kind": ErrNoKind, "group": ErrNotServed, "cannot": ErrNoTarget} {
				if errors.Is(err, of) != (is == row.is) {
					t.Errorf("got %v; is it %v? want %v", err, of, is == row.is)
				}
			}
			if err != nil && !strings.HasSuffix(err.Error(), row.error) {
				t.Errorf("got %v\nwant %s", err, row.error)
			}
		})
	}
}

func TestFindKindOfAnAPIThatFails(t *testing.T) {
	refused := errors.New("connection refused")
	for name, api := range map[string]failing{"resources": {resources: refused}, "versions": {versions: refused}} {
		if _, err := FindKind(t.Context(), api, schema.FromAPIVersionAndKind("example.com/v1", "Web")); !errors.Is(err, refused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

type failing struct{ resources, versions error }

func (f failing) Resources(_ context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	return nil, cmp.Or(f.resources, error(apierrors.NewNotFound(schema.GroupResource{Group: version.Group}, "")))
}

func (f failing) Versions(context.Context, string) ([]metav1.GroupVersionForDiscovery, error) {
	return nil, f.versions
}

func TestASelectorIsNeverEveryPod(t *testing.T) {
	for _, row := range []struct {
		name, text string
		selects    bool
		fails      bool
	}{
		{"labels", "app=web", true, false},
		{"a set", "tier in (web,api),!canary", true, false},
		{"none", "", false, false},
		{"blanks", "  ", false, false},
		{"rubbish", "app in", false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			selector, err := selectorOf(autoscalingv1.Scale{Status: autoscalingv1.ScaleStatus{Selector: row.text}})
			if (selector != nil) != row.selects || (err != nil) != row.fails {
				t.Errorf("got %v, %v", selector, err)
			}
		})
	}
}
