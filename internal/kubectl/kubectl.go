// Package kubectl is kubectl cpa as the terminal sees it: its commands, their flags, and what they print. What they do with
// objects is done by package plugin.
package kubectl

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/plugin"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// The names under which kubectl runs the program, for kubectl cpa and for its completions.
const (
	Name          = "kubectl-cpa"
	CompleterName = "kubectl_complete-cpa"
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

// Command returns the command kubectl cpa.
func Command() *cobra.Command {
	where := &place{}
	command := &cobra.Command{
		Use:         Name,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl cpa"},
		Short:       "Look after CustomPodAutoscaler objects",
		Long: `kubectl cpa shows CustomPodAutoscaler objects, says why they did what they did last, pauses and
resumes them, and asks them what they would do now.`,
		Example: `  kubectl cpa get -A
  kubectl cpa why web-autoscaler
  kubectl cpa pause web-autoscaler --replicas 3 --for 2h
  kubectl cpa resume web-autoscaler
  kubectl cpa dry-run web-autoscaler`,
		Args:          commandline.Args(cobra.NoArgs),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	flags := command.PersistentFlags()
	commandline.ClusterFlags(flags, &where.cluster.Kubeconfig, &where.cluster.Context)
	flags.StringVarP(&where.namespace, "namespace", "n", "", "namespace (default: that of the context)")
	command.SetFlagErrorFunc(commandline.FlagError)
	versions := version.Command(Name)
	version.Flag(command)
	versions.Args, versions.Example = commandline.Args(versions.Args), "  kubectl cpa version"
	command.AddCommand(getCommand(where), whyCommand(where), pauseCommand(where), resumeCommand(where), dryRunCommand(where), versions)
	return command
}

// oneName is for commands that are about one object, whose name can be completed.
func oneName(where *place, command *cobra.Command) *cobra.Command {
	command.Args = commandline.RequiredArgs("which object", "web-autoscaler", cobra.ExactArgs(1))
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
