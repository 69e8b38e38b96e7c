package operator

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// frugal is how much of a heap may be garbage, in percent of what is used: the caches of large clusters are large, and there
// is time. GOGC says otherwise where it is set.
const frugal = 50

// Main runs the program and gives its exit code. It stands here, and not with the autoscaler's commands, since that program
// is not to carry what only this one needs.
func Main(arguments []string, stdout, stderr io.Writer) int {
	ctx, stop := commandline.UntilSignal()
	defer stop()
	command := root(stderr)
	command.SetArgs(version.WithoutOldFlags(arguments, stderr, "--log-json is all that there is to say of the log"))
	command.SetOut(stdout)
	command.SetErr(stderr)
	if err := command.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "custom-pod-autoscaler-operator: %s\n", secret.Mask(err.Error()))
		return 1
	}
	return 0
}

// namespacesOf reads a list of namespaces, as WATCH_NAMESPACE had it for operator 1.4: none are all.
func namespacesOf(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func root(stderr io.Writer) *cobra.Command {
	var options Options
	var asJSON bool
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	command := &cobra.Command{
		Use:   "custom-pod-autoscaler-operator",
		Short: "Run autoscalers from CustomPodAutoscaler objects",
		Long: `The operator looks after CustomPodAutoscaler objects: it makes a ServiceAccount, a Role with just the
rights that the autoscaler needs, a RoleBinding and a Deployment for each, and keeps them so.`,
		Example: `  # in the cluster, for all namespaces
  custom-pod-autoscaler-operator --leader-elect

  # on your machine, against the cluster of your kubeconfig, for one namespace
  custom-pod-autoscaler-operator --namespace shop`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(command *cobra.Command, _ []string) error {
			if options.Concurrency < 1 { // which a library would take for its default
				return fmt.Errorf("--concurrency is %d: at least one object has to be looked at at a time", options.Concurrency)
			}
			if len(options.Namespaces) == 0 {
				options.Namespaces = namespacesOf(os.Getenv("WATCH_NAMESPACE"))
			}
			if _, set := os.LookupEnv("GOGC"); !set {
				debug.SetGCPercent(frugal)
			}
			options.Log = telemetry.NewLogger(stderr, slog.LevelInfo, asJSON, secret.Mask)
			connection, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
			if err != nil {
				return fmt.Errorf("finding the cluster (--kubeconfig, KUBECONFIG, the pod's service account): %w", err)
			}
			built, _ := version.Built()
			connection.UserAgent = cpav1.Operator + "/" + built
			library := telemetry.NewLogger(stderr, slog.LevelWarn, asJSON, secret.Mask) // it says how it starts and stops at length
			log.SetLogger(logr.FromSlogHandler(untilDone{library.Handler(), command.Context()}))
			return Run(command.Context(), connection, options)
		},
	}
	command.AddCommand(version.Command("custom-pod-autoscaler-operator"))
	version.Flag(command)
	flags := command.Flags()
	flags.StringVar(&rules.ExplicitPath, "kubeconfig", "", "kubeconfig file (default: KUBECONFIG, ~/.kube/config, or the pod's service account)")
	flags.StringSliceVar(&options.Namespaces, "namespace", nil, "namespace that is looked after; may be given several times (default: those of WATCH_NAMESPACE, or all)")
	flags.BoolVar(&options.LeaderElection, "leader-elect", false, "let only one of several operators work at a time")
	flags.StringVar(&options.LeaderElectionNamespace, "leader-elect-namespace", "", "namespace of the Lease for that (default: the pod's)")
	flags.StringVar(&options.ProbeAddress, "probe-address", ":8081", `address of /healthz and /readyz; "0" for none`)
	flags.StringVar(&options.MetricsAddress, "metrics-address", ":8443", `address of /metrics, over HTTPS, for callers whom the cluster allows it; "0" for none`)
	flags.IntVar(&options.Concurrency, "concurrency", 4, "objects that are looked at at a time")
	flags.StringVar(&options.AdmissionPolicy, "admission-policy", cpav1.Operator, "ValidatingAdmissionPolicy that checks the authors of objects; a warning is logged if it is not in force")
	flags.BoolVar(&asJSON, "log-json", false, "write each line of the log as a JSON object")
	return command
}
