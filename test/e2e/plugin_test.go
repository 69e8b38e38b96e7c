package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// terminal is somebody's who has kubectl and the plugin in the PATH.
type terminal struct {
	*testing.T
	path, kube string
}

func terminalOf(t *testing.T, kube string) terminal {
	t.Helper()
	path := t.TempDir()
	for name, program := range map[string]string{"kubectl": cluster.Start(t).Kubectl(), "kubectl-cpa": build(t, "-race"), "kubectl_complete-cpa": build(t, "-race")} {
		if err := os.Symlink(program, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	return terminal{t, path, kube}
}

// types runs a line, and gives what is printed and the exit code.
func (t terminal) types(line string) (stdout, stderr string, code int) {
	t.Helper()
	words := strings.Fields(line)
	command := exec.CommandContext(t.Context(), filepath.Join(t.path, words[0]), words[1:]...)
	command.Env = append(os.Environ(), "PATH="+t.path+":"+os.Getenv("PATH"), "KUBECONFIG="+t.kube)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	err := command.Run()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", line, err)
	}
	return out.String(), said.String(), command.ProcessState.ExitCode()
}

// prints runs a line that succeeds, and looks for words in what it prints, in their order.
func (t terminal) prints(line string, words ...string) string {
	t.Helper()
	stdout, stderr, code := t.types(line)
	if code != 0 || stderr != "" {
		t.Errorf("%s: exit code %d: %s", line, code, stderr)
	}
	rest := stdout
	for _, word := range words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Errorf("%s: %q is missing, or not in this place, in\n%s", line, word, stdout)
			break
		}
		rest = after
	}
	return stdout
}

// fails runs a line that does not succeed, and looks for words in what it says.
func (t terminal) fails(line string, words ...string) {
	t.Helper()
	if stdout, stderr, code := t.types(line); code != 1 || stdout != "" || !containsAll(stderr, words) {
		t.Errorf("%s: got exit code %d and %q, %q; want 1 and %q", line, code, stdout, stderr, words)
	}
}

func TestThePluginShowsObjectsAndSaysWhy(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	p := startAsPod(t, namespace, options{files: replies(9), env: []string{"minReplicas=2", "maxReplicas=5"}})
	hasCondition(t, namespace, "AbleToScale True ReadyForNewScale", "")
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal SuccessfulRescale")
	user := terminalOf(t, cluster.Start(t).Kubeconfig())
	in := " -n " + namespace

	user.prints("kubectl cpa get"+in, "NAME", "REASONS\n")
	row := regexp.MustCompile(`(?m)^web-autoscaler +Deployment/web +2 +5 +5 +9 +5 +True +\d+s ago +TooManyReplicas$`)
	if table := user.prints("kubectl cpa get web-autoscaler" + in); !row.MatchString(table) {
		t.Errorf("the table is\n%s", table)
	}
	user.prints("kubectl cpa get -A", "NAMESPACE", namespace, "web-autoscaler")
	var list struct {
		Kind  string
		Items []struct{ Metadata metav1.ObjectMeta }
	}
	if err := json.Unmarshal([]byte(user.prints("kubectl cpa get -o json"+in)), &list); err != nil || list.Kind != "CustomPodAutoscalerList" || len(list.Items) != 1 {
		t.Errorf("as JSON there is %+v, %v", list, err)
	}
	user.prints("kubectl cpa get web-autoscaler -o yaml"+in, "kind: CustomPodAutoscaler", "image: web-autoscaler:1", "recommendedReplicas: 9")
	user.prints("kubectl cpa why web-autoscaler"+in,
		"scales Deployment web to between 2 and 5 replicas.\n\nIt decided on 5 replicas last, of 5, when user logic asked for 9:\n  TooManyReplicas: 9 recommended, maxReplicas is 5\n",
		"It last scaled its target 2", "It is not paused.", "The last events", "SuccessfulRescale: New size: 5; reason: TooManyReplicas")
	if names, _, code := user.types("kubectl __complete cpa" + in + " why web"); code != 0 || !strings.HasPrefix(names, "web-autoscaler\n:4") {
		t.Errorf("the shell is offered %q", names)
	}

	p.write("evaluate.reply", "rubbish")
	hasCondition(t, namespace, "ScalingActive False FailedComputeMetricsReplicas", "rubbish")
	user.prints("kubectl cpa why web-autoscaler"+in, "ScalingActive is False (FailedComputeMetricsReplicas)", "What to do: correct the program", "It decided on 5 replicas last")
	p.stop()

	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"kind": "Nonsense"}}}`)
	hasCondition(t, namespace, "Ready False UnknownTarget", "")
	user.prints("kubectl cpa why web-autoscaler"+in, "scales Nonsense web", "Ready is False (UnknownTarget)", "What to do: correct spec.scaleTargetRef", "ScalingActive is False")
	user.prints("kubectl cpa why -o json web-autoscaler"+in, `"trouble": [`, `"reason": "UnknownTarget"`, `"advice": "correct spec.scaleTargetRef`)
}

func TestThePluginSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	installCRD(t)
	namespace := deploy(t, 1)
	in := " -n " + namespace
	admin := terminalOf(t, cluster.Start(t).Kubeconfig())
	if stdout, stderr, code := admin.types("kubectl cpa get" + in); stdout != "" || code != 0 || stderr != "There are no CustomPodAutoscalers in the namespace "+namespace+".\n" {
		t.Errorf("with no objects: %d %q %q", code, stdout, stderr)
	}
	for _, command := range []string{"get none", "why none", "pause none --replicas 3", "resume none", "dry-run none"} {
		admin.fails("kubectl cpa "+command+in, `"none" not found`, "kubectl cpa get"+in+" lists those that there are")
	}

	kubectl(t, autoscalerObject, "apply", "-n", namespace, "-f", "-") // there is no operator
	admin.prints("kubectl cpa get"+in, "web-autoscaler", "Deployment/web", "-")
	admin.prints("kubectl cpa why web-autoscaler"+in, "has not acted on its last change yet", "Ready is Unknown (NotSeen)", "What to do: see whether the operator runs", "no decision yet", "Deployment/web: ScalingReplicaSet: ")
	admin.fails("kubectl cpa pause web-autoscaler --replicas 3 --timeout 1s"+in, "waiting for the operator: it has not done it within 1s (--timeout): ", "does it run, and look after the namespace?")
	admin.prints("kubectl cpa pause web-autoscaler --replicas 3 --wait=false"+in, "is to be paused; the operator has yet to do it")
	admin.fails("kubectl cpa dry-run web-autoscaler"+in, "there is none with the label v1.custompodautoscaler.com/owned-by=web-autoscaler", "kubectl cpa why"+in+" web-autoscaler says why")

	grant(t, namespace, "reader", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"custompodautoscaler.com"}, Resources: []string{"custompodautoscalers"}, Verbs: []string{"get"}},
	}})
	reader := terminalOf(t, serviceAccount(t, namespace, "reader"))
	reader.prints("kubectl cpa why web-autoscaler"+in, "no decision yet", "Its events are not known: listing events", `you need the verb "list" on resource "events" of API group ""`)
	reader.fails("kubectl cpa get"+in, `you need the verb "list" on resource "custompodautoscalers" of API group "custompodautoscaler.com"`)
	reader.fails("kubectl cpa pause web-autoscaler --replicas 3"+in, `you need the verb "patch"`)
	reader.fails("kubectl cpa dry-run web-autoscaler"+in, `you need the verb "list" on resource "pods"`)
}

