package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// report is what one run has to say.
type report struct {
	Machine machine
	Results []result
}

// readReports reads what runs have written before. Of a case that several have, the last one counts.
func readReports(paths []string) (all report, err error) {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return all, err
		}
		var one report
		if err := json.Unmarshal(text, &one); err != nil {
			return all, fmt.Errorf("reading %s: %w", path, err)
		}
		all.Machine = one.Machine
		for _, r := range one.Results {
			all.put(r)
		}
	}
	all.sort()
	return all, nil
}

// sort brings the results into the order of their cases.
func (r *report) sort() {
	place := func(one result) int {
		return slices.IndexFunc(rows, func(row row) bool { return benchCase{row, one.Pods}.String() == one.Case })
	}
	slices.SortStableFunc(r.Results, func(a, b result) int {
		return cmp.Or(cmp.Compare(a.Pods, b.Pods), cmp.Compare(place(a), place(b)))
	})
}

func (r *report) put(one result) {
	for i := range r.Results {
		if r.Results[i].Case == one.Case {
			r.Results[i] = one
			return
		}
	}
	r.Results = append(r.Results, one)
}

func (r report) find(name string) (result, bool) {
	for _, one := range r.Results {
		if one.Case == name {
			return one, true
		}
	}
	return result{}, false
}

// write writes the files that the options ask for.
func (r report) write(o options) error {
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.text != "" {
		if err := os.WriteFile(o.text, []byte(r.benchmarks()), 0o644); err != nil {
			return err
		}
	}
	if o.docs != "" {
		return r.updateDocs(o.docs)
	}
	return nil
}

// benchmarks is the report as `go test -bench` would write it. A line for each pass gives benchstat what it needs to tell
// a difference from chance; what there is one number of is a line of its own.
func (r report) benchmarks() string {
	var text strings.Builder
	fmt.Fprintf(&text, "goos: %s\ngoarch: %s\npkg: github.com/custom-pod-autoscaler/autoscaler/v3/test/bench\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, r.Machine.CPU)
	for _, one := range r.Results {
		name := fmt.Sprintf("BenchmarkPass/%s-%d", one.Case, r.Machine.Cores)
		for i, seconds := range one.Passes {
			fmt.Fprintf(&text, "%s 1 %.0f ns/op %.0f floor-ns/op\n", name, 1e9*seconds, 1e9*(one.Floors[i].Reads+one.Floors[i].Logic))
		}
		fmt.Fprintf(&text, "%s %d %.0f cpu-ns/op %.0f floor-cpu-ns/op %.0f peak-B %d document-B/op %d requests/op\n", name, len(one.Passes),
			1e9*one.CPU, 1e9*one.FloorCPU, one.PeakMiB*(1<<20), one.Bytes, one.Requests)
	}
	return text.String()
}
