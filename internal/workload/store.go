package workload

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/cache"
)

// podStore is what a reflector fills: the pods of one selector.
type podStore struct {
	write   bool
	trim    func(*corev1.Pod)
	whole   func()        // is told when it is
	settled chan struct{} // closed when it is, or cannot be, for the first time
	settle  func()
	spec    corev1.PodSpec // of the last pod that came: those of one template are often the same, and kept once

	mutex  sync.Mutex
	byName map[string]Pod // nil until they are all there
	sorted []Pod          // nil where that has changed
}

var _ cache.TransformingStore = &podStore{}

func newPodStore(write bool, trim func(*corev1.Pod), whole func()) *podStore {
	settled := make(chan struct{})
	return &podStore{write: write, trim: trim, whole: whole, settled: settled, settle: sync.OnceFunc(func() { close(settled) })}
}

// pods are all there are, by name, once they are all there. They are not to be changed.
func (s *podStore) pods() (all []Pod, whole bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.byName == nil {
		return nil, false
	}
	if s.sorted == nil {
		s.sorted = slices.SortedFunc(maps.Values(s.byName), func(a, b Pod) int { return cmp.Compare(a.Name, b.Name) })
	}
	return s.sorted, true
}

// incomplete says that nobody knows any more what there is.
func (s *podStore) incomplete() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.byName, s.sorted = nil, nil
	s.settle()
}

// take makes a pod fit to be kept, if it has not been. Only the reflector's goroutine comes here.
func (s *podStore) take(item any) Pod {
	if kept, already := item.(Pod); already {
		return kept
	}
	pod := Pod{Pod: item.(*corev1.Pod)}
	if s.write {
		var err error
		if pod.written, err = pod.Document(); err != nil {
			return pod // whole, so that who asks for its document is told
		}
	}
	s.trim(pod.Pod)
	if equality.Semantic.DeepEqual(pod.Spec, s.spec) {
		pod.Spec = s.spec
	} else {
		s.spec = pod.Spec
	}
	return pod
}

// Transformer is asked by the reflector before it has all pods, so that not even then they are kept whole.
func (s *podStore) Transformer() cache.TransformFunc {
	return func(item any) (any, error) { return s.take(item), nil }
}

// Replace is for the reflector, as are all that follow.
func (s *podStore) Replace(list []any, _ string) error {
	byName := make(map[string]Pod, len(list))
	for _, item := range list {
		pod := s.take(item)
		byName[pod.Name] = pod
	}
	s.mutex.Lock()
	s.byName, s.sorted = byName, nil
	s.mutex.Unlock()
	s.settle()
	s.whole()
	return nil
}

// Add takes in a pod.
func (s *podStore) Add(item any) error {
	pod := s.take(item)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.byName != nil {
		s.byName[pod.Name], s.sorted = pod, nil
	}
	return nil
}

// Update takes in a pod that has changed.
func (s *podStore) Update(item any) error { return s.Add(item) }

// Delete takes a pod out.
func (s *podStore) Delete(item any) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.byName, item.(*corev1.Pod).Name)
	s.sorted = nil
	return nil
}

// Resync has nothing to do.
func (s *podStore) Resync() error { return nil }