func TestThePluginPausesForAWhile(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	user, in := terminalOf(t, cluster.Start(t).Kubeconfig()), " -n "+namespace
	user.prints("kubectl cpa pause web-autoscaler --replicas 3 --for 20s"+in, "web-autoscaler is paused\n")
	if got := replicas(t, namespace); got != 3 {
		t.Errorf("the target has %d replicas, want 3", got)
	}
	user.prints("kubectl cpa why web-autoscaler"+in, "It is paused: the target is held at 3 replicas until 2", "kubectl cpa resume"+in+" web-autoscaler ends it")
	user.fails("kubectl cpa dry-run web-autoscaler"+in, "is paused: kubectl cpa resume"+in+" web-autoscaler first")
	hasCondition(t, namespace, "Paused False NotPaused", "the pause ended at 2")
	ended := meta.FindStatusCondition(objectOf(t, namespace).Status.Conditions, "Paused")
	until, err := time.Parse("the pause ended at "+time.RFC3339, ended.Message)
	if late := ended.LastTransitionTime.Sub(until); err != nil || late < 0 || late > 8*time.Second { // it is looked at every half minute in any case
		t.Errorf("the pause ended %s after it should, %v", late, err)
	}
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	hasEvent(t, namespace, "CustomPodAutoscaler/web-autoscaler Normal NotPaused x1 the pause ended at 2")

	user.prints("kubectl cpa pause web-autoscaler --replicas 2 --for 1h"+in, "web-autoscaler is paused\n")
	user.prints("kubectl cpa pause web-autoscaler"+in, "web-autoscaler is paused, its target held at 2 replicas\n") // as many as it has, and for good
	user.prints("kubectl cpa why web-autoscaler"+in, "It is paused: the target is held at 2 replicas. ")
	user.prints("kubectl cpa get web-autoscaler"+in, "False (Paused)")
	user.prints("kubectl cpa resume web-autoscaler"+in, "web-autoscaler is resumed\n")
	hasCondition(t, namespace, "Paused False NotPaused", "does not ask for it")
	if left := objectOf(t, namespace).Annotations; left["v1.custompodautoscaler.com/paused-replicas"]+left["v1.custompodautoscaler.com/paused-until"] != "" {
		t.Errorf("it still has the annotations %v", left)
	}

	kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", "v1.custompodautoscaler.com/paused-replicas=3", "v1.custompodautoscaler.com/paused-until=tomorrow")
	hasCondition(t, namespace, "Paused False InvalidTime", `is "tomorrow": it has to be a time such as`)
	hasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	user.prints("kubectl cpa why web-autoscaler"+in, "Paused is False (InvalidTime)", "What to do: kubectl cpa pause"+in+" web-autoscaler", "It is not paused.")
	kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", "v1.custompodautoscaler.com/paused-until=2020-01-01T00:00:00Z")
	hasCondition(t, namespace, "Paused False NotPaused", "the pause ended at 2020-01-01T00:00:00Z")

	kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": {"scaleTargetRef": {"name": "gone"}}}`)
	user.fails("kubectl cpa pause web-autoscaler --replicas 1 --timeout 20s"+in, "(--timeout): Ready is False (TargetNotFound): holding Deployment \"gone\" at 1 replica: ", "kubectl cpa why"+in+" web-autoscaler says more")
}

// TestThePluginAsksForADryRun of an autoscaler that runs beside its simulated pod: what kubectl forwards to a pod arrives at
// one port here, whatever the pod and its port are.
func TestThePluginAsksForADryRun(t *testing.T) {
	t.Parallel()
	namespace, _ := operated(t)
	p := startAsPod(t, namespace, options{files: replies(3), env: []string{"maxReplicas=5"}})
	scalesTo(t, namespace, 3)
	user, in := terminalOf(t, cluster.Start(t).Kubeconfig()), " -n "+namespace
	dryRun := "kubectl cpa dry-run web-autoscaler" + in
	const noAnswer, otherPort = "calling the autoscaler: ", "is its REST API on another port (--port), or switched off (apiConfig)?"
	user.fails(dryRun, noAnswer, otherPort, "kubectl says: ", "error forwarding port 5000 to pod web-autoscaler-", "connection refused")
	grant(t, namespace, "guest", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "guest"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"custompodautoscaler.com", ""}, Resources: []string{"custompodautoscalers", "pods"}, Verbs: []string{"get", "list"}},
	}})
	terminalOf(t, serviceAccount(t, namespace, "guest")).fails(dryRun,
		"kubectl cpa: forwarding port 5000 of pod \"web-autoscaler-", "by kubectl: exit status 1: ", "cannot create resource \"pods/portforward\"")

	forwardTo(t, p)
	user.prints(dryRun, "a dry run would have kept Deployment "+namespace+"/web at 3 replicas")
	var proposal struct {
		TargetReplicas, Recommendation int
		Decision                       struct{ RunType, Result string }
	}
	stdout := user.prints(dryRun + " --port 5001 -o json")
	if err := json.Unmarshal([]byte(stdout), &proposal); err != nil || proposal.TargetReplicas != 3 || proposal.Recommendation != 3 || proposal.Decision.RunType != "api_dry_run" || proposal.Decision.Result != "proposed" {
		t.Errorf("as JSON there is %s, %v", stdout, err)
	}
	p.write("evaluate.reply", "rubbish")
	user.fails(dryRun, "the autoscaler answered 500", "rubbish")
	p.stop()
	user.fails(dryRun, noAnswer, otherPort)
}

// forwardTo has what is forwarded to any pod arrive at the program.
func forwardTo(t *testing.T, p *program) {
	t.Helper()
	listener, err := net.Listen("tcp", cluster.Start(t).Forwards())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(startRelay(listener, func(ctx context.Context, _ net.Conn) (net.Conn, error) {
		return relayDialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	}))
}
