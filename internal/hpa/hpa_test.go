package hpa

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// seen are the pods of a metric: the values of the ready ones, and how many others there are. Each requests 1000.
type seen struct {
	ready            []int64
	missing, ignored int
}

func at(values ...int64) seen         { return seen{ready: values} }
func (s seen) andMissing(n int) seen  { s.missing = n; return s }
func (s seen) andIgnored(n int) seen  { s.ignored = n; return s }
func utilization50(s seen) metric     { return cpu(percent(50), s) }
func average500m(s seen) metric       { return cpu(averageValue("500m"), s) }
func pods500m(s seen) metric          { return podsMetric(averageValue("500m"), s) }
func whole(v int64) *int64            { return &v }
func queue(v int64, q string) metric  { return external(value(q), current(v, 2)) }
func shares(v int64, q string) metric { return external(averageValue(q), share(v)) }

type (
	metric = userlogic.KubernetesMetric
	target = autoscalingv2.MetricTarget
	single = userlogic.SingleMetric
)

func percent(p int32) target {
	return target{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &p}
}

func averageValue(q string) target {
	quantity := resource.MustParse(q)
	return target{Type: autoscalingv2.AverageValueMetricType, AverageValue: &quantity}
}

func value(q string) target {
	quantity := resource.MustParse(q)
	return target{Type: autoscalingv2.ValueMetricType, Value: &quantity}
}

func used(s seen) *userlogic.ResourceMetrics {
	used := &userlogic.ResourceMetrics{PodMetricsInfo: map[string]userlogic.PodMetric{}, Requests: map[string]int64{},
		IgnoredPods: userlogic.PodSet{}, MissingPods: userlogic.PodSet{}}
	for i, value := range s.ready {
		used.PodMetricsInfo[fmt.Sprint("ready-", i)] = userlogic.PodMetric{Value: value}
		used.Requests[fmt.Sprint("ready-", i)] = 1000
	}
	for i := range s.missing {
		used.MissingPods[fmt.Sprint("missing-", i)] = struct{}{}
		used.Requests[fmt.Sprint("missing-", i)] = 1000
	}
	for i := range s.ignored {
		used.IgnoredPods[fmt.Sprint("ignored-", i)] = struct{}{}
		used.Requests[fmt.Sprint("ignored-", i)] = 1000
	}
	return used
}

func cpu(t target, s seen) metric {
	return metric{Resource: used(s), Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu", Target: t}}}
}

func requesting(request int64, m metric) metric {
	for pod := range m.Resource.Requests {
		m.Resource.Requests[pod] = request
	}
	return m
}

func container(t target, s seen) metric {
	return metric{ContainerResource: used(s), Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType,
		ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: "cpu", Container: "web", Target: t}}}
}

func podsMetric(t target, s seen) metric {
	pods := used(s)
	return metric{Pods: &userlogic.PodsMetrics{PodMetricsInfo: pods.PodMetricsInfo, IgnoredPods: pods.IgnoredPods, MissingPods: pods.MissingPods},
		Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType,
			Pods: &autoscalingv2.PodsMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "requests"}, Target: t}}}
}

func object(t target, s *single) metric {
	return metric{Object: s, Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType,
		Object: &autoscalingv2.ObjectMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "hits"}, Target: t,
			DescribedObject: autoscalingv2.CrossVersionObjectReference{Kind: "Ingress"}}}}
}

func external(t target, s *single) metric {
	return metric{External: s, Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType,
		External: &autoscalingv2.ExternalMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "queue"}, Target: t}}}
}

func current(milli, ready int64) *single {
	return &single{Current: userlogic.CurrentValue{Value: &milli}, ReadyPodCount: &ready}
}

func share(milli int64) *single {
	return &single{Current: userlogic.CurrentValue{AverageValue: &milli}}
}

// readings are what sources make of documents; one that lacks its values has none.
func readings(of ...metric) []metrics.Reading {
	all := make([]metrics.Reading, len(of))
	for i, document := range of {
		all[i], _ = kubernetes.Read(document)
	}
	return all
}

