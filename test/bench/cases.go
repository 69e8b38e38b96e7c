package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const perPod, perResource = "per-pod", "per-resource"

// row is what is measured at every size.
type row struct {
	mode  string
	logic string   // a key of logics
	cpu   bool     // whether cpu metrics are gathered
	extra []string // further keys of the configuration: "podMetrics: own"
	most  int      // so many pods and no more, where more would take too long; 0 for any number
}

// rows are all there are. One that has a key, or a type of method, which the program does not know yet is left out.
var rows = []row{
	{mode: perPod, logic: shellCat},
	{mode: perPod, logic: shellCat, cpu: true},
	{mode: perPod, logic: shellCat, cpu: true, extra: ownMetrics},
	{mode: perPod, logic: shellCat, cpu: true, extra: inTurn, most: 500},
	{mode: perPod, logic: shellPython, most: 500},
	{mode: perPod, logic: overHTTP},
	{mode: perPod, logic: overHTTP, cpu: true},
	{mode: perPod, logic: overHTTP, cpu: true, extra: ownMetrics},
	{mode: perPod, logic: workerPython},
	{mode: perPod, logic: workerPython, cpu: true, most: 500},
	{mode: perPod, logic: workerPython, cpu: true, extra: ownMetrics},
	{mode: perResource, logic: shellCat},
	{mode: perResource, logic: shellCat, cpu: true},
	{mode: perResource, logic: overHTTP},
	{mode: perResource, logic: overHTTP, cpu: true},
	{mode: perResource, logic: workerPython},
	{mode: perResource, logic: workerPython, cpu: true},
}

var (
	ownMetrics = []string{"podMetrics: own"}      // a pod's document has the Kubernetes metrics of this pod only
	inTurn     = []string{"metricConcurrency: 1"} // one pod after another
)

// sizes are those that docs/performance.md has.
var sizes = []int{10, 500, 5000}

// benchCase is a row at a size.
type benchCase struct {
	row
	pods int
}

// schema says what keys the program knows.
func schema() ([]byte, error) {
	return os.ReadFile(filepath.Join(repository, "docs", "config.schema.json"))
}

// cases are all that a program with this schema knows how to run, the few pods first: the cluster only grows.
func cases(schema []byte, sizes []int) (known, left []benchCase) {
	for _, pods := range slices.Sorted(slices.Values(sizes)) {
		for _, row := range rows {
			switch c := (benchCase{row, pods}); {
			case row.most > 0 && pods > row.most:
			case !c.known(schema):
				left = append(left, c)
			default:
				known = append(known, c)
			}
		}
	}
	return known, left
}

// known tells whether the schema has all that the case asks for.
func (c benchCase) known(schema []byte) bool {
	words := []string{logics[c.logic].method}
	for _, line := range c.extra {
		key, _, _ := strings.Cut(line, ":")
		words = append(words, key)
	}
	return !slices.ContainsFunc(words, func(word string) bool { return !bytes.Contains(schema, fmt.Appendf(nil, "%q", word)) })
}

// String is the case as benchstat takes a name apart: pods=500/mode=per-pod/logic=http/metrics=cpu/podMetrics=own
func (c benchCase) String() string {
	words := []string{fmt.Sprintf("pods=%d", c.pods), "mode=" + c.mode, "logic=" + c.logic, "metrics=" + c.metrics()}
	for _, line := range c.extra {
		words = append(words, strings.ReplaceAll(line, ": ", "="))
	}
	return strings.Join(words, "/")
}

func (c benchCase) metrics() string {
	if c.cpu {
		return "cpu"
	}
	return "none"
}

// replies are what user logic says: one line for each pod, and as many replicas as there are.
func (c benchCase) replies() map[string]string {
	return map[string]string{"metric": "1", "evaluate": fmt.Sprintf(`{"targetReplicas": %d}`, c.pods)}
}

// never is an interval that no run of the benchmark lives to see: a pass is made when it is asked for.
const never = 24 * 60 * 60 * 1000

// config is the case's configuration, with methods of a kind.
func (c benchCase) config(port int, settings func(method, reply string) map[string]any) string {
	lines := []string{
		"scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: " + deployment + "}",
		"namespace: " + namespace,
		"runMode: " + c.mode,
		fmt.Sprintf("maxReplicas: %d", c.pods),
		fmt.Sprintf("interval: %d", never),
		fmt.Sprintf("apiConfig: {host: 127.0.0.1, port: %d}", port),
	}
	if c.cpu {
		lines = append(lines, "requireKubernetesMetrics: true",
			"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]")
	}
	for method, reply := range c.replies() {
		text, _ := json.Marshal(settings(method, reply)) // of text and numbers
		lines = append(lines, method+": "+string(text))
	}
	return strings.Join(append(lines, c.extra...), "\n") + "\n"
}
