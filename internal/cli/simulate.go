package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/app"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// simulate is what the command is given.
type simulate struct {
	program  Program
	file     string   // of the configuration
	compare  []string // further configurations
	loaded   []config.Loaded
	settings string // file of the simulation
	loads    []string
	duration time.Duration
	seed     uint64
	capacity float64
	asserts  []string
	output   string
	report   string // file of a page
	live     *live
	hpa      int32 // utilization of cpu that the HorizontalPodAutoscaler aims at; 0 leaves it out
}

func simulateCommand(program Program) *cobra.Command {
	s := simulate{program: program, live: newLive(program.Stderr)}
	command := &cobra.Command{
		Use:   "simulate",
		Short: "Run an autoscaler against a simulated cluster and a load, in seconds",
		Long: `Simulate runs the autoscaler of a configuration, with its own metric and evaluate programs, against a
cluster that is simulated within the process, under a load, in a time of its own: a day passes in
seconds when the programs are fast. It says how that went, beside a HorizontalPodAutoscaler and a fixed
number of replicas under the same load.`,
		Example: `  # an hour of a load that doubles after ten minutes
  custom-pod-autoscaler simulate --config config.yaml --load step:low=100,high=200,at=10m

  # a day, from a file of the load; it fails if there are too few pods for more than 1% of the time
  custom-pod-autoscaler simulate --config config.yaml --load load.csv --for 24h --assert 'under_capacity < 1%'

  # two configurations, and every pass as CSV
  custom-pod-autoscaler simulate --config config.yaml --compare other.yaml --simulation simulation.yaml -o csv`,
		Args: commandline.Args(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			settings, err := s.read(command)
			if err != nil {
				return commandline.UsageError{Err: err}
			}
			return s.run(command.Context(), settings)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&s.file, "config", "c", "", configHelp)
	flags.StringSliceVar(&s.compare, "compare", nil, "configuration file of another autoscaler under the same load; may be given several times")
	flags.StringVar(&s.settings, "simulation", "", "file with the load, the pods, the metrics and the assertions (default: simulation.yaml in this folder, unless there is a --load)")
	flags.StringArrayVar(&s.loads, "load", nil, "load in place of the file's: flat, step, spike, ramp, wave or noise with parameters, or a CSV file; several add up")
	flags.DurationVar(&s.duration, "for", 0, "how long is simulated, in place of the file's")
	flags.Uint64Var(&s.seed, "seed", 0, "what chance depends on, in place of the file's")
	flags.Float64Var(&s.capacity, "capacity", 0, "load that one pod takes, in place of the file's")
	flags.StringArrayVar(&s.asserts, "assert", nil, "what has to hold in the end, such as 'under_capacity < 1%'; may be given several times")
	flags.StringVarP(&s.output, "output", "o", "summary", "summary, table (every pass), csv or json")
	flags.StringVar(&s.report, "report", "", "file for a page with charts of it all: it needs nothing but a browser")
	flags.Int32Var(&s.hpa, "hpa", 50, "utilization of cpu, in percent, at which the HorizontalPodAutoscaler aims that is compared with; 0 leaves it out")
	return command
}

// load reads the configurations: what is wrong with them is said before what is wrong with the load.
func (s *simulate) load() error {
	for _, file := range append([]string{s.file}, s.compare...) {
		loaded, err := config.Load(file, s.program.Environment)
		if err != nil {
			return commandline.UsageError{Err: err}
		}
		s.loaded = append(s.loaded, loaded)
	}
	return nil
}

// localSettings are read where neither a file nor a load is given.
const localSettings = "simulation.yaml"

// read is the simulation's file, and what the flags say instead.
func (s *simulate) read(command *cobra.Command) (settings simulation.Settings, err error) {
	settings, given := simulation.Default(), simulation.Given{}
	if _, err := os.Stat(localSettings); s.settings == "" && len(s.loads) == 0 && err == nil {
		s.settings = localSettings
	}
	if s.settings != "" {
		if settings, given, err = simulation.LoadSettings(s.settings); err != nil {
			return settings, err
		}
	}
	if len(s.loads) > 0 {
		settings.Load = nil
	}
	for _, text := range s.loads {
		part, err := simulation.ParsePart(text)
		if err != nil {
			return settings, fmt.Errorf("--load: %w", err)
		}
		settings.Load = append(settings.Load, part)
	}
	for name, set := range map[string]func(){
		"for":  func() { settings.Duration.Duration, given.Duration = s.duration, true },
		"seed": func() { settings.Seed = s.seed }, "capacity": func() { settings.Pods.Capacity = s.capacity },
	} {
		if command.Flags().Changed(name) {
			set()
		}
	}
	settings.Assert = append(settings.Assert, s.asserts...)
	for _, text := range settings.Assert {
		if _, err := simulation.ParseAssertion(text); err != nil {
			return settings, err
		}
	}
	if outputs[s.output] == nil {
		return settings, fmt.Errorf("--output is %q: it has to be summary, table, csv or json", s.output)
	}
	if err := settings.Complete(given); err != nil {
		return settings, err
	}
	if err := settings.Validate(); err != nil {
		return settings, fmt.Errorf("the simulation cannot be run (--simulation, --load): %w", err)
	}
	return settings, nil
}

// simulated is what came of a command: the autoscaler's course first.
type simulated struct {
	Settings simulation.Settings `json:"simulation"`
	Courses  []simulation.Course `json:"courses"`
	Took     time.Duration       `json:"-"`
	Logic    logicTime           `json:"-"` // of that, what user logic took
}

func (s *simulate) run(ctx context.Context, settings simulation.Settings) error {
	if err := method.AdoptOrphans(); err != nil {
		return fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	result := simulated{Settings: settings}
	ended := s.courses(ctx, &result)
	if ended != nil && len(result.Courses) == 0 {
		return ended
	}
	if err := outputs[s.output](s.program.Stdout, result); err != nil {
		return err
	}
	if err := s.writeReport(result); err != nil {
		return fmt.Errorf("writing the report (--report): %w", err)
	}
	if errors.Is(ended, context.Canceled) {
		own := result.Courses[0].Rows
		return fmt.Errorf("interrupted: this is how far it came, which is %s of %s: %w", own[len(own)-1].At(), settings.Duration.Duration, ended)
	}
	return cmp.Or(ended, alwaysFailed(result.Courses), asserted(settings.Assert, result.Courses[0].Figures))
}

// courses simulates all configurations and what they are compared with. If it is interrupted, result has what was simulated so far.
func (s *simulate) courses(ctx context.Context, result *simulated) error {
	began := time.Now()
	var logic busy
	limits := s.loaded[0].Config
	for _, loaded := range s.loaded {
		name := nameOf(loaded.File)
		s.warn(name, loaded)
		course, err := s.course(ctx, name, result.Settings, loaded.Config, logic.ran, loaded.Secrets()...)
		if len(course.Rows) > 0 {
			result.Courses = append(result.Courses, course)
		}
		result.Took, result.Logic = time.Since(began), logic.time()
		if err != nil {
			return err
		}
	}
	result.Logic = logic.measured(ctx, limits)
	return s.beside(ctx, result, limits)
}

// warn prints the warnings of a configuration, and says that a simulation does not record.
func (s *simulate) warn(name string, loaded config.Loaded) {
	for _, warning := range loaded.Warnings {
		fmt.Fprintf(s.program.Stderr, "%s: warning: %s\n", name, warning)
	}
	if loaded.Config.Record != nil {
		fmt.Fprintf(s.program.Stderr, "%s: warning: record is not heeded: a simulation is not recorded (-o json has every pass)\n", name)
	}
}

func (s *simulate) writeReport(result simulated) error {
	if s.report == "" {
		return nil
	}
	file, err := os.Create(s.report)
	if err != nil {
		return err
	}
	if err := errors.Join(simulation.WriteReport(file, result.Settings, result.Courses), file.Close()); err != nil {
		return err
	}
	path := s.report
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	fmt.Fprintf(s.program.Stderr, "The report is in %s: open it in a browser.\n", path)
	return nil
}

// alwaysFailed is an error where all passes of a course failed: its figures say nothing about the autoscaler.
func alwaysFailed(courses []simulation.Course) error {
	for _, course := range courses {
		failed := 0
		for _, row := range course.Rows {
			if row.Failure != "" {
				failed++
			}
		}
		if failed > 0 && failed == len(course.Rows) {
			return fmt.Errorf("%s: every pass failed, the first %s", course.Name, firstFailure(course.Rows))
		}
	}
	return nil
}

func nameOf(file string) string {
	if file == "" {
		return "autoscaler"
	}
	return filepath.Base(file)
}

// beside adds what else there could be: a HorizontalPodAutoscaler, and as many replicas as the highest load needs.
func (s *simulate) beside(ctx context.Context, result *simulated, limits config.Config) error {
	if s.hpa > 0 {
		course, err := s.course(ctx, fmt.Sprintf("hpa, cpu at %d%%", s.hpa), result.Settings, asHPA(limits, s.hpa), func(method.Run) {})
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
	settings.Evaluate = &config.Method{Type: config.HPAMethod}
	settings.DownscaleStabilization = 300
	settings.KubernetesMetricSpecs = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &utilization},
	}}}
	return settings
}

