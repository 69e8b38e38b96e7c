package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

// post is a method that sends its document as the body.
func post(address string) logic {
	return logic{Timeout: 5_000, MaxReplyBytes: 1 << 20, HTTP: &Settings{
		Method: "POST", URL: address, SuccessCodes: []int{200}, ParameterMode: "body"}}
}

// get is a method that sends its document as the query.
func get(address string) logic {
	m := post(address)
	m.HTTP.Method, m.HTTP.ParameterMode = "GET", "query"
	return m
}

// serve answers until the test is over; what hangs is set free.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = silent
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func TestHTTPRequest(t *testing.T) {
	for _, row := range []struct {
		name   string
		method func(base string) logic
		want   []string
	}{
		{"a body is JSON of a known length",
			func(base string) logic { return post(base + "/metric") },
			[]string{"POST /metric", "Content-Length: 8", "Content-Type: application/json", `{"a": 1}`}},
		{"a query has the document as its value",
			func(base string) logic { return get(base + "/metric") },
			[]string{"GET /metric?value=%7B%22a%22%3A+1%7D", "Content-Length: 0"}},
		{"a query keeps that of the URL as it is",
			func(base string) logic { return get(base + "/?b=2&a=%20;1") },
			[]string{"GET /?b=2&a=%20;1&value=%7B%22a%22%3A+1%7D", "Content-Length: 0"}},
		{"a query that is not encoded is",
			func(base string) logic {
				return get(base + `/api/v1/query?query=sum(rate(x{job="a"}[1m])) by (job)`)
			},
			[]string{"GET /api/v1/query?query=sum(rate(x%7Bjob=%22a%22%7D[1m]))%20by%20(job)&value=%7B%22a%22%3A+1%7D", "Content-Length: 0"}},
		{"so is it with a body",
			func(base string) logic {
				return post(base + `/q?a=ä|<>\^` + "`" + `&b=100%&c=%4&d=%e4+1`)
			},
			[]string{"POST /q?a=%C3%A4%7C%3C%3E%5C%5E%60&b=100%25&c=%254&d=%e4+1", "Content-Length: 8", "Content-Type: application/json", `{"a": 1}`}},
		{"the method may be in any case",
			func(base string) logic {
				m := post(base)
				m.HTTP.Method = "put"
				return m
			},
			[]string{"PUT /", "Content-Length: 8", "Content-Type: application/json", `{"a": 1}`}},
		{"headers are as configured, those that have a default too",
			func(base string) logic {
				m := post(base)
				m.HTTP.Headers = map[string]string{"content-type": "text/plain", "X-Token": "secret", "host": "metrics.example"}
				return m
			},
			[]string{"POST /", "Host: metrics.example", "Content-Length: 8", "Content-Type: text/plain", "X-Token: secret", `{"a": 1}`}},
		{"the user in the URL is sent",
			func(base string) logic { return get(strings.Replace(base, "://", "://me:secret@", 1)) },
			[]string{"GET /?value=%7B%22a%22%3A+1%7D", "Content-Length: 0", "Authorization: Basic bWU6c2VjcmV0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := serve(t, echo)
			reply, err := timed(t, row.method(server.URL), `{"a": 1}`)
			if want := strings.Join(row.want, "\n"); reply != want || err != nil {
				t.Errorf("the server got\n%s\nwant\n%s\n%v", reply, want, err)
			}
		})
	}
}

// echo replies with the request.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s", r.Method, r.URL)
	if !strings.HasPrefix(r.Host, "127.0.0.1") {
		fmt.Fprintf(w, "\nHost: %s", r.Host)
	}
	fmt.Fprintf(w, "\nContent-Length: %d", r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "User-Agent" && name != "Accept-Encoding" && name != "Content-Length" {
			fmt.Fprintf(w, "\n%s: %s", name, r.Header.Get(name))
		}
	}
	if body, _ := io.ReadAll(r.Body); len(body) > 0 {
		fmt.Fprintf(w, "\n%s", body)
	}
}

