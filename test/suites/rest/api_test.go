package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// wantAnswer compares code, type and body.
func wantAnswer(t *testing.T, what string, got harness.Answer, code int, body string) {
	t.Helper()
	if want := (harness.Answer{Code: code, ContentType: "application/json", Body: body}); got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
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
func answers(p *harness.Program, calls []apiCall) {
	p.Helper()
	for _, call := range calls {
		got, err := harness.CallBy(p.T, saying(call.by), call.method, p.URL(call.path), call.token)
		said := got.Body
		if err == nil && call.code != http.StatusOK {
			said, err = got.Message()
		}
		if err != nil || got.Code != call.code || !strings.Contains(said, call.says) {
			p.Errorf("%s: %s %s:\n got %d %s (%v)\nwant %d %s", call.name, call.method, call.path, got.Code, got.Body, err, call.code, call.says)
		}
	}
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
