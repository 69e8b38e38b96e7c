package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metricsapi"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/scale"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// clusterOf serves a world with a target of a kind, and gives the client that an autoscaler has.
func clusterOf(t *testing.T, w *World, apiVersion, kind string) (*Cluster, *kube.Client) {
	t.Helper()
	c := &Cluster{World: w, Target: autoscalingv2.CrossVersionObjectReference{APIVersion: apiVersion, Kind: kind, Name: "web"}, Namespace: "shop"}
	client, err := kube.New(c.Config(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return c, client
}

// TestATargetOfAnyKind reads it, lists its pods and scales it with the rooms that do so in a cluster.
func TestATargetOfAnyKind(t *testing.T) {
	for apiVersion, kinds := range map[string][]string{
		"apps/v1": {"Deployment", "StatefulSet", "ReplicaSet"}, "v1": {"ReplicationController"}, "argoproj.io/v1alpha1": {"Rollout"},
	} {
		for _, kind := range kinds {
			t.Run(kind, func(t *testing.T) {
				c, client := clusterOf(t, worldOf(t, 2, nil), apiVersion, kind)
				reader := workload.NewReader(client, c.Target, c.Namespace)
				snapshot, err := reader.Read(t.Context())
				if err != nil || snapshot.Replicas != 2 || snapshot.Running != 2 || !strings.Contains(string(snapshot.Document), `"kind":"`+kind+`"`) {
					t.Fatalf("got %+v, %v", snapshot, err)
				}
				_, err = scale.Scaler{API: client}.Scale(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot}, decision.Decision{Current: 2, Replicas: 4})
				if err != nil {
					t.Fatal(err)
				}
				pods, err := reader.Pods(t.Context(), snapshot)
				if err != nil || len(pods) != 4 || c.World.wanted != 4 {
					t.Errorf("there are %d pods of %d, %v; want 4", len(pods), c.World.wanted, err)
				}
			})
		}
	}
}

// TestMetricsOfEveryType are gathered by the room that does so in a cluster.
func TestMetricsOfEveryType(t *testing.T) {
	const specs = `
- {type: Resource, resource: {name: cpu, target: {type: Utilization}}}
- {type: ContainerResource, containerResource: {name: memory, container: simulated, target: {type: AverageValue}}}
- {type: Pods, pods: {metric: {name: requests}, target: {type: AverageValue}}}
- {type: Object, object: {describedObject: {apiVersion: apps/v1, kind: Deployment, name: web}, metric: {name: waiting}, target: {type: Value}}}
- {type: Object, object: {describedObject: {apiVersion: v1, kind: Namespace, name: shop}, metric: {name: waiting}, target: {type: Value}}}
- {type: External, external: {metric: {name: requests}, target: {type: AverageValue}}}
- {type: External, external: {metric: {name: unknown}, target: {type: AverageValue}}}
`
	w := worldOf(t, 2, func(s *Settings) {
		s.Load = []load.Part{{Shape: "flat", Low: 30}}
		s.Metrics.Values = map[string]string{"requests": "load", "waiting": "backlog"}
	})
	w.advance(time.Minute)
	c, client := clusterOf(t, w, "apps/v1", "Deployment")
	var wanted []autoscalingv2.MetricSpec
	if err := yaml.Unmarshal([]byte(specs), &wanted); err != nil {
		t.Fatal(err)
	}
	reader := workload.NewReader(client, c.Target, c.Namespace)
	snapshot, err := reader.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.Pods, err = reader.Pods(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	gathered, err := kubernetes.Sources(wanted, metricsapi.New(client), kubernetes.StartUpRules{}).Gather(t.Context(), snapshot.Scene(w.Now()))
	if err == nil || !strings.Contains(err.Error(), "1 of 7 failed") || !strings.Contains(err.Error(), `the simulation has no metric "unknown": say what it tells by metrics.values`) {
		t.Errorf("got %v", err)
	}
	text, err := json.Marshal(gathered)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"pod-000001":{"Timestamp":"2026-01-01T00:00:45Z","Window":15000000000,"Value":200}`, // cpu, all of it, as measured 15 seconds ago
		`"Value":50331648000`, // memory, all of it
		`"Value":15000}`,      // half of 30 requests
		`"current":{"value":600000}`, `"current":{"average_value":30000}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics have no %s:\n%s", want, text)
		}
	}
}

