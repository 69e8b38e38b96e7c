package access

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// cluster answers reviews in ways that a real one cannot be brought to at will; that ours are what a real one wants is
// shown end to end.
type cluster struct {
	mutex         sync.Mutex
	token, access string // the status of each review; "" answers with an error, "hang" not at all
	asked         []string
	body          string // of the last question
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mutex.Lock()
	status, kind := c.token, "TokenReview"
	version := "authentication.k8s.io/v1"
	if strings.HasSuffix(r.URL.Path, "subjectaccessreviews") {
		status, kind, version = c.access, "SubjectAccessReview", "authorization.k8s.io/v1"
	}
	c.asked = append(c.asked, kind)
	body, _ := io.ReadAll(r.Body)
	c.body = string(body)
	c.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch status {
	case "hang":
		<-time.After(time.Second)
	case "":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "because", "reason": "Forbidden", "code": 403}`)
	default:
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"kind": %q, "apiVersion": %q, "status": %s}`, kind, version, status)
	}
}

// gateOf gives a gate of the cluster, and what it was told of each question.
func gateOf(t *testing.T, c *cluster) (*Gate, *[]string) {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	api, err := kube.New(&rest.Config{Host: server.URL}, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	return NewGate(api, "", func(err error) { told = append(told, fmt.Sprint(err)) }), &told
}

func bearing(authorization string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/api/v1/evaluation?dry_run=true", nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	return request
}

const (
	known   = `{"authenticated": true, "user": {"username": "ann", "groups": ["ops"]}}`
	unknown = `{"authenticated": false, "error": "expired"}`
)

func TestWhoIsLetIn(t *testing.T) {
	for _, row := range []struct {
		name          string
		authorization string
		token, access string
		code          int // 0 lets in
		says          string
		asked         string // why the cluster could not be
	}{
		{"no token", "", known, `{"allowed": true}`, 401, "Authorization: Bearer TOKEN", ""},
		{"a password", "Basic YTpi", known, `{"allowed": true}`, 401, "Unauthorized", ""},
		{"an empty token", "Bearer ", known, `{"allowed": true}`, 401, "Unauthorized", ""},
		{"a token that is not known", "Bearer x", unknown, `{"allowed": true}`, 401, "Unauthorized", ""},
		{"a user who may", "Bearer x", known, `{"allowed": true}`, 0, "", ""},
		{"in another spelling", "bearer x", known, `{"allowed": true}`, 0, "", ""},
		{"a user who may not", "Bearer x", known, `{"allowed": false}`, 403, "user 'ann' may not 'post' '/api/v1/evaluation'", ""},
		{"a user who is kept out", "Bearer x", known, `{"allowed": true, "denied": true}`, 403, "Forbidden", ""},
		{"we may not ask about tokens", "Bearer x", "", `{"allowed": true}`, 500, "Kubernetes could not be asked whose token this is", "system:auth-delegator"},
		{"we may not ask about rights", "Bearer x", known, "", 500, "Kubernetes could not be asked whether its user may call this", "apiConfig.authentication: none"},
		{"the cluster does not answer", "Bearer x", "hang", "", 500, "Kubernetes could not be asked whose token this is", "requestTimeout"},
	} {
		gate, told := gateOf(t, &cluster{token: row.token, access: row.access})
		err := gate.Admit(bearing(row.authorization))
		refused, _ := errors.AsType[Refusal](err)
		if refused.Code() != row.code || (err != nil) != (row.code != 0) || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %d %v, want %d %s", row.name, refused.Code(), err, row.code, row.says)
		}
		if asked := strings.Join(*told, " "); row.asked != "" && !strings.Contains(asked, row.asked) {
			t.Errorf("%s: it is told %q, want %s", row.name, asked, row.asked)
		}
		if err != nil && strings.Contains(err.Error(), "because") {
			t.Errorf("%s: a stranger is told the cluster's own error: %v", row.name, err)
		}
	}
}

