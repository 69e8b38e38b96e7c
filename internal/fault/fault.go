// Package fault has errors that tell more than their text: what was being done, the cause, the setting behind it, the way out, and
// whether trying again can help. Whoever shows an error to somebody reads these by Of, and words them for its reader.
package fault

import (
	"errors"
	"strings"
)

// Fault is such an error. Every field but the cause may be empty.
type Fault struct {
	Doing   string // what was being done: listing pods in namespace "shop"
	Err     error  // the cause
	Setting string // the key behind it; one that begins with a point is under the setting of what it happened in
	Hint    string // the way out
	Lasts   bool   // trying again does not help: somebody has to do something
}

// Error is "doing: cause: hint". An error that words itself otherwise has a Fault, and is an Explainer.
func (f *Fault) Error() string {
	text := f.Err.Error()
	if f.Doing != "" {
		text = f.Doing + ": " + text
	}
	if f.Hint != "" {
		text += ": " + f.Hint
	}
	return text
}

func (f *Fault) Unwrap() error { return f.Err }

// Explain is that of an Explainer.
func (f *Fault) Explain() Fault { return *f }

// Explainer is an error that can tell more.
type Explainer interface {
	error
	Explain() Fault
}

// Fields are what is known of an error.
type Fields struct {
	Doing, Cause, Setting, Hint string
	Retry                       bool // trying again can help
}

// Of collects what an error and those that it wraps tell: of what was being done the outermost, of the setting and the way out the
// innermost, which know best.
func Of(err error) Fields {
	f := Fields{Retry: true}
	if err == nil {
		return f
	}
	f.collect(err)
	f.Cause = err.Error()
	if f.Doing != "" {
		f.Cause = strings.Replace(f.Cause, f.Doing+": ", "", 1)
	}
	if f.Hint != "" {
		f.Cause = strings.TrimRight(strings.TrimSuffix(f.Cause, f.Hint), ":; ")
	}
	return f
}

// Masked are the fields with texts that mask has gone over.
func (f Fields) Masked(mask func(string) string) Fields {
	f.Doing, f.Cause, f.Setting, f.Hint = mask(f.Doing), mask(f.Cause), mask(f.Setting), mask(f.Hint)
	return f
}

func (f *Fields) collect(err error) {
	if explainer, is := err.(Explainer); is {
		f.add(explainer.Explain())
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapper.Unwrap(); inner != nil {
			f.collect(inner)
		}
	case interface{ Unwrap() []error }:
		f.first(wrapper.Unwrap())
	}
}

// first collects from the first of several errors that tells anything.
func (f *Fields) first(errs []error) {
	for _, err := range errs {
		if _, tells := errors.AsType[Explainer](err); tells {
			f.collect(err)
			return
		}
	}
}

func (f *Fields) add(fault Fault) {
	if f.Doing == "" {
		f.Doing = fault.Doing
	}
	switch {
	case strings.HasPrefix(fault.Setting, "."):
		f.Setting += fault.Setting
	case fault.Setting != "":
		f.Setting = fault.Setting
	}
	if fault.Hint != "" {
		f.Hint = fault.Hint
	}
	f.Retry = f.Retry && !fault.Lasts
}
