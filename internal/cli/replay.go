package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/experiment"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/process"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
)

// replay is what the command is given.
type replay struct {
	program  Program
	config   string
	files    []string
	all      bool
	exitCode bool
	output   *string
}

func replayCommand(program Program) *cobra.Command {
	r := replay{program: program}
	command := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Run other user logic over recorded passes, and show where it decides otherwise",
		Long: `replay takes a recording, which an autoscaler writes whose configuration has the key record, and decides each of
its passes anew by the configuration of --config: with its user logic, its limits and its stabilization, and with what
was known then. It shows the passes in which that comes to another number, and why.

No cluster is needed. The target, its metrics and, where metric runs for each pod, its pods are those of the recording,
and so is the time that user logic is told; preScale and postScale do not run. The values of environment variables,
commands and what else may be secret in the target and its pods were not recorded.`,
		Example: `  # what would a new evaluate have done?
  custom-pod-autoscaler replay passes.jsonl --config new.yaml

  # the older file, too, and every difference, for a program to read
  custom-pod-autoscaler replay passes.jsonl.1 passes.jsonl --config new.yaml -o json

  # as a test that a change of the code changes no decision
  custom-pod-autoscaler replay passes.jsonl --config config.yaml --exit-code`,
		Args: commandline.RequiredArgs("which recordings", "passes.jsonl --config config.yaml", cobra.MinimumNArgs(1)),
	}
	flags := command.Flags()
	flags.StringVarP(&r.config, "config", "c", "", "the configuration that decides now: "+configHelp)
	flags.BoolVar(&r.all, "all", false, fmt.Sprintf("show all differences, and not only the first %d", experiment.ShownDifferences))
	flags.BoolVar(&r.exitCode, "exit-code", false, "end with 1 if any pass is decided otherwise")
	r.output = commandline.OutputFlag(command, "text", "json", "yaml")
	command.RunE = func(command *cobra.Command, files []string) error {
		r.files = files
		return r.run(command.Context())
	}
	return command
}

func (r replay) run(ctx context.Context) error {
	loaded, err := config.Load(r.config, r.program.Environment)
	if err != nil {
		return commandline.UsageError{Err: err}
	}
	if err := process.AdoptOrphans(); err != nil {
		return fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	replayed, err := experiment.Replay(ctx, loaded, r.files, r.program.Stderr)
	if err != nil {
		return err
	}
	if err := commandline.Print(r.program.Stdout, *r.output, replayed, func(to io.Writer) error { return replayed.Text(to, r.all) }); err != nil {
		return err
	}
	if r.exitCode && len(replayed.Differences) > 0 {
		return errors.New(text.Count(len(replayed.Differences), "pass is", "passes are") + " decided otherwise (--exit-code)")
	}
	return nil
}
