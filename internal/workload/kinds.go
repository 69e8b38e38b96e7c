package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is how the API serves a kind.
type Kind struct {
	Version    schema.GroupVersion // in which it is served
	Name       string              // as the API spells it
	Resource   string              // its plural, as it stands in paths and rules
	Namespaced bool
	Scalable   bool // it has a scale subresource
}

// GroupResource is the kind as a rule names it.
func (k Kind) GroupResource() schema.GroupResource {
	return k.Version.WithResource(k.Resource).GroupResource()
}

// ErrNoTarget says that a kind cannot be a target.
var ErrNoTarget = errors.New("cannot be scaled")

// Targetable says why the kind cannot be a target, if so.
func (k Kind) Targetable() error {
	switch {
	case !k.Namespaced:
		return fmt.Errorf("%s of %s %w: it is outside of namespaces", k.Name, k.Version, ErrNoTarget)
	case k.Scalable:
		return nil
	case mayHaveDefinition(k.Version.Group):
		return fmt.Errorf("%s of %s %w: its CustomResourceDefinition has no scale subresource (subresources.scale)", k.Name, k.Version, ErrNoTarget)
	}
	return fmt.Errorf("%s of %s %w: it has no number of replicas that could be set", k.Name, k.Version, ErrNoTarget)
}

// Discovery asks the API what it serves. Each call ends within a deadline of its own.
type Discovery interface {
	Resources(context.Context, schema.GroupVersion) ([]metav1.APIResource, error)
	Versions(context.Context, string) ([]metav1.GroupVersionForDiscovery, error)
}

// ErrNotServed says that the API serves nothing of a kind's group, ErrNoKind that the group has no such kind.
var (
	ErrNotServed = errors.New("the API does not serve it")
	ErrNoKind    = errors.New("the group has no such kind")
)

// FindKind finds a kind as a HorizontalPodAutoscaler does: by its group, and by its name in any case. It is served in the version
// that is asked for, or else in the first that the group has and that knows the kind.
func FindKind(ctx context.Context, api Discovery, wanted schema.GroupVersionKind) (Kind, error) {
	unknown := unknownKindError{wanted: wanted}
	if wanted.Version != "" {
		if found, ok, err := unknown.lookIn(ctx, api, wanted.GroupVersion()); ok || err != nil {
			return found, err
		}
	}
	versions, err := versionsOf(ctx, api, wanted.Group)
	if err != nil && !apierrors.IsNotFound(err) {
		return Kind{}, err
	}
	for _, version := range versions {
		if version == wanted.Version {
			continue
		}
		found, ok, err := unknown.lookIn(ctx, api, schema.GroupVersion{Group: wanted.Group, Version: version})
		if ok || err != nil {
			return found, err
		}
	}
	return Kind{}, &unknown
}

// versionsOf are the versions of a group, the preferred one first. The core group has only ever had one.
func versionsOf(ctx context.Context, api Discovery, group string) (names []string, err error) {
	if group == "" {
		return []string{"v1"}, nil
	}
	versions, err := api.Versions(ctx, group)
	for _, version := range versions {
		names = append(names, version.Version)
	}
	return names, err
}

// unknownKindError is a kind that is nowhere in its group.
type unknownKindError struct {
	wanted   schema.GroupVersionKind
	looked   []string // the versions that were looked in
	scalable []string // the kinds of theirs that can be scaled
}

// lookIn looks for the kind in one version.
func (e *unknownKindError) lookIn(ctx context.Context, api Discovery, version schema.GroupVersion) (found Kind, ok bool, err error) {
	served, err := api.Resources(ctx, version)
	if apierrors.IsNotFound(err) {
		return Kind{}, false, nil
	}
	if err != nil {
		return Kind{}, false, err
	}
	if found, ok = kindOf(served, e.wanted.Kind); ok {
		found.Version = version
		return found, true, nil
	}
	e.looked = append(e.looked, version.Version)
	for _, kind := range scalableKinds(served) {
		if !slices.Contains(e.scalable, kind) {
			e.scalable = append(e.scalable, kind)
		}
	}
	return Kind{}, false, nil
}

func (e *unknownKindError) Unwrap() error {
	if len(e.looked) == 0 {
		return ErrNotServed
	}
	return ErrNoKind
}

func (e *unknownKindError) Error() string {
	text := fmt.Sprintf("the API does not serve the group %q", e.wanted.Group)
	if len(e.looked) > 0 {
		group := cmp.Or(e.wanted.Group, "the core group")
		text = fmt.Sprintf("the API serves no kind %q in %s (%s)", e.wanted.Kind, group, strings.Join(e.looked, ", "))
		if len(e.scalable) > 0 {
			text += ", where it can scale: " + strings.Join(e.scalable, ", ")
		}
	}
	switch elsewhere := builtIn[strings.ToLower(e.wanted.Kind)]; {
	case elsewhere != "":
		return text + "; " + e.wanted.Kind + " is of " + elsewhere
	case mayHaveDefinition(e.wanted.Group):
		return text + ": is its CustomResourceDefinition installed?"
	}
	return text
}

// builtIn is where well-known kinds are, by their name in lower case.
var builtIn = map[string]string{
	"deployment": "apps/v1", "replicaset": "apps/v1", "statefulset": "apps/v1", "daemonset": "apps/v1",
	"replicationcontroller": "v1", "pod": "v1", "job": "batch/v1", "cronjob": "batch/v1",
}

// mayHaveDefinition reports whether a CustomResourceDefinition can be of the group: it has a dot in it, and is none of Kubernetes'
// own.
func mayHaveDefinition(group string) bool {
	name, own := strings.CutSuffix(group, ".k8s.io")
	return strings.Contains(group, ".") && !(own && ownGroups[name])
}

// ownGroups are the groups of Kubernetes with a dot in them, without .k8s.io, under which there are definitions, too.
var ownGroups = map[string]bool{
	"admissionregistration": true, "apiextensions": true, "apiregistration": true, "authentication": true, "authorization": true,
	"certificates": true, "coordination": true, "discovery": true, "events": true, "flowcontrol.apiserver": true, "internal.apiserver": true,
	"networking": true, "node": true, "rbac.authorization": true, "resource": true, "scheduling": true, "storage": true, "storagemigration": true,
}

// kindOf finds a kind among the resources of its group version: as it is spelt, or else in any case.
func kindOf(served []metav1.APIResource, kind string) (found Kind, ok bool) {
	for _, resource := range served {
		if strings.Contains(resource.Name, "/") || !strings.EqualFold(resource.Kind, kind) || ok && resource.Kind != kind {
			continue
		}
		found, ok = Kind{Name: resource.Kind, Resource: resource.Name, Namespaced: resource.Namespaced, Scalable: hasScale(served, resource.Name)}, true
	}
	return found, ok
}

func hasScale(served []metav1.APIResource, name string) bool {
	return slices.ContainsFunc(served, func(r metav1.APIResource) bool { return r.Name == name+"/scale" })
}

func scalableKinds(served []metav1.APIResource) (kinds []string) {
	for _, resource := range served {
		if hasScale(served, resource.Name) {
			kinds = append(kinds, resource.Kind)
		}
	}
	return kinds
}
