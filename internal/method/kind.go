package method

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// Kind is one way of running logic. It is a pointer to the settings that methods of its type have, and a folder of its own; a field
// of kinds.Method adds it. A kind says what it has to say besides by the interfaces below.
type Kind interface {
	// Description says what a configuration has to know. It does not depend on the settings, which may be nil.
	Description() Description

	// SetDefaults is called on fresh settings before they are read, so that what is left out is told from what is set to zero.
	SetDefaults()

	// Open makes it ready to run.
	Open(Common) (Logic, error)
}

// Description is what a configuration knows of a kind.
type Description struct {
	Meaning  string     // of the key that has the settings
	Keys     []rule.Key // of the settings
	Optional bool       // the settings may be left out

	// Only is the one method that may be of this kind; any of them where it is empty.
	Only string

	// InProcess is a kind that is handed Go values: nothing is run, so that there are no runs to be counted.
	InProcess bool

	// Proposes is a kind that decides by the Kubernetes metrics alone, each with the value that it aims at. The metric method may be
	// left out.
	Proposes bool

	// StabilizationWindow is the one for scaling down where the configuration says none.
	StabilizationWindow time.Duration
}

// Common is what all methods have, whatever their kind.
type Common struct {
	Name          string // of the method: metric, preScale, ...
	Timeout       time.Duration
	MaxReplyBytes int64
	Log           *slog.Logger
}

// Logic is what a kind opens: a Program, or an Evaluator.
type Logic any

// Program is handed documents. Its String says in one short line what is run, fit for an error.
type Program interface {
	fmt.Stringer
	Run(ctx context.Context, document Document) (reply string, err error)
	Close()
}

// Evaluator is handed what the pass knows, as values.
type Evaluator interface {
	Evaluate(context.Context, pass.Observation) (userlogic.Evaluation, error)
}

// Starter is a kind whose runs may have to wait for a start.
type Starter interface{ Starting() time.Duration }

// Concurrent is a kind that has a say in how many runs there are at a time: how many there are where nobody says, and how many there
// can be at most, 0 for any number.
type Concurrent interface{ Runs() (usual, most int) }

// Started is a kind that starts a program for each run: its path.
type Started interface{ Starts() string }

// Secretive is a kind whose settings have credentials.
type Secretive interface{ Secrets() []string }

// Normal is a kind whose settings may be spelt in several ways.
type Normal interface{ Normalize() }

// Checked is a kind that can look for what it needs without running anything. Servers are only asked where that is wanted.
type Checked interface {
	Check(ctx context.Context, of Common, ask bool) []finding.Item
}
