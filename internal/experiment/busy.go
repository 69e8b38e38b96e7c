package experiment

import (
	"context"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/executable"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// busy adds up the time in which user logic runs. Of runs side by side, time that they share counts once.
type busy struct {
	mutex sync.Mutex
	until time.Time // all that is known to be counted
	total time.Duration
	runs  map[string]int // by the method's name
}

// ran is told of a run that has just ended.
func (b *busy) ran(run method.Run) {
	b.add(time.Now(), run.Took)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.runs == nil {
		b.runs = map[string]int{}
	}
	b.runs[run.Name]++
}

func (b *busy) add(ended time.Time, took time.Duration) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if began := ended.Add(-took); began.After(b.until) {
		b.until = began
	}
	if ended.After(b.until) {
		b.total += ended.Sub(b.until)
		b.until = ended
	}
}

// logicTime is how long user logic took, and how much of that went into starting an interpreter again and again.
type logicTime struct {
	total    time.Duration
	starting time.Duration
	program  string
	methods  []string // that run it
	runs     int
}

// time is how long user logic took so far.
func (b *busy) time() logicTime {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return logicTime{total: b.total}
}

// interpreterOf is the interpreter that a method starts, and what to start it with so that it does nothing.
func interpreterOf(m *config.Method) (program string, arguments []string) {
	started, is := m.Settings("").Kind.(method.Started)
	if !is {
		return "", nil
	}
	program = started.Starts()
	of, known := executable.InterpreterOf(program)
	if !known {
		return "", nil
	}
	return program, of.Idle
}

// measured adds how long it took to start the interpreter that was started most: each run of a method starts it once, and so it is
// started some times more to do nothing.
func (b *busy) measured(ctx context.Context, settings config.Config) logicTime {
	took, idle := b.time(), map[string][]string{}
	started := map[string]logicTime{}
	for name, m := range settings.Methods() {
		program, arguments := interpreterOf(m)
		if program == "" {
			continue
		}
		of := started[program]
		started[program] = logicTime{program: program, methods: append(of.methods, name), runs: of.runs + b.runs[name]}
		idle[program] = arguments
	}
	for _, of := range started {
		if of.runs > took.runs {
			took.program, took.methods, took.runs = of.program, of.methods, of.runs
		}
	}
	if took.runs > 0 {
		took.starting = min(time.Duration(took.runs)*executable.StartTime(ctx, took.program, idle[took.program]), took.total)
	}
	return took
}
