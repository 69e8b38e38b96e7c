// Package config turns a configuration file and the environment into one checked Config.
//
// No other package reads either. Values are read over Default, layer by layer; what comes out has passed
// every rule, and what does not pass is reported all at once, each problem with its key, value, rule and source.
// It runs nothing and talks to nothing.
//
// One table of keys (keys.go, method.go, spec.go and the files of their kinds) says of every key what it is for
// and what it may be. Loading, checking and docs/configuration.md all follow it.
package config

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// The two ways of running the metric method.
const (
	PerPod      = "per-pod"
	PerResource = "per-resource"
)

// What metric is handed of the pods' Kubernetes metrics when it runs for one of them.
const (
	AllPodMetrics = "all"
	OwnPodMetrics = "own"
)

// The blocks that name a kind.
type (
	Method  = kinds.Method
	Sources = kinds.Sources
)

// RunTypes are the types of the methods of which there are runs, in the order of their names.
func RunTypes() []string { return kinds.RunTypes() }

// Config is everything an autoscaler is told. Its JSON names are the keys of the file and of the environment.
type Config struct {
	ScaleTargetRef *autoscalingv2.CrossVersionObjectReference `json:"scaleTargetRef"`
	Namespace      string                                     `json:"namespace"`

	Metric       *Method `json:"metric"`
	Evaluate     *Method `json:"evaluate"`
	PreMetric    *Method `json:"preMetric"`
	PostMetric   *Method `json:"postMetric"`
	PreEvaluate  *Method `json:"preEvaluate"`
	PostEvaluate *Method `json:"postEvaluate"`
	PreScale     *Method `json:"preScale"`
	PostScale    *Method `json:"postScale"`
	RunMode      string  `json:"runMode"`

	MetricConcurrency int               `json:"metricConcurrency"`
	MetricTimeout     span.Milliseconds `json:"metricTimeout"`
	PodMetrics        string            `json:"podMetrics"`

	Interval  span.Milliseconds `json:"interval"`
	StartTime span.Milliseconds `json:"startTime"`

	MinReplicas            int32        `json:"minReplicas"`
	MaxReplicas            int32        `json:"maxReplicas"`
	DownscaleStabilization span.Seconds `json:"downscaleStabilization"`

	KubernetesMetricSpecs    []autoscalingv2.MetricSpec `json:"kubernetesMetricSpecs"`
	MetricSources            Sources                    `json:"metricSources"`
	RequireKubernetesMetrics bool                       `json:"requireKubernetesMetrics"`
	InitialReadinessDelay    span.Seconds               `json:"initialReadinessDelay"`
	CPUInitializationPeriod  span.Seconds               `json:"cpuInitializationPeriod"`

	RequestTimeout span.Milliseconds `json:"requestTimeout"`
	LogVerbosity   int               `json:"logVerbosity"`
	LogFormat      string            `json:"logFormat"`
	APIConfig      API               `json:"apiConfig"`

	Record *Record `json:"record"`

	CustomPodAutoscaler *Owner `json:"customPodAutoscaler"`
	LeaderElection      bool   `json:"leaderElection"`
}

// Concurrency is how many runs of metric there are at a time, at most: its kind has a say in it.
func (c *Config) Concurrency() int {
	usual, most := 1, 0
	if c.Metric != nil {
		if concurrent, is := c.Metric.Logic().(method.Concurrent); is {
			usual, most = concurrent.Runs()
		}
	}
	switch {
	case c.MetricConcurrency == 0:
		return usual
	case most > 0:
		return min(c.MetricConcurrency, most)
	}
	return c.MetricConcurrency
}

// Owner is the CustomPodAutoscaler object that an autoscaler runs for.
type Owner struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

// NeedsPods tells whether anybody asks for the target's pods.
func (c *Config) NeedsPods() bool {
	return c.RunMode == PerPod || len(c.KubernetesMetricSpecs)+len(c.MetricSources) > 0
}

// Default is the configuration of an autoscaler that is told nothing: not valid by itself, since it has no target
// and no user logic.
func Default() Config {
	return Config{
		Namespace:               "default",
		RunMode:                 PerPod,
		PodMetrics:              AllPodMetrics,
		Interval:                15_000,
		StartTime:               1,
		MinReplicas:             1,
		MaxReplicas:             10,
		InitialReadinessDelay:   30,
		CPUInitializationPeriod: 300,
		RequestTimeout:          10_000,
		LogFormat:               LogText,
		APIConfig:               defaultAPI(),
		LeaderElection:          true,
	}
}
