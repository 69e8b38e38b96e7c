package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// objectOf is the CustomPodAutoscaler as it is now.
func objectOf(t *testing.T, namespace string) (object cpav1.CustomPodAutoscaler) {
	t.Helper()
	if err := json.Unmarshal([]byte(kubectl(t, "", "get", "-n", namespace, "cpa", "web-autoscaler", "-o", "json")), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestTheAutoscalerSaysInTheStatusHowItGoes(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	p := startAsPod(t, namespace, options{files: replies(3), env: []string{"minReplicas=2", "maxReplicas=5"}})
	hasCondition(t, namespace, "AbleToScale True ReadyForNewScale", "")
	hasCondition(t, namespace, "ScalingActive True ValidMetricFound", "")
	hasCondition(t, namespace, "ScalingLimited False DesiredWithinRange", "")
	if row := strings.Fields(kubectl(t, "", "get", "-n", namespace, "cpa", "--no-headers")); strings.Join(row[:8], " ") != "web-autoscaler web 2 5 3 3 True MinimumReplicasAvailable" {
		t.Errorf("kubectl get shows %q", row)
	}
	scaled := objectOf(t, namespace)
	if scaled.Status.LastScaleTime == nil || len(scaled.Status.Reasons) != 1 || *scaled.Status.RecommendedReplicas != 3 {
		t.Errorf("the status is %+v", scaled.Status)
	}
	p.passes("evaluate", 5)
	if now := objectOf(t, namespace); now.ResourceVersion != scaled.ResourceVersion {
		t.Errorf("it was written though nothing had changed:\n%+v\n%+v", scaled.Status, now.Status)
	}

	p.write("evaluate.reply", "rubbish")
	hasCondition(t, namespace, "ScalingActive False FailedComputeMetricsReplicas", "rubbish")
	p.evaluates(9)
	hasCondition(t, namespace, "ScalingLimited True TooManyReplicas", "9 recommended, maxReplicas is 5")
	hasCondition(t, namespace, "ScalingActive True ValidMetricFound", "")
	kubectl(t, "", "scale", "-n", namespace, "deployment", "web", "--replicas=0")
	hasCondition(t, namespace, "ScalingActive False ScalingDisabled", "minReplicas is not 0")
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "") // which is the operator's, and as it was

	before := objectOf(t, namespace).Status.LastScaleTime
	p.stop()
	again := startAsPod(t, namespace, options{files: replies(2)})
	again.passes("evaluate", 0)
	eventually(t, "the limits of the autoscaler that was started again", func() (bool, error) {
		return *objectOf(t, namespace).Status.MaxReplicas == 10, nil
	})
	if now := objectOf(t, namespace).Status.LastScaleTime; !now.Equal(before) {
		t.Errorf("it was last scaled at %v, and %v after the restart", before, now)
	}
}

// withRole is a namespace whose object's Role was made by hand, with rights to scale and the further rules.
func withRole(t *testing.T, rules ...string) (namespace string) {
	t.Helper()
	namespace, _ = operated(t)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"provisionRole": false}}`)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	scaling := `{"apiGroups": ["", "apps"], "resources": ["pods", "deployments", "deployments/scale"], "verbs": ["get", "list", "patch"]}`
	kubectl(t, `{"rules": [`+strings.Join(append(rules, scaling), ",")+`]}`,
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
	p := startAsPod(t, namespace, options{files: replies(3)})
	scalesTo(t, namespace, 3)
	p.logs("level=WARN", "writing the status of the CustomPodAutoscaler failed; scaling goes on", "needs the verb")
	p.passes("evaluate", 10)
	if n := strings.Count(p.log.String(), "level=WARN"); n > 2 { // with the one about events
		t.Errorf("there are %d warnings", n)
	}
}

// TestLeaseForbidden: a Role that was made by hand may lack the rights on the lease.
func TestLeaseForbidden(t *testing.T) {
	t.Parallel()
	namespace := withRole(t)
	p := startAsPod(t, namespace, options{files: replies(3)})
	wayOut := []string{
		`the autoscaler's Role needs the verb \"get\" on resource \"leases\" of API group \"coordination.k8s.io\"`, "add to the autoscaler's Role in namespace " + namespace,
		`resources: [\"leases\"], verbs: [\"create\"]`, `resourceNames: [\"web-autoscaler.custompodautoscaler.com\"], verbs: [\"get\", \"patch\"]`,
		"or set leaderElection: false",
	}
	p.logs(append(wayOut, "level=WARN", "holding the lease failed; nothing is scaled without it")...)
	p.logs(append(wayOut, "level=ERROR", "nothing was scaled", "reason=LeaseNotHeld")...)
	if got := p.call(get, "/api/v1/decisions/latest"); !strings.Contains(got.body, `"reason":"LeaseNotHeld"`) {
		t.Errorf("the decision is %s", got.body)
	}
	if got := p.call(get, "/readyz"); got.code != 503 {
		t.Errorf("it is ready: %+v", got)
	}
	if p.calls("metric") > 0 || replicas(t, namespace) != 1 {
		t.Error("it goes on without the lease")
	}
	kubectl(t, `{"rules": [`+createLeases+`,`+holdLease+`,{"apiGroups": ["", "apps"], "resources": ["pods", "deployments", "deployments/scale"], "verbs": ["get", "list", "patch"]}]}`,
		"patch", "-n", namespace, "role", "web-autoscaler", "--type=merge", "--patch-file=/dev/stdin")
	scalesTo(t, namespace, 3)
}

func TestLeaderElectionOff(t *testing.T) {
	t.Parallel()
	namespace := withRole(t)
	p := startAsPod(t, namespace, options{files: replies(3), env: []string{"leaderElection=false"}})
	scalesTo(t, namespace, 3)
	p.logs("level=WARN", "nothing keeps a second autoscaler of the object out (leaderElection: false)")
	p.passes("evaluate", 3)
	if strings.Contains(p.log.String(), "leases") || kubectl(t, "", "get", "-n", namespace, "leases", "-o", "name") != "" {
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
	namespace, _ := operated(t)
	first := startAsPod(t, namespace, options{files: replies(3), around: on("first")})
	scalesTo(t, namespace, 3)
	second := startAsPod(t, namespace, options{files: replies(5), around: on("second")})
	second.logs("level=ERROR", "nothing was scaled", `first holds the lease \"web-autoscaler.custompodautoscaler.com\", and is scaling`, "reason=LeaseNotHeld")
	first.passes("evaluate", 3)
	if got := replicas(t, namespace); got != 3 || second.calls("metric") > 0 {
		t.Errorf("there are %d replicas, and the second one ran metric %d times", got, second.calls("metric"))
	}
	if got := second.call(get, "/readyz"); got.code != 503 {
		t.Errorf("it is ready: %+v", got)
	}
	if warned := first.log.String(); strings.Contains(warned, "LeaseNotHeld") {
		t.Error("the first one takes waiting for its own lease for a failure")
	}
	first.stop()
	scalesTo(t, namespace, 5)
	kubectl(t, "", "delete", "-n", namespace, "cpa", "web-autoscaler")
	second.stop()
	eventually(t, "the lease to go with the object", func() (bool, error) {
		return kubectl(t, "", "get", "-n", namespace, "leases", "-o", "name") == "", nil
	})
}
