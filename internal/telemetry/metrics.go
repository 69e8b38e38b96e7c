package telemetry

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the series that Prometheus is shown. A gauge about replicas is not there before the first decision, since
// zero would be one.
type Metrics struct {
	Registry *prometheus.Registry
	Families []Family
	labelled prometheus.Registerer // adds the labels that all series carry

	Info         *prometheus.GaugeVec
	Passes       *prometheus.CounterVec
	Stages       *prometheus.HistogramVec
	MethodRuns   *prometheus.CounterVec
	Methods      *prometheus.HistogramVec
	MetricErrors *prometheus.CounterVec
	Current      *prometheus.GaugeVec
	Recommended  *prometheus.GaugeVec
	Desired      *prometheus.GaugeVec
	Min          *prometheus.GaugeVec
	Max          *prometheus.GaugeVec
	Limited      *prometheus.GaugeVec
	Requests     *prometheus.CounterVec
}

// Family is the series of one name, as docs/metrics.md has it.
type Family struct {
	Name, Kind, Help string
	Labels           []Label
}

// Label is a label that the series of a family have, and what it says.
type Label struct{ Name, Meaning string }

// buckets reach from a stage that asks nobody to a script that takes its whole timeout.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// NewMetrics gives series that nothing has been counted in, in a registry of their own. The stages are those of a pass, by
// name; the age is that of the last successful pass, in seconds. All series carry the labels.
func NewMetrics(words Words, age func() float64, labels prometheus.Labels) *Metrics {
	m := &Metrics{Registry: prometheus.NewRegistry()}
	m.labelled = prometheus.WrapRegistererWith(labels, m.Registry)
	runType := Label{"run_type", "what started the pass: `scaler` (the loop), `api`, `api_dry_run`"}
	method := Label{"method", "the method's or hook's key: `metric`, `preScale`, ..."}
	kind := Label{"type", "its type: " + listed(words.MethodTypes)}

	m.Info = m.gauge("info", "Always 1: its labels say what is scaled, and by which version.",
		Label{"version", "of the program"}, Label{"target_kind", "of the target"}, Label{"target_namespace", "of the target"}, Label{"target_name", "of the target"})
	m.Passes = m.counter("passes_total", "Passes that have ended.",
		runType, Label{"result", "`scaled`, `kept`, `proposed` (a dry run), `disabled` (the target is at zero), `failed`"})
	m.Stages = m.histogram("stage_duration_seconds", "Time that a stage of a pass took.", Label{"stage", listed(words.Stages)})
	m.MethodRuns = m.counter("method_runs_total", "Runs of user methods and hooks.", method, kind, Label{"result", listed(words.MethodResults)})
	m.Methods = m.histogram("method_duration_seconds", "Time that a run of a user method or hook took.", method, kind)
	m.MetricErrors = m.counter("kubernetes_metric_errors_total", "Kubernetes metrics that could not be read.",
		Label{"spec", "its key: `kubernetesMetricSpecs[0]`"}, Label{"metric", "its type and name: `Resource cpu`"})
	m.Current = m.gauge("current_replicas", "Replicas that the target had at the last decision.")
	m.Recommended = m.gauge("recommended_replicas", "Replicas that evaluate asked for, before limits and stabilization.")
	m.Desired = m.gauge("desired_replicas", "Replicas that were decided on, after limits and stabilization.")
	m.Min = m.gauge("min_replicas", "The configured minReplicas.")
	m.Max = m.gauge("max_replicas", "The configured maxReplicas.")
	m.Limited = m.gauge("scaling_limited", "1 where the last decision is not what evaluate asked for.",
		Label{"reason", listed(words.Reasons)})
	m.Requests = m.counter("http_requests_total", "Requests that were answered, those of probes and of Prometheus among them.",
		Label{"path", "the path, or `other` for one that is not served"}, Label{"code", "the status code of the answer"})
	m.function("last_successful_pass_age_seconds", "Time since the last pass that succeeded, or since the start if none has yet.", age)
	return m
}

// NewProcess gives the series of the process itself.
func NewProcess() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// Words are the values that labels have.
type Words struct {
	Stages        []string
	MethodTypes   []string
	MethodResults []string
	Reasons       []string // why a decision is not what evaluate asked for
}

func listed(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

func (m *Metrics) counter(name, help string, labels ...Label) *prometheus.CounterVec {
	name = m.family("counter", name, help, labels)
	return register(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, namesOf(labels)))
}

func (m *Metrics) gauge(name, help string, labels ...Label) *prometheus.GaugeVec {
	name = m.family("gauge", name, help, labels)
	return register(m, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, namesOf(labels)))
}

func (m *Metrics) histogram(name, help string, labels ...Label) *prometheus.HistogramVec {
	name = m.family("histogram", name, help, labels)
	return register(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, namesOf(labels)))
}

func (m *Metrics) function(name, help string, value func() float64) {
	name = m.family("gauge", name, help, nil)
	register(m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// family notes what the reference page is written from, and gives the whole name.
func (m *Metrics) family(kind, name, help string, labels []Label) string {
	name = "custom_pod_autoscaler_" + name
	m.Families = append(m.Families, Family{Name: name, Kind: kind, Help: help, Labels: labels})
	return name
}

func register[C prometheus.Collector](m *Metrics, collector C) C {
	m.labelled.MustRegister(collector)
	return collector
}

func namesOf(labels []Label) []string {
	names := make([]string, len(labels))
	for i, label := range labels {
		names[i] = label.Name
	}
	return names
}
