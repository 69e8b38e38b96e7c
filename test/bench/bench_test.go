package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The tests are run in this folder, and the command in the module's.
func TestMain(m *testing.M) {
	if err := os.Chdir(".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestACaseIsLeftOutWhereTheProgramDoesNotKnowIt(t *testing.T) {
	own := benchCase{row{mode: perPod, logic: workerPython, extra: ownMetrics}, 10}
	for schema, known := range map[string]bool{
		`{"shell"}`: false, `{"worker"}`: false, `{"podMetrics"}`: false, `{"worker", "podMetrics"}`: true,
	} {
		if own.known([]byte(schema)) != known {
			t.Errorf("with %s, it is not so that it is known: %t", schema, known)
		}
	}
}

func TestEveryRowHasItsUserLogicAndEveryBarACase(t *testing.T) {
	var all report
	for _, pods := range sizes {
		for _, row := range rows {
			if logics[row.logic].floor == nil {
				t.Errorf("there is no %q", row.logic)
			}
			if row.most == 0 || pods <= row.most {
				all.put(result{Case: benchCase{row, pods}.String(), Pods: pods, Median: 1, CPU: 1, PeakMiB: 1, Bytes: 1})
			}
		}
	}
	for _, bar := range bars {
		if _, _, ok := bar.got(all); !ok {
			t.Errorf("no case is held to %q", bar.what)
		}
	}
}

func TestABarIsOkMissedOrNotKnown(t *testing.T) {
	slow := benchCase{row{mode: perPod, logic: workerPython}, 500}
	judged := report{Results: []result{{Case: slow.String(), Pods: 500, Median: 0.0412, PeakMiB: 45}}}.judged()
	for _, line := range []string{
		"| missed | 500 pods, per-pod, Python worker: a pass | 41.2 ms | 40 ms |\n",
		"| ok | 500 pods: memory | 45 MiB (mode=per-pod/logic=worker-python/metrics=none) | 45 MiB |\n",
		"| not known | 10 pods: memory |  | 36 MiB |\n",
	} {
		if !strings.Contains(judged, line) {
			t.Errorf("there is no line %s in\n%s", line, judged)
		}
	}
}

func TestResultsAreMediansAndTheSlowest(t *testing.T) {
	r := result{
		Passes: []float64{22, 99, 11},
		Floors: []turnOfFloors{{1, 10, 100}, {3, 30, 300}, {2, 20, 200}},
	}
	if err := r.summarize(); err != nil {
		t.Fatal(err)
	}
	got := []float64{r.Median, r.P99, r.FloorReads, r.FloorLogic, r.FloorCPU, r.Ratio, r.LogicRatio}
	if want := []float64{22, 99, 2, 20, 200, 2, 2.2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := (&result{Passes: []float64{1}}).summarize(); err == nil {
		t.Error("nothing is wrong with a pass that nobody asked for")
	}
}

func TestDocumentsThatWereNotKeptAreStoodInFor(t *testing.T) {
	all := counted{runs: 5, metric: [][]byte{[]byte("a"), []byte("b")}, evaluate: []byte("c")}.documents()
	var got []string
	for _, d := range all {
		got = append(got, d.method+" "+string(d.text))
	}
	if want := []string{"metric a", "metric b", "metric a", "metric b", "metric a", "evaluate c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for got, want := range map[string]string{
		short(12.3456): "12.35s", short(0.123456): "123ms", short(0.0123456): "12.3ms", short(0.00123456): "1.23ms",
		thousands(999): "999", thousands(1234567): "1,234,567", digits(1.2345): "1.23", digits(1234.5): "1234",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestTheProgramThatWritesProfilesIsBuilt holds that its main, which go vet does not see, fits the program.
func TestTheProgramThatWritesProfilesIsBuilt(t *testing.T) {
	if _, err := build(t.Context(), t.TempDir(), true); err != nil {
		t.Error(err)
	}
}

// TestTheFloorOfAWorkerHasAReplyToEveryLine runs the script as the program does.
func TestTheFloorOfAWorkerHasAReplyToEveryLine(t *testing.T) {
	s := site{dir: t.TempDir(), python: "python3"}
	if err := os.WriteFile(filepath.Join(s.dir, script), scriptText, 0o600); err != nil {
		t.Fatal(err)
	}
	found := counted{runs: 5, metric: [][]byte{[]byte(`{"resource":{"kind":"Pod"}}`)}, evaluate: []byte(`{"metrics":[],"resource":{"kind":"Deployment"}}`)}
	worker, err := workerFloor(t.Context(), s, benchCase{row{mode: perPod, logic: workerPython}, 5}, found.documents())
	if err != nil {
		t.Fatal(err)
	}
	defer worker.close()
	for range 2 {
		if err := worker.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
