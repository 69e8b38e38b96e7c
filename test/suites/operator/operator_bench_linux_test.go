package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

const (
	// manyObjects are in one namespace: what an operator does by looking through a namespace shows.
	manyObjects = 1000

	// atATime is how many calls the user of the benchmark makes at once: as many as the operator does.
	atATime = 4

	// longest is how long a phase may take.
	longest = 10 * time.Minute
)

var (
	autoscalers     = cpav1.GroupVersion.WithResource("custompodautoscalers")
	deployments     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	madeForAnObject = []schema.GroupVersionResource{
		{Version: "v1", Resource: "serviceaccounts"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
		deployments,
	}
)

// BenchmarkAThousandObjects is what many objects cost: with the operator, without it (the floor), and in writes of the
// operator. `make bench-operator` runs it once, which takes some minutes.
func BenchmarkAThousandObjects(b *testing.B) {
	harness.InstallCRD(b)
	for range b.N {
		b.Run("operator", func(b *testing.B) { newMany(b).live(cluster.Start(b).Kubeconfig(), nil) })
		b.Run("floor", func(b *testing.B) { newMany(b).floor() })
		b.Run("writes", func(b *testing.B) {
			proxy := harness.StartProxy(b) // it takes a processor of its own: what takes how long is not to be read here
			newMany(b).live(proxy.Kubeconfig, func() int { return len(writesOf(proxy)) })
		})
	}
}

// many are the objects of one run, in a namespace of their own.
type many struct {
	*testing.B
	namespace string
	client    *dynamic.DynamicClient
	operator  *exec.Cmd
}

func newMany(b *testing.B) *many {
	b.Helper()
	config := cluster.Start(b).Config()
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		b.Fatal(err)
	}
	return &many{B: b, namespace: cluster.Start(b).Namespace(b), client: client}
}

// live is the life of the objects: created, changed, left alone while the operator is started anew, and deleted.
func (m *many) live(kube string, writes func() int) {
	m.start(kube)
	phase := m.measure(writes)
	phase("create", func() {
		m.each(m.create)
		m.until(autoscalers, isReady)
	})
	phase("update", func() {
		m.each(func(i int) { m.patch(i, `{"spec": {"config": [{"name": "interval", "value": "7000"}]}}`) })
		m.until(deployments, isChanged)
		m.until(autoscalers, isReady)
	})
	phase("restart", func() {
		m.stop()
		m.start(kube)
		m.untilIdle()
	})
	phase("delete", func() {
		m.each(func(i int) {
			m.check(m.in(autoscalers).Delete(m.Context(), named(i), metav1.DeleteOptions{}))
		})
		m.untilGone()
	})
	m.stop()
}

// floor makes the same objects by the same number of callers, and does nothing else: what remains is the cluster's part.
func (m *many) floor() {
	status, made := m.sample()
	m.measure(nil)("create", func() {
		m.each(func(i int) {
			m.create(i)
			for n, resource := range madeForAnObject {
				_, err := m.in(resource).Create(m.Context(), renamed(made[n], m.namespace, i), metav1.CreateOptions{})
				m.check(err)
			}
			m.patch(i, status, "status")
		})
		m.until(deployments, func(object *unstructured.Unstructured) bool { return conditionIs(object, "Available", "True") })
	})
}

// sample is the status of an object in JSON, and what an operator has made for it.
func (m *many) sample() (status string, made []*unstructured.Unstructured) {
	other := newMany(m.B)
	other.start(cluster.Start(m).Kubeconfig())
	other.create(0)
	other.untilOf(1, autoscalers, isReady)
	other.stop()
	object, err := other.in(autoscalers).Get(m.Context(), named(0), metav1.GetOptions{})
	m.check(err)
	text, err := json.Marshal(map[string]any{"status": object.Object["status"]})
	m.check(err)
	for _, resource := range madeForAnObject {
		one, err := other.in(resource).Get(m.Context(), named(0), metav1.GetOptions{})
		m.check(err)
		made = append(made, one)
	}
	return string(text), made
}

