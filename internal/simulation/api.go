package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Cluster serves a world by the Kubernetes API: what an autoscaler asks for, and no more. It is for one caller at a time.
type Cluster struct {
	World     *World
	Target    autoscalingv2.CrossVersionObjectReference
	Namespace string
}

// Config is what a client reaches it by. No call leaves the process.
func (c *Cluster) Config() *rest.Config {
	return &rest.Config{Host: "http://simulation", Transport: c}
}

// RoundTrip answers a request.
func (c *Cluster) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		defer request.Body.Close()
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	answer, err := c.answer(request, body)
	code := http.StatusOK
	if refusal, ok := err.(refusal); ok {
		code = refusal.code
		answer = metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
			Code: int32(code), Reason: refusal.reason, Message: refusal.message,
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(text)), Body: io.NopCloser(bytes.NewReader(text)),
	}, nil
}

// refusal is an answer that is an error.
type refusal struct {
	code    int
	reason  metav1.StatusReason
	message string
}

func (r refusal) Error() string { return r.message }

func notFound(format string, arguments ...any) error {
	return refusal{http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf(format, arguments...)}
}

// answer is what the API has at a path: the resources of a version, the versions of a group, or what is in the namespace.
func (c *Cluster) answer(request *http.Request, body []byte) (any, error) {
	path := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	if path[0] == "api" { // the core group, whose name is left out
		path = append([]string{"apis", ""}, path[1:]...)
	}
	group, rest := path[min(1, len(path)-1)], path[min(2, len(path)):]
	switch {
	case len(rest) == 0:
		return c.versions(group)
	case len(rest) == 1:
		return c.resources(schema.GroupVersion{Group: group, Version: rest[0]})
	case len(rest) < 4 || rest[1] != "namespaces" || rest[2] != c.Namespace:
		return nil, notFound("%s: the simulation has the namespace %q only", request.URL.Path, c.Namespace)
	}
	version, rest := schema.GroupVersion{Group: group, Version: rest[0]}, rest[3:]
	switch {
	case version == podsVersion && slices.Equal(rest, []string{"pods"}):
		return c.podList(), nil
	case group == "metrics.k8s.io" && slices.Equal(rest, []string{"pods"}):
		return c.podMetrics(), nil
	case group == "custom.metrics.k8s.io" && len(rest) == 3:
		return c.custom(rest[0], rest[1], rest[2])
	case group == "custom.metrics.k8s.io" && len(rest) == 2 && rest[0] == "metrics": // of the namespace
		return c.custom("namespaces", c.Namespace, rest[1])
	case group == "external.metrics.k8s.io" && len(rest) == 1:
		return c.external(rest[0])
	case version == c.version() && len(rest) > 1 && rest[0] == c.resource() && rest[1] == c.Target.Name:
		return c.target(request.Method, rest[2:], body)
	}
	return nil, notFound("the simulation has no %s", request.URL.Path)
}

func (c *Cluster) target(method string, subresource []string, body []byte) (any, error) {
	switch {
	case len(subresource) == 0 && method == http.MethodGet:
		return c.object(), nil
	case slices.Equal(subresource, []string{"scale"}) && method == http.MethodGet:
		return c.scale(), nil
	case slices.Equal(subresource, []string{"scale"}) && method == http.MethodPatch:
		return c.patch(body)
	}
	return nil, refusal{http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, method + " is not simulated"}
}

// patch takes the one patch that scales.
func (c *Cluster) patch(body []byte) (any, error) {
	var operations []struct {
		Op, Path string
		Value    int32
	}
	if err := json.Unmarshal(body, &operations); err != nil || len(operations) != 1 || operations[0].Path != "/spec/replicas" || operations[0].Value < 0 {
		return nil, refusal{http.StatusBadRequest, metav1.StatusReasonBadRequest, fmt.Sprintf("the simulation takes a JSON patch of /spec/replicas only, not %s", body)}
	}
	if replicas := operations[0].Value; replicas > MostPods {
		return nil, refusal{http.StatusForbidden, metav1.StatusReasonForbidden, fmt.Sprintf("%d replicas are more than are simulated, which is %d", replicas, MostPods)}
	}
	c.World.scaleTo(operations[0].Value)
	return c.scale(), nil
}

func (c *Cluster) version() schema.GroupVersion {
	version, _ := schema.ParseGroupVersion(c.Target.APIVersion) // what is wrong with it is the reader's to say
	return version
}

// resource is the plural that a kind usually has.
func (c *Cluster) resource() string { return strings.ToLower(c.Target.Kind) + "s" }

func (c *Cluster) scale() autoscalingv1.Scale {
	return autoscalingv1.Scale{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"},
		ObjectMeta: metav1.ObjectMeta{Name: c.Target.Name, Namespace: c.Namespace, UID: "simulated", CreationTimestamp: c.World.settings.Start},
		Spec:       autoscalingv1.ScaleSpec{Replicas: c.World.wanted},
		Status:     autoscalingv1.ScaleStatus{Replicas: c.World.living(), Selector: "app=" + c.Target.Name},
	}
}

// versions are those of a group, as discovery has them.
func (c *Cluster) versions(group string) (any, error) {
	for _, version := range c.groups() {
		if version.Group == group {
			served := metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version}
			return metav1.APIGroup{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroup"}, Name: group,
				Versions: []metav1.GroupVersionForDiscovery{served}, PreferredVersion: served,
			}, nil
		}
	}
	return nil, notFound("the simulation does not serve %s", group)
}

func (c *Cluster) groups() []schema.GroupVersion {
	return []schema.GroupVersion{
		c.version(), podsVersion, metricsVersion, customVersion, externalVersion,
	}
}

func (c *Cluster) resources(version schema.GroupVersion) (any, error) {
	if !slices.Contains(c.groups(), version) {
		return nil, notFound("the simulation does not serve %s", version)
	}
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: version.String()}
	if version == podsVersion {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: "pods", Namespaced: true, Kind: "Pod"})
	}
	if version == c.version() {
		list.APIResources = append(list.APIResources,
			metav1.APIResource{Name: c.resource(), Namespaced: true, Kind: c.Target.Kind},
			metav1.APIResource{Name: c.resource() + "/scale", Namespaced: true, Kind: "Scale", Group: "autoscaling", Version: "v1"})
	}
	return list, nil
}