type row struct {
	name         string
	spec, status int32
	metric       metric
	want         int32
	reason       string // a part of the reason, or of the error where want is refused
}

const refused = -1

func (r row) check(t *testing.T) {
	run(t, r.name, Input{SpecReplicas: r.spec, StatusReplicas: r.status, Tolerance: 0.1, Metrics: readings(r.metric)}, r.want, r.reason)
}

func run(t *testing.T, name string, in Input, want int32, reason string) {
	t.Run(name, func(t *testing.T) {
		got, err := Propose(in)
		switch {
		case want == refused && (err == nil || !strings.Contains(err.Error(), reason)):
			t.Errorf("got %+v, %v; want the error %q", got, err, reason)
		case want != refused && (err != nil || got.Replicas != want || !strings.Contains(got.Reason, reason)):
			t.Errorf("got %+v, %v; want %d: %q", got, err, want, reason)
		}
	})
}

func TestUtilization(t *testing.T) {
	for _, row := range []row{
		{"twice the target doubles the replicas", 2, 2, utilization50(at(1000, 1000)), 4, "cpu resource utilization (percentage of request) is 100%, target 50%: 4 replicas"},
		{"half the target halves them", 4, 4, utilization50(at(250, 250, 250, 250)), 2, "is 25%, target 50%: 2 replicas"},
		{"a part of a replica is a whole one", 3, 3, utilization50(at(600, 600, 600)), 4, ""},
		{"a part of a percent does not count", 1, 1, utilization50(at(559)), 1, "is 55%, target 50%, within the tolerance of 10%: 1 replica"},
		{"usage is summed before it is divided", 2, 2, utilization50(at(1500, 100)), 4, "is 80%"},
		{"at the upper end of the tolerance nothing changes", 2, 2, utilization50(at(550, 550)), 2, "within the tolerance"},
		{"just above it something does", 2, 2, utilization50(at(560, 560)), 3, ""},
		{"at the lower end nothing changes", 10, 10, utilization50(at(450)), 10, "within the tolerance"},
		{"just below it something does", 10, 10, utilization50(at(440)), 1, ""},
		{"nothing used needs no replicas", 2, 2, utilization50(at(0, 0)), 0, ""},
		{"the ready pods count, not the replicas", 5, 5, utilization50(at(1000, 1000)), 4, ""},
		{"missing pods are idle when scaling up", 3, 3, utilization50(at(1000, 1000).andMissing(1)), 4, "is 100%, target 50%, counting 1 pod without a usable value as idle: 4 replicas"},
		{"and may keep it from scaling up", 4, 4, utilization50(at(700, 700, 700).andMissing(1)), 4, "as idle, within the tolerance"},
		{"and never turn it to scaling down", 4, 4, utilization50(at(600, 600).andMissing(2)), 4, "which would change the direction"},
		{"nor by their number", 10, 10, utilization50(at(1000, 1000).andMissing(1)), 10, "which would change the direction"},
		{"missing pods use what they request when scaling down", 4, 4, utilization50(at(100, 100, 100).andMissing(1)), 3, "is 10%, target 50%, counting 1 pod without a usable value as busy: 3 replicas"},
		{"or the target, where that is more", 4, 4, cpu(percent(150), at(600, 600, 600).andMissing(1)), 3, ""},
		{"and may keep it from scaling down", 2, 2, utilization50(at(1).andMissing(1)), 2, "within the tolerance"},
		{"and never turn it to scaling up", 3, 3, utilization50(at(400, 400).andMissing(1)), 3, "which would change the direction"},
		{"nor by the number of pods", 2, 2, utilization50(at(100, 100, 100).andMissing(1)), 2, "which would change the direction"},
		{"missing pods are of no matter at the target", 3, 3, utilization50(at(500, 500).andMissing(1)), 3, "is 50%, target 50%, within the tolerance"},
		{"missing pods are looked at before the tolerance", 10, 10, utilization50(at(540).andMissing(9)), 10, "which would change the direction"},
		{"ignored pods are idle when scaling up", 3, 3, utilization50(at(1000, 1000).andIgnored(1)), 4, "as idle"},
		{"ignored pods are left out when scaling down", 3, 3, utilization50(at(100, 100).andIgnored(1)), 1, "is 10%, target 50%: 1 replica"},
		{"ignored and missing pods when scaling up", 4, 4, utilization50(at(1000, 1000).andIgnored(1).andMissing(1)), 4, "counting 2 pods without a usable value as idle, within"},
		{"ignored and missing pods when scaling down", 4, 4, utilization50(at(100, 100).andIgnored(1).andMissing(1)), 3, "counting 1 pod without a usable value as busy"},
		{"a pod that nobody knows the request of is left out", 2, 2, unrequested(utilization50(at(1000, 1000)), "ready-1"), 4, "is 100%"},
		{"of a container", 2, 2, container(percent(50), at(1000, 1000)), 4, "cpu container resource utilization (percentage of request) is 100%"},
		{"no ready pods", 2, 2, utilization50(at().andIgnored(1).andMissing(1)), refused, "cpu resource utilization (percentage of request): did not receive metrics for targeted pods (pods might be unready)"},
		{"no requests", 2, 2, requesting(0, utilization50(at(100))), refused, "request nothing"},
		{"no target", 2, 2, cpu(target{Type: autoscalingv2.UtilizationMetricType}, at(100)), refused, "target.averageUtilization must be set and above 0"},
		{"a target of nothing", 2, 2, cpu(percent(0), at(100)), refused, "target.averageUtilization"},
		{"a target type that pods cannot have", 2, 2, cpu(value("1"), at(100)), refused, `target.type "Value"`},
		{"sums beyond the largest number", 2, 2, requesting(math.MaxInt64, utilization50(at(math.MaxInt64, math.MaxInt64))), 4, "is 100%"},
		{"a ratio beyond the largest number", 2, 2, requesting(1, utilization50(at(math.MaxInt64, math.MaxInt64))), math.MaxInt32, ""},
		{"a busy pod beyond the largest number", 2, 2, requesting(math.MaxInt64, cpu(percent(200), at(1).andMissing(1))), 1, "is 0%"},
		{"less than nothing", 2, 2, utilization50(at(-1000)), 0, "is -100%"},
		{"less than the smallest number", 2, 2, requesting(1, utilization50(at(math.MinInt64))), 0, ""},
		{"a missing pod's request below nothing", 2, 2, owing(utilization50(at(1000).andMissing(1)), "missing-0"), refused, "request nothing"},
	} {
		row.check(t)
	}
}

