package lease

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/internal/kube"
)

// store holds one Lease, as an API server does: whoever changes it has to have seen it as it is.
type store struct {
	mutex   sync.Mutex
	lease   *coordinationv1.Lease
	version int
	fails   map[string]error // whom, and how
	writes  int
}

// by is the store as one program reaches it.
type by struct {
	*store
	name string
}

var leases = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}

func (b by) Get(_ context.Context, _ kube.Path, into runtime.Object) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.fails[b.name] != nil:
		return b.fails[b.name]
	case b.lease == nil:
		return apierrors.NewNotFound(leases, "web")
	}
	b.lease.DeepCopyInto(into.(*coordinationv1.Lease))
	return nil
}

func (b by) Create(_ context.Context, _ kube.Path, object runtime.Object) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.fails[b.name] != nil:
		return b.fails[b.name]
	case b.lease != nil:
		return apierrors.NewAlreadyExists(leases, "web")
	}
	b.store.write(object.(*coordinationv1.Lease))
	return nil
}

func (b by) Patch(_ context.Context, _ kube.Path, _ types.PatchType, patch []byte, into runtime.Object) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.fails[b.name] != nil {
		return b.fails[b.name]
	}
	changed := b.lease.DeepCopy()
	if err := json.Unmarshal(patch, changed); err != nil {
		return err
	}
	if changed.ResourceVersion != b.lease.ResourceVersion {
		return apierrors.NewConflict(leases, "web", errors.New("it was changed"))
	}
	b.store.write(changed)
	b.lease.DeepCopyInto(into.(*coordinationv1.Lease))
	return nil
}

func (s *store) write(lease *coordinationv1.Lease) {
	s.version++
	s.writes++
	lease.ResourceVersion = strings.Repeat("i", s.version)
	s.lease = lease.DeepCopy()
}

// program runs a lease until it is stopped, or killed, which gives nothing back.
type program struct {
	*Lease
	kill context.CancelFunc
	done chan struct{}
}

func run(s *store, name string) *program {
	ctx, kill := context.WithCancel(context.Background())
	p := &program{
		Lease: &Lease{API: by{s, name}, Name: "web", Holder: name, Log: slog.New(slog.DiscardHandler), Wrote: func(error) {}},
		kill:  kill, done: make(chan struct{}),
	}
	go func() {
		defer close(p.done)
		p.Run(ctx)
	}()
	return p
}

func (p *program) stop() {
	p.kill()
	<-p.done
	p.Release(context.Background())
}

// TestOneHoldsTheLease plays what becomes of two programs, and says who may scale at which time.
func TestOneHoldsTheLease(t *testing.T) {
	away := errors.New("away")
	forbidden := apierrors.NewForbidden(leases, "web", errors.New("no"))
	type moment struct {
		at     time.Duration
		do     func(*store, *program, *program)
		holder string // of a, b
	}
	fail := func(who string, err error) func(*store, *program, *program) {
		return func(s *store, _, _ *program) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			s.fails[who] = err
		}
	}
	kill := func(_ *store, a, _ *program) { a.kill() }
	for _, row := range []struct {
		name    string
		moments []moment
	}{
		{"the first has it, and keeps it", []moment{{at: time.Second, holder: "a"}, {at: time.Hour, holder: "a"}}},
		{"it is given back at a stop", []moment{{time.Minute, func(_ *store, a, _ *program) { a.stop() }, ""}, {at: time.Minute + retried, holder: "b"}}},
		{"who is killed keeps it until it expires", []moment{
			{time.Minute, kill, "a"}, {at: time.Minute + believed, holder: ""}, {at: time.Minute + expires, holder: ""}, {at: time.Minute + expires + renewed, holder: "b"},
		}},
		{"who cannot renew it stops before another begins", []moment{
			{time.Minute, fail("a", away), "a"}, {at: time.Minute + believed - renewed, holder: "a"}, {at: time.Minute + believed + time.Second, holder: ""},
			{at: 3 * time.Minute, holder: "b"}, {3 * time.Minute, fail("a", nil), "b"}, {at: 10 * time.Minute, holder: "b"},
		}},
		{"who cannot renew it for a while goes on", []moment{
			{time.Minute, fail("a", away), "a"}, {time.Minute + 30*time.Second, fail("a", nil), "a"}, {at: 5 * time.Minute, holder: "a"},
		}},
		{"the whole API is away for long", []moment{
			{time.Minute, func(s *store, a, b *program) { fail("a", away)(s, a, b); fail("b", away)(s, a, b) }, "a"},
			{at: 10 * time.Minute, holder: ""},
			{10 * time.Minute, fail("a", nil), ""}, {at: 10*time.Minute + retried, holder: "a"}, {10*time.Minute + retried, fail("b", nil), "a"}, {at: time.Hour, holder: "a"},
		}},
		{"somebody deletes it", []moment{
			{time.Minute, func(s *store, _, b *program) {
				b.kill()
				s.mutex.Lock()
				s.lease, s.fails["a"] = nil, nil
				s.mutex.Unlock()
			}, "a"}, {at: 2 * time.Minute, holder: "a"},
		}},
		{"a Role without leases keeps nobody out", []moment{{time.Minute, fail("a", forbidden), "a"}, {at: 5 * time.Minute, holder: "ab"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{fails: map[string]error{}}
				a := run(s, "a")
				synctest.Wait()
				b := run(s, "b")
				defer func() { a.kill(); b.kill() }()
				start := time.Now()
				for _, m := range row.moments {
					time.Sleep(time.Until(start.Add(m.at)))
					synctest.Wait()
					if m.do != nil {
						m.do(s, a, b)
						synctest.Wait()
					}
					holder := ""
					for _, p := range []*program{a, b} {
						if p.Held() == nil {
							holder += p.Holder
						}
					}
					if holder != m.holder {
						t.Errorf("at %s %q may scale, want %q (a: %v; b: %v)", m.at, holder, m.holder, a.Held(), b.Held())
					}
				}
			})
		})
	}
}

func TestALeaseIsRenewedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		a := run(s, "a")
		time.Sleep(10*time.Minute + time.Second)
		a.stop()
		if want := 1 + 40 + 1; s.writes != want {
			t.Errorf("there were %d writes in ten minutes, want %d", s.writes, want)
		}
	})
}

func TestAContainerThatStartsAgainGoesOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		before := run(s, "a")
		synctest.Wait()
		before.kill()
		again := run(s, "a")
		defer again.kill()
		synctest.Wait()
		if err := again.Held(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoWaitsIsToldForWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		if err := (&Lease{Name: "web"}).Held(); err == nil || err.Error() != `the lease "web" is not held yet` {
			t.Errorf("got %v", err)
		}
		a := run(s, "a")
		synctest.Wait()
		b := run(s, "b")
		defer func() { a.kill(); b.kill() }()
		synctest.Wait()
		if err := b.Held(); err == nil || err.Error() != `a holds the lease "web", and is scaling: this autoscaler waits until it is free` {
			t.Errorf("got %v", err)
		}
	})
}
