package method_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	call "github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/http"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/worker"
)

// TestErrorsShowNoCredential fails a method of each kind in each way that it can. What is secret has "s3cr3t" in it.
func TestErrorsShowNoCredential(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the caller is gone
		switch r.URL.Path {
		case "/echo":
			w.WriteHeader(http.StatusForbidden)
			user, password, _ := r.BasicAuth()
			fmt.Fprintf(w, `{"error": "bad", "headers": %q, "user": %q, "got": %q, "url": %q}`, fmt.Sprint(r.Header), user, password, r.URL)
		case "/cut":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, strings.Repeat("x", 1<<10-len("s3cr3t-h"))+r.Header.Get("X-Any"))
		case "/hang":
			<-r.Context().Done()
		case "/close":
			panic(http.ErrAbortHandler)
		case "/redirect":
			http.Redirect(w, r, "http://user:s3cr3t-location@127.0.0.1:1/?token=s3cr3t-location", http.StatusFound)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	program := func(entrypoint string, command ...string) config.Method {
		return config.Method{Type: "shell", Timeout: 2_000, MaxReplyBytes: 1 << 20, Shell: &shell.Settings{Entrypoint: entrypoint, Command: command}}
	}
	kept := func(entrypoint string, command ...string) config.Method {
		return config.Method{Type: "worker", Timeout: 2_000, MaxReplyBytes: 1 << 20,
			Worker: &worker.Settings{Entrypoint: entrypoint, Command: command, Concurrency: 1, StartTimeout: 2_000}}
	}
	request := func(url string) config.Method {
		return config.Method{Type: "http", Timeout: 2_000, MaxReplyBytes: 1 << 20, HTTP: &call.Settings{
			Method: http.MethodPost, URL: url, SuccessCodes: []int{200}, ParameterMode: "body",
			Headers: map[string]string{"Authorization": "Bearer s3cr3t-bearer", "X-Any": "s3cr3t-header-value", "Cookie": "a=s3cr3t-cookie"},
		}}
	}
	const userInfo, query = "user:s3cr3t-password@", "?any=s3cr3t-query&other=s3cr3t%2Dquery"
	hello := `echo '{"cpaWorker":{"version":1}}'; read hello; read request; `
	for _, row := range []struct {
		name   string
		method config.Method
		says   string
	}{
		{"shell: exit status", program("/bin/sh", "-c", "exit 3 # s3cr3t"), "running metric (/bin/sh, 2 arguments): exit status 3"},
		{"shell: standard error", program("/bin/sh", "-c", `echo "login --password s3cr3t with s3cr3t-known" >&2; exit 3`), "standard error ends: "},
		{"shell: timeout", func() config.Method { m := program("/bin/sh", "-c", "sleep 10 # s3cr3t"); m.Timeout = 10; return m }(), "no reply within its timeout"},
		{"shell: no such program", program("/no/such/program", "--token=s3cr3t"), "starting /no/such/program"},
		{"shell: a command line as entrypoint", program("curl -u user:s3cr3t http://host"), "its arguments belong into command"},
		{"shell: too long a reply", func() config.Method { m := program("/bin/sh", "-c", "echo s3cr3t"); m.MaxReplyBytes = 2; return m }(), "a reply of more than 2 bytes"},
		{"worker: exits", kept("/bin/sh", "-c", "echo TOKEN=s3cr3t >&2; exit 3 # s3cr3t"), "exit status 3"},
		{"worker: no hello", kept("/bin/sh", "-c", "echo Authorization: Bearer s3cr3t; cat"), "its first line is"},
		{"worker: an answer with an error", kept("/bin/sh", "-c", hello+`echo '{"id":1,"error":"api_key=s3cr3t"}'; cat`), "it answered with an error"},
		{"worker: no such program", kept("/no/such/program", "s3cr3t"), "starting /no/such/program"},
		{"http: a status, with all that was sent", request("http://" + userInfo + address + "/echo" + query), "the server answered 403 Forbidden"},
		{"http: a status, with a body that is cut", request("http://" + address + "/cut"), "the server answered 403 Forbidden"},
		{"http: timeout", func() config.Method {
			m := request("http://" + userInfo + address + "/hang" + query)
			m.Timeout = 50
			return m
		}(), "no reply within its timeout"},
		{"http: no answer", request("http://" + userInfo + address + "/close" + query), "the server closed the connection"},
		{"http: a redirect", request("http://" + userInfo + address + "/redirect" + query), "running metric (POST http://127.0.0.1:"},
		{"http: refused connection", request("http://" + userInfo + "127.0.0.1:1/" + query), "connection refused"},
		{"http: no such host", request("http://" + userInfo + "no..such..host/" + query), "running metric (POST http://no..such..host/)"},
		{"http: TLS", request("https://" + userInfo + address + "/" + query), "running metric (POST https://127.0.0.1:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			opened, err := method.Open(row.method.With("metric", slog.New(slog.DiscardHandler)), func(run method.Run) {
				if strings.Contains(run.Err.Error(), "s3cr3t") {
					t.Errorf("the run's error shows a credential: %v", run.Err)
				}
			}, "s3cr3t-known")
			if err != nil {
				t.Fatal(err)
			}
			m := opened.Runner
			defer m.Close()
			_, err = m.Run(t.Context(), method.Whole([]byte("{}")))
			if err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v", err)
			}
			if _, err = m.Run(t.Context(), method.Whole([]byte("{}"))); err == nil || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("again: %v", err)
			}
		})
	}
}
