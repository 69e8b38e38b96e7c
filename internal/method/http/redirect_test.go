package http

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

// witness is a server that records the requests that it gets.
type witness struct {
	*httptest.Server
	lock     sync.Mutex
	requests []string
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{}
	w.Server = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.lock.Lock()
		defer w.lock.Unlock()
		w.requests = append(w.requests, fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body))
	})
	return w
}

// untouched wants that no request has arrived.
func (w *witness) untouched(t *testing.T) {
	t.Helper()
	w.lock.Lock()
	defer w.lock.Unlock()
	if len(w.requests) > 0 {
		t.Errorf("the other server got %q", w.requests)
	}
}

// redirecting answers /from with a redirect, and everything else like echo.
func redirecting(t *testing.T, status int, location func(base string) string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/from" {
			echo(w, r)
			return
		}
		w.Header().Set("Location", location("http://"+r.Host))
		w.WriteHeader(status)
	})
}

// secretly adds a header and a user that must not reach another server.
func secretly(m logic) logic {
	m.HTTP.Headers = map[string]string{"X-Api-Key": "planted-key"}
	m.HTTP.URL = strings.Replace(m.HTTP.URL, "://", "://me:planted-password@", 1) + "?token=planted-token"
	return m
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"planted", "evil-secret", "document"} {
		if strings.Contains(strings.ReplaceAll(fmt.Sprint(err), "the document", ""), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

func TestHTTPRedirectToAnotherServerIsRefused(t *testing.T) {
	other := newWitness(t)
	elsewhere := strings.TrimPrefix(other.URL, "http://")
	for _, row := range []struct {
		name     string
		location func(base string) string
		says     string // after "to "
	}{
		{"another port", func(string) string { return "http://" + elsewhere + "/there" }, "http://" + elsewhere + "/there, which is not the server"},
		{"without a scheme", func(string) string { return "//" + elsewhere + "/there" }, "http://" + elsewhere + "/there, which"},
		{"with user, query and fragment", func(string) string {
			return "http://evil-secret:evil-secret@" + elsewhere + "/there?k=evil-secret#evil-secret"
		},
			"http://" + elsewhere + "/there, which"},
		{"our host as the user", func(base string) string { return base + "@" + elsewhere + "/there" }, "http://" + elsewhere + "/there, which"},
		{"another name of the same address", func(base string) string { return strings.Replace(base, "127.0.0.1", "localhost", 1) + "/there" },
			"http://localhost:"},
		{"another scheme", func(base string) string { return strings.Replace(base, "http:", "https:", 1) + "/there" }, "https://127.0.0.1:"},
		{"the default port", func(string) string { return "http://127.0.0.1/there" }, "http://127.0.0.1/there, which"},
		{"a file", func(string) string { return "file:///etc/passwd" }, "file: (a URL without a host), which"},
		{"an opaque URL", func(string) string { return "http:evil-secret" }, "http: (a URL without a host), which"},
		{"an empty host", func(string) string { return "http:///there" }, "http: (a URL without a host), which"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for status, method := range map[int]func(string) logic{301: get, 302: get, 303: get, 307: post, 308: post} {
				server := redirecting(t, status, row.location)
				_, err := timed(t, secretly(method(server.URL+"/from")), "document")
				methodtest.WantError(t, err, fmt.Sprintf("the server redirected with %d ", status), " to "+row.says, "set http.url to it")
				noSecret(t, err)
			}
			other.untouched(t)
		})
	}
}

func TestHTTPRedirectWithABadLocation(t *testing.T) {
	for _, row := range []struct{ name, location, says string }{
		{"is refused without showing it", "http://evil-secret:evil-secret@host:port-evil-secret/", "307 Temporary Redirect, but its Location is not a URL"},
		{"may have a bad escape", "/there%zz-evil-secret", "but its Location is not a URL"},
		{"may be missing, which makes it an answer", "", "the server answered 307 Temporary Redirect, which is not one of successCodes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if row.location != "" {
					w.Header().Set("Location", row.location)
				}
				w.WriteHeader(307)
			})
			_, err := timed(t, secretly(post(server.URL)), "document")
			methodtest.WantError(t, err, row.says)
			noSecret(t, err)
		})
	}
}

