package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// policies answers with a document for each resource, or with an error.
type policies map[string]any

func (p policies) GetJSON(_ context.Context, path kube.Path) (json.RawMessage, error) {
	switch answer := p[path.Resource].(type) {
	case error:
		return nil, answer
	case string:
		return json.RawMessage(answer), nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: path.Version.Group, Resource: path.Resource}, path.Name)
}

// hanging answers when the call is cancelled, and not before.
type hanging struct{}

func (hanging) GetJSON(ctx context.Context, _ kube.Path) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAdmissionPolicyWarning(t *testing.T) {
	const policy, binding = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
	const fails, denies = `{"spec": {"failurePolicy": "Fail"}}`, `{"spec": {"policyName": "mine", "validationActions": ["Deny", "Audit"]}}`
	denied := apierrors.NewForbidden(schema.GroupResource{Resource: policy}, "mine", errors.New("no"))
	for _, row := range []struct {
		name, policy string
		cluster      policies
		says         string // nothing is logged if it is empty
	}{
		{"none when it is in force", "mine", policies{policy: fails, binding: denies}, ""},
		{"none with the default failurePolicy", "mine", policies{policy: `{"spec": {}}`, binding: denies}, ""},
		{"without a policy", "mine", policies{binding: denies}, "there is no validatingadmissionpolicies"},
		{"without a binding", "mine", policies{policy: fails}, "there is no validatingadmissionpolicybindings"},
		{"without the API", "mine", policies{}, "admissionPolicy.enabled"},
		{"without the right to look", "mine", policies{policy: denied, binding: denied}, "ClusterRole mine-policy-reader"},
		{"without a name", "", policies{policy: fails, binding: denies}, "--admission-policy"},
		{"with failurePolicy Ignore", "mine", policies{policy: `{"spec": {"failurePolicy": "Ignore"}}`, binding: denies}, "failurePolicy is Ignore"},
		{"with a binding that only audits", "mine", policies{policy: fails, binding: `{"spec": {"policyName": "mine", "validationActions": ["Audit"]}}`}, "Deny is missing"},
		{"with a binding of another policy", "mine", policies{policy: fails, binding: `{"spec": {"policyName": "other", "validationActions": ["Deny"]}}`}, `for the policy \"other\"`},
		{"with an answer that is no object", "mine", policies{policy: `[]`, binding: denies}, "not known: reading"},
		{"when the API server fails", "mine", policies{policy: errors.New("broken"), binding: denies}, "not known: broken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			warnUnprotected(t.Context(), row.cluster, row.policy, slog.New(slog.NewTextHandler(&out, nil)))
			got := out.String()
			if row.says == "" && got != "" {
				t.Errorf("logged %s", got)
			}
			if row.says != "" && (!strings.Contains(got, row.says) || !strings.Contains(got, "level=WARN") || strings.Count(got, "\n") != 1) {
				t.Errorf("logged %q, want one warning with %q", got, row.says)
			}
		})
	}
}

func TestAdmissionPolicyWarningHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		began := time.Now()
		warnUnprotected(t.Context(), hanging{}, "mine", slog.New(slog.NewTextHandler(&out, nil)))
		if took := time.Since(began); took != policyTimeout || !strings.Contains(out.String(), "level=WARN") {
			t.Errorf("it took %s and logged %q", took, &out)
		}
	})
}