// course runs the real pipeline of a configuration in a world of its own.
func (s *simulate) course(ctx context.Context, name string, settings simulation.Settings, of config.Config, ran func(method.Run), secrets ...string) (simulation.Course, error) {
	world, err := simulation.NewWorld(settings)
	if err != nil {
		return simulation.Course{}, err
	}
	cluster := &simulation.Cluster{World: world, Target: *of.ScaleTargetRef, Namespace: of.Namespace}
	// What workers print is logged at the level of news, and nothing else of a simulation is.
	log := telemetry.NewLogger(s.live.drawing.Beside(s.program.Stderr), slog.LevelInfo, false, secret.New(secrets...).Mask)
	pipeline, err := app.NewPipeline(of, cluster.Config(), world.Now, log, ran, secrets...)
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

// asserted says what does not hold.
func asserted(texts []string, figures []simulation.Figure) error {
	var broken []string
	for _, check := range assertionsOf(texts, figures) {
		if check.err != nil {
			broken = append(broken, check.err.Error())
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return fmt.Errorf("not as it was asserted to be: %s", strings.Join(broken, "; "))
}

// checkedAssertion is an assertion, and why it does not hold if so.
type checkedAssertion struct {
	text string
	err  error
}

func assertionsOf(texts []string, figures []simulation.Figure) (all []checkedAssertion) {
	for _, text := range texts {
		assertion, err := simulation.ParseAssertion(text)
		if err == nil {
			err = assertion.Check(figures)
		}
		all = append(all, checkedAssertion{text, err})
	}
	return all
}

var outputs = map[string]func(io.Writer, simulated) error{"summary": summarize, "table": tabulate, "csv": writeCSV, "json": writeJSON}