// renamed is a copy for another object, without what the API server has written.
func renamed(one *unstructured.Unstructured, namespace string, i int) *unstructured.Unstructured {
	text, err := json.Marshal(one)
	if err != nil {
		panic(err)
	}
	text = bytes.ReplaceAll(text, []byte(`"`+named(0)+`"`), []byte(`"`+named(i)+`"`))
	text = bytes.ReplaceAll(text, []byte(one.GetNamespace()), []byte(namespace))
	other := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, other); err != nil {
		panic(err)
	}
	labels, annotations := other.GetLabels(), other.GetAnnotations()
	delete(other.Object, "metadata")
	delete(other.Object, "status")
	other.SetName(named(i))
	other.SetLabels(labels)
	other.SetAnnotations(annotations)
	return other
}

func named(i int) string { return fmt.Sprintf("autoscaler-%04d", i) }

func (m *many) in(resource schema.GroupVersionResource) dynamic.ResourceInterface {
	return m.client.Resource(resource).Namespace(m.namespace)
}

// each does something for every object, a few at a time.
func (m *many) each(do func(i int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range atATime {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < manyObjects; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
	if m.Failed() {
		m.FailNow()
	}
}

func (m *many) create(i int) {
	object := &unstructured.Unstructured{}
	m.check(yaml.Unmarshal([]byte(objectCalled(named(i))), &object.Object))
	_, err := m.in(autoscalers).Create(m.Context(), object, metav1.CreateOptions{})
	m.check(err)
}

func (m *many) patch(i int, patch string, subresources ...string) {
	_, err := m.in(autoscalers).Patch(m.Context(), named(i), types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	m.check(err)
}

// check is for any goroutine.
func (m *many) check(err error) {
	m.Helper()
	if err != nil {
		m.Error(err)
	}
}

func isReady(object *unstructured.Unstructured) bool {
	seen, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	return seen == object.GetGeneration() && conditionIs(object, "Ready", "True")
}

func conditionIs(object *unstructured.Unstructured, name, status string) bool {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(one any) bool {
		condition, _ := one.(map[string]any)
		return condition["type"] == name && condition["status"] == status
	})
}

// isChanged tells whether a Deployment runs with the environment after the change.
func isChanged(object *unstructured.Unstructured) bool {
	seen, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	running, _, _ := unstructured.NestedInt64(object.Object, "status", "updatedReplicas")
	text, _ := json.Marshal(object.Object["spec"])
	return seen == object.GetGeneration() && running == 1 && conditionIs(object, "Available", "True") && bytes.Contains(text, []byte(`"7000"`))
}

// until waits until all objects of a kind are as they should be.
func (m *many) until(resource schema.GroupVersionResource, fits func(*unstructured.Unstructured) bool) {
	m.untilOf(manyObjects, resource, fits)
}

func (m *many) untilOf(count int, resource schema.GroupVersionResource, fits func(*unstructured.Unstructured) bool) {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.Context(), longest)
	defer cancel()
	list, err := m.in(resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		m.Fatal(err)
	}
	fit := map[string]bool{}
	for i := range list.Items {
		fit[list.Items[i].GetName()] = fits(&list.Items[i])
	}
	watcher, err := m.in(resource).Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		m.Fatal(err)
	}
	defer watcher.Stop()
	for {
		maps.DeleteFunc(fit, func(_ string, fits bool) bool { return !fits })
		if len(fit) == count {
			return
		}
		event, open := <-watcher.ResultChan()
		object, ok := event.Object.(*unstructured.Unstructured)
		if !open || !ok {
			m.Fatalf("%d of %d %s are as they should be, and the watch has ended: %v", len(fit), count, resource.Resource, event)
		}
		fit[object.GetName()] = fits(object)
	}
}

// untilGone waits until nothing is left of all that was made, down to the pods.
func (m *many) untilGone() {
	m.Helper()
	further := []schema.GroupVersionResource{{Group: "apps", Version: "v1", Resource: "replicasets"}, {Version: "v1", Resource: "pods"}}
	for _, resource := range slices.Concat(madeForAnObject, further) {
		m.poll(resource.Resource+" to be gone", func() bool {
			list, err := m.in(resource).List(m.Context(), metav1.ListOptions{Limit: 1, LabelSelector: cpav1.OwnedBy})
			m.check(err)
			return err == nil && len(list.Items) == 0
		})
	}
}

