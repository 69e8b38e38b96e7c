package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// TestTheProbesTellWhatTheKubeletCanHelp: a new start would not help against anything here, so it is alive all the while.
func TestTheProbesTellWhatTheKubeletCanHelp(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	proxy := startProxy(t)
	p := start(t, options{config: base(namespace), files: replies(1), kube: proxy.kubeconfig})
	p.serves()
	for _, row := range []struct {
		name string
		do   func()
		code int
		says string
	}{
		{"there is no target", func() {}, 503, "the last pass failed for the configuration, or for rights that are missing"},
		{"there is one", func() { createDeployment(t, namespace, 1) }, 200, "ok"},
		{"user logic fails", func() { p.write("evaluate.reply", "rubbish"); p.logs("pass failed", "evaluate") }, 200, "ok"},
		{"it is mended", func() { p.evaluates(1) }, 200, "ok"},
		{"a right is missing", func() { proxy.answer(refuse(http.StatusForbidden, metav1.StatusReasonForbidden)) }, 503, "rights that are missing"},
		{"it is given", func() { proxy.answer(nil) }, 200, "ok"},
		{"the API server is away", func() { proxy.answer(hangUp); p.logs("pass failed", "EOF") }, 200, "ok"},
	} {
		row.do()
		p.eventually(row.name, func() (bool, error) {
			got := p.call(http.MethodGet, "/readyz")
			return got.code == row.code && strings.Contains(got.body, row.says), fmt.Errorf("%v", got)
		})
		if got := p.call(http.MethodGet, "/healthz"); got.code != 200 {
			t.Errorf("%s: it is not alive: %v", row.name, got)
		}
	}
}