func TestHTTPReply(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		method  func(m *logic)
		reply   string
		says    []string
	}{
		{name: "the body is the reply, verbatim",
			handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{\"a\": 1}\n\n") },
			reply:   "{\"a\": 1}\n\n"},
		{name: "no body is an empty reply",
			handler: func(http.ResponseWriter, *http.Request) {}},
		{name: "a code that is listed is a success",
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); io.WriteString(w, "ok") },
			method:  func(m *logic) { m.HTTP.SuccessCodes = []int{200, 201} },
			reply:   "ok"},
		{name: "a redirect is followed",
			handler: func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/there" {
					http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
					return
				}
				io.Copy(w, r.Body)
			},
			reply: "{}"},
		{name: "a code that is not listed fails with its body",
			handler: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such metric", 404) },
			says: []string{"running metric (POST http://127.0.0.1:", "/run): the server answered 404 Not Found, which is not " +
				`one of successCodes [200], with the body "no such metric\n"`}},
		{name: "of the body of a failure an error shows the beginning",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(500)
				io.WriteString(w, strings.Repeat("x", 5000))
			},
			says: []string{`500 Internal Server Error`, `"` + strings.Repeat("x", 1024) + `..."`}},
		{name: "a reply without end fails at its limit",
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); yes(w) },
			method:  func(m *logic) { m.Timeout = 60_000 },
			says:    []string{"a reply of more than 1048576 bytes (maxReplyBytes: 1048576): "}},
		{name: "headers without end fail",
			handler: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) },
			says:    []string{"server response headers exceeded 65536 bytes"}},
		{name: "a server that does not answer is not waited for",
			handler: func(_ http.ResponseWriter, r *http.Request) { hang(r) },
			method:  func(m *logic) { m.Timeout = 500 },
			says:    []string{"no reply within its timeout of 500ms (timeout: 500 ms); the server has not answered"}},
		{name: "a server that hangs in its body is not waited for",
			handler: func(w http.ResponseWriter, r *http.Request) { begin(w); hang(r) },
			method:  func(m *logic) { m.Timeout = 500 },
			says:    []string{"(timeout: 500 ms); the server answered 200 OK, but its body has not ended"}},
		{name: "a server that hangs in the body of a failure has failed",
			handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503); begin(w); hang(r) },
			method:  func(m *logic) { m.Timeout = 500 },
			says:    []string{`the server answered 503 Service Unavailable`, `with the body "begin"`}},
		{name: "a server that closes in its body fails",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				begin(w)
				panic(http.ErrAbortHandler)
			},
			says: []string{"reading the body of the answer: unexpected EOF"}},
		{name: "a server that closes without an answer fails",
			handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			says:    []string{"running metric (POST http://127.0.0.1:", "/run): EOF; the server closed the connection without an answer"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := post(serve(t, row.handler).URL + "/run?token=secret")
			if row.method != nil {
				row.method(&m)
			}
			reply, err := timed(t, m, "{}")
			if reply != row.reply {
				t.Errorf("the reply is %.100q, want %q", reply, row.reply)
			}
			if row.says != nil {
				methodtest.WantError(t, err, row.says...)
			} else if err != nil {
				t.Error(err)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("a secret is shown: %v", err)
			}
			if late := strings.Contains(fmt.Sprint(err), "(timeout: "); errors.Is(err, context.DeadlineExceeded) != late {
				t.Errorf("%v is context.DeadlineExceeded: %t", err, !late)
			}
		})
	}
}

func begin(w http.ResponseWriter) {
	io.WriteString(w, "begin")
	w.(http.Flusher).Flush()
}

// hang waits until the client has gone, which net/http notices once the body has been read.
func hang(r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// yes writes until nobody reads.
func yes(w io.Writer) {
	for err := error(nil); err == nil; {
		_, err = w.Write(make([]byte, 1<<16))
	}
}

func TestHTTPWithoutAServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := listener.Addr().String()
	listener.Close()
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // connects, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	for _, row := range []struct {
		name, url string
		says      []string
	}{
		{"nothing listens", "http://" + free,
			[]string{"running metric (GET http://" + free + "): dial tcp " + free, "connection refused; nothing listens there: is the server up"}},
		{"the name is unknown", "http://no..such..host/",
			[]string{"running metric (GET http://no..such..host/): ", "no such host; is the host in http.url right?"}},
		{"nobody answers", "http://" + deaf.Addr().String(),
			[]string{"(timeout: 500 ms); the server has not answered"}},
		{"nobody shakes hands", "https://" + deaf.Addr().String(),
			[]string{"(timeout: 500 ms); the server has not answered"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := get(strings.Replace(row.url, "://", "://me:secret@", 1))
			m.Timeout = 500
			_, err := timed(t, m, "the document")
			methodtest.WantError(t, err, row.says...)
			if shown := fmt.Sprint(err); strings.Contains(shown, "secret") || strings.Contains(shown, "document") {
				t.Errorf("the error shows too much: %s", shown)
			}
		})
	}
}

