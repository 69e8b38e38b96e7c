package plan

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

const (
	ourLabels   = `labels: {app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, v1.custompodautoscaler.com/owned-by: web-autoscaler}`
	ourOwner    = `ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: "123", controller: true}]`
	anyOwner    = `ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: "123"}]`
	otherOwner  = `ownerReferences: [{apiVersion: custompodautoscaler.com/v1, kind: CustomPodAutoscaler, name: web-autoscaler, uid: "456", controller: true}]`
	otherLabels = `labels: {app.kubernetes.io/managed-by: custom-pod-autoscaler-operator, v1.custompodautoscaler.com/owned-by: other}`
)

// liveOf is an object of a kind as the API server has it, with metadata in YAML.
func liveOf(t *testing.T, to Reference, metadata string) *unstructured.Unstructured {
	t.Helper()
	if metadata == "none" {
		return nil
	}
	live := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte("metadata: {"+metadata+"}"), &live.Object); err != nil {
		t.Fatal(err)
	}
	live.SetGroupVersionKind(to.Kind)
	live.SetName(to.Name)
	live.SetNamespace("shop")
	return live
}

func allowing(names string) string {
	return `annotations: {v1.custompodautoscaler.com/allowed-objects: "` + names + `"}`
}

func TestConsent(t *testing.T) {
	const annotate = "kubectl annotate --overwrite -n shop role/deployer v1.custompodautoscaler.com/allowed-objects="
	for _, row := range []struct{ name, metadata, refusal string }{
		{"no such Role", "none", `there is no Role "deployer", and the operator does not create it (spec.provisionRole: false): create it and allow this object to use it: ` + annotate + "web-autoscaler"},
		{"a Role of somebody else", "", `the Role "deployer" was not made for this object`},
		{"made for the object", ourOwner + ", " + ourLabels, ""},
		{"an owner reference without labels, as operator 1.4 leaves", ourOwner, "was not made for this object"},
		{"an owner reference that is not the controller's", anyOwner + ", " + ourLabels, "was not made for this object"},
		{"labels without an owner reference", ourLabels, "was not made for this object"},
		{"made for an earlier object of the same name", otherOwner + ", " + ourLabels, "was not made for this object"},
		{"labels of another object", ourOwner + ", " + otherLabels, "was not made for this object"},
		{"an annotation that names the object", allowing("web-autoscaler"), ""},
		{"an annotation that names several", allowing(" payments , web-autoscaler,orders"), ""},
		{"an annotation that names others", allowing("payments, orders"), annotate + "payments,orders,web-autoscaler, or set spec.provisionRole: true"},
		{"an annotation that names more than the object", allowing("web-autoscaler-2,my-web-autoscaler"), "was not made for this object"},
		{"a wildcard", allowing("*"), annotate + "web-autoscaler,"},
		{"an annotation for a shell", allowing("$(reboot),orders; reboot"), annotate + "web-autoscaler,"},
		{"an empty annotation", allowing(""), annotate + "web-autoscaler,"},
		{"a namespaced name", allowing("shop/web-autoscaler"), "was not made for this object"},
	} {
		t.Run(row.name, func(t *testing.T) {
			object, _ := desiredOf(t, "", "")
			role := Reference{roles, "deployer"}
			says(t, checkConsent(object, role, liveOf(t, role, row.metadata)), row.refusal)
		})
	}
}

