package worker

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

// pod is a document of a metric method that runs for each pod: about 3 kB.
var pod = []byte(`{"resource":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0"},"spec":{"containers":[` +
	strings.TrimSuffix(strings.Repeat(`{"name":"web","image":"nginx","env":[{"name":"A","value":"b"}]},`, 45), ",") + `]}},"runType":"scaler"}`)

// pods is how many documents a pass has.
const pods = 500

// pythonMetric is a worker in Python whose metric is the number of containers.
func pythonMetric(concurrency int) logic {
	return logic{Timeout: 30_000, MaxReplyBytes: 1 << 20, Worker: &Settings{
		Entrypoint: "python3", StartTimeout: 30_000, Concurrency: concurrency,
		Command: []string{"-c", `import sys; sys.path.insert(0, "../../../userlogic/python"); import cpa_worker
cpa_worker.serve(lambda known: str(len(known["resource"]["spec"]["containers"])))`}}}
}

// BenchmarkWorker is a pass of 500 documents to a worker in Python, as many at a time as it says.
func BenchmarkWorker(b *testing.B) {
	for _, concurrency := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(concurrency, "AtATime"), func(b *testing.B) {
			runner := mustNew(b, pythonMetric(concurrency))
			defer runner.Close()
			runAll(b, runner, concurrency)
			b.ReportAllocs()
			for b.Loop() {
				runAll(b, runner, concurrency)
			}
		})
	}
}

func runAll(b *testing.B, runner *method.Method, concurrency int) {
	b.Helper()
	var runs sync.WaitGroup
	for first := range concurrency {
		runs.Go(func() {
			for i := first; i < pods; i += concurrency {
				if reply, err := runner.Run(b.Context(), method.Whole(pod)); reply != "45" {
					b.Errorf("got %q, %v", reply, err)
				}
			}
		})
	}
	runs.Wait()
}

// BenchmarkWorkerAlone is the part of BenchmarkWorker that is the worker's and the pipe's: the same lines, written at once.
func BenchmarkWorkerAlone(b *testing.B) {
	m := pythonMetric(1)
	cmd := exec.Command(m.Worker.Entrypoint, m.Worker.Command...)
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if inErr != nil || outErr != nil || cmd.Start() != nil {
		b.Fatal("it did not start")
	}
	lines := bufio.NewReader(out)
	_, _ = io.WriteString(in, "{}\n")
	_, _ = lines.ReadString('\n')
	text := strings.Repeat(fmt.Sprintf(`{"id":1,"document":%s}`+"\n", pod), pods)
	for b.Loop() {
		go func() { _, _ = io.WriteString(in, text) }()
		for range pods {
			if _, err := lines.ReadSlice('\n'); err != nil {
				b.Fatal(err)
			}
		}
	}
	_ = in.Close()
	_ = cmd.Wait()
}