func TestHTTPRedirectOnTheSameServer(t *testing.T) {
	const basic = "\nAuthorization: Basic bWU6cGxhbnRlZC1wYXNzd29yZA=="
	posted := "POST /there\nContent-Length: 8" + basic + "\nContent-Type: application/json\nX-Api-Key: planted-key\ndocument"
	for _, row := range []struct {
		name     string
		status   int
		method   func(string) logic
		location string // %s is the server's address
		reply    string
		says     string
	}{
		{"307 keeps method, headers and body", 307, post, "/there", posted, ""},
		{"308 keeps method, headers and body", 308, post, "/there", posted, ""},
		{"a relative Location is followed", 307, post, "there", posted, ""},
		{"an absolute Location is followed", 307, post, "http://%s/there", posted, ""},
		{"a fragment is left out", 307, post, "http://%s/there#part", posted, ""},
		{"the user is the configured one", 307, post, "http://somebody:else@%s/there", posted, ""},
		{"GET stays GET", 302, get, "/there?value=x", "GET /there?value=x\nContent-Length: 0" + basic + "\nX-Api-Key: planted-key", ""},
		{"GET keeps its document", 301, get, "/there?a=b", "GET /there?a=b&value=document\nContent-Length: 0" + basic + "\nX-Api-Key: planted-key", ""},
		{"301 would turn POST into GET", 301, post, "/there?evil-secret", "", "the server redirected with 301 Moved Permanently to http://"},
		{"302 would turn POST into GET", 302, post, "/there", "", "/there, which turns POST into GET without the document: set http.url to it"},
		{"303 would turn POST into GET", 303, post, "/there", "", "which turns POST into GET without the document"},
		{"300 is an answer", 300, post, "/there", "", "the server answered 300 Multiple Choices"},
		{"304 is an answer", 304, get, "/there", "", "the server answered 304 Not Modified"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := redirecting(t, row.status, func(base string) string {
				return strings.ReplaceAll(row.location, "%s", strings.TrimPrefix(base, "http://"))
			})
			reply, err := timed(t, secretly(row.method(server.URL+"/from")), "document")
			if reply != row.reply {
				t.Errorf("the reply is\n%s\nwant\n%s", reply, row.reply)
			}
			if row.says != "" {
				methodtest.WantError(t, err, row.says)
				noSecret(t, err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHTTPRedirectThatIsASuccessIsNotFollowed(t *testing.T) {
	other := newWitness(t)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(302)
		_, _ = io.WriteString(w, "ok")
	})
	m := post(server.URL)
	m.HTTP.SuccessCodes = []int{200, 302}
	if reply, err := timed(t, m, "{}"); reply != "ok" || err != nil {
		t.Errorf("got %q, %v", reply, err)
	}
	other.untouched(t)
}

func TestHTTPRedirectsAreBounded(t *testing.T) {
	for _, row := range []struct {
		name  string
		hops  int
		wants int // requests
		says  string
	}{
		{"three are followed", 3, 4, ""},
		{"four are not", 4, 4, "the server redirected more than 3 times (to http://"},
		{"a loop ends", 1 << 30, 4, "set http.url to the place that answers"},
	} {
		t.Run(row.name, func(t *testing.T) {
			requests := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if requests++; requests <= row.hops {
					http.Redirect(w, r, "/loop?token=evil-secret", http.StatusTemporaryRedirect)
				}
			})
			_, err := timed(t, post(server.URL), "{}")
			if row.says != "" {
				methodtest.WantError(t, err, row.says)
				noSecret(t, err)
			} else if err != nil {
				t.Error(err)
			}
			if requests != row.wants {
				t.Errorf("the server got %d requests, want %d", requests, row.wants)
			}
		})
	}
}

func TestHTTPRedirectOfAProxyIsRefused(t *testing.T) {
	other := newWitness(t)
	proxy := redirecting(t, 307, func(string) string { return other.URL + "/there" })
	m := secretly(post("http://metrics.example/from"))
	c, err := newCall(*m.HTTP, m.settings(nil).Common)
	if err != nil {
		t.Fatal(err)
	}
	client, err := c.client.current()
	if err != nil {
		t.Fatal(err)
	}
	client.Transport.(hidesLocation).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	_, err = c.Run(t.Context(), method.Whole([]byte("document")))
	methodtest.WantError(t, err, "to "+other.URL+"/there, which is not the server of http.url (http://metrics.example)")
	noSecret(t, err)
	other.untouched(t)
}

func TestHTTPSameServer(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"http://host/a", "http://HOST:80/b", true},
		{"http://Host:80/a", "http://host/b", true},
		{"https://host/a", "https://host:443/b", true},
		{"http://[::1]/a", "http://[::1]:80/b", true},
		{"http://host/a", "http://host:443/b", false},
		{"http://host:443/a", "https://host/b", false},
		{"https://host/a", "http://host/b", false},
		{"http://host/a", "http://host./b", false},
		{"http://host/a", "http://host.evil/b", false},
		{"http://host/a", "http://evil@other/b", false},
		{"http://127.0.0.1/a", "http://127.1/b", false},
		{"http://127.0.0.1/a", "http://[::ffff:127.0.0.1]/b", false},
		{"http://host/a", "http:///b", false},
	} {
		a, aErr := url.Parse(row.a)
		b, bErr := url.Parse(row.b)
		if aErr != nil || bErr != nil || sameServer(a, b) != row.same {
			t.Errorf("%s and %s: same is %t, want %t (%v, %v)", row.a, row.b, !row.same, row.same, aErr, bErr)
		}
	}
}

func TestProbeRefusesARedirectToAnotherServer(t *testing.T) {
	other := newWitness(t)
	server := redirecting(t, 302, func(base string) string { return other.URL + "/there?evil-secret" })
	hidden := secretly(get(server.URL + "/from"))
	_, err := probe(t.Context(), *hidden.HTTP, hidden.settings(nil).Common)
	methodtest.WantError(t, err, "the server redirected with 302 Found to "+other.URL+"/there, which is not the server of http.url")
	noSecret(t, err)
	other.untouched(t)
	for name, row := range map[string]struct {
		method func(string) logic
		status int
	}{"GET follows on the same server": {get, 200}, "POST cannot follow, and gives the status": {post, 302}} {
		t.Run(name, func(t *testing.T) {
			server := redirecting(t, 302, func(string) string { return "/there" })
			l := row.method(server.URL + "/from")
			if status, err := probe(t.Context(), *l.HTTP, l.settings(nil).Common); status != row.status || err != nil {
				t.Errorf("got %d, %v, want %d", status, err, row.status)
			}
		})
	}
}
