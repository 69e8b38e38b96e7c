package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/plugin"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// What kubectl looks for when somebody types kubectl cpa, and has it completed.
const (
	pluginName    = "kubectl-cpa"
	completerName = "kubectl_complete-cpa"
)

// callTimeout bounds each call to the cluster.
const callTimeout = 10 * time.Second

// place is where the objects of a plugin's command are.
type place struct {
	cluster   host.Cluster
	namespace string // as given
}

// objects connects, and gives the namespace that is meant.
func (p place) objects() (plugin.Objects, string, error) {
	api, namespace, err := p.cluster.Client(callTimeout)
	if p.namespace != "" {
		namespace = p.namespace
	}
	return plugin.Objects{API: api}, namespace, err
}

// pluginRoot is kubectl cpa.
func pluginRoot() *cobra.Command {
	where := &place{}
	command := &cobra.Command{
		Use:         pluginName,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl cpa"},
		Short:       "Look after CustomPodAutoscaler objects",
		Long: `kubectl cpa shows CustomPodAutoscaler objects, says why they did what they did last, pauses and
resumes them, and asks them what they would do now.`,
		Example: `  kubectl cpa get -A
  kubectl cpa why web-autoscaler
  kubectl cpa pause web-autoscaler --replicas 3 --for 2h
  kubectl cpa resume web-autoscaler
  kubectl cpa dry-run web-autoscaler`,
		Args:          usageArgs(cobra.NoArgs),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	flags := command.PersistentFlags()
	flags.StringVar(&where.cluster.Kubeconfig, "kubeconfig", "", "kubeconfig file (default: KUBECONFIG, the pod's service account, or ~/.kube/config)")
	flags.StringVar(&where.cluster.Context, "context", "", "context of the kubeconfig (default: its current context)")
	flags.StringVarP(&where.namespace, "namespace", "n", "", "namespace (default: that of the context)")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	versions := version.Command(pluginName)
	version.Flag(command)
	versions.Args, versions.Example = usageArgs(versions.Args), "  kubectl cpa version"
	command.AddCommand(getCommand(where), whyCommand(where), pauseCommand(where), resumeCommand(where), dryRunCommand(where), versions)
	return command
}

// oneName is for commands that are about one object, whose name can be completed.
func oneName(where *place, command *cobra.Command) *cobra.Command {
	command.Args = wanted("which object", "web-autoscaler", cobra.ExactArgs(1))
	command.ValidArgsFunction = completeNames(where)
	return command
}

// completeNames offers the objects of the namespace to the shell.
func completeNames(where *place) cobra.CompletionFunc {
	return func(command *cobra.Command, arguments []string, begun string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
		objects, namespace, err := where.objects()
		if err != nil || len(arguments) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := objects.All(command.Context(), namespace)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for _, object := range list.Items {
			if strings.HasPrefix(object.Name, begun) {
				names = append(names, object.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// outputFlag is -o, which may have one of the formats; the first is the default.
func outputFlag(command *cobra.Command, formats ...string) *string {
	output := command.Flags().StringP("output", "o", formats[0], "format of the output: "+strings.Join(formats, ", "))
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	command.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(formats, *output) {
			return usageError{fmt.Errorf("-o is %q: it has to be one of %s", *output, strings.Join(formats, ", "))}
		}
		return nil
	}
	return output
}

func pauseCommand(where *place) *cobra.Command {
	var replicas int32
	var long, timeout time.Duration
	var wait bool
	command := oneName(where, &cobra.Command{
		Use:   "pause NAME",
		Short: "Stop an autoscaler, and hold its target",
		Long: `pause stops an autoscaler, and has the operator hold its target at the replicas that it has, or at so
many as --replicas says, until it is resumed or for so long. It waits until that is so.`,
		Example: `  # hold it at what it has, until it is resumed
  kubectl cpa pause web-autoscaler

  # at three replicas
  kubectl cpa pause web-autoscaler --replicas 3

  # for two hours
  kubectl cpa pause web-autoscaler --replicas 3 --for 2h`,
		RunE: func(command *cobra.Command, arguments []string) error {
			if replicas < 0 {
				return usageError{errors.New("--replicas has to be a number, from 0: how many replicas should the target be held at?")}
			}
			if long < 0 || long == 0 && command.Flags().Changed("for") {
				return usageError{fmt.Errorf("--for is %s: it has to be longer than nothing", long)}
			}
			objects, namespace, err := where.objects()
			if err != nil {
				return err
			}
			if !command.Flags().Changed("replicas") {
				if replicas, err = objects.Replicas(command.Context(), namespace, arguments[0]); err != nil {
					return fmt.Errorf("%w; --replicas says how many replicas to hold it at", err)
				}
			}
			until := plugin.Until(time.Now(), long)
			if err := objects.Pause(command.Context(), namespace, arguments[0], replicas, until); err != nil {
				return err
			}
			done := "paused"
			if !command.Flags().Changed("replicas") {
				done += ", its target held at " + cpav1.CountReplicas(replicas)
			}
			return waited(command, wait, timeout, done, func(ctx context.Context) error {
				return objects.Await(ctx, namespace, arguments[0], plugin.Paused(replicas, until))
			})
		},
	})
	command.Flags().Int32Var(&replicas, "replicas", 0, "how many replicas the target is held at (default: as many as it has)")
	command.Flags().DurationVar(&long, "for", 0, "for how long, such as 90m or 2h (default: until it is resumed)")
	waitFlags(command, &wait, &timeout)
	return command
}

func resumeCommand(where *place) *cobra.Command {
	var timeout time.Duration
	var wait bool
	command := oneName(where, &cobra.Command{
		Use:     "resume NAME",
		Short:   "Let a paused autoscaler go on",
		Long:    "resume lets a paused autoscaler go on. It waits until its target is not held any more.",
		Example: "  kubectl cpa resume web-autoscaler",
		RunE: func(command *cobra.Command, arguments []string) error {
			objects, namespace, err := where.objects()
			if err != nil {
				return err
			}
			if err := objects.Resume(command.Context(), namespace, arguments[0]); err != nil {
				return err
			}
			return waited(command, wait, timeout, "resumed", func(ctx context.Context) error {
				return objects.Await(ctx, namespace, arguments[0], plugin.Resumed)
			})
		},
	})
	waitFlags(command, &wait, &timeout)
	return command
}

func waitFlags(command *cobra.Command, wait *bool, timeout *time.Duration) {
	command.Flags().BoolVar(wait, "wait", true, "wait until the operator has done it")
	command.Flags().DurationVar(timeout, "timeout", time.Minute, "how long to wait")
}

// waited waits, unless it should not, and says what has come of it.
func waited(command *cobra.Command, wait bool, timeout time.Duration, done string, await func(context.Context) error) error {
	name := command.Flags().Arg(0)
	if !wait {
		fmt.Fprintf(command.OutOrStdout(), "%s is to be %s; the operator has yet to do it\n", name, done)
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(command.Context(), timeout, fmt.Errorf("it has not done it within %s (--timeout)", timeout))
	defer cancel()
	if err := await(ctx); err != nil {
		return err
	}
	fmt.Fprintf(command.OutOrStdout(), "%s is %s\n", name, done)
	return nil
}
