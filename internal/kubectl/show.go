package kubectl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/plugin"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/terminal"
)

func getCommand(where *place) *cobra.Command {
	var everywhere bool
	command := &cobra.Command{
		Use:   "get [NAME]",
		Short: "Show objects, with what they decided last",
		Example: `  kubectl cpa get
  kubectl cpa get -A
  kubectl cpa get web-autoscaler -o yaml`,
		Args:              commandline.Args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeNames(where),
	}
	command.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "of all namespaces")
	output := commandline.OutputFlag(command, "table", "json", "yaml")
	command.RunE = func(command *cobra.Command, arguments []string) error {
		if everywhere && len(arguments) > 0 {
			return commandline.UsageError{Err: errors.New("a name and -A: an object is looked for by its name in one namespace (-n)")}
		}
		objects, namespace, err := where.objects()
		switch {
		case err != nil:
			return err
		case len(arguments) > 0:
			return getOne(command, objects, namespace, arguments[0], *output)
		case everywhere:
			namespace = ""
		}
		return getAll(command, objects, namespace, *output)
	}
	return command
}

func getOne(command *cobra.Command, objects plugin.Objects, namespace, name, output string) error {
	object, err := objects.One(command.Context(), namespace, name)
	if err != nil {
		return err
	}
	return commandline.Print(command.OutOrStdout(), output, object, func(out io.Writer) error { return table(out, false, object) })
}

// getAll shows those of a namespace, or of all where it is empty.
func getAll(command *cobra.Command, objects plugin.Objects, namespace, output string) error {
	list, err := objects.All(command.Context(), namespace)
	if err != nil {
		return err
	}
	if len(list.Items) == 0 && output == "table" {
		fmt.Fprintln(command.ErrOrStderr(), nothing(namespace))
		return nil
	}
	return commandline.Print(command.OutOrStdout(), output, list, func(out io.Writer) error { return table(out, namespace == "", list.Items...) })
}

func nothing(namespace string) string {
	if namespace == "" {
		return "There are no CustomPodAutoscalers."
	}
	return fmt.Sprintf("There are no CustomPodAutoscalers in the namespace %s.", namespace)
}

func table(out io.Writer, everywhere bool, objects ...cpav1.CustomPodAutoscaler) error {
	columns := terminal.NewTable(out, 3)
	line := func(namespace string, values []string) {
		if everywhere {
			values = append([]string{namespace}, values...)
		}
		columns.Row(values...)
	}
	line("NAMESPACE", plugin.Columns)
	for _, object := range objects {
		line(object.Namespace, plugin.Row(object, time.Now()))
	}
	return columns.Flush()
}

func whyCommand(where *place) *cobra.Command {
	command := oneName(where, &cobra.Command{
		Use:   "why NAME",
		Short: "Say why an autoscaler did what it did last",
		Long: `why says in sentences what an autoscaler did last, and why: first what is not as it should be, with what
to do about it; then its last decision with each rule that had a say, when it last scaled, whether it
is paused, and the last events about it and its target.`,
		Example: `  kubectl cpa why web-autoscaler
  kubectl cpa why web-autoscaler -o json`,
	})
	output := commandline.OutputFlag(command, "text", "json", "yaml")
	command.RunE = func(command *cobra.Command, arguments []string) error {
		objects, namespace, err := where.objects()
		if err != nil {
			return err
		}
		object, err := objects.One(command.Context(), namespace, arguments[0])
		if err != nil {
			return err
		}
		events, problem := objects.Events(command.Context(), object)
		why := plugin.Explain(object, events, problem)
		return commandline.Print(command.OutOrStdout(), *output, why, func(out io.Writer) error {
			_, err := io.WriteString(out, why.Text(time.Now()))
			return err
		})
	}
	return command
}

func dryRunCommand(where *place) *cobra.Command {
	var port uint16
	var timeout time.Duration
	command := oneName(where, &cobra.Command{
		Use:   "dry-run NAME",
		Short: "Ask an autoscaler what it would do now",
		Long: `dry-run makes an autoscaler go through everything once but the scaling, and says what came of it and
why. It calls the autoscaler's REST API through kubectl port-forward, which you need the right to use.`,
		Example: `  kubectl cpa dry-run web-autoscaler

  # with apiConfig: {port: 8080}
  kubectl cpa dry-run web-autoscaler --port 8080`,
	})
	command.Flags().Uint16Var(&port, "port", 5000, "port of the autoscaler's REST API")
	command.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long all of it may take")
	output := commandline.OutputFlag(command, "text", "json", "yaml")
	command.RunE = func(command *cobra.Command, arguments []string) error {
		ctx, cancel := context.WithTimeout(command.Context(), timeout)
		defer cancel()
		proposal, err := dryRun(ctx, *where, arguments[0], int(port))
		if err != nil {
			return err
		}
		return commandline.Print(command.OutOrStdout(), *output, proposal, func(out io.Writer) error {
			_, err := fmt.Fprintln(out, proposal.Text(time.Now()))
			return err
		})
	}
	return command
}

// dryRun finds the object's pod, has its port forwarded, and asks.
func dryRun(ctx context.Context, where place, name string, port int) (proposal plugin.Proposal, err error) {
	objects, namespace, err := where.objects()
	if err != nil {
		return proposal, err
	}
	object, err := objects.One(ctx, namespace, name)
	if err != nil {
		return proposal, err
	}
	pods, err := objects.Pods(ctx, object)
	if err != nil {
		return proposal, err
	}
	pod, err := plugin.RunningPod(object, pods)
	if err != nil {
		return proposal, err
	}
	address, stop, err := kubectlOf(where).Forward(ctx, namespace, pod, port)
	if err != nil {
		return proposal, err
	}
	proposal, err = plugin.Ask(ctx, address)
	if said := stop(); err != nil && said != "" {
		err = fmt.Errorf("%w; kubectl says: %s", err, said)
	}
	return proposal, err
}

// kubectlOf is the kubectl in the PATH, with the cluster that is meant.
func kubectlOf(where place) plugin.Kubectl {
	kubectl := plugin.Kubectl{Program: "kubectl"}
	if file := where.cluster.Kubeconfig; file != "" {
		kubectl.Flags = append(kubectl.Flags, "--kubeconfig="+file)
	}
	if context := where.cluster.Context; context != "" {
		kubectl.Flags = append(kubectl.Flags, "--context="+context)
	}
	return kubectl
}
