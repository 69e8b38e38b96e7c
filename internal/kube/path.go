package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Path is the place of an object, a list or a whole group version in the API.
type Path struct {
	Version     schema.GroupVersion
	Namespace   string
	Resource    string
	Name        string
	Subresource string
}

// Sub is the path of one of the object's subresources.
func (p Path) Sub(resource string) Path {
	p.Subresource = resource
	return p
}

func (p Path) on(request *rest.Request) *rest.Request {
	root := "/apis/" + p.Version.String()
	if p.Version.Group == "" {
		root = "/api/" + p.Version.Version
	}
	request = request.AbsPath(root)
	if p.Resource == "" {
		return request
	}
	request = request.Namespace(p.Namespace).Resource(p.Resource)
	if p.Name == "" {
		return request
	}
	request = request.Name(p.Name)
	if p.Subresource == "" {
		return request
	}
	return request.SubResource(p.Subresource)
}

// rule is the resource as a Role names it.
func (p Path) rule() string {
	if p.Subresource == "" {
		return p.Resource
	}
	return p.Resource + "/" + p.Subresource
}

// String is the path in an error's words: deployments.apps/scale "web" in namespace "shop".
func (p Path) String() string {
	if p.Resource == "" {
		return "the resources of " + p.Version.String()
	}
	resource := schema.GroupResource{Group: p.Version.Group, Resource: p.Resource}.String()
	if p.Subresource != "" {
		resource += "/" + p.Subresource
	}
	if p.Name != "" {
		resource += fmt.Sprintf(" %q", p.Name)
	}
	return fmt.Sprintf("%s in namespace %q", resource, p.Namespace)
}
