package app

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Cluster says which cluster to use. Empty, it is the one that the program runs in, or the kubeconfig's.
type Cluster struct {
	Kubeconfig string // a file, or "" for KUBECONFIG and the usual places
	Context    string // of the kubeconfig, or "" for its current one
}

// connect finds the cluster and our credentials: a kubeconfig that was asked for (--kubeconfig, KUBECONFIG,
// --context), the pod's service account, and at last the user's own kubeconfig.
func (c Cluster) connect() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	viaKUBECONFIG := rules.WarnIfAllMissing // client-go sets it just then
	if c.Kubeconfig == "" && c.Context == "" && !viaKUBECONFIG {
		switch config, err := rest.InClusterConfig(); {
		case err == nil:
			return config, nil
		case !errors.Is(err, rest.ErrNotInCluster):
			return nil, fmt.Errorf("reading the pod's service account: %w: is automountServiceAccountToken off?", err)
		}
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: c.Context}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, fmt.Errorf("finding the cluster: this is no pod, and there is no kubeconfig at %s: name one by --kubeconfig or KUBECONFIG",
			strings.Join(rules.GetLoadingPrecedence(), ", "))
	case err != nil:
		return nil, fmt.Errorf("reading the kubeconfig (--kubeconfig, KUBECONFIG, --context): %w", err)
	}
	return config, nil
}
