package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// slow is user logic that takes its time, and notes how many of it there are at once. It ends early as a real one does.
type slow struct {
	takes   func(name string) time.Duration
	fails   string // the name of a pod
	at      atomic.Int64
	most    atomic.Int64
	through atomic.Int64
}

func (s *slow) Run(ctx context.Context, document method.Document) (string, error) {
	var input struct{ Resource corev1.Pod }
	if err := json.Unmarshal(document.Bytes(), &input); err != nil {
		return "", err
	}
	name := input.Resource.Name
	s.most.Store(max(s.most.Load(), s.at.Add(1)))
	defer s.at.Add(-1)
	select {
	case <-time.After(s.takes(name)):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if name == s.fails {
		return "", errors.New("broken")
	}
	s.through.Add(1)
	return "of " + name, nil
}

// pods are so many, called 0, 1, ...
func pods(count int) workload.Snapshot {
	var read []corev1.Pod
	for i := range count {
		read = append(read, podNamed(fmt.Sprint(i), corev1.PodRunning))
	}
	return workload.Snapshot{Document: []byte("{}"), Pods: workload.PodsOf(read)}
}

func second(string) time.Duration { return time.Second }

func TestSomePodsAtATimeKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logic := &slow{takes: func(name string) time.Duration {
			return time.Duration(100-len(name)*10+int(name[0])) * time.Millisecond
		}}
		began := time.Now()
		metrics, err := Metric{Stage: Stage{Main: logic}, Mode: config.PerPod, Concurrency: 4}.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: pods(20)})
		if err != nil || len(metrics) != 20 || logic.most.Load() != 4 {
			t.Fatalf("got %v, %v, with up to %d at a time", metrics, err, logic.most.Load())
		}
		for i, metric := range metrics {
			if metric.Resource != fmt.Sprint(i) || metric.Value != "of "+metric.Resource {
				t.Errorf("the metric %d is %+v", i, metric)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestTheFirstFailureEndsTheOthersAndStartsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logic := &slow{fails: "2", takes: func(name string) time.Duration {
			if name == "2" {
				return time.Second
			}
			return time.Hour
		}}
		began := time.Now()
		_, err := Metric{Stage: Stage{Main: logic}, Mode: config.PerPod, Concurrency: 4}.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: pods(20)})
		if err == nil || err.Error() != `"2": broken` {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != time.Second || logic.through.Load() != 0 {
			t.Errorf("it took %s, and %d were through", took, logic.through.Load())
		}
	})
}

func TestAllRunsTogetherHaveATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := Metric{Stage: Stage{Main: &slow{takes: second}}, Mode: config.PerPod, Concurrency: 2, Timeout: 2500 * time.Millisecond}
		_, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: pods(20)})
		want := "4 of 20 runs of metric were through within 2.5s (metricTimeout: 2500 ms); the others were ended: raise it, or metricConcurrency, or make metric faster"
		if err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if metrics, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: pods(4)}); err != nil || len(metrics) != 4 {
			t.Errorf("in time there are %v, %v", metrics, err)
		}
	})
}

// A program that is stopping lets what runs end, and starts no more: that is for the runner to heed, so all that there is to
// see here is that the pass ends as one that was stopped.
func TestStoppingEndsThePassBetweenTwoPods(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	ran := 0
	runner := runnerFunc(func(ctx context.Context) (string, error) {
		ran++
		stop(errors.New("terminated"))
		_, abandoned := errors.AsType[method.Abandoned](context.Cause(ctx))
		if abandoned {
			t.Error("it is abandoned")
		}
		return "", nil
	})
	_, err := Metric{Stage: Stage{Main: runner}, Mode: config.PerPod}.Run(ctx, pass.Observation{RunType: userlogic.Scaler, Target: pods(3)})
	if !errors.Is(err, context.Canceled) || ran != 1 {
		t.Errorf("got %v after %d runs", err, ran)
	}
}

type runnerFunc func(context.Context) (string, error)

func (f runnerFunc) Run(ctx context.Context, _ method.Document) (string, error) { return f(ctx) }

