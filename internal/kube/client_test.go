package kube

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
)

// serving gives a client of a server that answers every request by the handler. That the client understands a real
// API server is shown end to end; here the server is brought into states that a real one does not get into.
func serving(t *testing.T, timeout time.Duration, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := New(&rest.Config{Host: server.URL}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

var pods = Path{Version: corev1.SchemeGroupVersion, Namespace: "shop", Resource: "pods"}

var web = Path{Version: appsv1.SchemeGroupVersion, Namespace: "shop", Resource: "deployments", Name: "web"}

func TestAnErrorSaysWhatToDo(t *testing.T) {
	for _, row := range []struct {
		name   string
		code   int
		reason metav1.StatusReason
		want   string
		lasts  bool
	}{
		{"forbidden", 403, metav1.StatusReasonForbidden, `the autoscaler's Role needs the verb "get" on resource "deployments/scale" of API group "apps"`, true},
		{"credentials refused", 401, metav1.StatusReasonUnauthorized, "its credentials are not accepted", true},
		{"conflict", 409, metav1.StatusReasonConflict, "somebody changed it at the same time; the next pass reads it anew", false},
		{"the server behind an API is away", 503, metav1.StatusReasonServiceUnavailable, "what serves apps/v1 is not available: is it running?", false},
		{"not found", 404, metav1.StatusReasonNotFound, "because", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			client := serving(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(row.code)
				_ = json.NewEncoder(w).Encode(metav1.Status{
					TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
					Status:   metav1.StatusFailure, Reason: row.reason, Code: int32(row.code), Message: "because",
				})
			})
			err := client.Get(t.Context(), web.Sub("scale"), &appsv1.Deployment{})
			wantError(t, err, `reading deployments.apps/scale "web" in namespace "shop": because`, row.want)
			known := fault.Of(err)
			if known.Doing != `reading deployments.apps/scale "web" in namespace "shop"` || known.Cause != "because" || !strings.Contains(known.Cause+known.Hint, row.want) || known.Retry == row.lasts {
				t.Errorf("got %+v", known)
			}
		})
	}
}

func TestACallEndsWithinItsTimeout(t *testing.T) {
	client := serving(t, 50*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { hang(r) })
	calls := map[string]func() error{
		"get":  func() error { return client.Get(t.Context(), web, &appsv1.Deployment{}) },
		"json": func() error { _, err := client.GetJSON(t.Context(), web); return err },
		"list": func() error { return client.List(t.Context(), pods, Selected(labels.Everything()), &corev1.PodList{}) },
		"patch": func() error {
			return client.Patch(t.Context(), web, types.JSONPatchType, []byte("[]"), &appsv1.Deployment{})
		},
		"create": func() error { return client.Create(t.Context(), pods, &corev1.Pod{}) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { wantError(t, call(), "no answer within 50ms (requestTimeout)") })
	}
}

// hang keeps a request until the client gives it up, which a server notices only once it has read the body.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestClientKeepsItsTokenFromAnotherServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server got %s %s with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	client, err := New(&rest.Config{Host: server.URL, BearerToken: "planted"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Get(t.Context(), web, &appsv1.Deployment{}); err == nil {
		t.Error("a redirect is no error")
	}
	if err := client.Create(t.Context(), pods, &corev1.Pod{}); err == nil {
		t.Error("a redirect of a write is no error")
	}
}

func TestACallEndsWhenItIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := serving(t, time.Minute, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		hang(r)
	})
	wantError(t, client.Get(ctx, web, &appsv1.Deployment{}), "context canceled")
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	listener.Close()
	client, err := New(&rest.Config{Host: address}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, client.Get(t.Context(), web, &appsv1.Deployment{}), "is the API server at "+address+" running")
}

func TestAnAnswerThatIsRubbishIsAnError(t *testing.T) {
	for name, body := range map[string]string{"empty": "", "a page": "<html>", "another kind": `{"kind": "Pod", "apiVersion": "v1"}`} {
		t.Run(name, func(t *testing.T) {
			client := serving(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(body))
			})
			wantError(t, client.Get(t.Context(), web, &appsv1.Deployment{}), `reading deployments.apps "web" in namespace "shop"`)
		})
	}
}

func TestPathsNameWhatTheyAre(t *testing.T) {
	for _, row := range []struct {
		path Path
		want string
	}{
		{web, `deployments.apps "web" in namespace "shop"`},
		{web.Sub("scale"), `deployments.apps/scale "web" in namespace "shop"`},
		{pods, `pods in namespace "shop"`},
		{Path{Version: schema.GroupVersion{Group: "apps", Version: "v1"}}, "the resources of apps/v1"},
		{Path{Version: schema.GroupVersion{Group: "apps"}}, "the versions of apps"},
		{Path{Version: schema.GroupVersion{Group: "custom.metrics.k8s.io", Version: "v1beta2"}, Namespace: "shop", Resource: "deployments.apps", Name: "web", Subresource: "rate"},
			`deployments.apps/rate "web" in namespace "shop"`},
		{Path{Version: schema.GroupVersion{Group: "external.metrics.k8s.io", Version: "v1beta1"}, Namespace: "shop", Resource: "queue.length"},
			`queue.length.external.metrics.k8s.io in namespace "shop"`},
		{Path{Version: corev1.SchemeGroupVersion, Resource: "nodes", Name: "one"}, `nodes "one"`},
	} {
		if got := row.path.String(); got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}

func TestIsNotServed(t *testing.T) {
	for _, row := range []struct {
		name, contentType, body string
		code                    int
		want                    bool
	}{
		{"an object that is not there", "application/json", `{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "details": {"name": "web"}}`, 404, false},
		{"a path that is not served", "text/plain", "404 page not found", 404, true},
		{"another failure", "text/plain", "not now", 503, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			client := serving(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", row.contentType)
				w.WriteHeader(row.code)
				_, _ = io.WriteString(w, row.body)
			})
			if err := client.Get(t.Context(), web, &appsv1.Deployment{}); err == nil || IsNotServed(err) != row.want {
				t.Errorf("got %v of %v", IsNotServed(err), err)
			}
		})
	}
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}