func unrequested(m metric, pod string) metric {
	delete(m.Resource.Requests, pod)
	return m
}

func owing(m metric, pod string) metric {
	m.Resource.Requests[pod] = -1000
	return m
}

func TestAverageValueOfPods(t *testing.T) {
	for _, row := range []row{
		{"twice the target doubles the replicas", 2, 2, average500m(at(1000, 1000)), 4, "cpu resource is 1, target 500m: 4 replicas"},
		{"half the target halves them", 4, 4, average500m(at(250, 250, 250, 250)), 2, "is 250m, target 500m"},
		{"within the tolerance", 3, 3, average500m(at(550, 550)), 3, "is 550m, target 500m, within the tolerance of 10%: 3 replicas"},
		{"no requests are needed", 2, 2, requesting(0, average500m(at(1000))), 2, ""},
		{"of a container", 2, 2, container(averageValue("500m"), at(1000, 1000)), 4, "cpu container resource is 1"},
		{"of a pods metric", 2, 2, pods500m(at(1000, 1000)), 4, "pods metric requests is 1, target 500m: 4 replicas"},
		{"in the target's own format", 1, 1, cpu(averageValue("100Mi"), at(200<<20*1000)), 2, "is 200Mi, target 100Mi"},
		{"missing pods are idle when scaling up", 3, 3, pods500m(at(1000, 1000).andMissing(1)), 4, "is 1, target 500m, counting 1 pod"},
		{"and never turn it to scaling down", 4, 4, pods500m(at(600, 600).andMissing(2)), 4, "which would change the direction"},
		{"missing pods are at the target when scaling down", 4, 4, pods500m(at(100, 100, 100).andMissing(1)), 2, "as busy"},
		{"and may keep it from scaling down", 20, 20, pods500m(at(400).andMissing(9)), 20, "within the tolerance"},
		{"ignored pods are idle when scaling up", 3, 3, pods500m(at(1000, 1000).andIgnored(1)), 4, "as idle"},
		{"ignored pods are left out when scaling down", 3, 3, pods500m(at(100, 100).andIgnored(1)), 1, ""},
		{"no ready pods", 2, 2, pods500m(at().andMissing(2)), refused, "pods metric requests: did not receive metrics"},
		{"no target", 2, 2, podsMetric(target{Type: autoscalingv2.AverageValueMetricType}, at(1)), refused, "pods metric requests: target.averageValue must be set and above 0"},
		{"a pods metric has no utilization", 2, 2, podsMetric(percent(50), at(1)), refused, "request nothing"},
		{"sums beyond the largest number", 2, 2, pods500m(at(math.MaxInt64, math.MaxInt64)), math.MaxInt32, ""},
		{"a target beyond the largest number", 2, 2, podsMetric(averageValue("9E"), at(math.MaxInt64, math.MaxInt64)), 2, "within the tolerance"},
		{"less than nothing", 2, 2, pods500m(at(math.MinInt64, math.MinInt64)), 0, ""},
	} {
		row.check(t)
	}
}

