package security

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// shop is a namespace of several teams, with an attacker that may only write CustomPodAutoscalers, and the operator with the
// rights that the plain manifest gives it.
type shop struct {
	*testing.T
	namespace string
	operator  *harness.Program
}

// newShop has the target web, the Role deployer, which whoever is bound to it can extend, and the account payments.
func newShop(t *testing.T) shop {
	t.Helper()
	harness.InstallCRD(t)
	s := shop{T: t, namespace: harness.Deploy(t, 1)}
	harness.Grant(t, s.namespace, "operator", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "operator"}, Rules: installedRules(t)})
	harness.Grant(t, s.namespace, "attacker", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "attacker"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"custompodautoscaler.com"}, Resources: []string{"custompodautoscalers"},
		Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"},
	}}})
	s.kubectl(ofOthers, "create", "-f", "-")
	s.operator = harness.StartOperator(t, s.namespace, harness.ServiceAccount(t, s.namespace, "operator"))
	return s
}

const ofOthers = `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: payments}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: deployer}, rules: [
  {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, patch]},
  {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [get, list, watch, create, patch]}]}
---
{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: [{port: 80}]}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, serviceName: db, selector: {matchExpressions: [{key: role, operator: In, values: [db, cache]}]}, template: {metadata: {labels: {role: db}}, spec: {containers: [{name: db, image: 'db:1'}]}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: 'agent:1'}]}}}}
---
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: old}, spec: {replicas: 0, selector: {matchLabels: {app: old}}, template: {metadata: {labels: {app: old}}, spec: {containers: [{name: old, image: 'old:1'}]}}}}
---
{apiVersion: v1, kind: ReplicationController, metadata: {name: older}, spec: {replicas: 0, selector: {app: older}, template: {metadata: {labels: {app: older}}, spec: {containers: [{name: older, image: 'older:1'}]}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: nightly}, spec: {suspend: true, manualSelector: true, selector: {matchLabels: {run: nightly}}, template: {metadata: {labels: {run: nightly}}, spec: {restartPolicy: Never, containers: [{name: nightly, image: 'nightly:1'}]}}}}
`

// installedRules are the rules that the plain manifest gives the operator for the objects.
func installedRules(t *testing.T) (rules []rbacv1.PolicyRule) {
	t.Helper()
	for document := range strings.SplitSeq(harness.ReadFile(t, harness.ManifestFile), "\n---\n") {
		role := &rbacv1.ClusterRole{}
		if err := yaml.Unmarshal([]byte(document), role); err != nil {
			t.Fatal(err)
		}
		if role.Kind == "ClusterRole" && role.Labels["custompodautoscaler.com/aggregate-to-operator"] == "true" {
			rules = append(rules, role.Rules...)
		}
	}
	if len(rules) < 10 {
		t.Fatalf("there are only %d rules in %s", len(rules), harness.ManifestFile)
	}
	return rules
}

// kubectl runs it as the administrator in the namespace.
func (s shop) kubectl(stdin string, arguments ...string) string {
	s.Helper()
	return harness.Kubectl(s.T, stdin, append([]string{"-n", s.namespace}, arguments...)...)
}

// attack applies an object as the attacker: its name, what it has in spec beside a target and a container, what is in its
// template's metadata and in its pod's spec.
func (s shop) attack(name, spec, metadata, pod string) {
	s.Helper()
	object := fmt.Sprintf(`{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, metadata: {name: %s}, spec: {%s
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web},
  template: {metadata: {%s}, spec: {%s containers: [{name: autoscaler, image: 'mine:1'}]}}}}`, name, spec, metadata, pod)
	words, err := harness.KubectlFails(s.T, object, "-n", s.namespace, "--as=system:serviceaccount:"+s.namespace+":attacker", "apply", "-f", "-")
	if err != nil {
		s.Fatalf("the attacker may not even write an object: %v %s", err, words)
	}
}

