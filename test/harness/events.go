package harness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Events are those of ours in a namespace, as: Deployment/web Normal SuccessfulRescale x1 New size: 2; ...
func Events(t *testing.T, namespace string) []string {
	t.Helper()
	list, err := Client(t).CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int {
		return cmp.Or(a.LastTimestamp.Compare(b.LastTimestamp.Time), cmp.Compare(a.ResourceVersion, b.ResourceVersion))
	})
	var lines []string
	for _, e := range list.Items {
		if strings.HasPrefix(e.Source.Component, "custom-pod-autoscaler") {
			lines = append(lines, fmt.Sprintf("%s/%s %s %s x%d %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Type, e.Reason, e.Count, e.Message))
		}
	}
	return lines
}

// HasEvent waits for an event that begins like this.
func HasEvent(t *testing.T, namespace, line string) {
	t.Helper()
	Eventually(t, "the event "+line, func() (bool, error) {
		all := Events(t, namespace)
		return slices.ContainsFunc(all, func(e string) bool { return strings.HasPrefix(e, line) }), fmt.Errorf("there are %q", all)
	})
}
