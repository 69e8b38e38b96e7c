package lease

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
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
	if err := valid(object.(*coordinationv1.Lease)); err != nil {
		return err
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
	if b.lease == nil {
		return apierrors.NewNotFound(leases, "web")
	}
	changed, err := merge(b.lease, patch)
	if err != nil {
		return err
	}
	if changed.ResourceVersion != b.lease.ResourceVersion {
		return apierrors.NewConflict(leases, "web", errors.New("it was changed"))
	}
	b.store.write(changed)
	b.lease.DeepCopyInto(into.(*coordinationv1.Lease))
	return nil
}

// merge applies a merge patch, and refuses what an API server refuses.
func merge(lease *coordinationv1.Lease, patch []byte) (*coordinationv1.Lease, error) {
	changed := lease.DeepCopy()
	if err := json.Unmarshal(patch, changed); err != nil {
		return nil, err
	}
	return changed, valid(changed)
}

func valid(lease *coordinationv1.Lease) error {
	switch spec := lease.Spec; {
	case spec.LeaseDurationSeconds != nil && *spec.LeaseDurationSeconds <= 0,
		spec.LeaseTransitions != nil && *spec.LeaseTransitions < 0,
		spec.PreferredHolder != nil && spec.Strategy == nil:
		return apierrors.NewBadRequest("the spec is not valid")
	}
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

func run(s *store, name string, change ...func(*Lease)) *program {
	ctx, kill := context.WithCancel(context.Background())
	p := &program{
		Lease: &Lease{API: by{s, name}, Name: "web", Holder: name, Log: slog.New(slog.DiscardHandler), Wrote: func(error) {}},
		kill:  kill, done: make(chan struct{}),
	}
	for _, change := range change {
		change(p.Lease)
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
	remove := func(s *store, _, _ *program) { s.remove() }
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
		{"a passing 403 changes nothing", []moment{
			{time.Minute, func(s *store, a, b *program) { fail("a", forbidden)(s, a, b); fail("b", forbidden)(s, a, b) }, "a"},
			{at: time.Minute + 20*time.Second, holder: "a"},
			{time.Minute + 20*time.Second, func(s *store, a, b *program) { fail("a", nil)(s, a, b); fail("b", nil)(s, a, b) }, "a"},
			{at: 5 * time.Minute, holder: "a"},
		}},
		{"a holder without the right stops before another begins", []moment{
			{time.Minute, fail("a", forbidden), "a"}, {at: time.Minute + believed + time.Second, holder: ""}, {at: 3 * time.Minute, holder: "b"},
		}},
		{"without the right nobody scales", []moment{
			{time.Minute, func(s *store, a, b *program) { fail("a", forbidden)(s, a, b); fail("b", forbidden)(s, a, b) }, "a"},
			{at: 10 * time.Minute, holder: ""},
		}},
		{"a deleted lease stays with its holder", []moment{
			{time.Minute, remove, "a"}, {at: time.Minute + renewed + time.Second, holder: "a"}, {at: time.Hour, holder: "a"},
		}},
		{"a deleted lease of a dead holder is taken after a minute", []moment{
			{time.Minute, kill, "a"}, {time.Minute + time.Second, remove, "a"}, {at: time.Minute + believed, holder: ""}, {at: 2 * time.Minute, holder: ""},
			{at: 2*time.Minute + renewed, holder: "b"},
		}},
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

// running gives a store whose Lease is held by a, and a program b that waits for it.
func running(t *testing.T) (s *store, a, b *program) {
	t.Helper()
	s = &store{fails: map[string]error{}}
	a = run(s, "a_1")
	synctest.Wait()
	b = run(s, "b_1")
	synctest.Wait()
	t.Cleanup(func() { a.kill(); b.kill(); synctest.Wait() })
	return s, a, b
}

// setSpec writes a record past both programs.
func (s *store) setSpec(spec coordinationv1.LeaseSpec) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.put(spec)
}

func (s *store) fail(p *program, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fails[p.Holder] = err
}

func (s *store) remove() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lease = nil
}

func (s *store) put(spec coordinationv1.LeaseSpec) {
	lease := &coordinationv1.Lease{Spec: spec}
	if s.lease != nil {
		lease.ObjectMeta = *s.lease.ObjectMeta.DeepCopy()
	}
	s.write(lease)
}

// TestLeaseOfAnyRecord starts a program beside a record that nobody renews. Whatever the record says, the program waits for
// a minute by its own clock, and takes it then.
func TestLeaseOfAnyRecord(t *testing.T) {
	future := metav1.NewMicroTime(time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC))
	holder := new("somebody")
	for _, row := range []struct {
		name string
		spec coordinationv1.LeaseSpec
	}{
		{"holder alone", coordinationv1.LeaseSpec{HolderIdentity: holder}},
		{"no renewTime", coordinationv1.LeaseSpec{HolderIdentity: holder, LeaseDurationSeconds: new(int32(60))}},
		{"acquireTime alone", coordinationv1.LeaseSpec{HolderIdentity: holder, AcquireTime: &future}},
		{"renewTime in the future", coordinationv1.LeaseSpec{HolderIdentity: holder, RenewTime: &future, LeaseDurationSeconds: new(int32(60))}},
		{"renewTime zero", coordinationv1.LeaseSpec{HolderIdentity: holder, RenewTime: &metav1.MicroTime{}}},
		{"a huge duration", coordinationv1.LeaseSpec{HolderIdentity: holder, RenewTime: &future, LeaseDurationSeconds: new(int32(math.MaxInt32))}},
		{"a duration of a second", coordinationv1.LeaseSpec{HolderIdentity: holder, RenewTime: &future, LeaseDurationSeconds: new(int32(1))}},
		{"a duration of zero", coordinationv1.LeaseSpec{HolderIdentity: holder, LeaseDurationSeconds: new(int32(0))}},
		{"a negative duration", coordinationv1.LeaseSpec{HolderIdentity: holder, LeaseDurationSeconds: new(int32(-5))}},
		{"as many transitions as there can be", coordinationv1.LeaseSpec{HolderIdentity: holder, LeaseTransitions: new(int32(math.MaxInt32))}},
		{"a coordinated election", coordinationv1.LeaseSpec{HolderIdentity: holder, PreferredHolder: holder, Strategy: new(coordinationv1.OldestEmulationVersion)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{fails: map[string]error{}}
				s.setSpec(row.spec)
				p := run(s, "a_1")
				defer p.kill()
				time.Sleep(expires - time.Second)
				synctest.Wait()
				if err := p.Held(); err == nil {
					t.Errorf("it is held before the other holder must have stopped")
				}
				time.Sleep(2*retried + time.Second)
				synctest.Wait()
				if err := p.Held(); err != nil {
					t.Fatalf("it is not held: %v", err)
				}
				if got := s.lease.Spec; *got.LeaseDurationSeconds != 60 || got.AcquireTime == nil || got.Strategy != nil {
					t.Errorf("the record is %+v", got)
				}
			})
		})
	}
}

