package operator

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestTheAutoscalerSaysInTheStatusHowItGoes(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3), Env: []string{"minReplicas=2", "maxReplicas=5"}})
	harness.HasCondition(t, namespace, "AbleToScale True ReadyForNewScale", "")
	harness.HasCondition(t, namespace, "ScalingActive True ValidMetricFound", "")
	harness.HasCondition(t, namespace, "ScalingLimited False DesiredWithinRange", "")
	if row := strings.Fields(harness.Kubectl(t, "", "get", "-n", namespace, "cpa", "--no-headers")); strings.Join(row[:8], " ") != "web-autoscaler web 2 5 3 3 True MinimumReplicasAvailable" {
		t.Errorf("kubectl get shows %q", row)
	}
	scaled := harness.ObjectOf(t, namespace)
	if scaled.Status.LastScaleTime == nil || len(scaled.Status.Reasons) != 1 || *scaled.Status.RecommendedReplicas != 3 {
		t.Errorf("the status is %+v", scaled.Status)
	}
	p.Passes("evaluate", 5)
	if now := harness.ObjectOf(t, namespace); now.ResourceVersion != scaled.ResourceVersion {
		t.Errorf("it was written though nothing had changed:\n%+v\n%+v", scaled.Status, now.Status)
	}

	p.Write("evaluate.reply", "rubbish")
	harness.HasCondition(t, namespace, "ScalingActive False FailedComputeMetricsReplicas", "rubbish")
	p.Evaluates(9)
	harness.HasCondition(t, namespace, "ScalingLimited True TooManyReplicas", "9 recommended, maxReplicas is 5")
	harness.HasCondition(t, namespace, "ScalingActive True ValidMetricFound", "")
	harness.Kubectl(t, "", "scale", "-n", namespace, "deployment", "web", "--replicas=0")
	harness.HasCondition(t, namespace, "ScalingActive False ScalingDisabled", "minReplicas is not 0")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "") // which is the operator's, and as it was

	before := harness.ObjectOf(t, namespace).Status.LastScaleTime
	p.Stop()
	again := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(2)})
	again.Passes("evaluate", 0)
	harness.Eventually(t, "the limits of the autoscaler that was started again", func() (bool, error) {
		return *harness.ObjectOf(t, namespace).Status.MaxReplicas == 10, nil
	})
	if now := harness.ObjectOf(t, namespace).Status.LastScaleTime; !now.Equal(before) {
		t.Errorf("it was last scaled at %v, and %v after the restart", before, now)
	}
}

