package config

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// key is one setting of a T. Its name is the JSON name of T's field, dots leading into fields of fields.
type key[T any] struct {
	name    string
	meaning string
	rule    rule.Rule // none when anything of the key's type will do
}

// configKeys are all keys of a configuration, in the order of the reference page and of reported problems.
var configKeys = []key[Config]{
	{"scaleTargetRef", "what is scaled: the object's `apiVersion`, `kind` and `name`", rule.Required("{apiVersion: apps/v1, kind: Deployment, name: web}")},
	{"namespace", "the namespace that the target is in", namespaceRule},
	{"metric", "the program that measures the target", rule.That("required unless evaluate is of the type hpa, e.g. "+exampleMethod,
		func(c *Config) bool { return c.Metric != nil || c.Proposes() })},
	{"evaluate", "the program that turns metrics into a number of replicas", rule.Required(exampleMethod)},
	{name: "preMetric", meaning: "hook before `metric`, given the target"},
	{name: "postMetric", meaning: "hook after `metric`, given the target and the metrics"},
	{name: "preEvaluate", meaning: "hook before `evaluate`, given what `evaluate` will be given"},
	{name: "postEvaluate", meaning: "hook after `evaluate`, given the same and what it replied"},
	{name: "preScale", meaning: "hook before scaling, given the decision"},
	{name: "postScale", meaning: "hook after scaling, given the decision"},
	{"runMode", "whether `metric` runs once for each pod, or once for the whole target", rule.OneOf(PerPod, PerResource)},
	{"metricConcurrency", "in `per-pod` mode, how many runs of `metric` there are at a time; `0` is as many as there are CPUs for `shell`, its `concurrency` for a `worker`, and 32 for `http`", rule.From(0, 1024)},
	{"metricTimeout", "the longest that all runs of `metric` may take together; `0` is as long as each of them may take by its own `timeout`", rule.Span(0, time.Millisecond)},
	{"podMetrics", "in `per-pod` mode, whether `metric` is handed the Kubernetes metrics of all pods, or those of its own pod alone, which is a lot less where there are many pods", rule.OneOf(AllPodMetrics, OwnPodMetrics)},
	{"interval", "time from the start of one pass to the start of the next", positiveMilliseconds},
	{"startTime", "the first pass is one interval after the next whole multiple of this: `60000` starts on the minute", positiveMilliseconds},
	{"minReplicas", "the fewest replicas to scale to; only `0` allows scaling to and from zero", rule.ZeroOrMore()},
	{"maxReplicas", "the most replicas to scale to", rule.NotBelow("minReplicas")},
	{"downscaleStabilization", "the highest recommendation of this time wins, so that replicas go down slowly; with `evaluate` of the type `hpa` it is 300 s, as a HorizontalPodAutoscaler's, where it is left out",
		rule.From(0, 604_800).Noting(" seconds (a week), e.g. 300 or 5m")},
	{"kubernetesMetricSpecs", "Kubernetes metrics to gather and hand to `metric`, written as in a HorizontalPodAutoscaler",
		rule.That("required when evaluate is of the type hpa", func(c *Config) bool { return len(c.KubernetesMetricSpecs) > 0 || !c.Proposes() })},
	{name: "requireKubernetesMetrics", meaning: "whether a pass ends, without scaling, when any Kubernetes metric cannot be gathered"},
	{"initialReadinessDelay", "the cpu of a pod that became unready within this time of its start, and stayed so, is ignored", rule.Span(0, time.Second)},
	{"cpuInitializationPeriod", "time from a pod's start in which its cpu counts only while it is ready", rule.Span(0, time.Second)},
	{"requestTimeout", "the longest that one request to Kubernetes may take", positiveMilliseconds},
	{"logVerbosity", "what is logged besides news: `1` each decision in detail, `2` the stages, `3` the methods and metrics", rule.ZeroOrMore()},
	{"logFormat", "how each line of the log is written: as key=value, or as a JSON object", rule.OneOf(LogText, LogJSON)},
	{name: "apiConfig", meaning: "how the REST API is served"},
	{name: "record", meaning: "where each pass is recorded, with all that it was given and came to, to be replayed with other user logic; not at all where it is left out"},
	{name: "customPodAutoscaler", meaning: "the CustomPodAutoscaler object that this autoscaler runs for, where there is one: its events are about that, too, it keeps its part of the object's status, and a Lease keeps a second autoscaler of the object out. The operator sets it"},
	{name: "leaderElection", meaning: "whether a Lease keeps a second autoscaler of the same `customPodAutoscaler` out: only the one that holds the Lease scales. `false` is for autoscalers without rights on Leases, of which never two run"},
}

var ownerKeys = []key[Owner]{
	{"name", "the object's name; its namespace is that of the target", rule.NotEmpty()},
	{name: "uid", meaning: "the object's uid, by which `kubectl describe` finds its events"},
}

var targetKeys = []key[autoscalingv2.CrossVersionObjectReference]{
	{"apiVersion", "the target's API group and version", versionRule},
	{"kind", "the target's kind, e.g. `Deployment`: any that has a scale subresource", segmentRule},
	{"name", "the target's name", segmentRule},
}

var positiveMilliseconds = rule.Span(1, time.Millisecond)

var namespaceRule = rule.Text("must be a namespace's name: lower-case letters, digits and dashes, at most 63", `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`,
	func(text string) bool { return len(validation.IsDNS1123Label(text)) == 0 })

var versionRule = rule.Text("must be a version or group/version, e.g. apps/v1; the core group if left out", `^(([^/]+/)?[^/]+)?$`, func(text string) bool {
	version, err := schema.ParseGroupVersion(text)
	return err == nil && (text == "" || version.Version != "")
})

// segmentRule is what the API server asks of each part of a path, and autoscaling/v2 of names at their creation.
var segmentRule = rule.Text("must not be empty, . or .., nor have / or % in it", `^[^/%]+$`,
	func(text string) bool { return text != "" && len(content.IsPathSegmentName(text)) == 0 })

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

func names[T any](forms []form[T]) (all []string) {
	for _, f := range forms {
		all = append(all, f.name)
	}
	return all
}