// FuzzLeaseSpec: no record makes a program panic, or keeps it out for ever.
func FuzzLeaseSpec(f *testing.F) {
	f.Add([]byte(`{"holderIdentity": "x"}`), []byte(`{"leaseDurationSeconds": 2147483647}`))
	f.Add([]byte(`{"holderIdentity": ""}`), []byte(`{"holderIdentity": "a_1", "renewTime": "2999-01-01T00:00:00.000000Z"}`))
	f.Add([]byte(`{"holderIdentity": "y", "acquireTime": "1970-01-01T00:00:00.000000Z", "leaseTransitions": -1}`), []byte(`{}`))
	f.Add([]byte(`{"holderIdentity": "y", "preferredHolder": "z", "strategy": "OldestEmulationVersion"}`), []byte(`{"holderIdentity": "_"}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var specs [2]coordinationv1.LeaseSpec
		if json.Unmarshal(first, &specs[0]) != nil || json.Unmarshal(second, &specs[1]) != nil {
			t.Skip()
		}
		synctest.Test(t, func(t *testing.T) {
			s := &store{fails: map[string]error{}}
			s.setSpec(specs[0])
			p := run(s, "a_1")
			defer p.kill()
			time.Sleep(expires / 2)
			s.setSpec(specs[1])
			_ = p.Held()
			time.Sleep(expires + 2*renewed)
			synctest.Wait()
			if err := p.Held(); err != nil {
				t.Errorf("%s, then %s: %v", first, second, err)
			}
		})
	})
}

// A holder that renews keeps the lease, whatever duration somebody writes into it.
func TestLeaseDurationOfTheRecordLetsNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b := running(t)
		for range 100 {
			spec := *s.lease.Spec.DeepCopy()
			spec.LeaseDurationSeconds = new(int32(1))
			s.setSpec(spec)
			time.Sleep(7 * time.Second)
			synctest.Wait()
			if a.Held() != nil || b.Held() == nil {
				t.Fatalf("a: %v; b: %v", a.Held(), b.Held())
			}
		}
	})
}

func TestLeaseConfirm(t *testing.T) {
	change := func(s *store, holder string) { s.setSpec(coordinationv1.LeaseSpec{HolderIdentity: &holder}) }
	for _, row := range []struct {
		name string
		do   func(s *store, a *program)
		says string // "" where the write may begin
	}{
		{"it is ours", func(*store, *program) {}, ""},
		{"it was deleted, and nobody has taken it", func(s *store, _ *program) { s.remove() }, ""},
		{"another took it after it was deleted", func(s *store, _ *program) { s.remove(); change(s, "c_1") }, `c holds the lease "web"`},
		{"somebody emptied it, and another took it", func(s *store, _ *program) { change(s, ""); change(s, "b_1") }, `b holds the lease "web"`},
		{"the API does not answer", func(s *store, a *program) { s.fail(a, errors.New("away")) }, "could not be renewed: away"},
		{"a 403", func(s *store, a *program) { s.fail(a, apierrors.NewForbidden(leases, "web", errors.New("no"))) },
			`resourceNames: ["web"], verbs: ["get", "patch"]}; or set leaderElection: false`},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, a, b := running(t)
				b.kill()
				time.Sleep(5 * time.Second)
				row.do(s, a)
				write, done, err := a.Confirm(t.Context())
				if row.says != "" {
					if _, ok := errors.AsType[NotHeldError](err); !ok || !strings.Contains(err.Error(), row.says) {
						t.Errorf("got %v, want %s", err, row.says)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer done()
				if deadline, ok := write.Deadline(); !ok || time.Until(deadline) > believed {
					t.Errorf("the write may take until %v", deadline)
				}
			})
		})
	}
}

// A write ends before another can begin, also when the API server takes the renewal and answers late.
func TestLeaseConfirmCountsFromBeforeTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		a := run(s, "a_1", func(l *Lease) { l.API = late{by{s, "a_1"}} })
		defer a.kill()
		time.Sleep(5 * time.Second)
		began := time.Now()
		write, done, err := a.Confirm(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		if deadline, _ := write.Deadline(); deadline.Sub(began) > believed {
			t.Errorf("the write may go on for %s after the lease was asked for", deadline.Sub(began))
		}
	})
}

// The lease is given back after the last write, not in the middle of it.
func TestLeaseReleaseWaitsForTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := running(t)
		_, done, err := a.Confirm(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		released := make(chan struct{})
		go func() { a.stop(); close(released) }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if b.Held() == nil {
			t.Error("another has it during the write")
		}
		done()
		<-released
		time.Sleep(retried)
		synctest.Wait()
		if err := b.Held(); err != nil {
			t.Errorf("another does not get it after the write: %v", err)
		}
		if _, _, err := a.Confirm(t.Context()); err == nil {
			t.Error("a write begins after the lease was given back")
		}
	})
}

// A call that hangs does not cost the lease.
func TestLeaseOutlivesACallThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hung := &store{fails: map[string]error{}}, false
		a := run(s, "a_1", func(l *Lease) { l.API = hanging{by{s, "a_1"}, &hung} })
		defer a.kill()
		synctest.Wait()
		b := run(s, "b_1")
		defer b.kill()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if err := a.Held(); err != nil || !hung {
			t.Errorf("it is not held: %v (a call hung: %t)", err, hung)
		}
	})
}

// late answers a patch long after it took effect.
type late struct{ by }

func (l late) Patch(ctx context.Context, path kube.Path, of types.PatchType, patch []byte, into runtime.Object) error {
	defer time.Sleep(8 * time.Second)
	return l.by.Patch(ctx, path, of, patch, into)
}

// hanging never answers the first patch.
type hanging struct {
	by
	hung *bool
}

func (h hanging) Patch(ctx context.Context, path kube.Path, of types.PatchType, patch []byte, into runtime.Object) error {
	if !*h.hung {
		*h.hung = true
		<-ctx.Done()
		return ctx.Err()
	}
	return h.by.Patch(ctx, path, of, patch, into)
}

// Two that find no Lease create it at once: one holds it, and that is no error.
func TestLeaseThatTwoCreateAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		var programs []*program
		for _, name := range []string{"a_1", "b_1", "c_1"} {
			p := run(s, name, func(l *Lease) {
				l.Wrote = func(err error) {
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
			defer p.kill()
			programs = append(programs, p)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		held := 0
		for _, p := range programs {
			if p.Held() == nil {
				held++
			}
		}
		if held != 1 {
			t.Errorf("%d hold it", held)
		}
	})
}

// A Lease of a deleted object of the same name is taken over as one of the new object, and not deleted as garbage.
func TestLeaseOfADeletedObjectBecomesTheNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		a := run(s, "a_1", func(l *Lease) { l.Owner.UID = "old" })
		synctest.Wait()
		b := run(s, "b_1", func(l *Lease) { l.Owner.UID = "new" })
		defer b.kill()
		synctest.Wait()
		if b.Held() == nil {
			t.Error("it is taken while the old object's autoscaler may still be scaling")
		}
		a.stop()
		time.Sleep(retried)
		synctest.Wait()
		if owners := s.lease.OwnerReferences; b.Held() != nil || len(owners) != 1 || owners[0].UID != "new" {
			t.Errorf("held: %v, owners: %v", b.Held(), owners)
		}
	})
}

func TestLeaseCheckWaitsForTheFirstTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{fails: map[string]error{}}
		l := &Lease{API: by{s, "a_1"}, Name: "web", Holder: "a_1", Log: slog.New(slog.DiscardHandler), Wrote: func(error) {}}
		checked := make(chan error, 1)
		go func() { checked <- l.Check(t.Context()) }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go l.Run(ctx)
		if err := <-checked; err != nil {
			t.Errorf("waiting for the first try fails: %v", err)
		}
	})
}

// The wall clock counts, too: while a machine is suspended the monotonic one may stand still.
func TestLeaseEndsWhenTheWallClockSaysSo(t *testing.T) {
	now := time.Now()
	l := &Lease{Name: "web", until: now.Add(time.Minute), wall: now.Add(time.Minute).Round(0)}
	if err := l.Held(); err != nil {
		t.Error(err)
	}
	l.wall = now.Add(-time.Hour).Round(0)
	if err := l.Held(); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("an hour after it was last renewed: %v", err)
	}
}
