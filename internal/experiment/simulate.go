// Package experiment tries configurations without a cluster, and compares what they do: simulated side by side under one load, or
// replayed over recorded passes. Loaded configurations come in. The courses or the differences go out, with a verdict, and can be
// written for people and for programs. It knows no flags.
package experiment

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/unit"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Simulation is what is simulated: configurations under the same load, each in a world of its own.
type Simulation struct {
	Configurations []config.Loaded // the autoscaler's first, then those to compare it with
	Settings       simulation.Settings
	HPA            int32     // utilization of cpu that the HorizontalPodAutoscaler to compare with aims at; 0 leaves it out
	Stderr         io.Writer // of warnings, what workers print, and, if it is a terminal, a drawing of the course

	live *live
}

// Run simulates all configurations and what they are compared with. If it is interrupted, the result has what was simulated so far.
func (s Simulation) Run(ctx context.Context) (Simulated, error) {
	s.live = newLive(s.Stderr)
	result := Simulated{Settings: s.Settings}
	err := s.courses(ctx, &result)
	return result, err
}

func (s Simulation) courses(ctx context.Context, result *Simulated) error {
	began := time.Now()
	var logic busy
	limits := s.Configurations[0].Config
	for _, loaded := range s.Configurations {
		name := nameOf(loaded.File)
		s.warn(name, loaded)
		course, err := s.course(ctx, name, result.Settings, loaded.Config, logic.ran, loaded.Secrets()...)
		if len(course.Rows) > 0 {
			result.Courses = append(result.Courses, course)
		}
		result.took, result.logic = time.Since(began), logic.time()
		if err != nil {
			return err
		}
	}
	result.logic = logic.measured(ctx, limits)
	return s.beside(ctx, result, limits)
}

// warn prints the warnings of a configuration, and says that a simulation does not record.
func (s Simulation) warn(name string, loaded config.Loaded) {
	for _, warning := range loaded.Warnings {
		fmt.Fprintf(s.Stderr, "%s: warning: %s\n", name, warning)
	}
	if loaded.Config.Record != nil {
		fmt.Fprintf(s.Stderr, "%s: warning: record is not heeded: a simulation is not recorded (-o json has every pass)\n", name)
	}
}

func nameOf(file string) string {
	if file == "" {
		return "autoscaler"
	}
	return filepath.Base(file)
}

// beside adds what else there could be: a HorizontalPodAutoscaler, and as many replicas as the highest load needs.
func (s Simulation) beside(ctx context.Context, result *Simulated, limits config.Config) error {
	if s.HPA > 0 {
		course, err := s.course(ctx, fmt.Sprintf("hpa, cpu at %d%%", s.HPA), result.Settings, asHPA(limits, s.HPA), func(method.Run) {})
		if err != nil {
			return err
		}
		result.Courses = append(result.Courses, course)
	}
	highest := 0.0
	for _, row := range result.Courses[0].Rows {
		highest = max(highest, row.Load)
	}
	fixed := result.Settings
	fixed.Replicas = max(1, int32(min(math.Ceil(highest/fixed.Pods.Capacity), simulation.MostPods)))
	world, err := simulation.NewWorld(fixed)
	if err != nil {
		return err
	}
	course, err := simulation.Run(ctx, fmt.Sprintf("always %d", fixed.Replicas), world, limits.Interval.Duration(), nil, s.live.row)
	s.live.end()
	if err == nil {
		result.Courses = append(result.Courses, course)
	}
	return err
}

// asHPA is the configuration of a HorizontalPodAutoscaler with the same target and limits, as Kubernetes has it by default.
func asHPA(settings config.Config, utilization int32) config.Config {
	settings.RunMode, settings.RequireKubernetesMetrics = config.PerResource, false
	for _, user := range []**config.Method{
		&settings.Metric, &settings.PreMetric, &settings.PostMetric, &settings.PreEvaluate, &settings.PostEvaluate, &settings.PreScale, &settings.PostScale,
	} {
		*user = nil
	}
	settings.Evaluate = &config.Method{Type: "hpa"}
	settings.DownscaleStabilization = 300
	settings.KubernetesMetricSpecs = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &utilization},
	}}}
	return settings
}

// course runs the real pipeline of a configuration in a world of its own.
func (s Simulation) course(ctx context.Context, name string, settings simulation.Settings, of config.Config, ran func(method.Run), secrets ...string) (simulation.Course, error) {
	world, err := simulation.NewWorld(settings)
	if err != nil {
		return simulation.Course{}, err
	}
	cluster := &simulation.Cluster{World: world, Target: *of.ScaleTargetRef, Namespace: of.Namespace}
	// What workers print is logged at the level of news, and nothing else of a simulation is.
	log := telemetry.NewLogger(s.live.drawing.Beside(s.Stderr), slog.LevelInfo, false, secret.New(secrets...).Mask)
	pipeline, err := unit.NewPipeline(of, unit.Place{Connection: cluster.Config(), World: cluster, Now: world.Now}, log, ran, secrets...)
	if err != nil {
		return simulation.Course{}, err
	}
	defer pipeline.Close()
	defer s.live.end()
	return simulation.Run(ctx, name, world, of.Interval.Duration(), func(ctx context.Context) pass.Pass {
		pass, _ := pipeline.RunOnce(ctx, nil, userlogic.Scaler) // a failure is in the pass
		return pass
	}, s.live.row)
}
