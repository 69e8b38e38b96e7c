package host

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/unit"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// Cluster says which cluster to use. Empty, it is the one that the program runs in, or the kubeconfig's.
type Cluster struct {
	Kubeconfig string // a file, or "" for KUBECONFIG and the usual places
	Context    string // of the kubeconfig, or "" for its current one
}

// connect finds the cluster and our credentials, and says who calls.
func (c Cluster) connect() (*rest.Config, error) {
	config, err := c.find()
	if err != nil {
		return nil, err
	}
	built, _ := version.Built()
	config.UserAgent = unit.Component + "/" + built
	return config, nil
}

// find finds the cluster and our credentials: a kubeconfig that was asked for (--kubeconfig, KUBECONFIG,
// --context), the pod's service account, and at last the user's own kubeconfig.
func (c Cluster) find() (*rest.Config, error) {
	rules, kubeconfig := c.load()
	viaKUBECONFIG := rules.WarnIfAllMissing // client-go sets it just then
	if c.Kubeconfig == "" && c.Context == "" && !viaKUBECONFIG {
		switch config, err := rest.InClusterConfig(); {
		case err == nil:
			return config, nil
		case !errors.Is(err, rest.ErrNotInCluster):
			return nil, fmt.Errorf("reading the pod's service account: %w: is automountServiceAccountToken off?", err)
		}
	}
	config, err := kubeconfig.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, fmt.Errorf("finding the cluster: this is no pod, and there is no kubeconfig at %s: name one by --kubeconfig or KUBECONFIG",
			strings.Join(rules.GetLoadingPrecedence(), ", "))
	case err != nil:
		return nil, fmt.Errorf("reading the kubeconfig (--kubeconfig, KUBECONFIG, --context): %w", err)
	}
	return config, nil
}

// Client calls the cluster for somebody at a terminal. It gives the namespace, too, that the kubeconfig's context, or the pod, is in.
func (c Cluster) Client(timeout time.Duration) (api *kube.Client, namespace string, err error) {
	config, err := c.connect()
	if err != nil {
		return nil, "", err
	}
	_, kubeconfig := c.load()
	if namespace, _, err = kubeconfig.Namespace(); err != nil {
		return nil, "", fmt.Errorf("reading the namespace of the kubeconfig: %w", err)
	}
	api, err = kube.New(config, timeout)
	return api, namespace, err
}

func (c Cluster) load() (*clientcmd.ClientConfigLoadingRules, clientcmd.ClientConfig) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	return rules, clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.Context})
}
