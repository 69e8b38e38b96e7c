// Package cli is the program as the terminal sees it: commands, flags, what is printed, and the exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// Exit codes. A supervisor may tell a configuration that can never work from a cluster that is away.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // a wrong configuration, flag or argument

	exitInterrupted = 130 // by Ctrl-C or SIGTERM, as shells have it
)

// Program is what the process is given by its system.
type Program struct {
	Name           string   // as it was called: kubectl-cpa is another program
	Arguments      []string // without the program's name
	Environment    []string
	Stdout, Stderr io.Writer
}

// usageError is a mistake of whoever started the program.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the program and gives its exit code.
func Main(program Program) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	command, arguments := root(program), version.WithoutOldFlags(program.Arguments, program.Stderr, "logVerbosity says how much is logged")
	switch program.Name {
	case pluginName:
		command = pluginRoot()
	case completerName:
		command, arguments = pluginRoot(), append([]string{cobra.ShellCompRequestCmd}, arguments...)
	}
	command.SetArgs(arguments)
	command.SetOut(program.Stdout)
	command.SetErr(program.Stderr)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(program.Stderr, "%s: %s\n", command.DisplayName(), secret.Mask(err.Error()))
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return exitFailed
}

func root(program Program) *cobra.Command {
	var file string
	var cluster host.Cluster
	command := &cobra.Command{
		Use:   "custom-pod-autoscaler",
		Short: "Scale a Kubernetes workload by your own logic",
		Long: `Custom Pod Autoscaler scales a Kubernetes workload by your own logic: two small programs
in any language, one that says what is known (metric) and one that says how many
replicas there should be (evaluate).

Without a subcommand it runs one autoscaler until it is stopped. Its configuration is
a file, overridden by environment variables that carry the exact names of its keys.`,
		Example: `  # in a pod: /config.yaml and the pod's service account
  custom-pod-autoscaler

  # on your machine, against the cluster of your kubeconfig
  custom-pod-autoscaler --config config.yaml --context kind-dev

  # one value changed
  minReplicas=3 custom-pod-autoscaler --config config.yaml`,
		Args:          usageArgs(cobra.NoArgs),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(command *cobra.Command, _ []string) error {
			return run(command.Context(), program, file, cluster)
		},
	}
	sources(command, &file, &cluster)
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	versions := version.Command("custom-pod-autoscaler")
	versions.Args = usageArgs(versions.Args)
	version.Flag(command)
	command.AddCommand(versions, checkCommand(program), initCommand(program), onceCommand(program), replayCommand(program), schemaCommand(), simulateCommand(program))
	return command
}

const configHelp = "configuration file (default: the environment variable configPath, /config.yaml, or config.yaml in this folder)"

// sources adds the flags that say where the configuration is, and which cluster to use.
func sources(command *cobra.Command, file *string, cluster *host.Cluster) {
	flags := command.Flags()
	flags.StringVarP(file, "config", "c", "", configHelp)
	flags.StringVar(&cluster.Kubeconfig, "kubeconfig", "", "kubeconfig file (default: KUBECONFIG, the pod's service account, or ~/.kube/config)")
	flags.StringVar(&cluster.Context, "context", "", "context of the kubeconfig (default: its current context)")
}

// meant names the commands that are spelt much the same as one that there is not.
func meant(command *cobra.Command, arguments []string) string {
	if len(arguments) == 0 || !command.HasAvailableSubCommands() {
		return ""
	}
	if command.SuggestionsMinimumDistance <= 0 {
		command.SuggestionsMinimumDistance = 2
	}
	if names := command.SuggestionsFor(arguments[0]); len(names) > 0 {
		return "; did you mean " + strings.Join(names, " or ") + "?"
	}
	return ""
}

// wanted asks for the argument that a command cannot do without, with a command line that has it.
func wanted(question, example string, check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return usageError{fmt.Errorf("%s? For example: %s %s; see %[2]s --help", question, command.CommandPath(), example)}
		}
		return usageArgs(check)(command, arguments)
	}
}

func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if err := check(command, arguments); err != nil {
			return usageError{fmt.Errorf("%w%s; see %s --help", err, meant(command, arguments), command.CommandPath())}
		}
		return nil
	}
}