func TestOneValue(t *testing.T) {
	for _, row := range []row{
		{"three times the value takes three times the ready pods", 3, 3, object(value("10"), current(30_000, 2)), 6, "Ingress metric hits is 30, target 10: 6 replicas"},
		{"half the value, half the ready pods", 4, 4, object(value("10"), current(5000, 4)), 2, ""},
		{"within the tolerance", 3, 3, object(value("10"), current(11_000, 2)), 3, "within the tolerance"},
		{"from zero", 0, 0, object(value("10"), current(25_000, 0)), 3, ""},
		{"from zero there is no tolerance", 0, 0, object(value("10"), current(10_001, 0)), 2, ""},
		{"at zero without load", 0, 0, object(value("10"), current(0, 0)), 0, ""},
		{"no pod is ready", 3, 3, object(value("10"), current(30_000, 0)), 3, "is 30, target 10, with no ready pods to share it yet, so that it stays: 3 replicas"},
		{"no pod is ready, and the load is small", 3, 3, object(value("10"), current(3000, 0)), 3, "no ready pods"},
		{"no pod is ready, nor is there any load", 3, 3, object(value("10"), current(0, 0)), 0, ""},
		{"no pod is ready, of an external metric", 10, 10, external(value("30"), current(300_000, 0)), 10, "no ready pods"},
		{"few pods are ready above the target", 10, 10, external(value("30"), current(45_000, 2)), 10, "is 45, target 30, with 2 ready pods of 10 to share it, so that it stays: 10 replicas"},
		{"few pods are ready far above the target", 10, 10, external(value("30"), current(300_000, 2)), 20, "is 300, target 30: 20 replicas"},
		{"few pods are ready below the target", 10, 10, external(value("30"), current(15_000, 4)), 2, ""},
		{"there are no pods yet", 3, 0, object(value("10"), current(30_000, 0)), refused, "Ingress metric hits: the target has no pods"},
		{"the ready pods were not counted", 3, 3, object(value("10"), &single{Current: userlogic.CurrentValue{Value: whole(1)}}), refused, "ready_pod_count"},
		{"no value", 3, 3, object(value("10"), share(1)), refused, `no current value for target.type "Value"`},
		{"no target", 3, 3, object(target{Type: autoscalingv2.ValueMetricType}, current(1, 1)), refused, "target.value must be set and above 0"},
		{"a target below nothing", 3, 3, object(value("-1"), current(1, 1)), refused, "target.value"},
		{"a target of nothing", 3, 3, object(value("0"), current(1, 1)), refused, "target.value"},
		{"no target type", 3, 3, object(target{Value: value("1").Value}, current(1, 1)), refused, `target.type ""`},
		{"no average value", 3, 3, object(averageValue("10"), current(1, 1)), refused, `"AverageValue"`},
		{"as many as have the target each", 2, 2, object(averageValue("10"), share(35_000)), 4, "Ingress metric hits is 35 in all, target 10 for each pod: 4 replicas"},
		{"a share is of the replicas that there are", 2, 4, object(averageValue("10"), share(40_000)), 4, "within the tolerance"},
		{"a share within the tolerance", 10, 10, object(averageValue("10"), share(109_000)), 10, "within the tolerance"},
		{"a share from zero", 0, 0, object(averageValue("10"), share(1)), 1, ""},
		{"no share at zero", 0, 0, object(averageValue("10"), share(0)), 0, ""},
		{"an external value", 2, 2, queue(20_000, "10"), 4, "external metric queue is 20, target 10: 4 replicas"},
		{"an external value from zero", 0, 0, queue(20_000, "10"), 2, ""},
		{"an external share", 2, 2, shares(35_000, "10"), 4, "external metric queue is 35 in all"},
		{"a value beyond the largest number of replicas", 2, 2, queue(math.MaxInt64, "1m"), math.MaxInt32, ""},
		{"the same from zero", 0, 0, queue(math.MaxInt64, "1m"), math.MaxInt32, ""},
		{"a share beyond it", 2, 2, shares(math.MaxInt64, "1m"), math.MaxInt32, ""},
		{"a value below nothing", 2, 2, queue(-20_000, "10"), 0, ""},
		{"a share below nothing", 2, 2, shares(-20_000, "10"), 0, ""},
	} {
		row.check(t)
	}
}

