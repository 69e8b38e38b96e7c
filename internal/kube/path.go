package kube

import (
	"fmt"
	"strings"

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
	if p.Version.Group == "" {
		request = request.AbsPath("/api", p.Version.Version)
	} else {
		request = request.AbsPath("/apis", p.Version.Group, p.Version.Version)
	}
	if p.Resource == "" {
		return request
	}
	if p.Namespace != "" {
		request = request.Namespace(p.Namespace)
	}
	request = request.Resource(p.Resource)
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
	switch {
	case p.Version.Version == "":
		return "the versions of " + p.Version.Group
	case p.Resource == "":
		return "the resources of " + p.Version.String()
	}
	resource := p.Resource
	if p.Name == "" || !strings.Contains(resource, ".") { // a metric's object brings the group that it is of
		resource = schema.GroupResource{Group: p.Version.Group, Resource: resource}.String()
	}
	if p.Subresource != "" {
		resource += "/" + p.Subresource
	}
	if p.Name != "" {
		resource += fmt.Sprintf(" %q", p.Name)
	}
	if p.Namespace == "" {
		return resource
	}
	return fmt.Sprintf("%s in namespace %q", resource, p.Namespace)
}
