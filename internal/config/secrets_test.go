package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
)

// refusedConfigurations have a credential, which has "s3cr3t" in it, in a value that is refused.
var refusedConfigurations = []struct{ name, file, variable, key string }{
	{"a URL with a space", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://user:s3cr3t@ho st/a?key=s3cr3t"}}`, "", "metric.http.url"},
	{"a URL with a wrong port", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://user:s3cr3t@host:port/"}}`, "", "metric.http.url"},
	{"a URL without a host", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://user:s3cr3t"}}`, "", "metric.http.url"},
	{"a URL with a wrong escape", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://user:s3cr3t%zz@host/?key=s3cr3t"}}`, "", "metric.http.url"},
	{"a URL with another scheme", `metric: {type: http, http: {method: GET, parameterMode: body, url: "ftp://user:s3cr3t@host/?key=s3cr3t#s3cr3t"}}`, "", "metric.http.url"},
	{"a URL without a scheme", `metric: {type: http, http: {method: GET, parameterMode: body, url: "user:s3cr3t@host/?key=s3cr3t"}}`, "", "metric.http.url"},
	{"a URL of two lines", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://user:s3cr3t\n@host/?key=s3cr3t"}}`, "", "metric.http.url"},
	{"a long URL", `metric: {type: http, http: {method: GET, parameterMode: body, url: "ftp://user:s3cr3t` + strings.Repeat("x", 200) + `@host/"}}`, "", "metric.http.url"},
	{"a URL in a variable", "", `metric={"type":"http","http":{"method":"GET","parameterMode":"body","url":"http://user:s3cr3t@ho st/?key=s3cr3t"}}`, "metric.http.url"},
	{"a header of two lines", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://host", headers: {X-Key: "s3cr3t\ns3cr3t"}}}`, "", "metric.http.headers"},
	{"a header that is a list", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://host", headers: {X-Key: [s3cr3t]}}}`, "", "metric.http.headers.X-Key"},
	{"headers in text", "metric:\n  type: http\n  http:\n    method: GET\n    parameterMode: body\n    url: http://host\n    headers:\n      Authorization:s3cr3t", "", "metric.http.headers"},
	{"headers in a list", `metric: {type: http, http: {method: GET, parameterMode: body, url: "http://host", headers: [{Authorization: s3cr3t}]}}`, "", "metric.http.headers"},
	{"a command in text", `metric: {type: shell, shell: {command: "curl -H 'Authorization: Bearer s3cr3t'"}}`, "", "metric.shell.command"},
	{"a command with an object", `metric: {type: shell, shell: {command: [{Authorization: s3cr3t}]}}`, "", "metric.shell.command[0]"},
	{"a method in text", `metric: "curl http://user:s3cr3t@host"`, "", "metric"},
	{"a number with a token", `interval: "Bearer s3cr3t-token"`, "", "interval"},
	{"a number with a URL", "", "interval=http://user:s3cr3t@host", "interval"},
	{"an alias", "metric: *s3cr3t", "", ""},
	{"a wrong tag", "metric: !!int s3cr3t", "", ""},
	{"a wrong number", "interval: !!float 's3cr3t'", "", ""},
	{"a key that is an object", "{token: s3cr3t}: x", "", ""},
	{"a key that is a list", "? [s3cr3t]\n: s3cr3t", "", ""},
	{"a key that is null", "metric: {~: s3cr3t}", "", ""},
	{"a broken line", "metric: {type: http, http: {url: 'http://user:s3cr3t@host}", "", ""},
	{"JSON that is broken", `{"metric": {"http": {"url": "http://user:s3cr3t@host" "x"}}}`, "", ""},
	{"a variable that is broken", "", `metric={"type": "http", "http": {"url": "http://user:s3cr3t@host"`, "metric"},
	{"a variable with an alias", "", `metric={type: *s3cr3t}`, "metric"},
	{"text for a file", "s3cr3t", "", ""},
}

func TestProblemsShowNoCredential(t *testing.T) {
	for _, row := range refusedConfigurations {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(row.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var environ []string
			if row.variable != "" {
				environ = []string{row.variable}
			}
			for _, read := range []func(string, []string) (Loaded, error){Load, LoadStrictly} {
				loaded, err := read(file, environ)
				problems, is := errors.AsType[decode.Problems](err)
				if !is {
					t.Fatalf("got %v", err)
				}
				shown, _ := json.Marshal([]any{problems, loaded.Values(), loaded.Warnings})
				if all := err.Error() + string(shown) + fmt.Sprintf("%+v %q", problems, problems); strings.Contains(all, "s3cr3t") {
					t.Errorf("it shows the credential: %s", all)
				}
				if !strings.Contains(err.Error(), row.key) || !strings.Contains(err.Error(), file) && row.variable == "" {
					t.Errorf("it does not say where: %v", err)
				}
			}
		})
	}
}

func TestProblemsShowWhatIsNoCredential(t *testing.T) {
	got := load(t, complete(t, `preScale: {type: http, http: {method: GET, parameterMode: body, url: "ftp://user:s3cr3t@host:80/queue?key=x"}}`))
	if got.err == nil || !strings.Contains(got.err.Error(), `preScale.http.url: "ftp://host:80/queue" is not allowed: must be an http or https URL with a host`) {
		t.Errorf("got %v", got.err)
	}
}

func TestWarningsShowNoCredential(t *testing.T) {
	for _, variables := range [][]string{
		{"OTEL_EXPORTER_OTLP_ENDPOINT=user:s3cr3t@collector:4318"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://user:s3cr3t@collector:4318/?key=s3cr3t"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL=token=s3cr3t"},
	} {
		got := load(t, complete(t, ""), variables...)
		if len(got.Warnings) == 0 || strings.Contains(fmt.Sprint(got.Warnings), "s3cr3t") {
			t.Errorf("%q: got %q", variables, got.Warnings)
		}
	}
	got := load(t, complete(t, `"token=s3cr3t": 1`))
	if len(got.Warnings) == 0 || strings.Contains(fmt.Sprint(got.Warnings), "s3cr3t") {
		t.Errorf("got %q", got.Warnings)
	}
}

func TestSecretsAreThoseOfMethodsAndOfTheEnvironment(t *testing.T) {
	got := load(t, complete(t, `preScale: {type: http, http: {method: GET, parameterMode: body, url: "http://user:in-url@host/?q=in-query&n=default", headers: {X-Any: in-header, Accept: application/json}}}`),
		"DB_PASSWORD=in-variable", "HTTP_PROXY=http://u:in-proxy@proxy", "OTEL_EXPORTER_OTLP_HEADERS=x=in-otel", "REGION=europe")
	known := fmt.Sprint(got.Secrets())
	for _, want := range []string{"in-url", "in-query", "in-header", "in-variable", "in-proxy", "in-otel"} {
		if !strings.Contains(known, want) {
			t.Errorf("%s is not known: %s", want, known)
		}
	}
	for _, public := range []string{"application/json", "europe", "default"} {
		if strings.Contains(known, public) {
			t.Errorf("%s is no secret: %s", public, known)
		}
	}
}