func TestOverAllMetrics(t *testing.T) {
	two, four, six := utilization50(at(250, 250, 250, 250)), pods500m(at(1000, 1000)), queue(30_000, "10")
	six.External.ReadyPodCount = whole(2)
	unready, empty := utilization50(at()), metric{Spec: autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType}}
	for _, row := range []struct {
		name    string
		spec    int32
		metrics []metric
		failed  int
		want    int32
		reason  string
	}{
		{"the largest of all", 4, []metric{two, six, four}, 0, 6, "external metric queue"},
		{"a resource at zero is of no matter to the value that wakes it", 0, []metric{unready, queue(20_000, "10")}, 0, 2, "external metric queue"},
		{"one not gathered, the other asks for less", 4, []metric{two}, 1, 4, "1 of 2 metrics cannot be used, so that it stays at 4 replicas: cpu resource utilization (percentage of request) is 25%, target 50%: 2 replicas"},
		{"one not gathered, the other asks for more", 4, []metric{six}, 1, 6, "external metric queue is 30"},
		{"one not gathered, the other asks for the same", 4, []metric{four}, 1, 4, "pods metric"},
		{"one cannot be used, the other asks for less", 4, []metric{unready, two}, 0, 4, "1 of 2 metrics"},
		{"one cannot be used, the other asks for more", 4, []metric{unready, six}, 0, 6, "external"},
		{"none gathered", 4, nil, 2, refused, "none of the 2 metrics could be gathered"},
		{"none can be used", 4, []metric{unready, empty}, 1, refused, `none of the 3 metrics can be used: cpu resource utilization (percentage of request): did not receive metrics for targeted pods (pods might be unready); : has no values`},
		{"no metrics", 4, nil, 0, refused, "there are no metrics"},
		{"no values", 4, []metric{{}}, 0, refused, `has no values`},
	} {
		run(t, row.name, Input{SpecReplicas: row.spec, StatusReplicas: row.spec, Metrics: readings(row.metrics...), Failed: row.failed, Tolerance: 0.1}, row.want, row.reason)
	}
}