// untilIdle waits until the operator has found out that there is nothing to do: it takes no processor time for three
// seconds, which are most of what the phase takes.
func (m *many) untilIdle() {
	m.Helper()
	before, at := -1.0, time.Now()
	m.poll("the operator to be idle", func() bool {
		if time.Since(at) < 3*time.Second {
			return false
		}
		now := children()[m.operator.Process.Pid].seconds
		idle := now-before < 0.05
		before, at = now, time.Now()
		return idle
	})
}

func (m *many) poll(what string, condition func() bool) {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.Context(), longest)
	defer cancel()
	for tick := time.Tick(100 * time.Millisecond); !condition(); {
		select {
		case <-ctx.Done():
			m.Fatalf("waited in vain for %s", what)
		case <-tick:
		}
	}
}

// start starts the operator as users have it.
func (m *many) start(kube string) {
	m.Helper()
	log, err := os.Create(filepath.Join(m.TempDir(), "log"))
	if err != nil {
		m.Fatal(err)
	}
	m.operator = exec.Command(harness.BuildOf(m, "custom-pod-autoscaler-operator", harness.PlainFlags...),
		"--kubeconfig", kube, "--namespace", m.namespace, "--probe-address", "0", "--metrics-address", "0")
	m.operator.Stderr = log
	if err := m.operator.Start(); err != nil {
		m.Fatal(err)
	}
	operator := m.operator
	m.Cleanup(func() { _ = operator.Process.Kill() }) // if it was not stopped
}

func (m *many) stop() {
	m.Helper()
	_ = m.operator.Process.Signal(syscall.SIGTERM)
	if err := m.operator.Wait(); err != nil {
		m.Fatalf("stopping the operator: %v", err)
	}
}

// measure gives a function that does something, and tells how long it took, whose processor time that was, and what the
// operator had of memory; or, where writes are counted, how many there were.
func (m *many) measure(writes func() int) (phase func(name string, do func())) {
	load, _ := os.ReadFile("/proc/loadavg")
	m.Logf("load before: %s", load)
	m.ReportMetric(0, "ns/op") // which would be of all phases together
	return func(name string, do func()) {
		if writes != nil {
			before := writes()
			do()
			each := float64(writes()-before) / manyObjects
			m.ReportMetric(each, name+"-writes/object")
			m.Logf("%-8s %.2f writes for each object", name, each)
			return
		}
		began, before := time.Now(), children()
		do()
		took, after := time.Since(began).Seconds(), children()
		m.ReportMetric(took, name+"-s")
		m.Logf("%-8s %6.1f s; processor seconds: %s", name, took, spent(before, after))
		if m.operator == nil {
			return
		}
		m.ReportMetric(after[m.operator.Process.Pid].seconds-before[m.operator.Process.Pid].seconds, name+"-cpu-s")
		m.ReportMetric(m.peakMiB(), name+"-MiB")
	}
}

// use is a process's name, and its processor seconds so far.
type use struct {
	name    string
	seconds float64
}

// children are the programs of the cluster and the operator, and this one.
func children() map[int]use {
	uses := map[int]use{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, _ := os.ReadFile(path) // it may end while we look
		// 123 (name) S 1 ...
		pid, rest, _ := strings.Cut(string(text), " (")
		name, rest, found := strings.Cut(rest, ") ")
		id, _ := strconv.Atoi(pid)
		if fields := strings.Fields(rest); found && (id == os.Getpid() || fields[1] == strconv.Itoa(os.Getpid())) {
			user, _ := strconv.ParseFloat(fields[11], 64)
			system, _ := strconv.ParseFloat(fields[12], 64)
			uses[id] = use{name, (user + system) / 100} // ticks, as /proc has them
		}
	}
	return uses
}

func spent(before, after map[int]use) string {
	var words []string
	for id, use := range after {
		words = append(words, fmt.Sprintf("%s %.1f", use.name, use.seconds-before[id].seconds))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// peakMiB is the most memory that the operator ever had.
func (m *many) peakMiB() float64 {
	text, err := os.ReadFile(harness.ProcFile(m.operator.Process.Pid, "status"))
	m.check(err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	number, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	m.check(err)
	return number / 1024
}
