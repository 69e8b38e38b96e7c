package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const deployment = `{"kind": "Deployment", "metadata": {"name": "web", "annotations": {"team": "shop",
	"kubectl.kubernetes.io/last-applied-configuration": "{\"env\":[{\"value\":\"s3cret\"}]}"},
	"managedFields": [{"manager": "kubectl"}]}, "spec": {"replicas": 12345678901234567890, "template": {"spec": {
	"initContainers": [{"name": "init", "env": [{"name": "PASSWORD", "value": "s3cret"}]}],
	"containers": [{"name": "web", "env": [{"name": "TOKEN", "value": "s3cret"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pw"}}}]}]}}}}`

func aPass() pass.Pass {
	return pass.Pass{
		RunType: userlogic.Scaler, Began: start,
		Decision: &decision.Decision{Current: 2, Recommended: 3, Replicas: 3, Chain: []decision.Step{{Reason: decision.DesiredWithinRange, Message: "3 recommended"}}},
		Metrics:  []userlogic.ResourceMetric{{Resource: "web", Value: strings.Repeat("long ", 100)}},
		Snapshot: workload.Snapshot{
			Ref: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}, Namespace: "shop",
			Replicas: 2, Running: 2, Document: json.RawMessage(deployment),
			Pods: workload.PodsOf([]corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "web-1"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Env: []corev1.EnvVar{{Name: "TOKEN", Value: "s3cret"}}}}}}}),
		},
	}
}