func TestHTTPQueryThatIsTooLong(t *testing.T) {
	const way = "which is long for a URL: use parameterMode: body"
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		method  func(string) logic
		length  int
		says    []string
	}{
		{"414 says what to do",
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(414) }, get, 10,
			[]string{"414 Request URI Too Long", "the document makes a query of 16 bytes, " + way}},
		{"431 says what to do",
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(431) }, get, 10,
			[]string{"431 Request Header Fields Too Large", way}},
		{"what a server does with more than it takes says what to do", echo, get, 8 << 20,
			[]string{"the document makes a query of 8388614 bytes, " + way}},
		{"a server that closes says what to do",
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, get, 10_000,
			[]string{"EOF; the document makes a query of 10006 bytes, " + way}},
		{"a body may be as long",
			func(w http.ResponseWriter, r *http.Request) { n, _ := io.Copy(io.Discard, r.Body); fmt.Fprint(w, n) }, post, 8 << 20,
			nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := timed(t, row.method(serve(t, row.handler).URL), strings.Repeat("x", row.length))
			if row.says != nil {
				methodtest.WantError(t, err, row.says...)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHTTPKeepsItsConnection(t *testing.T) {
	for name, tuned := range map[string]func(*httptest.Server){
		"in clear":    func(s *httptest.Server) { s.Start() },
		"over TLS":    func(s *httptest.Server) { s.StartTLS() },
		"over HTTP/2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			var connections, requests atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n := requests.Add(1); n%2 == 0 {
					w.WriteHeader(500)
				}
				io.Copy(w, r.Body)
			}))
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			tuned(server)
			defer server.Close()
			m := post(server.URL)
			if server.Certificate() != nil {
				m.HTTP.CACert = t.TempDir() + "/ca.pem"
				methodtest.Write(t, m.HTTP.CACert, string(pemOf("CERTIFICATE", server.Certificate().Raw)), 0o600)
			}
			runner := mustNew(t, m)
			for range 20 {
				_, _ = runner.Run(t.Context(), method.Whole([]byte(strings.Repeat("x", 100_000))))
			}
			if requests.Load() != 20 || connections.Load() != 1 {
				t.Errorf("%d requests went over %d connections", requests.Load(), connections.Load())
			}
		})
	}
}

