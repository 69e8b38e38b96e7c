package cluster

import (
	"fmt"
	"net"
)

// portNames are the ports of one cluster, each named after its owner.
var portNames = []string{
	"etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
	"kwok", "metrics-server", "test-adapter", "test-adapter-writes", forwards,
}

// forwards is the port that kubectl port-forward leads to, whatever the pod: nobody listens there, but a test may.
const forwards = "forwards"

// freePorts finds a free loopback port for each name. All are held until the last is found,
// so that they differ.
func freePorts(names []string) (map[string]int, error) {
	ports := make(map[string]int, len(names))
	for _, name := range names {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port for %s: %w", name, err)
		}
		defer listener.Close()
		ports[name] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