func TestAnswersAreRemembered(t *testing.T) {
	c := &cluster{token: known, access: `{"allowed": true}`}
	gate, _ := gateOf(t, c)
	for range 3 {
		if err := gate.Admit(bearing("Bearer x")); err != nil {
			t.Fatal(err)
		}
	}
	other := bearing("Bearer x")
	other.Method = http.MethodGet
	if err := gate.Admit(other); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(c.asked, " "), "TokenReview SubjectAccessReview SubjectAccessReview"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

func TestWhatManyAskAtTheSameTimeIsAskedOnce(t *testing.T) {
	c := &cluster{token: known, access: `{"allowed": true}`}
	gate, _ := gateOf(t, c)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if err := gate.Admit(bearing("Bearer x")); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if got, want := strings.Join(c.asked, " "), "TokenReview SubjectAccessReview"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

func TestStrangersDoNotUseUpTheCluster(t *testing.T) {
	c := &cluster{token: known, access: `{"allowed": true}`}
	gate, told := gateOf(t, c)
	if err := gate.Admit(bearing("Bearer ann's")); err != nil {
		t.Fatal(err)
	}
	c.token = unknown
	codes := map[int]int{}
	for i := range 2 * atOnce {
		refused, _ := errors.AsType[Refusal](gate.Admit(bearing(fmt.Sprint("Bearer ", i))))
		codes[refused.Code()]++
	}
	if len(c.asked) > atOnce+2*questions || codes[401] < atOnce/2 || codes[429] < atOnce/2 || len(*told) > 0 {
		t.Errorf("%d questions, answered %v, told %q", len(c.asked), codes, *told)
	}
	if err := gate.Admit(bearing("Bearer ann's")); err != nil {
		t.Errorf("who is known is kept out: %v", err)
	}
}

// A refusal for want of an answer, and tokens that nobody knows, of which there is no end, are not remembered.
func TestWhatIsNotRemembered(t *testing.T) {
	c := &cluster{token: unknown, access: ""}
	gate, _ := gateOf(t, c)
	_ = gate.Admit(bearing("Bearer x"))
	c.token = known
	_ = gate.Admit(bearing("Bearer x"))
	c.access = `{"allowed": true}`
	if err := gate.Admit(bearing("Bearer x")); err != nil {
		t.Error(err)
	}
}

// No built-in role allows a path behind the prefix. That of Prometheus has none, as in every component of Kubernetes.
func TestPathsAreAskedAboutBehindThePrefix(t *testing.T) {
	for _, row := range []struct{ method, path, asked string }{
		{"GET", "/api/v1/metrics", "get /custom-pod-autoscaler/api/v1/metrics"},
		{"HEAD", "/api/v1/metrics", "head /custom-pod-autoscaler/api/v1/metrics"},
		{"OPTIONS", "/api/v1/decisions", "options /custom-pod-autoscaler/api/v1/decisions"},
		{"POST", "/api/v1/evaluation", "post /custom-pod-autoscaler/api/v1/evaluation"},
		{"GET", "//api/v1/metrics", "get /custom-pod-autoscaler//api/v1/metrics"},
		{"GET", "/apis/../api/v1/metrics", "get /custom-pod-autoscaler/apis/../api/v1/metrics"},
		{"GET", "/", "get /custom-pod-autoscaler/"},
		{"GET", "/metrics", "get /metrics"},
		{"GET", "/metrics/", "get /custom-pod-autoscaler/metrics/"},
	} {
		c := &cluster{token: known, access: `{"allowed": false}`}
		gate, _ := gateOf(t, c)
		gate.prefix = "/custom-pod-autoscaler"
		request := httptest.NewRequest(row.method, "http://x"+row.path, nil)
		request.Header.Set("Authorization", "Bearer x")
		refused, _ := errors.AsType[Refusal](gate.Admit(request))
		verb, path, _ := strings.Cut(row.asked, " ")
		if want := fmt.Sprintf("may not '%s' '%s'", verb, path); refused.Code() != 403 || !strings.Contains(refused.Error(), want) {
			t.Errorf("%s %s is answered %d %v, want %s", row.method, row.path, refused.Code(), refused, want)
		}
		if !strings.Contains(c.body, path) || !strings.Contains(c.body, verb) {
			t.Errorf("%s %s: the cluster was asked %q, want %s", row.method, row.path, c.body, row.asked)
		}
	}
}
