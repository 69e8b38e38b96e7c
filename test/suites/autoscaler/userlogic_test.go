package autoscaler

import (
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestAReplyThatIsNoEvaluationScalesNothing(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(2)})
	for _, row := range []struct{ name, reply, says string }{
		{"empty", "", "the reply is empty"},
		{"not JSON", "three", `the reply \"three\" is not a JSON object`},
		{"two documents", `{"targetReplicas": 3} {"targetReplicas": 4}`, "is not a JSON object"},
		{"an empty object", "{}", `the reply \"{}\" has no targetReplicas`},
		{"null", "null", `the reply \"null\" is not a JSON object`},
		{"a list", "[3]", `the reply \"[3]\" is not a JSON object`},
		{"a number", "3", `the reply \"3\" is not a JSON object`},
		{"another key", `{"target_replicas": 3}`, `\"{\\\"target_replicas\\\": 3}\" has no targetReplicas`},
		{"null replicas", `{"targetReplicas": null}`, `targetReplicas is \"null\" in the reply`},
		{"text", `{"targetReplicas": "3"}`, `targetReplicas is \"\\\"3\\\"\" in the reply`},
		{"a fraction", `{"targetReplicas": 3.5}`, `targetReplicas is \"3.5\" in the reply`},
		{"negative", `{"targetReplicas": -1}`, `targetReplicas is \"-1\" in the reply`},
		{"larger than 32 bits", `{"targetReplicas": 2147483648}`, `targetReplicas is \"2147483648\" in the reply`},
	} {
		p.Passes("evaluate", 1)
		mark := p.Mark()
		p.Write("evaluate.reply", row.reply)
		p.LogsAfter(mark, "pass failed, nothing was scaled", "reading what evaluate replied", row.says)
		if got := harness.Replicas(t, namespace); got != 2 {
			t.Errorf("%s: the Deployment has %d replicas, want 2 as before", row.name, got)
		}
	}
	if log := p.Printed.String(); strings.Contains(log, "msg=scaled") {
		t.Error("something was scaled")
	}
	p.Passes("evaluate", 2)
	p.Evaluates(3)
	harness.ScalesTo(t, namespace, 3)
	p.Logs("recovered", "failedPasses=")
}
