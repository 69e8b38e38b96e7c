// Package fault has the errors that tell more than their text.
package fault

// Mistake is an error that the configuration is the cause of: it does not go away by itself, so whoever wrote it has to
// look.
type Mistake struct{ Err error }

func (m Mistake) Error() string { return m.Err.Error() }

func (m Mistake) Unwrap() error { return m.Err }
