package commandline

import "github.com/spf13/pflag"

// ClusterFlags adds the flags that select a cluster.
func ClusterFlags(flags *pflag.FlagSet, kubeconfig, context *string) {
	flags.StringVar(kubeconfig, "kubeconfig", "", "kubeconfig file (default: KUBECONFIG, the pod's service account, or ~/.kube/config)")
	flags.StringVar(context, "context", "", "context of the kubeconfig (default: its current context)")
}
