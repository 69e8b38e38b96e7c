package simulation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation/load"
)

// step is what the world is gone through in.
const step = time.Second

// World is a target and its pods under a load.
type World struct {
	settings Settings
	load     load.Curve
	random   *rand.Rand

	now     time.Duration // since the start
	wanted  int32         // replicas
	made    int           // pods ever
	pods    []*pod        // by name
	backlog float64       // load that was not served yet, in its unit times seconds
	served  float64       // of the last step, a second
	samples []sample      // of metrics, oldest first

	// what adds up
	podTime, underTime time.Duration
	worstBacklog       float64
}

// pod lives through these times, since the start.
type pod struct {
	name                       string
	created, runs, ready, ends time.Duration // ends is 0 while nobody wants it to
	crashes                    time.Duration // the next time; 0 is never
}

// sample is what pods used at a time, in parts of their capacity.
type sample struct {
	at   time.Duration
	used map[string]float64
}

// before is how long the first pods have been there.
const before = time.Hour

// NewWorld gives one whose first pods have been ready for a while, and are measured.
func NewWorld(settings Settings) (*World, error) {
	curve, err := load.Sum(settings.Load, settings.Seed, settings.Start.Time)
	if err != nil {
		return nil, err
	}
	w := &World{settings: settings, load: curve, random: rand.New(rand.NewPCG(settings.Seed, 0))}
	w.scaleTo(settings.Replicas)
	for _, p := range w.pods {
		p.created, p.runs, p.ready = -before, -before, -before
	}
	w.served = min(curve(0), w.capacity()) * step.Seconds()
	w.samples = []sample{{-settings.Metrics.Lag.Duration, w.uses()}}
	return w, nil
}

// Now is the time in it.
func (w *World) Now() time.Time { return w.at(w.now) }

func (w *World) at(since time.Duration) time.Time { return w.settings.Start.Add(since) }

// advance goes on to a time since the start, step by step.
func (w *World) advance(to time.Duration) {
	for w.now < to {
		w.now += step
		w.live()
		w.work()
		if w.now%w.settings.Metrics.Resolution.Duration < step {
			w.measure()
		}
	}
}

// live lets pods crash, and go.
func (w *World) live() {
	w.pods = slices.DeleteFunc(w.pods, func(p *pod) bool { return p.ends > 0 && w.now >= p.ends })
	for _, p := range w.pods {
		if p.crashes > 0 && w.now >= p.crashes {
			p.ready = w.now + w.settings.Pods.Ready.Duration // it runs again at once, and gets ready
			p.crashes = w.nextCrash()
		}
	}
	w.podTime += time.Duration(len(w.pods)) * step
}

// work serves what the ready pods can of the load, and of what was left of it before.
func (w *World) work() {
	load, capacity := w.load(w.now), w.capacity()
	todo := w.backlog + load*step.Seconds()
	w.served = min(todo, capacity*step.Seconds())
	w.backlog = todo - w.served
	w.worstBacklog = max(w.worstBacklog, w.backlog)
	if load > capacity {
		w.underTime += step
	}
}

// measure notes what pods use, as the cluster comes to know it later.
func (w *World) measure() {
	w.samples = append(w.samples, sample{w.now, w.uses()})
	for len(w.samples) > 1 && w.samples[1].at <= w.now-w.settings.Metrics.Lag.Duration {
		w.samples = w.samples[1:]
	}
}

// uses are what pods use that run, in parts of their capacity.
func (w *World) uses() map[string]float64 {
	used := map[string]float64{}
	for _, p := range w.pods {
		if w.isReady(p) {
			used[p.name] = w.utilization()
		} else if w.isRunning(p) {
			used[p.name] = 0
		}
	}
	return used
}

// measured is the newest sample that is known; ok is false while there is none.
func (w *World) measured() (newest sample, ok bool) {
	for _, s := range w.samples {
		if s.at <= w.now-w.settings.Metrics.Lag.Duration {
			newest, ok = s, true
		}
	}
	return newest, ok
}

func (w *World) isRunning(p *pod) bool { return w.now >= p.runs }
func (w *World) isReady(p *pod) bool   { return w.now >= p.ready && p.ends == 0 }

func (w *World) ready() (count int) {
	for _, p := range w.pods {
		if w.isReady(p) {
			count++
		}
	}
	return count
}

// living are the pods that nobody wants to end.
func (w *World) living() (count int32) {
	for _, p := range w.pods {
		if p.ends == 0 {
			count++
		}
	}
	return count
}

func (w *World) capacity() float64 { return float64(w.ready()) * w.settings.Pods.Capacity }

// utilization is how much of the capacity the last step took.
func (w *World) utilization() float64 {
	if capacity := w.capacity(); capacity > 0 {
		return w.served / (capacity * step.Seconds())
	}
	return 0
}

// scaleTo makes pods, or lets some end: those that are not ready first, and of the others the newest, as a ReplicaSet does.
func (w *World) scaleTo(replicas int32) {
	w.wanted = replicas
	surplus := w.living() - replicas
	for range -surplus {
		w.pods = append(w.pods, w.newPod())
	}
	going := slices.Clone(w.pods)
	slices.SortStableFunc(going, func(a, b *pod) int {
		return cmp.Or(cmp.Compare(order(w.isReady(a)), order(w.isReady(b))), cmp.Compare(b.created, a.created), cmp.Compare(b.name, a.name))
	})
	for _, p := range going {
		if surplus > 0 && p.ends == 0 {
			p.ends = w.now + max(step, w.settings.Pods.Stops.Duration)
			surplus--
		}
	}
}

func order(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (w *World) newPod() *pod {
	w.made++
	factor := 1.0
	if w.random.Float64() < w.settings.Pods.Slow.Share {
		factor = w.settings.Pods.Slow.Factor
	}
	times := func(d time.Duration) time.Duration {
		return time.Duration(min(factor*float64(d), float64(load.Longest)))
	}
	p := &pod{name: fmt.Sprintf("pod-%06d", w.made), created: w.now, runs: w.now + times(w.settings.Pods.Starts.Duration)}
	p.ready = p.runs + times(w.settings.Pods.Ready.Duration)
	p.crashes = w.nextCrash()
	return p
}

// nextCrash is exponentially distributed: a pod does not know how old it is.
func (w *World) nextCrash() time.Duration {
	if w.settings.Pods.Crashes.Duration == 0 {
		return 0
	}
	return w.now + step + time.Duration(w.random.ExpFloat64()*float64(w.settings.Pods.Crashes.Duration))
}
