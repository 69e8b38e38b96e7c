// Package kube makes single calls to the Kubernetes API: core objects and metrics travel as protobuf where the API
// offers it, every call has a deadline, and an error says what was called, why it failed and what to do about it.
//
// It decides nothing and remembers nothing; which calls are made is up to the rooms that use it.
package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	custommetricsv1beta1 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta1"
	custommetricsv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalmetricsv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// Scheme knows the few kinds that are read as Go types; a whole clientset would cost several times the memory.
var Scheme = newScheme()

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, autoscalingv1.AddToScheme, authenticationv1.AddToScheme, authorizationv1.AddToScheme, coordinationv1.AddToScheme, metricsv1beta1.AddToScheme,
		custommetricsv1beta1.AddToScheme, custommetricsv1beta2.AddToScheme, externalmetricsv1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err) // two kinds of one name: a mistake of this list
		}
	}
	return scheme
}

// Client calls one API server.
type Client struct {
	rest    rest.Interface
	host    string
	timeout time.Duration
}

// New gives a client whose every call ends within the timeout.
func New(config *rest.Config, timeout time.Duration) (*Client, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion = &schema.GroupVersion{}
	config.NegotiatedSerializer = serializer.NewCodecFactory(Scheme).WithoutConversion()
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.QPS = -1 // a pass makes a handful of calls, and there is one pass at a time
	config.WarningHandler = rest.NoWarnings{}
	client, err := withoutRedirects(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", config.Host, err)
	}
	return &Client{rest: client, host: config.Host, timeout: timeout}, nil
}

// withoutRedirects makes a client that takes a redirect for the answer. The API redirects no call of ours, and client-go
// would send the token to wherever a redirect points.
func withoutRedirects(config *rest.Config) (*rest.RESTClient, error) {
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	client := *shared // it may be http.DefaultClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return rest.RESTClientForConfigAndClient(config, &client)
}

// Timeout is the longest that a call takes.
func (c *Client) Timeout() time.Duration { return c.timeout }

// Get reads one object.
func (c *Client) Get(ctx context.Context, path Path, into runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.explain("get", path, decode(path.on(c.rest.Get()).Do(ctx), into))
}

// GetJSON reads one object as it stands in the API's own JSON, for kinds that have no Go type here.
func (c *Client) GetJSON(ctx context.Context, path Path) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer := path.on(c.rest.Get()).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx)
	body, _ := answer.Raw() // its error would not be in the API's words
	return body, c.explain("get", path, answer.Error())
}

// ListJSONAsIs reads a list as it stands in the API's own JSON, for kinds that have no Go type here.
func (c *Client) ListJSONAsIs(ctx context.Context, path Path, query Query) (body json.RawMessage, err error) {
	err = c.list(ctx, path, query, c.rest.Get().SetHeader("Accept", runtime.ContentTypeJSON), func(answer rest.Result) error {
		body, _ = answer.Raw() // its error would not be in the API's words
		return answer.Error()
	})
	return body, err
}

// Query narrows a list, parameter by parameter.
type Query map[string]string

// Selected is the query for the objects that a selector selects.
func Selected(selector labels.Selector) Query { return Query{"labelSelector": selector.String()} }

// List reads the objects, or the metrics of one, that the query asks for. A path with a name is got, whatever comes.
func (c *Client) List(ctx context.Context, path Path, query Query, into runtime.Object) error {
	return c.list(ctx, path, query, c.rest.Get(), func(answer rest.Result) error { return decode(answer, into) })
}

// hugeExponent is a quantity in JSON whose power of ten takes hours to compute, which no context ends.
var hugeExponent = regexp.MustCompile(`"[+-]?[0-9.]+[eE][+-]?[0-9]{3,}"`)

// ListJSON is List for the APIs of adapters, which write JSON: their quantities are looked at before they are read.
func (c *Client) ListJSON(ctx context.Context, path Path, query Query, into runtime.Object) error {
	return c.list(ctx, path, query, c.rest.Get().SetHeader("Accept", runtime.ContentTypeJSON), func(answer rest.Result) error {
		body, _ := answer.Raw() // its error is that of decode
		if huge := hugeExponent.Find(body); huge != nil {
			return fmt.Errorf("the API answered with the quantity %.100s, which is out of all bounds", huge)
		}
		return decode(answer, into)
	})
}

func (c *Client) list(ctx context.Context, path Path, query Query, request *rest.Request, read func(rest.Result) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request = path.on(request)
	for name, value := range query {
		request = request.Param(name, value)
	}
	verb := "list"
	if path.Name != "" {
		verb = "get"
	}
	return c.explain(verb, path, read(request.Do(ctx)))
}

// Patch changes one object, in the way that the type of the patch says.
func (c *Client) Patch(ctx context.Context, path Path, of types.PatchType, patch []byte, into runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.explain("patch", path, decode(path.on(c.rest.Patch(of)).Body(patch).Do(ctx), into))
}

// PatchJSON changes one object, and gives it as it then stands in the API's own JSON, for kinds that have no Go type here.
func (c *Client) PatchJSON(ctx context.Context, path Path, of types.PatchType, patch []byte) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer := path.on(c.rest.Patch(of)).SetHeader("Accept", runtime.ContentTypeJSON).Body(patch).Do(ctx)
	body, _ := answer.Raw() // its error would not be in the API's words
	return body, c.explain("patch", path, answer.Error())
}

// Apply sets the fields of one object that are named, as the manager that owns them, whoever did before.
func (c *Client) Apply(ctx context.Context, path Path, manager string, object any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body, err := json.Marshal(object) // which is YAML, too
	if err != nil {
		return err
	}
	request := path.on(c.rest.Patch(types.ApplyYAMLPatchType)).Param("fieldManager", manager).Param("force", "true")
	return c.explain("patch", path, request.SetHeader("Accept", runtime.ContentTypeJSON).Body(body).Do(ctx).Error())
}

// Create sends one object, and reads what became of it into the same.
func (c *Client) Create(ctx context.Context, path Path, object runtime.Object) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.explain("create", path, decode(path.on(c.rest.Post()).Body(object).Do(ctx), object))
}

// decode reads an answer. An answer of another kind than was asked for is an error, where client-go's own Into would
// leave the object as it was: empty, with zero replicas.
func decode(answer rest.Result, into runtime.Object) error {
	object, err := answer.Get()
	if err != nil {
		return err
	}
	got, want := reflect.ValueOf(object), reflect.ValueOf(into)
	if got.Type() != want.Type() {
		return fmt.Errorf("the API answered with %s instead of %s", got.Type(), want.Type())
	}
	want.Elem().Set(got.Elem())
	return nil
}

// Resources lists what a group version serves.
func (c *Client) Resources(ctx context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	var list metav1.APIResourceList
	err := c.discover(ctx, Path{Version: version}, &list)
	return list.APIResources, err
}

// Versions lists the versions that a group is served in, the preferred one first.
func (c *Client) Versions(ctx context.Context, group string) ([]metav1.GroupVersionForDiscovery, error) {
	var found metav1.APIGroup
	err := c.discover(ctx, Path{Version: schema.GroupVersion{Group: group}}, &found)
	return found.Versions, err
}

// discover reads JSON: that of the core group does not say of what version it is, which protobuf has to.
func (c *Client) discover(ctx context.Context, path Path, into any) error {
	body, err := c.GetJSON(ctx, path)
	if err != nil {
		return err
	}
	return c.explain("get", path, json.Unmarshal(body, into))
}
