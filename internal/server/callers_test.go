package server

import (
	"net/http"
	"strings"
	"testing"
)

// TestPagesOfOtherSites asks for each path in the ways in which a browser does for a page, on loopback, where no token is
// needed.
func TestPagesOfOtherSites(t *testing.T) {
	for _, row := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"a program", nil, false},
		{"an address that somebody typed", []string{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"}, false},
		{"a page of the same origin", []string{"Sec-Fetch-Site: same-origin"}, false},
		{"a page of the same origin that posts", []string{"Sec-Fetch-Site: same-origin", "Origin: http://localhost:5000"}, false},
		{"a page of the same origin in an old browser", []string{"Referer: http://LOCALHOST:5000/api/v1/decisions"}, false},
		{"a page of the same origin behind a proxy", []string{"Sec-Fetch-Site: same-origin", "Referer: https://dashboard.example/"}, false},

		{"a page of another site", []string{"Sec-Fetch-Site: cross-site"}, true},
		{"a page of another port", []string{"Sec-Fetch-Site: same-site"}, true},
		{"a page of another site that says more", []string{"Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"}, true},
		{"a word of a browser to come", []string{"Sec-Fetch-Site: new-site"}, true},
		{"an empty word", []string{"Sec-Fetch-Site: "}, true},
		{"a link", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, true},
		{"a script that reads, in an old browser", []string{"Origin: http://evil.example"}, true},
		{"a WebSocket", []string{"Origin: http://evil.example", "Upgrade: websocket", "Connection: Upgrade"}, true},
		{"a sandboxed page", []string{"Origin: null"}, true},
		{"an origin that contradicts", []string{"Sec-Fetch-Site: same-origin", "Origin: http://evil.example"}, true},
		{"another port of loopback", []string{"Origin: http://localhost:8080"}, true},
		{"another name of loopback", []string{"Origin: http://127.0.0.1:5000"}, true},
		{"an origin that begins with ours", []string{"Origin: http://localhost:5000.evil.example"}, true},
		{"an origin with our name as a user", []string{"Origin: http://localhost:5000@evil.example"}, true},
		{"an image in an old browser", []string{"Referer: http://evil.example/page"}, true},
		{"a page that cannot be read", []string{"Referer: http://%zz"}, true},
	} {
		for _, call := range []string{
			"GET /api/v1/metrics", "GET /api/v1/metrics?dry_run=true", "HEAD /api/v1/metrics", "OPTIONS /api/v1/metrics", "POST /api/v1/evaluation",
			"GET /api/v1/decisions", "GET /api/v1/decisions/latest", "GET /nothing", "GET //api/v1/metrics",
		} {
			p := &passes{}
			method, path, _ := strings.Cut(call, " ")
			got := serverOf(t.Context(), p, nil).asked(t.Context(), method, path, loopback, row.headers...)
			if refused := got.Code == http.StatusForbidden; refused != row.refused || refused && len(p.notes) > 0 {
				t.Errorf("%s, %s: got %d and passes %q, want it to be refused: %t", row.name, call, got.Code, p.notes, row.refused)
			}
		}
		for _, path := range []string{"/healthz", "/metrics"} {
			if got := serverOf(t.Context(), &passes{}, nil).asked(t.Context(), "GET", path, loopback, row.headers...); got.Code != 200 {
				t.Errorf("%s: %s, which is open, is answered %d", row.name, path, got.Code)
			}
		}
	}
}

// TestPagesOfOtherSitesCannotReadAnswers: also where a browser asks all the same.
func TestPagesOfOtherSitesCannotReadAnswers(t *testing.T) {
	s := serverOf(t.Context(), &passes{}, nil)
	for path := range s.routes {
		for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS"} {
			header := s.asked(t.Context(), method, path, loopback, "Origin: http://evil.example", "Access-Control-Request-Method: GET").Header()
			if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s %s has the headers %v", method, path, header)
			}
			for name := range header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s has the header %s", method, path, name)
				}
			}
		}
	}
}

// TestLocalCallersNameLoopback: a browser says with Sec-Fetch-Site which page a request is for to these names only.
func TestLocalCallersNameLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost:5000": true, "LocalHost": true, "127.0.0.1:5000": true, "127.1.2.3": true, "[::1]:5000": true, "[::1]": true, "": true,
		"0.0.0.0:5000": false, "[::]:5000": false, "[::ffff:127.0.0.1]:5000": false, "[::ffff:7f00:1]": false, "192.0.2.1:5000": false,
		"10.0.0.7": false, "evil.example:5000": false, "localhost.evil.example": false, "localhost.": false, "127.0.0.1.evil.example": false,
		"127.1:5000": false, "2130706433": false, "0x7f.1": false,
	} {
		p := &passes{}
		s := serverOf(t.Context(), p, func(o *Options) {
			o.Admit = func(*http.Request) error { return refusal{http.StatusUnauthorized, "who are you?"} }
		})
		got := s.asked(t.Context(), "GET", "/api/v1/metrics", loopback, "Host: "+host)
		if local := got.Code == 200; local != want || local != (len(p.notes) > 0) {
			t.Errorf("Host %q is answered %d, with passes %q; want it to be local: %t", host, got.Code, p.notes, want)
		}
	}
}
