package config

import (
	"math"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// key is one setting of a T. Its name is the JSON name of T's field, dots leading into fields of fields.
type key[T any] struct {
	name    string
	meaning string
	rule    string        // what holds, in words: the problem and the reference page say the same
	holds   func(*T) bool // nil when anything of the key's type will do
}

// comparedTo names, for a key whose rule is about another key, that other one: a problem shows what it is set to.
var comparedTo = map[string]string{"maxReplicas": "minReplicas"}

// configKeys are all keys of a configuration, in the order of the reference page and of reported problems.
var configKeys = []key[Config]{
	{"scaleTargetRef", "what is scaled: the object's `apiVersion`, `kind` and `name`",
		"required, e.g. {apiVersion: apps/v1, kind: Deployment, name: web}",
		func(c *Config) bool { return c.ScaleTargetRef != nil }},
	{"namespace", "the namespace that the target is in", "must be a namespace's name: lower-case letters, digits and dashes, at most 63",
		func(c *Config) bool { return len(validation.IsDNS1123Label(c.Namespace)) == 0 }},
	{"metric", "the program that measures the target", "required unless evaluate is of the type hpa, e.g. " + exampleMethod,
		func(c *Config) bool { return c.Metric != nil || c.Proposes() }},
	{"evaluate", "the program that turns metrics into a number of replicas", "required, e.g. " + exampleMethod,
		func(c *Config) bool { return c.Evaluate != nil }},
	{name: "preMetric", meaning: "hook before `metric`, given the target"},
	{name: "postMetric", meaning: "hook after `metric`, given the target and the metrics"},
	{name: "preEvaluate", meaning: "hook before `evaluate`, given what `evaluate` will be given"},
	{name: "postEvaluate", meaning: "hook after `evaluate`, given the same and what it replied"},
	{name: "preScale", meaning: "hook before scaling, given the decision"},
	{name: "postScale", meaning: "hook after scaling, given the decision"},
	{"runMode", "whether `metric` runs once for each pod, or once for the whole target", "must be per-pod or per-resource",
		func(c *Config) bool { return c.RunMode == PerPod || c.RunMode == PerResource }},
	{"metricConcurrency", "in `per-pod` mode, how many runs of `metric` there are at a time; `0` is as many as there are CPUs for `shell`, its `concurrency` for a `worker`, and 32 for `http`", "must be from 0 to 1024",
		func(c *Config) bool { return c.MetricConcurrency >= 0 && c.MetricConcurrency <= 1024 }},
	{"metricTimeout", "the longest that all runs of `metric` may take together; `0` is as long as each of them may take by its own `timeout`", "must be 0 milliseconds or more, and at most 292 years, e.g. 15000 or 15s",
		func(c *Config) bool { return c.MetricTimeout == 0 || c.MetricTimeout.positive() }},
	{"podMetrics", "in `per-pod` mode, whether `metric` is handed the Kubernetes metrics of all pods, or those of its own pod alone, which is a lot less where there are many pods", "must be all or own",
		func(c *Config) bool { return c.PodMetrics == AllPodMetrics || c.PodMetrics == OwnPodMetrics }},
	{"interval", "time from the start of one pass to the start of the next", positiveMilliseconds,
		func(c *Config) bool { return c.Interval.positive() }},
	{"startTime", "the first pass is one interval after the next whole multiple of this: `60000` starts on the minute", positiveMilliseconds,
		func(c *Config) bool { return c.StartTime.positive() }},
	{"minReplicas", "the fewest replicas to scale to; only `0` allows scaling to and from zero", "must be 0 or more",
		func(c *Config) bool { return c.MinReplicas >= 0 }},
	{"maxReplicas", "the most replicas to scale to", "must be at least minReplicas",
		func(c *Config) bool { return c.MaxReplicas >= c.MinReplicas }},
	{"downscaleStabilization", "the highest recommendation of this time wins, so that replicas go down slowly; with `evaluate` of the type `hpa` it is 300 s, as a HorizontalPodAutoscaler's, where it is left out", "must be from 0 to 604800 seconds (a week), e.g. 300 or 5m",
		func(c *Config) bool { return c.DownscaleStabilization >= 0 && c.DownscaleStabilization <= 604_800 }},
	{"kubernetesMetricSpecs", "Kubernetes metrics to gather and hand to `metric`, written as in a HorizontalPodAutoscaler", "required when evaluate is of the type hpa",
		func(c *Config) bool { return len(c.KubernetesMetricSpecs) > 0 || !c.Proposes() }},
	{name: "requireKubernetesMetrics", meaning: "whether a pass ends, without scaling, when any Kubernetes metric cannot be gathered"},
	{"initialReadinessDelay", "the cpu of a pod that became unready within this time of its start, and stayed so, is ignored", zeroOrMoreSeconds,
		func(c *Config) bool { return c.InitialReadinessDelay.zeroOrMore() }},
	{"cpuInitializationPeriod", "time from a pod's start in which its cpu counts only while it is ready", zeroOrMoreSeconds,
		func(c *Config) bool { return c.CPUInitializationPeriod.zeroOrMore() }},
	{"requestTimeout", "the longest that one request to Kubernetes may take", positiveMilliseconds,
		func(c *Config) bool { return c.RequestTimeout.positive() }},
	{"logVerbosity", "what is logged besides news: `1` each decision in detail, `2` the stages, `3` the methods and metrics", "must be 0 or more",
		func(c *Config) bool { return c.LogVerbosity >= 0 }},
	{"logFormat", "how each line of the log is written: as key=value, or as a JSON object", "must be text or json",
		func(c *Config) bool { return c.LogFormat == LogText || c.LogFormat == LogJSON }},
	{name: "apiConfig", meaning: "how the REST API is served"},
	{name: "record", meaning: "where each pass is recorded, with all that it was given and came to, to be replayed with other user logic; not at all where it is left out"},
	{name: "customPodAutoscaler", meaning: "the CustomPodAutoscaler object that this autoscaler runs for, where there is one: its events are about that, too, it keeps its part of the object's status, and a Lease keeps a second autoscaler of the object out. The operator sets it"},
	{name: "leaderElection", meaning: "whether a Lease keeps a second autoscaler of the same `customPodAutoscaler` out: only the one that holds the Lease scales. `false` is for autoscalers without rights on Leases, of which never two run"},
}

var ownerKeys = []key[Owner]{
	{"name", "the object's name; its namespace is that of the target", "must not be empty", func(o *Owner) bool { return o.Name != "" }},
	{name: "uid", meaning: "the object's uid, by which `kubectl describe` finds its events"},
}

var targetKeys = []key[autoscalingv2.CrossVersionObjectReference]{
	{"apiVersion", "the target's API group and version", versionRule,
		func(r *autoscalingv2.CrossVersionObjectReference) bool { return isVersion(r.APIVersion) }},
	{"kind", "the target's kind, e.g. `Deployment`: any that has a scale subresource", segmentRule,
		func(r *autoscalingv2.CrossVersionObjectReference) bool { return isSegment(r.Kind) }},
	{"name", "the target's name", segmentRule,
		func(r *autoscalingv2.CrossVersionObjectReference) bool { return isSegment(r.Name) }},
}

const versionRule = "must be a version or group/version, e.g. apps/v1; the core group if left out"

func isVersion(text string) bool {
	version, err := schema.ParseGroupVersion(text)
	return err == nil && (text == "" || version.Version != "")
}

// segmentRule is what the API server asks of each part of a path, and autoscaling/v2 of names at their creation.
const segmentRule = "must not be empty, . or .., nor have / or % in it"

func isSegment(text string) bool { return text != "" && len(content.IsPathSegmentName(text)) == 0 }

// A time.Duration ends at 292 years.
const (
	positiveMilliseconds = "must be more than 0 milliseconds, and at most 292 years, e.g. 15000 or 15s"
	zeroOrMoreSeconds    = "must be 0 seconds or more, and at most 292 years, e.g. 30 or 30s"
)

func (m Milliseconds) positive() bool {
	return m > 0 && m <= math.MaxInt64/Milliseconds(time.Millisecond)
}

func (s Seconds) zeroOrMore() bool { return s >= 0 && s <= math.MaxInt64/Seconds(time.Second) }

// form is one of several that a T can take, by the name its type has: how its own keys are checked.
type form[T any] struct {
	name  string
	check func(l *ledger, under string, of *T)
}

func find[T any](forms []form[T], name string) *form[T] {
	for i := range forms {
		if forms[i].name == name {
			return &forms[i]
		}
	}
	return nil
}

func names[T any](forms []form[T]) string {
	var all []string
	for _, f := range forms {
		all = append(all, f.name)
	}
	return strings.Join(all, " or ")
}
