package config

import (
	"slices"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// configKeys are all keys of a configuration, in the order of the reference page and of reported problems.
var configKeys = slices.Concat([]rule.Key{
	{Name: "scaleTargetRef", Meaning: "what is scaled: the object's `apiVersion`, `kind` and `name`", Rule: rule.Required("{apiVersion: apps/v1, kind: Deployment, name: web}")},
	{Name: "namespace", Meaning: "the namespace that the target is in", Rule: rule.Namespace()},
	{Name: "metric", Meaning: "the program that measures the target", Rule: rule.That("required unless evaluate is of the type "+kinds.Proposing()+", e.g. "+kinds.ExampleMethod,
		func(c *Config) bool { return c.Metric != nil || c.Proposes() })},
	{Name: "evaluate", Meaning: "the program that turns metrics into a number of replicas", Rule: rule.Required(kinds.ExampleMethod)},
	{Name: "preMetric", Meaning: "hook before `metric`, given the target"},
	{Name: "postMetric", Meaning: "hook after `metric`, given the target and the metrics"},
	{Name: "preEvaluate", Meaning: "hook before `evaluate`, given what `evaluate` will be given"},
	{Name: "postEvaluate", Meaning: "hook after `evaluate`, given the same and what it replied"},
	{Name: "preScale", Meaning: "hook before scaling, given the decision"},
	{Name: "postScale", Meaning: "hook after scaling, given the decision"},
	{Name: "runMode", Meaning: "whether `metric` runs once for each pod, or once for the whole target", Rule: rule.OneOf(PerPod, PerResource)},
	{Name: "metricConcurrency", Meaning: "in `per-pod` mode, how many runs of `metric` there are at a time; `0` is as many as there are CPUs for `shell`, its `concurrency` for a `worker`, and 32 for `http`", Rule: rule.From(0, 1024)},
	{Name: "metricTimeout", Meaning: "the longest that all runs of `metric` may take together; `0` is as long as each of them may take by its own `timeout`", Rule: rule.Span(0, time.Millisecond)},
	{Name: "podMetrics", Meaning: "in `per-pod` mode, whether `metric` is handed the Kubernetes metrics of all pods, or those of its own pod alone, which is a lot less where there are many pods", Rule: rule.OneOf(AllPodMetrics, OwnPodMetrics)},
	{Name: "interval", Meaning: "time from the start of one pass to the start of the next", Rule: positiveMilliseconds},
	{Name: "startTime", Meaning: "the first pass is one interval after the next whole multiple of this: `60000` starts on the minute", Rule: positiveMilliseconds},
	{Name: "minReplicas", Meaning: "the fewest replicas to scale to; only `0` allows scaling to and from zero", Rule: rule.ZeroOrMore()},
	{Name: "maxReplicas", Meaning: "the most replicas to scale to", Rule: rule.NotBelow("minReplicas")},
	{Name: "downscaleStabilization", Meaning: "the highest recommendation of this time wins, so that replicas go down slowly; with `evaluate` of the type `hpa` it is 300 s, as a HorizontalPodAutoscaler's, where it is left out", Rule: rule.From(0, 604_800).Noting(" seconds (a week), e.g. 300 or 5m")},
	{Name: "kubernetesMetricSpecs", Meaning: "Kubernetes metrics to gather and hand to `metric`, written as in a HorizontalPodAutoscaler", Rule: rule.That("required when evaluate is of the type "+kinds.Proposing(), func(c *Config) bool { return len(c.KubernetesMetricSpecs)+len(c.MetricSources) > 0 || !c.Proposes() })},
}, sourcesKey(), []rule.Key{
	{Name: "requireKubernetesMetrics", Meaning: "whether a pass ends, without scaling, when any Kubernetes metric cannot be gathered"},
	{Name: "initialReadinessDelay", Meaning: "the cpu of a pod that became unready within this time of its start, and stayed so, is ignored", Rule: rule.Span(0, time.Second)},
	{Name: "cpuInitializationPeriod", Meaning: "time from a pod's start in which its cpu counts only while it is ready", Rule: rule.Span(0, time.Second)},
	{Name: "requestTimeout", Meaning: "the longest that one request to Kubernetes may take", Rule: positiveMilliseconds},
	{Name: "logVerbosity", Meaning: "what is logged besides news: `1` each decision in detail, `2` the stages, `3` the methods and metrics", Rule: rule.ZeroOrMore()},
	{Name: "logFormat", Meaning: "how each line of the log is written: as key=value, or as a JSON object", Rule: rule.OneOf(LogText, LogJSON)},
	{Name: "apiConfig", Meaning: "how the REST API is served"},
	{Name: "record", Meaning: "where each pass is recorded, with all that it was given and came to, to be replayed with other user logic; not at all where it is left out"},
	{Name: "customPodAutoscaler", Meaning: "the CustomPodAutoscaler object that this autoscaler runs for, where there is one: its events are about that, too, it keeps its part of the object's status, and a Lease keeps a second autoscaler of the object out. The operator sets it"},
	{Name: "leaderElection", Meaning: "whether a Lease keeps a second autoscaler of the same `customPodAutoscaler` out: only the one that holds the Lease scales. `false` is for autoscalers without rights on Leases, of which never two run"},
})

var ownerKeys = []rule.Key{
	{Name: "name", Meaning: "the object's name; its namespace is that of the target", Rule: rule.NotEmpty()},
	{Name: "uid", Meaning: "the object's uid, by which `kubectl describe` finds its events"},
}

var targetKeys = []rule.Key{
	{Name: "apiVersion", Meaning: "the target's API group and version", Rule: rule.GroupVersion()},
	{Name: "kind", Meaning: "the target's kind, e.g. `Deployment`: any that has a scale subresource", Rule: rule.PathSegment()},
	{Name: "name", Meaning: "the target's name", Rule: rule.PathSegment()},
}

var positiveMilliseconds = rule.Span(1, time.Millisecond)

// sourcesKey is the key of the sources, where there is a kind of them.
func sourcesKey() []rule.Key {
	if !(kinds.Sources{}).Offered() {
		return nil
	}
	return []rule.Key{{Name: "metricSources",
		Meaning: "metrics to read without the metrics APIs of the cluster, each by a name of its own, and hand to `metric`"}}
}
