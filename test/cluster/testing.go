package cluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shared is the cluster of all tests of a package, started by the first that asks.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// Start gives the cluster that the tests of a package share, and starts it for the first of
// them. A package that uses it ends it with Run.
func Start(t testing.TB) *Cluster {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := untilDeadline(t)
		defer cancel()
		shared.cluster, shared.err = New(ctx, Options{Progress: os.Stderr})
	})
	if shared.err != nil {
		t.Fatalf("starting the test cluster: %v", shared.err)
	}
	return shared.cluster
}

// untilDeadline leaves a build that is too long for the test some time to say so, before `go
// test` ends the process.
func untilDeadline(t testing.TB) (context.Context, context.CancelFunc) {
	test, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return context.WithCancel(context.Background())
	}
	deadline, ok := test.Deadline()
	if !ok {
		return context.WithCancel(context.Background())
	}
	cause := fmt.Errorf("the test's time is over; build first, once: go run %s/cluster/cmd/cluster build", modulePath)
	return context.WithDeadlineCause(context.Background(), deadline.Add(-10*time.Second), cause)
}

// Run is what a package's TestMain calls instead of m.Run: it stops the shared cluster after
// the tests. The logs of a failed run stay until another cluster starts.
func Run(m *testing.M) int {
	code := m.Run()
	c := shared.cluster
	if c == nil {
		return code
	}
	ctx := context.Background()
	if code != 0 {
		fmt.Fprintln(os.Stderr, "test cluster: logs of the components are in", c.Logs())
		_ = c.stopAll(ctx)
		return code
	}
	if err := c.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "test cluster:", err)
		return 1
	}
	return 0
}

// Namespace gives a fresh namespace in which pods can be created, and deletes it after the test.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	template := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	namespace, err := c.client.CoreV1().Namespaces().Create(ctx, template, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := c.client.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("deleting namespace %s: %v", namespace.Name, err)
		}
	})
	if err := poll(ctx, pollInterval, func(ctx context.Context) error { return serviceAccountExists(namespace.Name)(ctx, c) }); err != nil {
		t.Fatalf("waiting for the service account of namespace %s: %v", namespace.Name, err)
	}
	return namespace.Name
}
