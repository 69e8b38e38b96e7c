package reconcile

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
)

// forbiddenError is a call that the operator has no right to make, or by which it would hand on rights that it does not have.
type forbiddenError struct {
	error
	namespace string
	needed    []rbacv1.PolicyRule
}

func (f forbiddenError) Unwrap() error { return f.error }

// forbidden says what the operator may not do, and which rules it would need. Kubernetes lets nobody hand on rights that
// they do not have themselves, so it needs every right that an autoscaler does.
func (r *Reconciler) forbidden(ctx context.Context, doing error, namespace string, needed []rbacv1.PolicyRule) error {
	missing, err := r.missing(ctx, namespace, needed)
	if err != nil {
		return fmt.Errorf("%w; and asking which rights the operator has: %w", doing, err)
	}
	if len(missing) == 0 {
		return plan.Trouble("Forbidden", fmt.Errorf("%w: the operator needs this right, too: is its ClusterRole the one that it was installed with?", doing))
	}
	return plan.Trouble("Forbidden", fmt.Errorf("%w: it can only hand on what it may do itself: put these rules into a ClusterRole with the label %s: \"true\": %s",
		doing, cpav1.AggregateToOperator, written(missing)))
}

// missing asks which of the rules the operator does not have, verb by verb.
func (r *Reconciler) missing(ctx context.Context, namespace string, rules []rbacv1.PolicyRule) (missing []rbacv1.PolicyRule, err error) {
	for _, rule := range rules {
		lacking := rbacv1.PolicyRule{APIGroups: rule.APIGroups, Resources: rule.Resources}
		for _, verb := range rule.Verbs {
			allowed, err := r.may(ctx, namespace, rule, verb)
			if err != nil {
				return nil, err
			}
			if !allowed {
				lacking.Verbs = append(lacking.Verbs, verb)
			}
		}
		if len(lacking.Verbs) > 0 {
			missing = append(missing, lacking)
		}
	}
	return missing, nil
}

// may asks about one verb of a rule of ours, which is about one resource, of one name or any.
func (r *Reconciler) may(ctx context.Context, namespace string, rule rbacv1.PolicyRule, verb string) (bool, error) {
	resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
	about := &authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: verb, Group: rule.APIGroups[0], Resource: resource, Subresource: subresource,
	}
	if len(rule.ResourceNames) > 0 {
		about.Name = rule.ResourceNames[0]
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: about}}
	err := r.Client.Create(ctx, review)
	return review.Status.Allowed, err
}

// written is how rules stand in YAML.
func written(rules []rbacv1.PolicyRule) string {
	var lines []string
	for _, rule := range rules {
		lines = append(lines, fmt.Sprintf("{apiGroups: [%q], resources: [%q], verbs: [%s]}",
			rule.APIGroups[0], rule.Resources[0], strings.Join(rule.Verbs, ", ")))
	}
	return "[" + strings.Join(lines, ", ") + "]"
}