func TestWhatIsNotSimulatedIsRefused(t *testing.T) {
	_, client := clusterOf(t, worldOf(t, 1, nil), "apps/v1", "Deployment")
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	for _, row := range []struct {
		path kube.Path
		says string
	}{
		{kube.Path{Version: apps, Namespace: "elsewhere", Resource: "deployments", Name: "web"}, `the simulation has the namespace "shop" only`},
		{kube.Path{Version: apps, Namespace: "shop", Resource: "deployments", Name: "api"}, "the simulation has no /apis/apps/v1/namespaces/shop/deployments/api"},
		{kube.Path{Version: apps, Namespace: "shop", Resource: "deployments", Name: "web", Subresource: "status"}, "GET is not simulated"},
		{kube.Path{Version: schema.GroupVersion{Version: "v1"}, Namespace: "shop", Resource: "secrets"}, "the simulation has no /api/v1/namespaces/shop/secrets"},
		{kube.Path{Version: schema.GroupVersion{Group: "batch", Version: "v1"}}, "the simulation does not serve batch/v1"},
		{kube.Path{Version: schema.GroupVersion{Group: "batch"}}, "the simulation does not serve batch"},
	} {
		if _, err := client.GetJSON(t.Context(), row.path); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %v, want %s", row.path, err, row.says)
		}
	}
	path := kube.Path{Version: apps, Namespace: "shop", Resource: "deployments", Name: "web"}
	for _, patch := range []string{`[]`, `{}`, `nonsense`, `[{"op": "add", "path": "/spec/paused", "value": 1}]`, `[{"op": "add", "path": "/spec/replicas", "value": -1}]`} {
		err := client.Patch(t.Context(), path.Sub("scale"), "application/json-patch+json", []byte(patch), nil)
		if err == nil || !strings.Contains(err.Error(), "takes a JSON patch of /spec/replicas only") {
			t.Errorf("%s: got %v", patch, err)
		}
	}
}

// TestACourse asks for a pass at each tick, and notes what comes of it.
func TestACourse(t *testing.T) {
	w := worldOf(t, 1, func(s *Settings) { s.Duration = metav1.Duration{Duration: 50 * time.Second} })
	passes, told := 0, []string{}
	course, err := Run(t.Context(), "mine", w, 15*time.Second, func(context.Context) pass.Pass {
		passes++
		if passes == 2 {
			return pass.Pass{Failure: &pass.Failure{Reason: "FailedGetScale", Err: fmt.Errorf("gone")}}
		}
		w.scaleTo(int32(passes))
		return pass.Pass{Decision: &decision.Decision{Current: int32(passes) - 1, Recommended: 9, Replicas: int32(passes)}}
	}, func(name string, row Row) { told = append(told, fmt.Sprint(name, row.Seconds)) })
	if err != nil || len(course.Rows) != 3 || w.now != 50*time.Second {
		t.Fatalf("got %+v, %v, until %s", course, err, w.now)
	}
	if got := strings.Join(told, " "); got != "mine15 mine30 mine45" {
		t.Errorf("it told of %s", got)
	}
	if row := course.Rows[1]; row.Failure != "FailedGetScale: gone" || row.Seconds != 30 || row.Desired != 1 {
		t.Errorf("the second row is %+v", row)
	}
	if row := course.Rows[2]; row.Recommended != 9 || row.Desired != 3 || row.Load != 20 {
		t.Errorf("the third row is %+v", row)
	}
	if _, err := Run(t.Context(), "", worldOf(t, 1, nil), time.Millisecond, nil, func(string, Row) {}); err == nil || !strings.Contains(err.Error(), "1h0m0s at an interval of 1ms are 3600000 passes") {
		t.Errorf("got %v of more passes than can be kept", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, "", worldOf(t, 1, nil), time.Second, nil, func(string, Row) {}); err == nil {
		t.Error("it goes on after it was stopped")
	}
}
