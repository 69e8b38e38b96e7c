// Package decode reads documents into values, tolerantly as sigs.k8s.io/yaml does, and keeps where each value came from and what is
// wrong. It knows no configuration: that has tables of keys with rules, which a Ledger asks for.
package decode

import (
	"errors"
	"reflect"
)

// File reads a file over the values in into. It reports every value that it cannot read and every unknown key, each with its line. The
// function has tells which keys the file sets. The messages call the contents of the file of: a simulation, for example.
func File(file, of string, into any) (has func(key string) bool, err error) {
	l := NewLedger(file, of)
	l.Strict = true
	if err := l.ReadFile(into); err != nil {
		l.Add(Problem{Rule: err.Error(), Source: file})
	}
	l.IgnoreRest()
	if len(l.problems) == 0 {
		return l.origins.Has, nil
	}
	return l.origins.Has, Problems{Of: of, List: l.problems}
}

// ReadFile reads the ledger's file.
func (l *Ledger) ReadFile(into any) error {
	text, err := readBounded(l.File)
	if err != nil {
		return err
	}
	value, root, err := Parse(text)
	if err != nil || value == nil {
		return err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("must be an object: keys and their values")
	}
	l.object(object, reflect.ValueOf(into).Elem(), Place{Source: l.File, file: l.File, Node: root})
	return nil
}
