package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/experiment"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
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
	hpa      int32  // utilization of cpu that the HorizontalPodAutoscaler aims at; 0 leaves it out
}

func simulateCommand(program Program) *cobra.Command {
	s := simulate{program: program}
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
		part, err := load.Parse(text)
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
	if experiment.Formats[s.output] == nil {
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

func (s *simulate) run(ctx context.Context, settings simulation.Settings) error {
	if err := process.AdoptOrphans(); err != nil {
		return fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	result, ended := experiment.Simulation{Configurations: s.loaded, Settings: settings, HPA: s.hpa, Stderr: s.program.Stderr}.Run(ctx)
	if ended != nil && len(result.Courses) == 0 {
		return ended
	}
	if err := experiment.Formats[s.output](s.program.Stdout, result); err != nil {
		return err
	}
	if err := s.writeReport(result); err != nil {
		return fmt.Errorf("writing the report (--report): %w", err)
	}
	if errors.Is(ended, context.Canceled) {
		own := result.Courses[0].Rows
		return fmt.Errorf("interrupted: this is how far it came, which is %s of %s: %w", own[len(own)-1].At(), settings.Duration.Duration, ended)
	}
	return cmp.Or(ended, result.Verdict())
}

func (s *simulate) writeReport(result experiment.Simulated) error {
	if s.report == "" {
		return nil
	}
	file, err := os.Create(s.report)
	if err != nil {
		return err
	}
	if err := errors.Join(result.WriteReport(file), file.Close()); err != nil {
		return err
	}
	path := s.report
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	fmt.Fprintf(s.program.Stderr, "The report is in %s: open it in a browser.\n", path)
	return nil
}