// condition waits for Ready of an object as it is now, and gives the message.
func (s shop) condition(name, want, says string) (message string) {
	s.Helper()
	harness.Eventually(s.T, name+" to be "+want, func() (bool, error) {
		var object struct {
			Metadata struct{ Generation int64 }
			Status   struct{ Conditions []metav1.Condition }
		}
		if err := json.Unmarshal([]byte(s.kubectl("", "get", "cpa", name, "-o", "json")), &object); err != nil {
			return false, err
		}
		for _, one := range object.Status.Conditions {
			if one.Type == "Ready" && one.ObservedGeneration == object.Metadata.Generation && string(one.Status)+" "+one.Reason == want && strings.Contains(one.Message, says) {
				message = one.Message
				return true, nil
			}
		}
		return false, fmt.Errorf("the conditions are %+v", object.Status.Conditions)
	})
	return message
}

const runs = "True MinimumReplicasAvailable"

// may tells whether an account of the namespace may do something.
func (s shop) may(account string, right ...string) bool {
	s.Helper()
	_, err := harness.KubectlFails(s.T, "", append([]string{"auth", "can-i", "-n", s.namespace, "--as=system:serviceaccount:" + s.namespace + ":" + account}, right...)...)
	return err == nil
}

// gainsNothing looks for what the operator must not have made: bindings to what is of others, pods under accounts of others or
// with labels of others, and owners of what is of others.
func (s shop) gainsNothing() {
	s.Helper()
	bound := s.kubectl("", "get", "rolebindings", "-o", `jsonpath={range .items[*]}{.roleRef.name} {.subjects[*].name}{"\n"}{end}`)
	for line := range strings.Lines(bound) {
		if words := strings.Fields(line); words[0] == "deployer" || strings.Contains(line, "payments") || strings.Contains(line, "default") ||
			strings.Contains(line, "attacker") && words[0] != "attacker" {
			s.Errorf("there is a binding of %s", line)
		}
	}
	running := s.kubectl("", "get", "deployments,pods", "-l", "v1.custompodautoscaler.com/owned-by", "-o", `jsonpath={range .items[*]}{.kind} {.spec.serviceAccountName}{.spec.template.spec.serviceAccountName} {.metadata.labels}{.spec.template.metadata}{"\n"}{end}`)
	for line := range strings.Lines(running) {
		if regexp.MustCompile(`^\w+ (payments|attacker|default) |"(app|role|run)":|finalizers|ownerReferences`).MatchString(line) {
			s.Errorf("there is %s", line)
		}
	}
	if owners := s.kubectl("", "get", "role/deployer", "serviceaccount/payments", "serviceaccount/default", "service/api", "deployment/web", "-o", "jsonpath={.items[*].metadata.ownerReferences}"); owners != "" {
		s.Errorf("what is of others has the owners %s", owners)
	}
	for _, right := range []string{"create rolebindings", "create deployments.apps", "list pods", "patch deployments.apps/web --subresource=scale"} {
		if s.may("attacker", strings.Fields(right)...) {
			s.Errorf("the attacker may %s", right)
		}
	}
}