// withRole is a namespace whose object's Role was made by hand, with rights to scale and the further rules.
func withRole(t *testing.T, rules ...string) (namespace string) {
	t.Helper()
	namespace, _ = harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"provisionRole": false}}`)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	scaling := `{"apiGroups": ["", "apps"], "resources": ["pods", "deployments", "deployments/scale"], "verbs": ["get", "list", "patch"]}`
	harness.Kubectl(t, `{"rules": [`+strings.Join(append(rules, scaling), ",")+`]}`,
		"patch", "-n", namespace, "role", "web-autoscaler", "--type=merge", "--patch-file=/dev/stdin")
	return namespace
}

// Rules for the lease, as the autoscaler's error names them.
const (
	createLeases = `{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]}`
	holdLease    = `{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["web-autoscaler.custompodautoscaler.com"], "verbs": ["get", "patch"]}`
)

func TestAnAutoscalerWithoutRightsOnItsStatusScales(t *testing.T) {
	t.Parallel()
	namespace := withRole(t, createLeases, holdLease)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3)})
	harness.ScalesTo(t, namespace, 3)
	p.Logs("level=WARN", "writing the status of the CustomPodAutoscaler failed; scaling goes on", "needs the verb")
	p.Passes("evaluate", 10)
	if n := strings.Count(p.Printed.String(), "level=WARN"); n > 2 { // with the one about events
		t.Errorf("there are %d warnings", n)
	}
}

// TestLeaseForbidden: a Role that was made by hand may lack the rights on the lease.
func TestLeaseForbidden(t *testing.T) {
	t.Parallel()
	namespace := withRole(t)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3)})
	wayOut := []string{
		`the autoscaler's Role needs the verb \"get\" on resource \"leases\" of API group \"coordination.k8s.io\"`, "add to the autoscaler's Role in namespace " + namespace,
		`resources: [\"leases\"], verbs: [\"create\"]`, `resourceNames: [\"web-autoscaler.custompodautoscaler.com\"], verbs: [\"get\", \"patch\"]`,
		"or set leaderElection: false",
	}
	p.Logs(append(wayOut, "level=WARN", "holding the lease failed; nothing is scaled without it")...)
	p.Logs(append(wayOut, "level=ERROR", "nothing was scaled", "reason=LeaseNotHeld")...)
	if got := p.Call(harness.Get, "/api/v1/decisions/latest"); !strings.Contains(got.Body, `"reason":"LeaseNotHeld"`) {
		t.Errorf("the decision is %s", got.Body)
	}
	if got := p.Call(harness.Get, "/readyz"); got.Code != 503 {
		t.Errorf("it is ready: %+v", got)
	}
	if p.Calls("metric") > 0 || harness.Replicas(t, namespace) != 1 {
		t.Error("it goes on without the lease")
	}
	harness.Kubectl(t, `{"rules": [`+createLeases+`,`+holdLease+`,{"apiGroups": ["", "apps"], "resources": ["pods", "deployments", "deployments/scale"], "verbs": ["get", "list", "patch"]}]}`,
		"patch", "-n", namespace, "role", "web-autoscaler", "--type=merge", "--patch-file=/dev/stdin")
	harness.ScalesTo(t, namespace, 3)
}

func TestLeaderElectionOff(t *testing.T) {
	t.Parallel()
	namespace := withRole(t)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3), Env: []string{"leaderElection=false"}})
	harness.ScalesTo(t, namespace, 3)
	p.Logs("level=WARN", "nothing keeps a second autoscaler of the object out (leaderElection: false)")
	p.Passes("evaluate", 3)
	if strings.Contains(p.Printed.String(), "leases") || harness.Kubectl(t, "", "get", "-n", namespace, "leases", "-o", "name") != "" {
		t.Error("it asks for a lease")
	}
}

// on makes the program take itself for a pod of that name.
func on(host string) func(*exec.Cmd) {
	return func(command *exec.Cmd) {
		script := "echo " + host + ` > /proc/sys/kernel/hostname; exec "$@"`
		command.Args = append([]string{"unshare", "--uts", "sh", "-c", script, "sh"}, append([]string{command.Path}, command.Args[1:]...)...)
		command.Path, command.Err = exec.LookPath("unshare")
	}
}

func TestASecondAutoscalerOfAnObjectIsKeptOut(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	first := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3), Around: on("first")})
	harness.ScalesTo(t, namespace, 3)
	second := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(5), Around: on("second")})
	second.Logs("level=ERROR", "nothing was scaled", `first holds the lease \"web-autoscaler.custompodautoscaler.com\", and is scaling`, "reason=LeaseNotHeld")
	first.Passes("evaluate", 3)
	if got := harness.Replicas(t, namespace); got != 3 || second.Calls("metric") > 0 {
		t.Errorf("there are %d replicas, and the second one ran metric %d times", got, second.Calls("metric"))
	}
	if got := second.Call(harness.Get, "/readyz"); got.Code != 503 {
		t.Errorf("it is ready: %+v", got)
	}
	if warned := first.Printed.String(); strings.Contains(warned, "LeaseNotHeld") {
		t.Error("the first one takes waiting for its own lease for a failure")
	}
	first.Stop()
	harness.ScalesTo(t, namespace, 5)
	harness.Kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	second.Stop()
	harness.Eventually(t, "the lease to go with the object", func() (bool, error) {
		return harness.Kubectl(t, "", "get", "-n", namespace, "leases", "-o", "name") == "", nil
	})
}
