package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestThePluginShowsObjectsAndSaysWhy(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(9), Env: []string{"minReplicas=2", "maxReplicas=5"}})
	harness.HasCondition(t, namespace, "AbleToScale True ReadyForNewScale", "")
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal SuccessfulRescale")
	user := harness.TerminalOf(t, cluster.Start(t).Kubeconfig())
	in := " -n " + namespace

	user.Prints("kubectl cpa get"+in, "NAME", "REASONS\n")
	row := regexp.MustCompile(`(?m)^web-autoscaler +Deployment/web +2 +5 +5 +9 +5 +True +\d+s ago +TooManyReplicas$`)
	if table := user.Prints("kubectl cpa get web-autoscaler" + in); !row.MatchString(table) {
		t.Errorf("the table is\n%s", table)
	}
	user.Prints("kubectl cpa get -A", "NAMESPACE", namespace, "web-autoscaler")
	var list struct {
		Kind  string
		Items []struct{ Metadata metav1.ObjectMeta }
	}
	if err := json.Unmarshal([]byte(user.Prints("kubectl cpa get -o json"+in)), &list); err != nil || list.Kind != "CustomPodAutoscalerList" || len(list.Items) != 1 {
		t.Errorf("as JSON there is %+v, %v", list, err)
	}
	user.Prints("kubectl cpa get web-autoscaler -o yaml"+in, "kind: CustomPodAutoscaler", "image: web-autoscaler:1", "recommendedReplicas: 9")
	user.Prints("kubectl cpa why web-autoscaler"+in,
		"scales Deployment web to between 2 and 5 replicas.\n\nIt decided on 5 replicas last, of 5, when user logic asked for 9:\n  TooManyReplicas: 9 recommended, maxReplicas is 5\n",
		"It last scaled its target 2", "It is not paused.", "The last events", "SuccessfulRescale: New size: 5; reason: TooManyReplicas")
	if names, _, code := user.Types("kubectl __complete cpa" + in + " why web"); code != 0 || !strings.HasPrefix(names, "web-autoscaler\n:4") {
		t.Errorf("the shell is offered %q", names)
	}

	p.Write("evaluate.reply", "rubbish")
	harness.HasCondition(t, namespace, "ScalingActive False FailedComputeMetricsReplicas", "rubbish")
	user.Prints("kubectl cpa why web-autoscaler"+in, "ScalingActive is False (FailedComputeMetricsReplicas)", "What to do: correct the program", "It decided on 5 replicas last")
	p.Stop()

	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"kind": "Nonsense"}}}`)
	harness.HasCondition(t, namespace, "Ready False UnknownTarget", "")
	user.Prints("kubectl cpa why web-autoscaler"+in, "scales Nonsense web", "Ready is False (UnknownTarget)", "What to do: correct spec.scaleTargetRef", "ScalingActive is False")
	user.Prints("kubectl cpa why -o json web-autoscaler"+in, `"trouble": [`, `"reason": "UnknownTarget"`, `"advice": "correct spec.scaleTargetRef`)
}

func TestThePluginSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	harness.InstallCRD(t)
	namespace := harness.Deploy(t, 1)
	in := " -n " + namespace
	admin := harness.TerminalOf(t, cluster.Start(t).Kubeconfig())
	if stdout, stderr, code := admin.Types("kubectl cpa get" + in); stdout != "" || code != 0 || stderr != "There are no CustomPodAutoscalers in the namespace "+namespace+".\n" {
		t.Errorf("with no objects: %d %q %q", code, stdout, stderr)
	}
	for _, command := range []string{"get none", "why none", "pause none --replicas 3", "resume none", "dry-run none"} {
		admin.Fails("kubectl cpa "+command+in, `"none" not found`, "kubectl cpa get"+in+" lists those that there are")
	}

	harness.Kubectl(t, harness.AutoscalerObject, "apply", "-n", namespace, "-f", "-") // there is no operator
	admin.Prints("kubectl cpa get"+in, "web-autoscaler", "Deployment/web", "-")
	admin.Prints("kubectl cpa why web-autoscaler"+in, "has not acted on its last change yet", "Ready is Unknown (NotSeen)", "What to do: see whether the operator runs", "no decision yet", "Deployment/web: ScalingReplicaSet: ")
	admin.Fails("kubectl cpa pause web-autoscaler --replicas 3 --timeout 1s"+in, "waiting for the operator: it has not done it within 1s (--timeout): ", "does it run, and look after the namespace?")
	admin.Prints("kubectl cpa pause web-autoscaler --replicas 3 --wait=false"+in, "is to be paused; the operator has yet to do it")
	admin.Fails("kubectl cpa dry-run web-autoscaler"+in, "there is none with the label v1.custompodautoscaler.com/owned-by=web-autoscaler", "kubectl cpa why"+in+" web-autoscaler says why")

	harness.Grant(t, namespace, "reader", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"custompodautoscaler.com"}, Resources: []string{"custompodautoscalers"}, Verbs: []string{"get"}},
	}})
	reader := harness.TerminalOf(t, harness.ServiceAccount(t, namespace, "reader"))
	reader.Prints("kubectl cpa why web-autoscaler"+in, "no decision yet", "Its events are not known: listing events", `you need the verb "list" on resource "events" of API group ""`)
	reader.Fails("kubectl cpa get"+in, `you need the verb "list" on resource "custompodautoscalers" of API group "custompodautoscaler.com"`)
	reader.Fails("kubectl cpa pause web-autoscaler --replicas 3"+in, `you need the verb "patch"`)
	reader.Fails("kubectl cpa dry-run web-autoscaler"+in, `you need the verb "list" on resource "pods"`)
}

