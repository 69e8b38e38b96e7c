package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Get and Post are the methods of calls of the REST API.
const Get, Post = http.MethodGet, http.MethodPost

// URL is an address of the program's API, as seen from loopback.
func (p *Program) URL(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", p.Port, path) }

// Answer is what the API replied.
type Answer struct {
	Code        int
	ContentType string
	Body        string
}

// Call makes one request to the program's API from loopback.
func (p *Program) Call(method, path string) Answer {
	p.Helper()
	a, err := CallBy(p.T, http.DefaultClient, method, p.URL(path), "")
	if err != nil {
		p.Fatal(err)
	}
	return a
}

// CallBy makes one request, with a bearer token if there is one.
func CallBy(t *testing.T, client *http.Client, method, url, token string) (Answer, error) {
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
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header.Get("Content-Type"), strings.TrimSpace(string(body))}, err
}

// Serves waits until the program's port is open.
func (p *Program) Serves() {
	p.Helper()
	p.Eventually("the port to be open", func() (bool, error) {
		_, err := CallBy(p.T, http.DefaultClient, http.MethodGet, p.URL("/healthz"), "")
		return err == nil, err
	})
}

// Decode reads the answer's document.
func (a Answer) Decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
}

// IsReady waits until a pass has succeeded.
func (p *Program) IsReady(kubelet *http.Client) {
	p.Helper()
	p.Eventually("the program to be ready", func() (bool, error) {
		got, err := CallBy(p.T, kubelet, Get, p.URL("/readyz"), "")
		return got.Code == http.StatusOK, fmt.Errorf("%v, %w", got, err)
	})
}

// Message is an error's, which has to be a document that says its code.
func (a Answer) Message() (string, error) {
	var document struct {
		Message string
		Code    int
	}
	err := json.Unmarshal([]byte(a.Body), &document)
	if err == nil && (document.Code != a.Code || a.ContentType != "application/json") {
		err = fmt.Errorf("the document says code %d, and its type is %s", document.Code, a.ContentType)
	}
	return document.Message, err
}