func TestHTTPTLS(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	methodtest.Write(t, dir+"/ours.pem", ours.pem(), 0o600)
	methodtest.Write(t, dir+"/junk.pem", "junk", 0o600)
	methodtest.Write(t, dir+"/empty.pem", "", 0o600)
	ours.issue(t, valid).save(t, dir+"/client")
	theirs.issue(t, valid).save(t, dir+"/stranger")

	if err := syscall.Mkfifo(dir+"/pipe.pem", 0o600); err != nil {
		t.Fatal(err)
	}

	for _, row := range []struct {
		name   string
		server certificate
		caCert string
		client string // "" means that the server asks for none
		says   []string
	}{
		{"an authority that we were told to trust is trusted", ours.issue(t, valid), "/ours.pem", "", nil},
		{"a client certificate opens the door", ours.issue(t, valid), "/ours.pem", "/client", nil},
		{"another authority is not trusted", theirs.issue(t, valid), "/ours.pem", "",
			[]string{"certificate signed by unknown authority; is http.caCert the certificate of the authority"}},
		{"an authority that we were not told to trust is not trusted", ours.issue(t, valid), "", "",
			[]string{"certificate signed by unknown authority; is http.caCert"}},
		{"a certificate that has expired is refused", ours.issue(t, expired), "/ours.pem", "",
			[]string{"certificate has expired"}},
		{"a certificate for another name is refused", ours.issue(t, misnamed), "/ours.pem", "",
			[]string{"certificate is valid for 127.0.0.9, not 127.0.0.1"}},
		{"a door stays shut without a client certificate", ours.issue(t, valid), "/ours.pem", "/",
			[]string{"remote error: tls: certificate required; the server refused us: are http.clientCert and http.clientKey"}},
		{"a door stays shut for a stranger's certificate", ours.issue(t, valid), "/ours.pem", "/stranger",
			[]string{"remote error: tls: ", "the server refused us: are http.clientCert and http.clientKey"}},
		{"a file that is missing is named", ours.issue(t, valid), "/missing.pem", "",
			[]string{"reading http.caCert: open " + dir + "/missing.pem: no such file or directory"}},
		{"a named pipe is not waited for", ours.issue(t, valid), "/pipe.pem", "",
			[]string{"reading http.caCert: open " + dir + "/pipe.pem: is not a regular file"}},
		{"a file without a certificate is refused", ours.issue(t, valid), "/junk.pem", "",
			[]string{"reading http.caCert: there is no certificate in the file"}},
		{"an empty file is refused", ours.issue(t, valid), "/empty.pem", "",
			[]string{"reading http.caCert: there is no certificate in the file"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			settings := &tls.Config{Certificates: []tls.Certificate{row.server.pair(t)}}
			if row.client != "" {
				settings.ClientAuth, settings.ClientCAs = tls.RequireAndVerifyClientCert, ours.pool()
			}
			m := get(serveTLS(t, settings))
			if row.caCert != "" {
				m.HTTP.CACert = dir + row.caCert
			}
			if len(row.client) > 1 {
				m.HTTP.ClientCert, m.HTTP.ClientKey = dir+row.client+".crt", dir+row.client+".key"
			}
			reply, err := timed(t, m, "{}")
			if row.says != nil {
				methodtest.WantError(t, err, row.says...)
			} else if reply != "ok" || err != nil {
				t.Errorf("got %q, %v", reply, err)
			}
		})
	}
}

func TestHTTPReadsTLSFilesThatChange(t *testing.T) {
	dir := t.TempDir()
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	now := atomic.Pointer[authority]{}
	settings := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{now.Load().issue(t, valid).pair(t)},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: now.Load().pool()}, nil
	}}
	m := get(serveTLS(t, settings))
	m.HTTP.CACert, m.HTTP.ClientCert, m.HTTP.ClientKey = dir+"/ca.pem", dir+"/client.crt", dir+"/client.key"
	runner := mustNew(t, m)
	for _, row := range []struct {
		name        string
		server, own *authority
		ca          *authority
		works       bool
	}{
		{"all is new", before, before, before, true},
		{"the server has changed, so a new connection would not work, but there is one", after, before, before, true},
		{"the authority has changed, but our certificate has not", after, before, after, false},
		{"our certificate has changed too", after, after, after, true},
		{"all is back", before, before, before, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			now.Store(row.server)
			methodtest.Write(t, m.HTTP.CACert, row.ca.pem(), 0o600)
			row.own.client.save(t, dir+"/client")
			if reply, err := runner.Run(t.Context(), method.Document{}); (err == nil) != row.works {
				t.Errorf("got %q, %v", reply, err)
			}
		})
	}
}

// Of many runs nothing is left but a connection for the next, and nothing at all when the server goes.
func TestHTTPManyRuns(t *testing.T) {
	m := post("")
	m.Timeout = 20
	methodtest.NoGrowth(t, func() {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/ok":
				io.Copy(w, r.Body)
			case "/fails":
				http.Error(w, "no", 500)
			case "/hangs":
				begin(w)
				hang(r)
			case "/floods":
				yes(w)
			default:
				panic(http.ErrAbortHandler)
			}
		}))
		server.Config.ErrorLog = silent
		server.Start()
		var runners []method.Runner
		for _, path := range []string{"/ok", "/fails", "/hangs", "/floods", "/closes"} {
			m := m
			m.HTTP = &Settings{Method: "POST", ParameterMode: "body", SuccessCodes: []int{200}, URL: server.URL + path}
			runners = append(runners, mustNew(t, m))
		}
		for i := range 500 {
			_, _ = runners[i%len(runners)].Run(t.Context(), method.Whole([]byte("{}")))
		}
		server.CloseClientConnections()
		server.Close()
	})
}