// TestSecurityAnObjectGainsNothing has a row for each field by which an object names another. The attacker may write the
// object; the operator must not do for it what the attacker could not do.
func TestSecurityAnObjectGainsNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const noRole, noAccount, noPod, noBinding = "provisionRole: false, ", "provisionServiceAccount: false, ", "provisionPod: false, ", "provisionRoleBinding: false, "
	rows := []struct{ name, object, spec, metadata, pod, want, says string }{
		{"Role by the object's name, and an account by the template", "deployer", noRole + noAccount + noPod, "", "serviceAccountName: attacker,", "False NotAllowed", `Role "deployer" was not made for this object`},
		{"Role by the object's name, and its own account", "deployer", noRole, "", "", "False NotAllowed", "kubectl annotate --overwrite -n " + s.namespace + " role/deployer v1.custompodautoscaler.com/allowed-objects=deployer"},
		{"Role by the object's name, with all provisioned", "deployer", "", "", "", "False NameConflict", `there is a Role "deployer" already that was not made for this object`},
		{"Role that does not exist yet", "later", noRole, "", "", "False NotAllowed", `there is no Role "later"`},
		{"generated Role for the attacker's account", "mine", noAccount + noPod, "", "serviceAccountName: attacker,", "False NotAllowed", `ServiceAccount "attacker" was not made for this object`},
		{"account by serviceAccountName", "mine", noAccount, "", "serviceAccountName: payments,", "False NotAllowed", `ServiceAccount "payments" was not made for this object`},
		{"account for the pod only", "mine", noAccount + noRole + noBinding, "", "serviceAccountName: payments,", "False NotAllowed", `ServiceAccount "payments" was not made for this object`},
		{"account default", "mine", noAccount, "", "serviceAccountName: default,", "False NotAllowed", `ServiceAccount "default" was not made for this object`},
		{"account by the object's name", "payments", noAccount, "", "", "False NotAllowed", `ServiceAccount "payments" was not made for this object`},
		{"account by the object's name, with all provisioned", "payments", "", "", "", "False NameConflict", `there is a ServiceAccount "payments" already`},
		{"account by the older field serviceAccount", "mine", noAccount, "", "serviceAccount: payments,", "False NotAllowed", `there is no ServiceAccount "mine"`},
		{"account that does not exist yet", "mine", noAccount, "", "serviceAccountName: later,", "False NotAllowed", `there is no ServiceAccount "later"`},
		{"account that is a path", "mine", noAccount, "", "serviceAccountName: ../roles/deployer,", "False NotAllowed", `there is no ServiceAccount "../roles/deployer"`},
		{"account beside a provisioned one", "mine", "", "", "serviceAccountName: payments, serviceAccount: payments,", runs, ""},
		{"workload by the template's name", "mine", "", "name: web-2,", "", runs, ""},
		{"workload of others by the template's name", "mine", "", "name: other,", "", "False NameConflict", `there is a Deployment "other" already`},
		{"namespace, owners and finalizers of the template", "mine", "", "namespace: default, generateName: a-, finalizers: [example.com/stay], ownerReferences: [{apiVersion: v1, kind: ServiceAccount, name: payments, uid: '1'}]", "", runs, ""},
		{"the operator's own labels", "mine", "", "labels: {v1.custompodautoscaler.com/owned-by: other, app.kubernetes.io/managed-by: me}", "", runs, ""},
		{"labels of a Service", "mine", "", "labels: {app: api, team: mine}", "", "False NotAllowed", `(app: api) put the autoscaler's pod behind the selector of Service "api" (app=api)`},
		{"labels of the target", "mine", "", "labels: {app: web}", "", "False NotAllowed", `behind the selector of Deployment "web"`},
		{"labels of a StatefulSet", "mine", "", "labels: {role: cache}", "", "False NotAllowed", `behind the selector of StatefulSet "db"`},
		{"labels of a DaemonSet", "mine", "", "labels: {app: agent}", "", "False NotAllowed", `behind the selector of DaemonSet "agent"`},
		{"labels of a ReplicaSet", "mine", "", "labels: {app: old}", "", "False NotAllowed", `behind the selector of ReplicaSet "old"`},
		{"labels of a ReplicationController", "mine", "", "labels: {app: older}", "", "False NotAllowed", `behind the selector of ReplicationController "older"`},
		{"labels of a Job", "mine", "", "labels: {run: nightly}", "", "False NotAllowed", `behind the selector of Job "nightly"`},
		{"labels of nobody", "mine", "", "labels: {team: mine}", "", runs, ""},
		{"configuration for another object", "mine", "config: [{name: customPodAutoscaler, value: '{\"name\": \"other\"}'}],", "", "", runs, ""},
	}
	s.kubectl(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: other}, spec: {replicas: 0, selector: {matchLabels: {app: other}}, template: {metadata: {labels: {app: other}}, spec: {containers: [{name: a, image: a}]}}}}`, "create", "-f", "-")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := shop{t, s.namespace, s.operator}
			s.attack(row.object, row.spec, row.metadata, row.pod)
			s.condition(row.object, row.want, row.says)
			s.gainsNothing()
			for _, elsewhere := range []string{"get deployments.apps/web -n kube-system", "patch deployments.apps/web --subresource=scale -n kube-system"} {
				if s.may(row.object, strings.Fields(elsewhere)...) {
					t.Errorf("its account may %s", elsewhere)
				}
			}
			s.kubectl("", "delete", "cpa", row.object) // foreground or not, what was made for it must not be in the next row's way
			harness.Eventually(t, "all that was made for it to be gone", func() (bool, error) {
				left := s.kubectl("", "get", "serviceaccounts,roles,rolebindings,deployments", "-l", "v1.custompodautoscaler.com/owned-by", "-o", "name")
				return left == "", fmt.Errorf("there are %s", left)
			})
		})
	}
	s.operator.Logs("a part of the object is not used", "AccountIgnored")
}

// allowed runs the command that a message prints, as somebody who may write what it names.
func (s shop) allowed(message string) {
	s.Helper()
	command := regexp.MustCompile(`kubectl (annotate [^,]*?\S+=[\w.,-]*\w)`).FindStringSubmatch(message)
	if command == nil {
		s.Fatalf("there is no command in %q", message)
	}
	harness.Kubectl(s.T, "", strings.Fields(command[1])...)
}

// TestSecurityConsent: what is allowed works, and what is not allowed any more ends.
func TestSecurityConsent(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.attack("deployer", "provisionRole: false, provisionServiceAccount: false,", "", "serviceAccountName: payments,")
	s.allowed(s.condition("deployer", "False NotAllowed", `Role "deployer"`))
	s.kubectl("", "annotate", "serviceaccount/payments", harness.AllowedObjects+"=orders")
	s.allowed(s.condition("deployer", "False NotAllowed", `ServiceAccount "payments"`))
	s.condition("deployer", runs, "")
	if got := s.kubectl("", "get", "serviceaccount/payments", "-o", `jsonpath={.metadata.annotations.v1\.custompodautoscaler\.com/allowed-objects}`); got != "orders,deployer" {
		t.Errorf("the account allows %q, want another object, too", got)
	}
	if !s.may("payments", "create", "deployments.apps") {
		t.Error("the account does not have the rights of the Role that allows the object")
	}
	if owners := s.kubectl("", "get", "role/deployer", "serviceaccount/payments", "-o", "jsonpath={.items[*].metadata.ownerReferences}"); owners != "" {
		t.Errorf("what is not provisioned has the owners %s", owners)
	}

	// The Role has rights by now that the operator has not, and so could not bind.
	s.kubectl(`[{"op": "add", "path": "/rules/-", "value": {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}}]`, "patch", "role", "deployer", "--type=json", "--patch-file=/dev/stdin")
	s.kubectl("", "annotate", "role/deployer", harness.AllowedObjects+"-")
	harness.Eventually(t, "the binding to be gone", func() (bool, error) {
		left := s.kubectl("", "get", "rolebindings", "deployer", "--ignore-not-found", "-o", "name")
		return left == "", fmt.Errorf("there is %s", left)
	})
	s.condition("deployer", "False NotAllowed", `Role "deployer"`)
	if s.may("payments", "create", "deployments.apps") {
		t.Error("the account still has the rights of the Role")
	}
	if image := s.kubectl("", "get", "deployment", "deployer", "-o", "jsonpath={.spec.replicas}"); image != "1" {
		t.Errorf("the Deployment has %q replicas, want it left as it is", image)
	}
	s.kubectl("", "delete", "cpa", "deployer")
	harness.Eventually(t, "the Deployment to be gone", func() (bool, error) {
		return s.kubectl("", "get", "deployment", "deployer", "--ignore-not-found", "-o", "name") == "", nil
	})
	s.kubectl("", "get", "role/deployer", "serviceaccount/payments") // which are not the object's
}

// TestSecurityConsentCannotBeKept: an object cannot keep a binding by not asking for it any more.
func TestSecurityConsentCannotBeKept(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.kubectl("", "annotate", "role/deployer", harness.AllowedObjects+"=deployer")
	s.attack("deployer", "provisionRole: false,", "", "")
	s.condition("deployer", runs, "")
	s.attack("deployer", "provisionRole: false, provisionRoleBinding: false,", "", "")
	s.condition("deployer", runs, "")
	s.kubectl("", "annotate", "role/deployer", harness.AllowedObjects+"-")
	s.attack("deployer", "provisionRole: false, provisionRoleBinding: false, roleRequiresMetricsServer: true,", "", "")
	harness.Eventually(t, "the binding to be gone", func() (bool, error) { return !s.may("deployer", "create", "deployments.apps"), nil })
	s.gainsNothing()
}

// TestSecurityUpgradeFromOperator14: its object goes on until somebody allows it, by the command that the condition has.
func TestSecurityUpgradeFromOperator14(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.operator.Stop()
	object := strings.Replace(harness.AutoscalerObject, "spec:\n", "spec:\n  provisionRole: false\n", 1)
	s.kubectl(object, "create", "-f", "-")
	uid := s.kubectl("", "get", "cpa", "web-autoscaler", "-o", "jsonpath={.metadata.uid}")
	s.kubectl(strings.ReplaceAll(borrowedByOperator14, "UID", uid), "create", "-f", "-")
	harness.StartOperator(t, s.namespace, harness.ServiceAccount(t, s.namespace, "operator"))
	message := s.condition("web-autoscaler", "False NotAllowed", `Role "web-autoscaler"`)
	harness.HasEvent(t, s.namespace, "CustomPodAutoscaler/web-autoscaler Warning NotAllowed")
	s.kubectl("", "get", "pod/web-autoscaler", "rolebinding/web-autoscaler") // they are left as they are
	s.allowed(message)
	s.condition("web-autoscaler", runs, "")
	if left := s.kubectl("", "get", "pod", "web-autoscaler", "--ignore-not-found", "-o", "name"); left != "" {
		t.Errorf("the pod of operator 1.4 is still there: %s", left)
	}
	if rules := s.kubectl("", "get", "role", "web-autoscaler", "-o", "jsonpath={.rules[*].verbs}"); rules != `["get","list"]` {
		t.Errorf("the Role was changed: it has the verbs %s", rules)
	}
	s.kubectl("", "delete", "cpa", "web-autoscaler", "--cascade=foreground")
	s.kubectl("", "get", "role/web-autoscaler") // which operator 1.4 had made the object's
}

// borrowedByOperator14 is what it leaves of an object with a Role of somebody else, on which it has put its owner reference.
const borrowedByOperator14 = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web-autoscaler
  ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: UID, controller: true, blockOwnerDeletion: true}]
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web-autoscaler
  labels: {app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, v1.custompodautoscaler.com/owned-by: web-autoscaler}
  ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: UID, controller: true, blockOwnerDeletion: true}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web-autoscaler}
subjects: [{kind: ServiceAccount, name: web-autoscaler}]
---
apiVersion: v1
kind: Pod
metadata:
  name: web-autoscaler
  labels: {app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, v1.custompodautoscaler.com/owned-by: web-autoscaler}
  ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: UID, controller: true, blockOwnerDeletion: true}]
spec: {containers: [{name: autoscaler, image: "web-autoscaler:1"}]}
`