func TestTolerance(t *testing.T) {
	for _, row := range []struct {
		name      string
		tolerance float64
		want      int32
		reason    string
	}{
		{"none", 0, 3, "is 55%, target 50%: 3 replicas"},
		{"narrow", 0.05, 3, ""},
		{"wide", 0.5, 2, "within the tolerance of 50%"},
	} {
		run(t, row.name, Input{SpecReplicas: 2, Tolerance: row.tolerance, Metrics: readings(utilization50(at(550, 550)))}, row.want, row.reason)
	}
}

// TestMetricsAreLeftAsTheyAre because user logic sees them too.
func TestMetricsAreLeftAsTheyAre(t *testing.T) {
	metric := utilization50(at(1000, 1000).andMissing(1).andIgnored(1))
	before := fmt.Sprint(*metric.Resource)
	if _, err := Propose(Input{SpecReplicas: 4, Metrics: readings(metric)}); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprint(*metric.Resource); after != before {
		t.Errorf("was %s, is %s", before, after)
	}
}

// FuzzPropose holds that whatever the metrics, there is an error or a number of replicas.
func FuzzPropose(f *testing.F) {
	f.Add(int32(3), int32(3), 1, 0.1, uint8(0), int32(50), int64(500), int64(1000), int64(900), int64(0), int64(2), uint8(2), uint8(1))
	f.Add(int32(0), int32(0), 0, 0.1, uint8(6), int32(1), int64(1), int64(0), int64(math.MaxInt64), int64(0), int64(0), uint8(0), uint8(0))
	f.Add(int32(-1), int32(-1), -5, math.Inf(1), uint8(1), int32(-1), int64(-1), int64(math.MinInt64), int64(math.MinInt64), int64(-1), int64(-1), uint8(9), uint8(9))
	f.Add(int32(1), int32(0), 0, math.NaN(), uint8(5), int32(0), int64(0), int64(0), int64(0), int64(math.MaxInt64), int64(math.MaxInt64), uint8(0), uint8(1))
	f.Fuzz(func(t *testing.T, spec, status int32, failed int, tolerance float64, kind uint8, utilization int32, goal, request, a, b, ready int64, missing, ignored uint8) {
		quantity := resource.NewMilliQuantity(goal, resource.DecimalSI)
		target := target{AverageUtilization: &utilization, AverageValue: quantity, Value: quantity}
		target.Type = []autoscalingv2.MetricTargetType{autoscalingv2.UtilizationMetricType, autoscalingv2.AverageValueMetricType, autoscalingv2.ValueMetricType, ""}[kind>>3%4]
		s := at(a, b).andMissing(int(missing % 8)).andIgnored(int(ignored % 8))
		one := &single{Current: userlogic.CurrentValue{Value: &a, AverageValue: &b}, ReadyPodCount: &ready}
		all := []metric{requesting(request, cpu(target, s)), container(target, s), podsMetric(target, s), object(target, one), external(target, one)}
		if kind&7 < 5 {
			all = all[kind&7 : kind&7+1]
		}
		got, err := Propose(Input{SpecReplicas: spec, StatusReplicas: status, Failed: failed, Tolerance: tolerance, Metrics: readings(all...)})
		if err == nil && (got.Replicas < 0 || got.Reason == "" || strings.Contains(got.Reason, "\n")) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPodsThatAreNotReadyYet(t *testing.T) {
	for name, row := range map[string]struct {
		metrics []metric
		want    bool
	}{
		"no pod is ready":                            {[]metric{utilization50(at().andIgnored(2))}, true},
		"no pod is there":                            {[]metric{queue(30_000, "10"), pods500m(at().andMissing(1))}, true},
		"one metric is wrong for good":               {[]metric{pods500m(at().andMissing(1)), requesting(0, utilization50(at(100)))}, false},
		"the target of the only metric is not there": {[]metric{cpu(target{Type: autoscalingv2.UtilizationMetricType}, at(100))}, false},
	} {
		if name == "no pod is there" {
			row.metrics[0].External.ReadyPodCount = whole(0)
		}
		_, err := Propose(Input{SpecReplicas: 2, Metrics: readings(row.metrics...)})
		unusable, is := errors.AsType[*UnusableError](err)
		if !is || unusable.NotYet() != row.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
