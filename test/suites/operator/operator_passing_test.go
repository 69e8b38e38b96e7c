package operator

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// refusing answers every call as an API server does that has just started, and counts them. Questions about rights are
// answered with no.
func refusing(code int, reason metav1.StatusReason, count *atomic.Int64) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("watch") {
			return false
		}
		count.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews") {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "status": {"allowed": false}}`)
			return true
		}
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Reason: reason, Code: int32(code),
			Message: "the API server is starting",
		})
		return true
	}
}

// TestOperatorWaitsOutAnAPIServerThatStarts: it neither ends nor reports what passes, and then goes on at once.
func TestOperatorWaitsOutAnAPIServerThatStarts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		code   int
		reason metav1.StatusReason
	}{
		{http.StatusForbidden, metav1.StatusReasonForbidden},
		{http.StatusUnauthorized, metav1.StatusReasonUnauthorized},
	} {
		t.Run(string(row.reason), func(t *testing.T) {
			t.Parallel()
			harness.InstallCRD(t)
			namespace, proxy := harness.Deploy(t, 1), harness.StartProxy(t)
			refused := &atomic.Int64{}
			instead := refusing(row.code, row.reason, refused)
			proxy.Answer(instead)
			operator := harness.StartOperator(t, namespace, proxy.Kubeconfig)
			harness.Eventually(t, "calls at the start", func() (bool, error) { return refused.Load() >= 3, nil })
			proxy.Answer(nil)
			operator.Logs("msg=started")
			harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
			harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")

			said := sayings(t, namespace)
			refused.Store(0)
			proxy.Answer(instead)
			harness.Kubectl(t, strings.Replace(harness.AutoscalerObject, "10000", "7000", 1), "apply", "-n", namespace, "-f", "-")
			harness.Eventually(t, "calls that are refused", func() (bool, error) { return refused.Load() >= 3, nil })
			proxy.Answer(nil)
			began := time.Now()
			harness.Eventually(t, "the change to arrive", func() (bool, error) {
				return harness.EnvironmentOf(harness.AutoscalerOf(t, namespace))["interval"] == "7000", nil
			})
			if took := time.Since(began); took > 20*time.Second { // a failure that lasts is tried again after thirty
				t.Errorf("it took %s to go on", took)
			} else {
				t.Logf("it went on after %s", took)
			}
			harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
			isNeverTrouble(t, said)
		})
	}
}

// isNeverTrouble reads what an object has said until it is ready in its second generation.
func isNeverTrouble(t *testing.T, said <-chan cpav1.Status) {
	t.Helper()
	for status := range said {
		ready := meta.FindStatusCondition(status.Conditions, cpav1.Ready)
		if ready == nil {
			continue
		}
		if ready.Reason == "Forbidden" || ready.Reason == "Failed" {
			t.Errorf("it says %s: %s", ready.Reason, ready.Message)
		}
		if ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == 2 {
			return
		}
	}
}

// TestOperatorPortsSpeakHTTP1Only, before they know the caller.
func TestOperatorPortsSpeakHTTP1Only(t *testing.T) {
	t.Parallel()
	metrics := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	operator := harness.StartOperator(t, cluster.Start(t).Namespace(t), cluster.Start(t).Kubeconfig(), "--metrics-address", metrics)
	operator.Logs("msg=started")
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	operator.Eventually("HTTP/1.1 on the metrics' port", func() (bool, error) {
		conn, err := tls.DialWithDialer(dialer, "tcp", metrics, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			return false, err
		}
		defer conn.Close()
		got := conn.ConnectionState().NegotiatedProtocol
		return got == "http/1.1", fmt.Errorf("it speaks %q", got)
	})
	if conn, err := tls.DialWithDialer(dialer, "tcp", metrics, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}); err == nil {
		conn.Close()
		t.Error("a client that speaks only HTTP/2 is let in")
	}
	conn, err := dialer.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", operator.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // it fails only for a connection that has
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 1<<10))
	if !strings.HasPrefix(string(answer), "HTTP/1.1 ") && (len(answer) > 0 || errors.Is(err, os.ErrDeadlineExceeded)) {
		t.Errorf("to HTTP/2 the probes' port answers %q, %v", answer, err)
	}
}