// TestSecurityLabelsThatAreAllowed: a Service for the autoscaler itself names it.
func TestSecurityLabelsThatAreAllowed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.attack("mine", "", "labels: {app: api}", "")
	s.allowed(s.condition("mine", "False NotAllowed", `Service "api"`))
	s.condition("mine", runs, "")
	s.attack("mine", "", "labels: {app: web}", "") // a change of an object that runs is checked as well
	s.condition("mine", "False NotAllowed", `Deployment "web"`)
	if labels := s.kubectl("", "get", "deployment", "mine", "-o", "jsonpath={.spec.template.metadata.labels.app}"); labels != "api" {
		t.Errorf("the pod has the label %q now", labels)
	}
}

// TestSecurityAMissingRightToListIsNamed: a ClusterRole of an earlier version does not let the operator compare labels.
func TestSecurityAMissingRightToListIsNamed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	rules := installedRules(t)
	for i := range rules {
		if len(rules[i].Verbs) == 1 && rules[i].Verbs[0] == "list" && rules[i].APIGroups[0] == "batch" {
			rules[i].Resources = []string{"cronjobs"}
		}
	}
	role, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	s.kubectl(string(role), "patch", "role", "operator", "--type=merge", "--patch-file=/dev/stdin")
	harness.Eventually(t, "the right to be gone", func() (bool, error) { return !s.may("operator", "list", "jobs.batch"), nil })
	s.attack("mine", "", "labels: {team: mine}", "")
	s.condition("mine", "False Forbidden", `{apiGroups: ["batch"], resources: ["jobs"], verbs: [list]}`)
	s.attack("mine", "", "", "") // without labels it needs no such right
	s.condition("mine", runs, "")
}
