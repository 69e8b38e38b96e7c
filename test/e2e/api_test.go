package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// url is an address of the program's API, as seen from loopback.
func (p *program) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", p.port, path) }

// answer is what the API replied.
type answer struct {
	code        int
	contentType string
	body        string
}

// call makes one request to the program's API from loopback.
func (p *program) call(method, path string) answer {
	p.Helper()
	a, err := callBy(p.T, http.DefaultClient, method, p.url(path), "")
	if err != nil {
		p.Fatal(err)
	}
	return a
}

// callBy makes one request, with a bearer token if there is one.
func callBy(t *testing.T, client *http.Client, method, url, token string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), strings.TrimSpace(string(body))}, err
}

// serves waits until the program's port is open.
func (p *program) serves() {
	p.Helper()
	p.eventually("the port to be open", func() (bool, error) {
		_, err := callBy(p.T, http.DefaultClient, http.MethodGet, p.url("/healthz"), "")
		return err == nil, err
	})
}

// wantAnswer compares code, type and body.
func wantAnswer(t *testing.T, what string, got answer, code int, body string) {
	t.Helper()
	if want := (answer{code, "application/json", body}); got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// decode reads the answer's document.
func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
}
