package plugin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// TestAnErrorIsForSomebodyAtATerminal, in states that a real cluster does not easily get into.
func TestAnErrorIsForSomebodyAtATerminal(t *testing.T) {
	for _, row := range []struct {
		name    string
		code    int
		reason  metav1.StatusReason
		message string
		want    string
	}{
		{"credentials refused", 401, metav1.StatusReasonUnauthorized, "because", "is the kubeconfig's user still there?"},
		{"overloaded", 429, metav1.StatusReasonTooManyRequests, "because", "the API server is overloaded: try again later"},
		{"no such kind", 404, metav1.StatusReasonNotFound, "the server could not find the requested resource", "the cluster has no CustomPodAutoscalers: install the operator first"},
		{"not allowed", 403, metav1.StatusReasonForbidden, "because", `listing custompodautoscalers.custompodautoscaler.com in namespace "shop": because: you need the verb "list" on resource "custompodautoscalers"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := answering(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(row.code)
				_ = json.NewEncoder(w).Encode(metav1.Status{
					TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
					Status:   metav1.StatusFailure, Reason: row.reason, Code: int32(row.code), Message: row.message,
				})
			}).All(t.Context(), "shop")
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "autoscaler's") {
				t.Errorf("got %v", err)
			}
		})
	}
	never := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	if _, err := answering(t, time.Millisecond, never).One(t.Context(), "shop", "web-autoscaler"); err == nil || !strings.Contains(err.Error(), "no answer came in time") {
		t.Errorf("got %v", err)
	}
}

func answering(t *testing.T, timeout time.Duration, handler http.HandlerFunc) Objects {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	api, err := kube.New(&rest.Config{Host: server.URL}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return Objects{api}
}

func TestKubectlForwards(t *testing.T) {
	for _, row := range []struct{ name, script, address, err string }{
		{"it listens", "echo oh >&2; echo 'Forwarding from 127.0.0.1:1234 -> 5000'; echo Handling; exec cat /dev/zero", "127.0.0.1:1234", ""},
		{"it fails", "echo 'error: forbidden' >&2; exit 1", "", `forwarding port 5000 of pod "pod" in namespace "shop" by kubectl: exit status 1: error: forbidden`},
		{"it prints something else", "echo hello", "", "by kubectl: it ended: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "kubectl")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+row.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			address, stop, err := Kubectl{Program: program}.Forward(t.Context(), "shop", "pod", 5000)
			if address != row.address || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("got %q, %v", address, err)
			}
			if stop != nil && stop() != "oh" {
				t.Error("what it said is lost")
			}
		})
	}
	if _, _, err := (Kubectl{Program: "kubectl-that-is-not-there"}).Forward(t.Context(), "shop", "pod", 5000); err == nil || !strings.Contains(err.Error(), "is it in your PATH?") {
		t.Errorf("without kubectl: got %v", err)
	}
}
