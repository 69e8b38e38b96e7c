package target

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
)

// Find asks the API which resource serves the target's kind, once until the resource is gone.
func (r *Reader) Find(ctx context.Context) (kube.Path, error) {
	if r.path != nil {
		return *r.path, nil
	}
	version, err := schema.ParseGroupVersion(r.ref.APIVersion)
	if err != nil {
		return kube.Path{}, config.Mistake{Err: fmt.Errorf("scaleTargetRef.apiVersion: %w", err)}
	}
	served, err := r.api.Resources(ctx, version)
	if apierrors.IsNotFound(err) {
		return kube.Path{}, config.Mistake{Err: fmt.Errorf("the API does not serve %s: is its CustomResourceDefinition installed? (scaleTargetRef.apiVersion)", version)}
	}
	if err != nil {
		return kube.Path{}, err
	}
	resource, err := scalableResource(served, r.ref.Kind)
	if err != nil {
		return kube.Path{}, config.Mistake{Err: fmt.Errorf("%s %w", version, err)}
	}
	r.path = &kube.Path{Version: version, Namespace: r.namespace, Resource: resource, Name: r.ref.Name}
	return *r.path, nil
}

// Kind is how the API serves a kind.
type Kind struct {
	Resource   string // its plural, as it stands in paths and rules
	Namespaced bool
	Scalable   bool // it has a scale subresource
}

// kindOf finds a kind among the resources of its group version.
func kindOf(served []metav1.APIResource, kind string) (found Kind, ok bool) {
	for _, resource := range served {
		if resource.Kind == kind && !strings.Contains(resource.Name, "/") {
			return Kind{resource.Name, resource.Namespaced, hasScale(served, resource.Name)}, true
		}
	}
	return Kind{}, false
}

func hasScale(served []metav1.APIResource, name string) bool {
	return slices.ContainsFunc(served, func(r metav1.APIResource) bool { return r.Name == name+"/scale" })
}

// scalableResource gives the resource of a kind that can be a target, or says why the kind cannot.
func scalableResource(served []metav1.APIResource, kind string) (string, error) {
	switch found, ok := kindOf(served, kind); {
	case !ok:
		return "", fmt.Errorf("has no kind %q; it can scale: %s (scaleTargetRef.kind)", kind, cmp.Or(strings.Join(scalableKinds(served), ", "), "nothing"))
	case !found.Namespaced:
		return "", fmt.Errorf("has %s outside of namespaces: it cannot be a target", kind)
	case !found.Scalable:
		return "", fmt.Errorf("serves %s without a scale subresource, so it cannot be scaled: add subresources.scale to its CustomResourceDefinition", kind)
	default:
		return found.Resource, nil
	}
}

func scalableKinds(served []metav1.APIResource) (kinds []string) {
	for _, resource := range served {
		if hasScale(served, resource.Name) {
			kinds = append(kinds, resource.Kind)
		}
	}
	return kinds
}

// object reads the object: as protobuf where its kind is known here, otherwise as the API writes it.
func (r *Reader) object(ctx context.Context, path kube.Path) (object, error) {
	kind := path.Version.WithKind(r.ref.Kind)
	if !kube.Scheme.Recognizes(kind) {
		document, err := r.api.GetJSON(ctx, path)
		if err != nil {
			return object{}, err
		}
		return objectOfJSON(document)
	}
	typed, err := kube.Scheme.New(kind)
	if err != nil {
		return object{}, err
	}
	if err := r.api.Get(ctx, path, typed); err != nil {
		return object{}, err
	}
	typed.GetObjectKind().SetGroupVersionKind(kind)
	of, err := meta.Accessor(typed)
	if err != nil {
		return object{}, err
	}
	document, err := json.Marshal(typed)
	return object{document, of.GetUID(), of.GetResourceVersion()}, err
}

func objectOfJSON(document json.RawMessage) (object, error) {
	var of metav1.PartialObjectMetadata
	err := json.Unmarshal(document, &of)
	return object{document, of.UID, of.ResourceVersion}, err
}
