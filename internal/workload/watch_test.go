package workload

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func pod(name, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: version, Labels: map[string]string{"app": "web"}}}
}

// TestAStoreHasAllOrSaysThatItHasNot goes through what a reflector does to it.
func TestAStoreHasAllOrSaysThatItHasNot(t *testing.T) {
	whole := 0
	store := newPodStore(false, func(pod *corev1.Pod) { pod.Labels = nil }, func() { whole++ })
	for _, row := range []struct {
		name string
		do   func() error
		want string
	}{
		{"nothing yet", func() error { return nil }, "not whole"},
		{"an event before the list", func() error { return store.Add(pod("a", "1")) }, "not whole"},
		{"the list", func() error { return store.Replace([]any{pod("c", "2"), pod("a", "2")}, "2") }, "a2 c2"},
		{"a new one", func() error { return store.Add(pod("b", "3")) }, "a2 b3 c2"},
		{"a change", func() error { return store.Update(pod("a", "4")) }, "a4 b3 c2"},
		{"one that goes", func() error { return store.Delete(pod("c", "5")) }, "a4 b3"},
		{"one that is gone already", func() error { return store.Delete(pod("c", "5")) }, "a4 b3"},
		{"nothing that changes", store.Resync, "a4 b3"},
		{"the watch fails", func() error { store.incomplete(); return nil }, "not whole"},
		{"an event after that", func() error { return store.Update(pod("a", "6")) }, "not whole"},
		{"all are gone", func() error { return store.Replace(nil, "7") }, ""},
	} {
		if err := row.do(); err != nil {
			t.Fatal(err)
		}
		got := "not whole"
		if pods, all := store.pods(); all {
			var words []string
			for _, pod := range pods {
				if pod.Labels != nil {
					t.Errorf("%s: pod %s is not trimmed", row.name, pod.Name)
				}
				words = append(words, pod.Name+pod.ResourceVersion)
			}
			got = strings.Join(words, " ")
		}
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
	if whole != 2 {
		t.Errorf("it was told to be whole %d times, want 2", whole)
	}
}

// What a pass has been given stays as it was, whatever comes after it.
func TestPodsThatWereGivenAreNotChanged(t *testing.T) {
	store := newPodStore(false, func(*corev1.Pod) {}, func() {})
	if err := store.Replace([]any{pod("a", "1")}, "1"); err != nil {
		t.Fatal(err)
	}
	given, _ := store.pods()
	if err := errors.Join(store.Update(pod("a", "2")), store.Add(pod("b", "2"))); err != nil {
		t.Fatal(err)
	}
	if now, _ := store.pods(); len(given) != 1 || given[0].ResourceVersion != "1" || len(now) != 2 {
		t.Errorf("given were %v, now there are %d", given, len(now))
	}
}

func TestWhatPodsOfATemplateHaveInCommonIsKeptOnce(t *testing.T) {
	store := newPodStore(false, func(*corev1.Pod) {}, func() {})
	of := func(name, image string) any {
		p := pod(name, "1")
		p.Spec.Containers = []corev1.Container{{Name: "web", Image: image}}
		return p
	}
	if err := store.Replace([]any{of("a", "web:1"), of("b", "web:1"), of("c", "web:2")}, "1"); err != nil {
		t.Fatal(err)
	}
	pods, _ := store.pods()
	containers := func(i int) *corev1.Container { return &pods[i].Spec.Containers[0] }
	if containers(0) != containers(1) || containers(1) == containers(2) || containers(2).Image != "web:2" {
		t.Errorf("got %v", pods)
	}
}

// A pod is kept as user logic is given it, and trimmed for everybody else: also one that the reflector brings a second time.
func TestPodsAreKeptAsTheyAreWritten(t *testing.T) {
	store := newPodStore(true, func(pod *corev1.Pod) { pod.Labels = nil }, func() {})
	whole, err := Pod{Pod: pod("a", "1")}.Document()
	if err != nil || !strings.Contains(string(whole), `"kind":"Pod"`) || !strings.Contains(string(whole), `"labels":{"app":"web"}`) {
		t.Fatalf("got %s, %v", whole, err)
	}
	first, err := store.Transformer()(pod("a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Replace([]any{first}, "1"); err != nil {
		t.Fatal(err)
	}
	pods, _ := store.pods()
	if got, err := pods[0].Document(); err != nil || string(got) != string(whole) || pods[0].Labels != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if err := store.Update(pod("a", "2")); err != nil {
		t.Fatal(err)
	}
	pods, _ = store.pods()
	if got, _ := pods[0].Document(); !strings.Contains(string(got), `"resourceVersion":"2"`) {
		t.Errorf("after a change it is %s", got)
	}
}

func TestAnotherSelectorIsFollowedAnew(t *testing.T) {
	w := NewWatch(NewReader(nil, autoscalingv2.CrossVersionObjectReference{Name: "web"}, "shop"), false, func(*corev1.Pod) {}, func(error) {})
	selectors := []labels.Selector{labels.SelectorFromSet(labels.Set{"app": "web"}), labels.SelectorFromSet(labels.Set{"app": "api"})}
	if _, whole := w.followed(selectors[0]).pods(); whole {
		t.Error("nobody has listed them yet")
	}
	first := <-w.asked
	if err := first.kept.Replace([]any{pod("a", "1")}, "1"); err != nil {
		t.Fatal(err)
	}
	if pods, whole := w.followed(selectors[0]).pods(); !whole || len(pods) != 1 {
		t.Errorf("got %v, %t", pods, whole)
	}
	for range 2 { // also while nobody has come to the one before
		for _, selector := range []labels.Selector{selectors[1], selectors[0]} {
			if _, whole := w.followed(selector).pods(); whole {
				t.Errorf("the pods of %s are those of another selector", selector)
			}
		}
	}
	if next := <-w.asked; fmt.Sprint(next.selector) != "app=web" || next.kept == first.kept {
		t.Errorf("the next to follow is %s", next.selector)
	}
}

func TestTheVersionOfAnObjectIsReadWithIt(t *testing.T) {
	got, err := objectOfJSON([]byte(`{"kind": "Worker", "metadata": {"uid": "u", "resourceVersion": "7"}, "spec": {"size": 1}}`))
	if err != nil || got.uid != "u" || got.version != "7" || !strings.Contains(string(got.document), `"size": 1`) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := objectOfJSON([]byte("rubbish")); err == nil {
		t.Error("rubbish was read")
	}
}

// TestWatchForbiddenOnceIsTriedAgainSoon: for the ten minutes of a lasting 403 pods would be listed at each pass.
func TestWatchForbiddenOnceIsTriedAgainSoon(t *testing.T) {
	forbidden := fmt.Errorf("watching: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no")))
	pause, waited := shortestPause, time.Duration(0)
	for range 4 {
		pause = pauseAfter(pause, forbidden)
		waited += pause
	}
	if waited > 30*time.Second {
		t.Errorf("the fifth try is after %s", waited)
	}
	for range 20 {
		pause = pauseAfter(pause, forbidden)
	}
	if pause != longestPauseOfForbidden {
		t.Errorf("what stays forbidden is tried every %s", pause)
	}
	if pause = pauseAfter(pause, errors.New("away")); pause != longestPause {
		t.Errorf("after another error the pause is %s", pause)
	}
}