// gathered are metrics of pods and others, of the pods of TestMetricOncePerPodThatRuns.
func gathered() []userlogic.KubernetesMetric {
	info := map[string]userlogic.PodMetric{"a": {Value: 1}, "z": {Value: 2}}
	return []userlogic.KubernetesMetric{
		{Spec: autoscalingv2.MetricSpec{Type: "Resource"}, Resource: &userlogic.ResourceMetrics{
			PodMetricsInfo: info, Requests: map[string]int64{"a": 10, "z": 20}, IgnoredPods: userlogic.PodSet{"b": {}}, MissingPods: userlogic.PodSet{"y": {}}, TotalPods: 4,
		}},
		{Spec: autoscalingv2.MetricSpec{Type: "ContainerResource"}, ContainerResource: &userlogic.ResourceMetrics{PodMetricsInfo: info, IgnoredPods: userlogic.PodSet{}, MissingPods: userlogic.PodSet{}}},
		{Spec: autoscalingv2.MetricSpec{Type: "Pods"}, Pods: &userlogic.PodsMetrics{PodMetricsInfo: info, MissingPods: userlogic.PodSet{}}},
		{Spec: autoscalingv2.MetricSpec{Type: "External"}, External: &userlogic.SingleMetric{Current: userlogic.CurrentValue{Value: new(int64(7))}}},
	}
}

// metricsOf are the metrics of documents.
func metricsOf(documents []userlogic.KubernetesMetric) []metrics.Metric {
	all := make([]metrics.Metric, len(documents))
	for i := range documents {
		all[i].Kubernetes = &documents[i]
	}
	return all
}

func TestASplicedDocumentIsTheOneThatWouldBeWritten(t *testing.T) {
	for _, known := range [][]userlogic.KubernetesMetric{nil, gathered()} {
		input := userlogic.MetricInput{RunType: userlogic.Scaler, KubernetesMetrics: known}
		documents, err := newPodDocuments(input, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, pod := range snapshot.Pods {
			pod.Annotations = map[string]string{"html": "<&>\u2028"}
			got, err := documents.of(pod)
			if err != nil {
				t.Fatal(err)
			}
			if input.Resource, err = pod.Document(); err != nil {
				t.Fatal(err)
			}
			if want, err := json.Marshal(input); err != nil || string(got.Bytes()) != string(want) {
				t.Errorf("got  %s\nwant %s (%v)", got.Bytes(), want, err)
			}
		}
	}
}

func TestAPodMayBeHandedItsOwnMetricsAlone(t *testing.T) {
	var notes []string
	stage := Metric{Stage: Stage{Main: scribe{name: "main", notes: &notes}}, Mode: config.PerPod, OwnMetrics: true}
	if _, err := stage.Run(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: snapshot, Gathered: metricsOf(gathered())}); err != nil || len(notes) != 2 {
		t.Fatalf("got %d runs, %v", len(notes), err)
	}
	for i, want := range []string{
		`"resource":{"pod_metrics_info":{"a":{"Timestamp":null,"Window":0,"Value":1}},"requests":{"a":10},"ready_pod_count":0,"ignored_pods":{},"missing_pods":{},"total_pods":4,`,
		`"resource":{"pod_metrics_info":{},"requests":{},"ready_pod_count":0,"ignored_pods":{"b":{}},"missing_pods":{},"total_pods":4,`,
	} {
		if !strings.Contains(notes[i], want) || strings.Contains(notes[i], `"z"`) || !strings.Contains(notes[i], `"external":{"current":{"value":7}`) {
			t.Errorf("document %d is %s", i, notes[i])
		}
	}
	if !strings.Contains(notes[0], `"pods":{"pod_metrics_info":{"a":`) || !strings.Contains(notes[0], `"ignored_pods":null`) {
		t.Errorf("its metric of the type Pods is not its own, or null is not null: %s", notes[0])
	}
	if all := gathered(); !slices.Equal(keys(all[0].Resource.PodMetricsInfo), []string{"a", "z"}) {
		t.Error("the metrics of all were changed")
	}
}

func keys(all map[string]userlogic.PodMetric) (names []string) {
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
