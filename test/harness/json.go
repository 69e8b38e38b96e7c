package harness

import (
	"encoding/json"
	"testing"
)

// DecodeJSON reads a document.
func DecodeJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("reading %q: %v", text, err)
	}
	return document
}

// InJSON is a value as JSON.
func InJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
