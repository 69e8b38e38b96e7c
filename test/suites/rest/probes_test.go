package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestTheProbesTellWhatTheKubeletCanHelp: a new start would not help against anything here, so it is alive all the while.
func TestTheProbesTellWhatTheKubeletCanHelp(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	proxy := harness.StartProxy(t)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(1), Kube: proxy.Kubeconfig})
	p.Serves()
	for _, row := range []struct {
		name string
		do   func()
		code int
		says string
	}{
		{"there is no target", func() {}, 503, "the last pass failed for the configuration, or for rights that are missing"},
		{"there is one", func() { harness.CreateDeployment(t, namespace, 1) }, 200, "ok"},
		{"user logic fails", func() { p.Write("evaluate.reply", "rubbish"); p.Logs("pass failed", "evaluate") }, 200, "ok"},
		{"it is mended", func() { p.Evaluates(1) }, 200, "ok"},
		{"a right is missing", func() { proxy.Answer(harness.Refuse(http.StatusForbidden, metav1.StatusReasonForbidden)) }, 503, "rights that are missing"},
		{"it is given", func() { proxy.Answer(nil) }, 200, "ok"},
		{"the API server is away", func() { proxy.Answer(harness.HangUp); p.Logs("pass failed", "EOF") }, 200, "ok"},
	} {
		row.do()
		p.Eventually(row.name, func() (bool, error) {
			got := p.Call(http.MethodGet, "/readyz")
			return got.Code == row.code && strings.Contains(got.Body, row.says), fmt.Errorf("%v", got)
		})
		if got := p.Call(http.MethodGet, "/healthz"); got.Code != 200 {
			t.Errorf("%s: it is not alive: %v", row.name, got)
		}
	}
}