func lineOf(t *testing.T, p pass.Pass, perPod bool) []byte {
	t.Helper()
	entry, err := entryOf(p, perPod)
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestNoValueOfTheEnvironmentIsRecorded(t *testing.T) {
	line := string(lineOf(t, aPass(), true))
	for _, absent := range []string{"s3cret", "managedFields", "last-applied"} {
		if strings.Contains(line, absent) {
			t.Errorf("%q is in %s", absent, line)
		}
	}
	for _, there := range []string{`{"name":"TOKEN"}`, `{"name":"PASSWORD"}`, `"secretKeyRef":{"key":"pw","name":"db"}`, `"team":"shop"`, "12345678901234567890", "web-1"} {
		if !strings.Contains(line, there) {
			t.Errorf("%q is not in %s", there, line)
		}
	}
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	pass := aPass()
	var entries []Entry
	torn, err := Read(bytes.NewReader(append(lineOf(t, pass, true), '\n')), func(e Entry) error { entries = append(entries, e); return nil })
	if err != nil || torn != 0 || len(entries) != 1 {
		t.Fatalf("got %d entries, %d torn lines, %v", len(entries), torn, err)
	}
	tape := Tape{PerPod: true, at: entries[0]}
	snapshot, err := tape.Read(t.Context())
	if err != nil || snapshot.Ref != pass.Snapshot.Ref || snapshot.Namespace != "shop" || snapshot.Replicas != 2 || !tape.Now().Equal(start) {
		t.Errorf("got %+v at %s, %v", snapshot, tape.Now(), err)
	}
	pods, err := tape.Pods(t.Context(), snapshot)
	if err != nil || len(pods) != 1 || pods[0].Name != "web-1" || pods[0].Spec.Containers[0].Env[0].Name != "TOKEN" {
		t.Errorf("got pods %+v, %v", pods, err)
	}
	if got := entries[0].Metrics[0]; got != pass.Metrics[0] {
		t.Errorf("got the metric %+v, cut short", got)
	}
}

func TestAPassThatCouldNotReadItsTargetIsRecordedAllTheSame(t *testing.T) {
	line := lineOf(t, pass.Pass{RunType: userlogic.Scaler, Began: start, Failure: &pass.Failure{Stage: "read_target", Reason: "FailedGetScale", Err: errors.New("away")}}, true)
	if text := string(line); strings.Contains(text, `"pods"`) || strings.Contains(text, `"object"`) || !strings.Contains(text, "FailedGetScale") {
		t.Errorf("got %s", text)
	}
}

func TestLinesThatAreNoEntriesAreCounted(t *testing.T) {
	entry := string(lineOf(t, aPass(), false))
	for _, row := range []struct {
		name, text    string
		entries, torn int
		error         string
	}{
		{"a line cut short", entry + "\n" + entry[:50] + "\n" + entry + "\n", 2, 1, ""},
		{"no newline at the end", entry, 1, 0, ""},
		{"nothing", "", 0, 0, "it is empty"},
		{"blank lines", "\n\n", 0, 0, "it is empty"},
		{"prose", "Dear diary,\n", 0, 1, "it is no recording: it has a line that is not JSON"},
		{"JSON of another shape", `{"version": "1"}` + "\n", 0, 1, "it is no recording: an entry has a version that nothing writes: a JSON string"},
		{"a list", "[1]\n", 0, 1, "it is no recording: an entry has a value that nothing writes: a JSON array"},
		{"of a later version", `{"version": 3}` + "\n", 0, 1, "it is no recording: an entry has the version 3, and 1 to 2 are read here"},
		{"other JSON", "{}\n", 0, 1, "it is no recording: an entry has the version 0, and 1 to 2 are read here"},
	} {
		t.Run(row.name, func(t *testing.T) {
			entries := 0
			torn, err := Read(strings.NewReader(row.text), func(Entry) error { entries++; return nil })
			if entries != row.entries || torn != row.torn || (err == nil) != (row.error == "") || err != nil && !strings.Contains(err.Error(), row.error) {
				t.Errorf("got %d entries, %d torn, %v", entries, torn, err)
			}
		})
	}
}

func TestBothFilesTogetherStayWithinTheirSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passes.jsonl")
	f := file{path, 1000}
	for i := range 100 {
		if err := f.append(fmt.Appendf(nil, "%0150d\n", i)); err != nil {
			t.Fatal(err)
		}
		if size := sizeOf(t, path) + sizeOf(t, path+".1"); size > 2000 {
			t.Fatalf("after %d lines they have %d bytes", i+1, size)
		}
	}
	older, newer := read(t, path+".1"), read(t, path)
	if text := older + newer; !strings.HasSuffix(text, "99\n") || strings.Count(text, "\n") < 7 || len(text)%151 != 0 {
		t.Errorf("they end with %q and have %d bytes", text[len(text)-10:], len(text))
	}
	if err := f.append(make([]byte, 1001)); err == nil || !strings.Contains(err.Error(), "raise record.maxSize") {
		t.Errorf("got %v for a line that is too long", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestALineIsNotJoinedToWhatAPowerFailureHasLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passes.jsonl")
	if err := os.WriteFile(path, []byte(`{"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (file{path, 1000}).append([]byte("whole\n")); err != nil || read(t, path) != "{\"half\nwhole\n" {
		t.Errorf("got %q, %v", read(t, path), err)
	}
}

func TestAFileThatIsMovedIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passes.jsonl")
	f := file{path, 1000}
	for range 2 {
		if err := f.append([]byte("line\n")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, path+".moved"); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path+".moved"); got != "line\n" {
		t.Errorf("got %q", got)
	}
}

func TestAFileThatCannotBeWrittenIsSaid(t *testing.T) {
	var said []error
	r := NewRecorder(filepath.Join(t.TempDir(), "nowhere", "passes.jsonl"), 1<<20, false, func(err error) { said = append(said, err) })
	r.Pass(t.Context(), aPass())
	r.Pass(t.Context(), aPass()) // nobody has written the first one yet
	if len(said) != 1 || !strings.Contains(said[0].Error(), "still being written") {
		t.Fatalf("got %v", said)
	}
	stopped, stop := contextThatIsOver(t)
	defer stop()
	r.Run(stopped)
	if len(said) != 2 || !strings.Contains(said[1].Error(), "is there a volume that may be written to? (record.path)") {
		t.Errorf("got %v", said)
	}
}

func TestWhatWasToBeWrittenAtTheEndIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passes.jsonl")
	r := NewRecorder(path, 1<<20, false, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	r.Pass(t.Context(), aPass())
	stopped, stop := contextThatIsOver(t)
	defer stop()
	r.Run(stopped)
	if text := read(t, path); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"recommendedReplicas":3`) {
		t.Errorf("got %q", text)
	}
}
