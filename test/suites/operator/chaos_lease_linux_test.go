package operator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// history is what several autoscalers of one object did, in the order in which their proxies saw it.
type history struct {
	mu      sync.Mutex
	events  []event
	refused map[string]int // 403s to calls on the lease, by autoscaler
}

// event is a write of the lease that succeeded, or the beginning of a write of the scale.
type event struct{ who, what string }

func (h *history) add(who, what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event{who, what})
}

func (h *history) count(who, what string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e == (event{who, what}) {
			n++
		}
	}
	return n
}

func (h *history) refusedTo(who string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused[who]
}

// check fails the test for each write of the scale by an autoscaler that was not the last to write the lease.
func (h *history) check(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	holder := ""
	for i, e := range h.events {
		switch {
		case e.what == "lease":
			holder = e.who
		case e.who != holder:
			t.Errorf("%s wrote the scale while %q held the lease: %v", e.who, holder, h.events[max(0, i-5):i+1])
		}
	}
}

// rival is one of several autoscalers of an object, behind a proxy of its own.
type rival struct {
	*harness.Program
	*harness.Proxy
	name    string
	history *history
}

// startRival starts an autoscaler of the object, on a host of that name. It asks for one of two numbers of replicas, by turns,
// so that there is something to scale in every second.
func startRival(t *testing.T, namespace string, h *history, name, host string, lower int) *rival {
	t.Helper()
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "") // so that there is an account
	r := &rival{name: name, history: h, Proxy: startProxyAs(t, harness.Token(t, namespace, "web-autoscaler"))}
	r.Saw = func(c harness.Call) {
		if !strings.Contains(c.Path, "/leases") {
			return
		}
		switch {
		case c.Method != http.MethodGet && c.Code < 300:
			h.add(name, "lease")
		case c.Code == http.StatusForbidden:
			h.noteRefused(name)
		}
	}
	r.refuses(nil)
	reply := fmt.Sprintf(`cat > /dev/null; touch begun; sleep 0.2; echo "{\"targetReplicas\": $((%d + $(date +%%s) %% 2))}"`, lower)
	method, err := json.Marshal(map[string]any{"type": "shell", "timeout": 600000, "shell": map[string]any{"command": []string{"-c", reply}}})
	if err != nil {
		t.Fatal(err)
	}
	r.Program = harness.StartAsPod(t, namespace, harness.Options{
		Kube: r.Kubeconfig, Files: harness.Replies(1), Around: on(host), Env: []string{"evaluate=" + string(method), "maxReplicas=10"},
	})
	return r
}

func (h *history) noteRefused(who string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused[who]++
}

// refuses makes the proxy answer 403 to some calls, as an API server that has not loaded its rules yet.
func (r *rival) refuses(which func(path string) bool) {
	r.Answer(func(w http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, "/scale") {
			r.history.add(r.name, "scale")
		}
		if which == nil || !which(request.URL.Path) {
			return false
		}
		if strings.Contains(request.URL.Path, "/leases") {
			r.history.noteRefused(r.name)
		}
		return harness.Refuse(http.StatusForbidden, metav1.StatusReasonForbidden)(w, request)
	})
}

// scales waits until it has begun so many more writes of the scale.
func (r *rival) scales(more int) {
	r.Helper()
	before := r.history.count(r.name, "scale")
	r.Eventually(fmt.Sprintf("%d more writes of the scale by %s", more, r.name), func() (bool, error) {
		return r.history.count(r.name, "scale") >= before+more, nil
	})
}

// isRefused waits until so many more of its calls on the lease were answered with 403.
func (r *rival) isRefused(more int) {
	r.Helper()
	before := r.history.refusedTo(r.name)
	r.Eventually(fmt.Sprintf("%d more refusals of %s", more, r.name), func() (bool, error) {
		return r.history.refusedTo(r.name) >= before+more, nil
	})
}

// rivals are two autoscalers of one object, of which the first holds the lease.
func rivals(t *testing.T, hosts ...string) (h *history, first, second *rival) {
	t.Helper()
	namespace, operator := harness.Operated(t)
	h = &history{refused: map[string]int{}}
	first = startRival(t, namespace, h, "first", hosts[0], 2)
	first.scales(1)
	second = startRival(t, namespace, h, "second", hosts[1], 5)
	operator.Stop()
	second.Logs("nothing was scaled", "holds the lease", "reason=LeaseNotHeld")
	return h, first, second
}

