// Package decode reads documents into values, tolerantly as sigs.k8s.io/yaml does, and keeps where each value came from and what is
// wrong. It knows no configuration: that has tables of keys with rules, which a Ledger asks for.
package decode

import (
	"errors"
	"reflect"
)

// File reads another file over what is there, as a configuration is read: every value that cannot be read, and every key that
// nobody reads, is a problem with its line. It tells which keys the file has. The file's contents are those of the kind that it is of.
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