// says checks an error's words; none for no error.
func says(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestConsentRefusalHasNoCommandForANameThatIsNone(t *testing.T) {
	object, _ := desiredOf(t, "", "")
	err := checkConsent(object, Reference{accounts, "x; reboot"}, nil)
	if err == nil || strings.Contains(err.Error(), "kubectl") || !strings.Contains(err.Error(), "spec.provisionServiceAccount: true") {
		t.Errorf("got %v, want the way out without a command", err)
	}
}

// TestVerdict is what follows from who allows what: a refusal, whether the object borrows, and whether a binding is taken back.
func TestVerdict(t *testing.T) {
	const ours, others = ourOwner + ", " + ourLabels, ""
	allowed := allowing("web-autoscaler")
	switches := func(off ...string) string {
		text := "spec:\n"
		for _, one := range off {
			text += "  " + one + ": false\n"
		}
		return text
	}
	const noRole, noAccount, noBinding, noPod = "provisionRole", "provisionServiceAccount", "provisionRoleBinding", "provisionPod"
	for _, row := range []struct {
		name          string
		off           []string
		role, account string // their metadata
		bound         string // the account that a binding that was applied before has, if any
		conflict      bool
		want          string
	}{
		{"all is provisioned, nothing is there", nil, "none", "none", "", false, ""},
		{"all is provisioned and there", nil, ours, ours, "web-autoscaler", false, ""},
		{"a Role of others", []string{noRole}, others, "none", "", false, "refused Role, borrows"},
		{"a Role of others that allows it", []string{noRole}, allowed, "none", "", false, "borrows"},
		{"a Role that is missing", []string{noRole}, "none", "none", "", false, "refused Role, borrows"},
		{"a Role of the object that it does not provision any more", []string{noRole}, ours, ours, "web-autoscaler", false, "borrows"},
		{"an account of others for the pod only", []string{noAccount, noBinding}, "none", others, "", false, "refused ServiceAccount, borrows"},
		{"an account of others for the binding only", []string{noAccount, noPod}, ours, others, "", false, "refused ServiceAccount, borrows"},
		{"an account of others that nothing uses", []string{noAccount, noBinding, noPod}, "none", others, "", false, ""},
		{"a Role that took its consent back", []string{noRole}, others, ours, "web-autoscaler", false, "refused Role, borrows, takes back"},
		{"a Role that is gone", []string{noRole}, "none", ours, "web-autoscaler", false, "refused Role, borrows, takes back"},
		{"an account that took its consent back", []string{noAccount}, ours, others, "web-autoscaler", false, "refused ServiceAccount, borrows, takes back"},
		{"no binding asked for, to keep the one of a Role without consent", []string{noRole, noBinding}, others, ours, "web-autoscaler", false, "borrows, takes back"},
		{"no binding asked for, of a Role with consent", []string{noRole, noBinding}, allowed, ours, "web-autoscaler", false, "borrows"},
		{"the binding has another account without consent, and gets one with it", []string{noAccount}, ours, allowed, "mine", false, "borrows"},
		{"the Role was replaced by somebody else's, which is a conflict", nil, others, ours, "web-autoscaler", true, "takes back"},
		{"the account was replaced by somebody else's, which is a conflict", nil, ours, others, "web-autoscaler", true, "takes back"},
		{"another conflict", nil, ours, ours, "web-autoscaler", true, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			object, desired := desiredOf(t, "spec:\n", switches(row.off...))
			role, account := Reference{roles, "web-autoscaler"}, Reference{accounts, "web-autoscaler"}
			live := map[Reference]*unstructured.Unstructured{role: liveOf(t, role, row.role), account: liveOf(t, account, row.account)}
			var bound *unstructured.Unstructured
			if row.bound != "" {
				bound = bindingTo(t, row.bound)
			}
			if got := Judge(object, desired, bound, live, row.conflict).said(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// bindingTo is the RoleBinding of the object, of an account.
func bindingTo(t *testing.T, account string) *unstructured.Unstructured {
	t.Helper()
	_, desired := desiredOf(t, "", "")
	binding := desired[2]
	binding.Object["subjects"].([]any)[0].(map[string]any)["name"] = account
	return binding
}

func (v Verdict) said() string {
	var words []string
	if refusal, ok := v.Refusal.(NotAllowedError); ok {
		words = append(words, "refused "+refusal.Kind)
	}
	if v.Borrows {
		words = append(words, "borrows")
	}
	if v.TakeBack {
		words = append(words, "takes back")
	}
	return strings.Join(words, ", ")
}

// TestPlanTakesNothingOverForItsOwnerReference: an owner reference without a label or a sum of ours may be on anybody's.
func TestPlanTakesNothingOverForItsOwnerReference(t *testing.T) {
	for i := range 4 {
		there := was(t)
		there[i].SetLabels(nil)
		object, desired := desiredOf(t, "", "")
		if plan, err := For(object, desired, there); err != nil || len(plan.Apply) != 1 {
			t.Errorf("%s that has lost its labels: got %q, %v, want them back", there[i].GetKind(), plan.said(), err)
		}
		there[i].SetAnnotations(nil)
		if plan, err := For(object, desired, there); err == nil {
			t.Errorf("%s that has nothing but the owner reference: got %q, want a conflict", there[i].GetKind(), plan.said())
		}
	}
}

func FuzzAllowedBy(f *testing.F) {
	for _, text := range []string{"", "a,b", " a ,, b ", "*", "a;b", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		live := OfKind(roles)
		live.SetAnnotations(map[string]string{cpav1.AllowedObjects: text})
		for _, name := range allowedBy(live) {
			if !strings.Contains(text, name) || strings.ContainsAny(name, "*;, $`'\"\n") {
				t.Errorf("%q names %q", text, name)
			}
		}
	})
}