// TestChaosLeaseAPIServerIsKilled kills kube-apiserver under two autoscalers of one object, and starts it again: never do both
// scale. It is not parallel: every other test needs kube-apiserver.
func TestChaosLeaseAPIServerIsKilled(t *testing.T) {
	h, first, second := rivals(t, "first", "second")
	everything := func(string) bool { return true }
	leases := func(path string) bool { return strings.Contains(path, "/leases") }
	began := time.Now()
	rounds, _ := chaosRounds(t, 3)
	for range rounds {
		if err := cluster.Start(t).StopComponent(t.Context(), "kube-apiserver"); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Start(t).StartComponent(t.Context(), "kube-apiserver"); err != nil {
			t.Fatal(err)
		}
		before := h.count("first", "scale") + h.count("second", "scale")
		first.Eventually("one of them to scale again", func() (bool, error) {
			return h.count("first", "scale")+h.count("second", "scale") > before, nil
		})
		h.check(t)
	}
	took := time.Since(began)
	starting := []int{h.refusedTo("first"), h.refusedTo("second")}

	// The same without an API server that could be too fast: 403 to everything, then to the lease alone.
	for _, which := range []func(string) bool{everything, leases} {
		first.refuses(which)
		second.refuses(which)
		second.isRefused(3)
		first.refuses(nil)
		second.refuses(nil)
	}
	second.refuses(leases)
	second.isRefused(3)
	second.refuses(nil)
	h.check(t)
	t.Logf("%d rounds in %s: writes of the scale %d and %d, of the lease %d and %d; refusals of the lease by a starting API server %v, in all %d and %d",
		rounds, took.Round(time.Second), h.count("first", "scale"), h.count("second", "scale"), h.count("first", "lease"), h.count("second", "lease"),
		starting, h.refusedTo("first"), h.refusedTo("second"))
}

// TestChaosLeaseHolderIsSuspended stops the holder in the middle of a pass until another holds the lease. When it goes on, it
// does not write what it had decided.
func TestChaosLeaseHolderIsSuspended(t *testing.T) {
	t.Parallel()
	h, first, second := rivals(t, "first", "second")
	if err := os.Remove(first.Dir + "/begun"); err != nil {
		t.Fatal(err)
	}
	first.Eventually("user logic to run", func() (bool, error) {
		_, err := os.Stat(first.Dir + "/begun")
		return err == nil, err
	})
	if err := first.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Cmd.Process.Signal(syscall.SIGCONT) }()
	second.scales(2)
	mark := first.Mark()
	if err := first.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	first.LogsAfter(mark, "nothing was scaled", "reason=LeaseNotHeld")
	second.scales(2)
	h.check(t)
}

// TestLeaseOfOneHostName: pods that use their node's network, or whose template names the host, have the same name.
func TestLeaseOfOneHostName(t *testing.T) {
	t.Parallel()
	h, first, _ := rivals(t, "same", "same")
	first.scales(2)
	if n := h.count("second", "scale"); n > 0 {
		t.Errorf("the second one has written the scale %d times", n)
	}
	h.check(t)
}

// TestLeaseDeletedByHand: the holder goes on, and the other one does not begin.
func TestLeaseDeletedByHand(t *testing.T) {
	t.Parallel()
	h, first, second := rivals(t, "first", "second")
	namespace := first.namespaceOfTarget()
	for range 3 {
		harness.Kubectl(t, "", "delete", "lease", "-n", namespace, "web-autoscaler.custompodautoscaler.com")
		first.scales(2)
	}
	if n := h.count("second", "scale"); n > 0 {
		t.Errorf("the second one has written the scale %d times: %s", n, second.Printed)
	}
	h.check(t)
}

func (r *rival) namespaceOfTarget() string {
	i := slices.IndexFunc(r.Cmd.Env, func(v string) bool { return strings.HasPrefix(v, "namespace=") })
	return strings.TrimPrefix(r.Cmd.Env[i], "namespace=")
}

// startProxyAs is a proxy that asks as the owner of the token. The program has no token of its own: client-go sends none without TLS.
func startProxyAs(t testing.TB, token string) *harness.Proxy {
	t.Helper()
	config := cluster.Start(t).Config()
	return harness.StartProxyWith(t, &rest.Config{Host: config.Host, TLSClientConfig: rest.TLSClientConfig{CAData: config.CAData}, BearerToken: token})
}
