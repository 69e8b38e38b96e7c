package report

import (
	"context"
	"slices"
	"sync"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Record keeps the last passes of each run type, so that many calls of the API do not push out what the loop did.
type Record struct {
	most   int
	target string // until it has been read

	mutex sync.Mutex
	kept  map[userlogic.RunType][]userlogic.Decision // oldest first
}

// NewRecord keeps so many passes of each run type.
func NewRecord(most int, target string) *Record {
	return &Record{most: most, target: target, kept: map[userlogic.RunType][]userlogic.Decision{}}
}

// Pass is a Watcher.
func (r *Record) Pass(_ context.Context, p pass.Pass) {
	decision := p.Document(r.target)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	kept := append(r.kept[p.RunType], decision)
	r.kept[p.RunType] = slices.Clone(kept[max(0, len(kept)-r.most):]) // so that the oldest is let go of
}

// Decisions are the last passes, newest first, but not more than so many: of one run type, or of all if it is empty.
func (r *Record) Decisions(runType userlogic.RunType, most int) []userlogic.Decision {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	decisions := []userlogic.Decision{}
	for kind, kept := range r.kept {
		if runType == "" || kind == runType {
			decisions = append(decisions, kept...)
		}
	}
	slices.SortStableFunc(decisions, func(a, b userlogic.Decision) int { return b.Time.Compare(a.Time) })
	return decisions[:min(most, len(decisions))]
}
