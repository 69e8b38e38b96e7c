package direct

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
)

// kind reads what the test says.
type kind struct {
	read func(context.Context) (float64, error)
}

func (*kind) Description() Description { return Description{} }

func (*kind) SetDefaults() {}

func (k *kind) Read(ctx context.Context, scene *metrics.Scene) (Value, error) {
	amount, err := k.read(ctx)
	return Value{amount, scene.Now}, err
}

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func ready() *corev1.Pod {
	return &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
}

func settings(amount float64, target *autoscalingv2.MetricTarget) Settings {
	return Settings{Key: "metricSources[0]", Name: "queue", Type: "toy", Timeout: time.Minute, Target: target,
		Kind: &kind{func(context.Context) (float64, error) { return amount, nil }}}
}

type world map[string]float64

func (w world) Value(metric string) (float64, error) {
	value, known := w[metric]
	if !known {
		return 0, errors.New("no such metric")
	}
	return value, nil
}

// TestSource gathers, simulates and recalls the same.
func TestSource(t *testing.T) {
	for _, row := range []struct {
		name          string
		amount        float64
		target        *autoscalingv2.MetricTarget
		document      string
		value, shared int64 // in the reading; 0 for none
	}{
		{"without a target", 12.5, nil, `{"name":"queue","type":"toy","value":12.5,"ready_pod_count":1,"timestamp":"2026-01-01T12:00:00Z"}`, 0, 0},
		{"compared as a whole", 12.5, &autoscalingv2.MetricTarget{Type: "Value"}, `{"name":"queue","type":"toy","value":12.5,"ready_pod_count":1,"timestamp":"2026-01-01T12:00:00Z"}`, 12_500, 0},
		{"shared by the pods", -0.0004, &autoscalingv2.MetricTarget{Type: "AverageValue"}, `{"name":"queue","type":"toy","value":-0.0004,"ready_pod_count":1,"timestamp":"2026-01-01T12:00:00Z"}`, 0, 0},
		{"more than there are numbers", 1e300, &autoscalingv2.MetricTarget{Type: "AverageValue"}, `{"name":"queue","type":"toy","value":1e+300,"ready_pod_count":1,"timestamp":"2026-01-01T12:00:00Z"}`, 0, math.MaxInt64},
		{"less than there are numbers", -1e300, &autoscalingv2.MetricTarget{Type: "Value"}, `{"name":"queue","type":"toy","value":-1e+300,"ready_pod_count":1,"timestamp":"2026-01-01T12:00:00Z"}`, math.MinInt64, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			scene := &metrics.Scene{Now: now, Replicas: 2, Pods: []*corev1.Pod{ready(), {}}}
			real, simulated := Open(settings(row.amount, row.target)), Simulate(settings(7, row.target), world{"queue": row.amount})
			gathered, err := real.Gather(t.Context(), scene)
			if err != nil {
				t.Fatal(err)
			}
			played, err := simulated.Gather(t.Context(), scene)
			if err != nil {
				t.Fatal(err)
			}
			recalled, err := real.Recall(metrics.DocumentsOf([]metrics.Metric{gathered}))
			if err != nil {
				t.Fatal(err)
			}
			for how, metric := range map[string]metrics.Metric{"gathered": gathered, "simulated": played, "recalled": recalled} {
				document, err := json.Marshal(metric.Document())
				if err != nil || string(document) != row.document {
					t.Errorf("%s: got %s, %v", how, document, err)
				}
				if (metric.Value == nil) != (row.target == nil) {
					t.Fatalf("%s: got the value %+v", how, metric.Value)
				}
				if metric.Value == nil {
					continue
				}
				current := metric.Value.Current
				if current.Value != nil && *current.Value != row.value || current.AverageValue != nil && *current.AverageValue != row.shared || (current.Value == nil) == (current.AverageValue == nil) {
					t.Errorf("%s: got the values %+v", how, current)
				}
				if metric.Name != "toy metric queue" || metric.Target.Type != row.target.Type {
					t.Errorf("%s: got %+v", how, metric.Reading)
				}
			}
		})
	}
}

func TestASourceThatFails(t *testing.T) {
	slow, broken := settings(0, nil), settings(0, nil)
	slow.Timeout = time.Millisecond
	slow.Kind = &kind{func(ctx context.Context) (float64, error) { <-ctx.Done(); return 0, errors.New("it hangs") }}
	broken.Kind = &kind{func(context.Context) (float64, error) { return 0, errors.New("it is broken") }}
	for _, row := range []struct {
		source metrics.Source
		want   string
	}{
		{Open(slow), "metricSources[0] (toy queue): there was no value within 1ms (timeout: 1 ms): it hangs"},
		{Open(broken), "metricSources[0] (toy queue): it is broken"},
		{Open(settings(math.NaN(), nil)), "metricSources[0] (toy queue): the value is NaN, which is no number that could be compared"},
		{Open(settings(math.Inf(-1), nil)), "the value is -Inf"},
		{Simulate(settings(0, nil), world{}), "no such metric"},
	} {
		gathered, err := metrics.Sources{row.source}.Gather(t.Context(), &metrics.Scene{Now: now})
		if err == nil || !strings.Contains(err.Error(), row.want) || len(gathered) > 0 {
			t.Errorf("got %v, %v; want %s", gathered, err, row.want)
		}
	}
	other := metrics.Documents{}
	if _, err := Open(broken).Recall(other); err == nil || err.Error() != "it was not recorded" {
		t.Errorf("got %v", err)
	}
}
