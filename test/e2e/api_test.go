package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const get, post = http.MethodGet, http.MethodPost

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

// isReady waits until a pass has succeeded.
func (p *program) isReady(kubelet *http.Client) {
	p.Helper()
	p.eventually("the program to be ready", func() (bool, error) {
		got, err := callBy(p.T, kubelet, get, p.url("/readyz"), "")
		return got.code == http.StatusOK, fmt.Errorf("%v, %w", got, err)
	})
}

// apiCall is who calls what, and what comes of it: a code, and what the document or the error's message has in it.
type apiCall struct {
	name         string
	by           *http.Client
	token        string
	method, path string
	code         int
	says         string
}

// answers makes the calls, one after the other.
func (p *program) answers(calls []apiCall) {
	p.Helper()
	for _, call := range calls {
		got, err := callBy(p.T, saying(call.by), call.method, p.url(call.path), call.token)
		said := got.body
		if err == nil && call.code != http.StatusOK {
			said, err = got.message()
		}
		if err != nil || got.code != call.code || !strings.Contains(said, call.says) {
			p.Errorf("%s: %s %s:\n got %d %s (%v)\nwant %d %s", call.name, call.method, call.path, got.code, got.body, err, call.code, call.says)
		}
	}
}

// message is an error's, which has to be a document that says its code.
func (a answer) message() (string, error) {
	var document struct {
		Message string
		Code    int
	}
	err := json.Unmarshal([]byte(a.body), &document)
	if err == nil && (document.Code != a.code || a.contentType != "application/json") {
		err = fmt.Errorf("the document says code %d, and its type is %s", document.Code, a.contentType)
	}
	return document.Message, err
}

// saying is the client with further headers, by name and value. It takes no 401 without the challenge that belongs to it.
func saying(client *http.Client, headers ...string) *http.Client {
	return &http.Client{Timeout: client.Timeout, Transport: headered{client.Transport, headers}}
}

type headered struct {
	http.RoundTripper
	headers []string
}

func (h headered) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for i := 0; i < len(h.headers); i += 2 {
		r.Header.Set(h.headers[i], h.headers[i+1])
	}
	response, err := h.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if challenge := response.Header.Get("WWW-Authenticate"); (challenge == "Bearer") != (response.StatusCode == http.StatusUnauthorized) {
		response.Body.Close()
		return nil, fmt.Errorf("%s, WWW-Authenticate: %q", response.Status, challenge)
	}
	return response, nil
}
