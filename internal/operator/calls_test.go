package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights/rightstest"
)

// busyServer is an API server with three objects: one whose template has labels, one that is paused, and one whose Deployment
// has another name by now. It takes what is written, and keeps nothing.
type busyServer struct{}

const busyObject = `{"apiVersion": "custompodautoscaler.com/v1", "kind": "CustomPodAutoscaler",
	"metadata": {"namespace": "shop", "name": %q, "uid": %q, "resourceVersion": "1", "generation": 1, "annotations": %s},
	"spec": {"template": {"metadata": {"labels": {"app": "it"}}, "spec": {"containers": [{"name": "autoscaler", "image": "it"}]}},
		"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "target-of-%[1]s"}}}`

var busyObjects = map[string]string{
	"labelled": fmt.Sprintf(busyObject, "labelled", "1", "{}"),
	"paused":   fmt.Sprintf(busyObject, "paused", "2", `{"`+cpav1.PausedReplicas+`": "2"}`),
	"renamed":  fmt.Sprintf(busyObject, "renamed", "3", "{}"),
}

// lists are those with something in them.
var lists = map[string]string{
	"custompodautoscalers": `{"apiVersion": "custompodautoscaler.com/v1", "kind": "CustomPodAutoscalerList", "metadata": {"resourceVersion": "1"}, "items": [` +
		busyObjects["labelled"] + "," + busyObjects["paused"] + "," + busyObjects["renamed"] + `]}`,
	"deployments": `{"apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": {"resourceVersion": "1"}, "items": [` + ownedBefore("apps/v1", "Deployment") + `]}`,
	"pods":        `{"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [` + ownedBefore("v1", "Pod") + `]}`,
}

// ownedBefore is a workload of the object renamed, by another name.
func ownedBefore(apiVersion, kind string) string {
	return fmt.Sprintf(`{"apiVersion": %q, "kind": %q, "metadata": {"namespace": "shop", "name": "before", "uid": "4", "resourceVersion": "1",
		"labels": {%q: %q, %q: "renamed"},
		"ownerReferences": [{"apiVersion": "custompodautoscaler.com/v1", "kind": "CustomPodAutoscaler", "name": "renamed", "uid": "3", "controller": true}]}}`,
		apiVersion, kind, cpav1.ManagedBy, cpav1.Operator, cpav1.OwnedBy)
}

// singles are objects that are there, by the end of their path.
var singles = map[string]string{
	"/apis/custompodautoscaler.com/v1": `{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "custompodautoscaler.com/v1", "resources": []}`,
	"/apis/apps/v1": `{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1", "resources": [
		{"name": "deployments", "namespaced": true, "kind": "Deployment"},
		{"name": "deployments/scale", "namespaced": true, "kind": "Scale", "group": "autoscaling", "version": "v1"}]}`,
	"/scale": `{"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}}`,
	"/validatingadmissionpolicies/" + cpav1.Operator:       `{"spec": {"failurePolicy": "Fail"}}`,
	"/validatingadmissionpolicybindings/" + cpav1.Operator: `{"spec": {"policyName": "` + cpav1.Operator + `", "validationActions": ["Deny"]}}`,
	"/custompodautoscalers/labelled":                       busyObjects["labelled"],
	"/custompodautoscalers/paused":                         busyObjects["paused"],
	"/custompodautoscalers/renamed":                        busyObjects["renamed"],
}

func (busyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer := func(code int, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}
	last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch {
	case r.URL.Query().Get("sendInitialEvents") == "true":
		w.WriteHeader(http.StatusBadRequest) // so that it is listed
	case r.URL.Query().Has("watch"):
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case strings.Contains(r.URL.Path, "/events"):
		answer(http.StatusOK, `{"apiVersion": "v1", "kind": "Event", "metadata": {"name": "it", "namespace": "shop"}}`)
	case r.Method == http.MethodDelete:
		answer(http.StatusOK, `{"apiVersion": "v1", "kind": "Status", "status": "Success"}`)
	case r.Method != http.MethodGet && json.Valid(body):
		answer(http.StatusOK, string(body))
	case r.Method != http.MethodGet: // as protobuf
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(body)
	case lists[last] != "":
		answer(http.StatusOK, lists[last])
	default:
		for end, text := range singles {
			if strings.HasSuffix(r.URL.Path, end) {
				answer(http.StatusOK, text)
				return
			}
		}
		if strings.HasSuffix(last, "s") {
			answer(http.StatusOK, `{"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": []}`)
			return
		}
		answer(http.StatusNotFound, `{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}`)
	}
}

// uncalled are rights that are needed without a call here.
func uncalled(call rights.Call) bool {
	switch {
	case call.Verb == "create" && call.When == rights.Objects, strings.HasSuffix(call.Resource, "/finalizers"):
		return true // the API server asks for them when something is applied that is not there yet, or that has an owner
	case call.When == rights.Callers:
		return true // nobody asks for /metrics
	}
	return call.Unused
}

// TestCallsAreThoseOfTheTable runs the operator, and compares the calls that it makes with the table of rights.
func TestCallsAreThoseOfTheTable(t *testing.T) {
	about := rights.About{Target: desired.Deployments, Policy: cpav1.Operator}
	var calls rightstest.Calls
	server := httptest.NewServer(calls.Record(busyServer{}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, &rest.Config{Host: server.URL}, Options{
			Namespaces: []string{"shop"}, ProbeAddress: "0", MetricsAddress: "0", Concurrency: 4, Log: slog.New(slog.DiscardHandler),
			LeaderElection: true, LeaderElectionNamespace: "shop", AdmissionPolicy: cpav1.Operator,
		})
	}()
	missing := func() (missing []rights.Call) {
		for _, call := range rights.Operator {
			released := call.When == rights.LeaderElection && call.Verb == "update" // when it ends
			if !uncalled(call) && !released && !calls.Has(call, about) {
				missing = append(missing, call)
			}
		}
		return missing
	}
	for deadline := time.Now().Add(time.Minute); len(missing()) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, call := range missing() {
		t.Errorf("the table has %+v, which is not called", call)
	}
	calls.Check(t, rights.Operator, about)
}
