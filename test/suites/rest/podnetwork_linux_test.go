package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestAPodNetworkTellsCallersApart(t *testing.T) {
	t.Parallel()
	n := harness.StartPodNetwork(t)
	p := &harness.Program{T: t, Printed: &harness.LockedBuffer{}, Exited: make(chan struct{}), Cmd: harness.AsRole(t, "caller's address", ":8080")}
	n.Inside(p.Cmd)
	p.RunCommand()
	for want, client := range map[string]*http.Client{"127.0.0.1": n.Local(), harness.PodAddress: n.Neighbour()} {
		p.Eventually("a caller from "+want, func() (bool, error) {
			response, err := client.Get("http://pod:8080/")
			if err != nil {
				return false, err
			}
			defer response.Body.Close()
			caller, err := io.ReadAll(response.Body)
			return strings.HasPrefix(string(caller), want+":"), errors.Join(err, fmt.Errorf("it was %q", caller))
		})
	}
	if _, err := n.Neighbour().Get("http://pod:8081/"); !strings.Contains(fmt.Sprint(err), "connection refused") {
		t.Errorf("a port on which nobody listens: %v", err)
	}
	reachesServer(n)
}

// reachesServer checks that kube-apiserver answers to a program inside.
func reachesServer(n *harness.PodNetwork) {
	n.Helper()
	ctx, cancel := context.WithTimeout(n.Context(), harness.Patience)
	defer cancel()
	c := cluster.Start(n.T)
	kubectl := exec.CommandContext(ctx, c.Kubectl(), "--kubeconfig", c.Kubeconfig(), "get", "--raw", "/readyz")
	n.Inside(kubectl)
	if answer, err := kubectl.CombinedOutput(); err != nil || string(answer) != "ok" {
		n.Errorf("kube-apiserver, from inside: %s, %v", answer, err)
	}
}