func TestThePluginPausesForAWhile(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	user, in := harness.TerminalOf(t, cluster.Start(t).Kubeconfig()), " -n "+namespace
	user.Prints("kubectl cpa pause web-autoscaler --replicas 3 --for 20s"+in, "web-autoscaler is paused\n")
	if got := harness.Replicas(t, namespace); got != 3 {
		t.Errorf("the target has %d replicas, want 3", got)
	}
	user.Prints("kubectl cpa why web-autoscaler"+in, "It is paused: the target is held at 3 replicas until 2", "kubectl cpa resume"+in+" web-autoscaler ends it")
	user.Fails("kubectl cpa dry-run web-autoscaler"+in, "is paused: kubectl cpa resume"+in+" web-autoscaler first")
	harness.HasCondition(t, namespace, "Paused False NotPaused", "the pause ended at 2")
	ended := meta.FindStatusCondition(harness.ObjectOf(t, namespace).Status.Conditions, "Paused")
	until, err := time.Parse("the pause ended at "+time.RFC3339, ended.Message)
	if late := ended.LastTransitionTime.Sub(until); err != nil || late < 0 || late > 8*time.Second { // it is looked at every half minute in any case
		t.Errorf("the pause ended %s after it should, %v", late, err)
	}
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	harness.HasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal NotPaused x1 the pause ended at 2")

	user.Prints("kubectl cpa pause web-autoscaler --replicas 2 --for 1h"+in, "web-autoscaler is paused\n")
	user.Prints("kubectl cpa pause web-autoscaler"+in, "web-autoscaler is paused, its target held at 2 replicas\n") // as many as it has, and for good
	user.Prints("kubectl cpa why web-autoscaler"+in, "It is paused: the target is held at 2 replicas. ")
	user.Prints("kubectl cpa get web-autoscaler"+in, "False (Paused)")
	user.Prints("kubectl cpa resume web-autoscaler"+in, "web-autoscaler is resumed\n")
	harness.HasCondition(t, namespace, "Paused False NotPaused", "does not ask for it")
	if left := harness.ObjectOf(t, namespace).Annotations; left["v1.custompodautoscaler.com/paused-replicas"]+left["v1.custompodautoscaler.com/paused-until"] != "" {
		t.Errorf("it still has the annotations %v", left)
	}

	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", "v1.custompodautoscaler.com/paused-replicas=3", "v1.custompodautoscaler.com/paused-until=tomorrow")
	harness.HasCondition(t, namespace, "Paused False InvalidTime", `is "tomorrow": it has to be a time such as`)
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	user.Prints("kubectl cpa why web-autoscaler"+in, "Paused is False (InvalidTime)", "What to do: kubectl cpa pause"+in+" web-autoscaler", "It is not paused.")
	harness.Kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", "v1.custompodautoscaler.com/paused-until=2020-01-01T00:00:00Z")
	harness.HasCondition(t, namespace, "Paused False NotPaused", "the pause ended at 2020-01-01T00:00:00Z")

	harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"name": "gone"}}}`)
	user.Fails("kubectl cpa pause web-autoscaler --replicas 1 --timeout 20s"+in, "(--timeout): Ready is False (TargetNotFound): holding Deployment \"gone\" at 1 replica: ", "kubectl cpa why"+in+" web-autoscaler says more")
}

// TestThePluginAsksForADryRun of an autoscaler that runs beside its simulated pod: what kubectl forwards to a pod arrives at
// one port here, whatever the pod and its port are.
func TestThePluginAsksForADryRun(t *testing.T) {
	t.Parallel()
	namespace, _ := harness.Operated(t)
	p := harness.StartAsPod(t, namespace, harness.Options{Files: harness.Replies(3), Env: []string{"maxReplicas=5"}})
	harness.ScalesTo(t, namespace, 3)
	user, in := harness.TerminalOf(t, cluster.Start(t).Kubeconfig()), " -n "+namespace
	dryRun := "kubectl cpa dry-run web-autoscaler" + in
	const noAnswer, otherPort = "calling the autoscaler: ", "is its REST API on another port (--port), or switched off (apiConfig)?"
	user.Fails(dryRun, noAnswer, otherPort, "kubectl says: ", "error forwarding port 5000 to pod web-autoscaler-", "connection refused")
	harness.Grant(t, namespace, "guest", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "guest"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"custompodautoscaler.com", ""}, Resources: []string{"custompodautoscalers", "pods"}, Verbs: []string{"get", "list"}},
	}})
	harness.TerminalOf(t, harness.ServiceAccount(t, namespace, "guest")).Fails(dryRun,
		"kubectl cpa: forwarding port 5000 of pod \"web-autoscaler-", "by kubectl: exit status 1: ", "cannot create resource \"pods/portforward\"")

	forwardTo(t, p)
	user.Prints(dryRun, "a dry run would have kept Deployment "+namespace+"/web at 3 replicas")
	var proposal struct {
		TargetReplicas, Recommendation int
		Decision                       struct{ RunType, Result string }
	}
	stdout := user.Prints(dryRun + " --port 5001 -o json")
	if err := json.Unmarshal([]byte(stdout), &proposal); err != nil || proposal.TargetReplicas != 3 || proposal.Recommendation != 3 || proposal.Decision.RunType != "api_dry_run" || proposal.Decision.Result != "proposed" {
		t.Errorf("as JSON there is %s, %v", stdout, err)
	}
	p.Write("evaluate.reply", "rubbish")
	user.Fails(dryRun, "the autoscaler answered 500", "rubbish")
	p.Stop()
	user.Fails(dryRun, noAnswer, otherPort)
}

// forwardTo has what is forwarded to any pod arrive at the program.
func forwardTo(t *testing.T, p *harness.Program) {
	t.Helper()
	listener, err := net.Listen("tcp", cluster.Start(t).Forwards())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(harness.StartRelay(listener, func(ctx context.Context, _ net.Conn) (net.Conn, error) {
		return harness.RelayDialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p.Port))
	}))
}
