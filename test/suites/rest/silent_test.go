package rest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// probeWithin is how long the kubelet waits by default, and some for the machine that the tests keep busy.
const probeWithin = 3 * time.Second

// TestSilentConnectionsDoNotKeepProbesOut opens more connections than the program keeps, of each kind that waits for something,
// while the kubelet and Prometheus go on.
func TestSilentConnectionsDoNotKeepProbesOut(t *testing.T) {
	namespace := harness.Deploy(t, 1)
	probePort := harness.FreePort(t)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + fmt.Sprintf("apiConfig: {probePort: %d}\n", probePort), Files: harness.Replies(1), Flags: harness.PlainFlags})
	p.Logs("kept replicas")
	goroutines := seriesOf(p, "go_goroutines")
	probed := keepProbing(p, p.URL("/healthz"), p.URL("/readyz"), p.URL("/metrics"),
		fmt.Sprintf("http://127.0.0.1:%d/healthz", probePort), fmt.Sprintf("http://127.0.0.1:%d/readyz", probePort))
	for _, row := range []struct {
		name, text string
		clients    int
	}{
		{"nothing is sent", "", 5000},
		{"half a request", "GET /healthz HTTP/1.1\r\nHost: ", 700},
		{"a request, and then nothing", requestText("GET", "/healthz"), 700},
		{"half a body", requestText("POST", "/api/v1/evaluation", "Content-Length: 9"), 700},
		{"a request without a right", requestText("GET", "/api/v1/metrics", "X-Forwarded-For: 203.0.113.9"), 700},
	} {
		var open []net.Conn
		for range row.clients {
			conn := dial(p)
			_, _ = io.WriteString(conn, row.text) // it may have been closed for others already
			open = append(open, conn)
		}
		const most = 500 + 256 // connections: apiConfig.maxRequests, and those that are spare
		if got := seriesOf(p, "go_goroutines"); got > goroutines+most+50 {
			t.Errorf("%s: there are %d goroutines, before %d", row.name, got, goroutines)
		}
		for _, conn := range open {
			conn.Close()
		}
	}
	probes, longest := probed()
	t.Logf("%d probes, the longest took %s", probes, longest)
	p.Eventually("goroutines to be as few as before", func() (bool, error) {
		got := seriesOf(p, "go_goroutines")
		return got <= goroutines+10, fmt.Errorf("%d, before %d", got, goroutines)
	})
}

// keepProbing calls each address over a new connection, one call after the other, until it is stopped. All have to succeed.
func keepProbing(p *harness.Program, urls ...string) (stop func() (probes int, longest time.Duration)) {
	client := &http.Client{Timeout: probeWithin, Transport: &http.Transport{DisableKeepAlives: true}}
	stopped := make(chan struct{})
	var probing sync.WaitGroup
	var mutex sync.Mutex
	probes, longest := 0, time.Duration(0)
	probe := func(url string) {
		began := time.Now()
		got, err := harness.CallBy(p.T, client, harness.Get, url, "")
		if took := time.Since(began); err != nil || got.Code != http.StatusOK {
			p.Errorf("%s: after %s %v, %v", url, took, got.Code, err)
		}
		mutex.Lock()
		defer mutex.Unlock()
		probes, longest = probes+1, max(longest, time.Since(began))
	}
	for _, url := range urls {
		probing.Go(func() {
			each := time.NewTicker(20 * time.Millisecond)
			defer each.Stop()
			for {
				select {
				case <-stopped:
					return
				case <-each.C:
					probe(url)
				}
			}
		})
	}
	end := sync.OnceFunc(func() {
		close(stopped)
		probing.Wait()
	})
	p.Cleanup(end)
	return func() (int, time.Duration) {
		end()
		return probes, longest
	}
}

func TestProbePortThatIsTakenIsAWarning(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace) + fmt.Sprintf("apiConfig: {probePort: %d}\n", takenPort(t)), Files: harness.Replies(1)})
	p.Logs("level=WARN", "apiConfig.probePort", "address already in use")
	p.IsReady(http.DefaultClient)
}
