package cluster

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes the administrator's kubeconfig, with its certificates inside so that
// it can be copied elsewhere, and keeps the same as the client configuration.
func (c *Cluster) writeKubeconfig() error {
	var pem [3][]byte
	for i, file := range []string{"ca.crt", "admin.crt", "admin.key"} {
		var err error
		if pem[i], err = os.ReadFile(c.path("pki", file)); err != nil {
			return fmt.Errorf("writing the kubeconfig: %w", err)
		}
	}
	const name = "test-cluster"
	kubeconfig := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: "https://" + c.address("kube-apiserver"), CertificateAuthorityData: pem[0]}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {ClientCertificateData: pem[1], ClientKeyData: pem[2]}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: "admin"}},
		CurrentContext: name,
	}
	if err := clientcmd.WriteToFile(kubeconfig, c.Kubeconfig()); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	config, err := clientcmd.NewDefaultClientConfig(kubeconfig, nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig back: %w", err)
	}
	// The defaults (5 a second) make a test that creates hundreds of pods wait for nothing.
	config.QPS, config.Burst = 200, 400
	c.config = config
	return nil
}
