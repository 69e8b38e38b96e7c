package rest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// typed is user logic that tells who asked for a pass: it notes its name and the run type, waits while there is a file
// hold.NAME.RUNTYPE, and replies with what NAME.RUNTYPE.reply, or else NAME.reply, holds.
const typed = `#!/bin/sh
set -e
document=$(cat)
type=${document##*\"runType\":\"}
type=${type%%\"*}
echo "$1 $type" >> runs
while test -f "hold.$1.$type"; do sleep 0.05; done
for reply in "$1.$type.reply" "$1.reply"; do
	if test -f "$reply"; then cat "$reply"; exit; fi
done
`

// typedBy is harness.BaseConfig with the script typed, and a postScale hook.
func typedBy(namespace string) string {
	hook := "postScale: {type: shell, timeout: 20000, shell: {entrypoint: ./record, command: [postScale]}}\n"
	return strings.ReplaceAll(harness.BaseConfig(namespace)+hook, "./record", "./typed")
}

// typedFiles are the script and the number that evaluate replies with.
func typedFiles(replicas int) map[string]string {
	files := harness.Replies(replicas)
	files["typed"] = typed
	return files
}

// runsOf are what the script typed noted: "evaluate api", in order.
func runsOf(p *harness.Program) []string {
	p.Helper()
	return strings.Split(strings.TrimSuffix(p.Read("runs"), "\n"), "\n")
}

// ran waits until typed has been run by this name and for this run type: "evaluate api".
func ran(p *harness.Program, run string) {
	p.Helper()
	p.Eventually("a run of "+run, func() (bool, error) { return slices.Contains(runsOf(p), run), nil })
}

// callRaw sends text over a connection of its own, whatever it is, and gives the answer, or a code of 0 if it is dropped.
// Text is still sent while the answer is read: the program may have had enough of it.
func callRaw(p *harness.Program, method, text string, after ...func(*net.TCPConn) error) (harness.Answer, http.Header) {
	p.Helper()
	connection := dial(p)
	sent := make(chan struct{})
	defer func() {
		connection.Close()
		<-sent
	}()
	go func() {
		defer close(sent)
		_, _ = io.WriteString(connection, text) // what is cut off is seen by the answer
		for _, do := range after {
			_ = do(connection)
		}
	}()
	return readAnswer(connection, method)
}

// dial opens a connection that does not outlast the test's patience.
func dial(p *harness.Program) *net.TCPConn {
	p.Helper()
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port), harness.Patience)
	if err != nil {
		p.Fatal(err)
	}
	if err := connection.SetDeadline(time.Now().Add(harness.Patience)); err != nil {
		p.Fatal(err)
	}
	return connection.(*net.TCPConn)
}

// readAnswer reads one answer that is not 100 Continue.
func readAnswer(connection net.Conn, method string) (harness.Answer, http.Header) {
	from := bufio.NewReader(connection)
	for {
		response, err := http.ReadResponse(from, &http.Request{Method: method})
		if err != nil {
			return harness.Answer{}, nil
		}
		body, _ := io.ReadAll(response.Body) // half of one is not what is wanted
		if response.StatusCode != http.StatusContinue {
			return harness.Answer{Code: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Body: strings.TrimSpace(string(body))}, response.Header
		}
	}
}

// requestText is a request as a client writes it.
func requestText(method, target string, headers ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + strings.Join(append(headers, "", ""), "\r\n")
}

// refused is the body of an error.
func refused(code int, message string) string {
	return fmt.Sprintf(`{"message":"%s","code":%d}`, message, code)
}

// served are the paths, and the one method of each.
var served = map[string]string{
	"/api/v1/metrics": "GET", "/api/v1/evaluation": "POST", "/api/v1/decisions": "GET", "/api/v1/decisions/latest": "GET",
	"/healthz": "GET", "/readyz": "GET", "/metrics": "GET",
}

// nowhere are paths that are not served, as they are sent and as the answer has them.
var nowhere = map[string]string{
	"/": "/", "//": "//", "/api": "/api", "/api/v1/metrics/": "/api/v1/metrics/", "//api/v1/metrics": "//api/v1/metrics",
	"/api/v1/../v1/metrics": "/api/v1/../v1/metrics", "/api/v1/%2e%2e/v1/metrics": "/api/v1/../v1/metrics",
	"/API/V1/METRICS": "/API/V1/METRICS", "/api/v1/metrics%20": "/api/v1/metrics ", "/api/v1/metrics;dry_run=true": "/api/v1/metrics;dry_run=true",
	"/%00": `/\u0000`, "/%0a%0d": `/\n\r`, "/%22": `/\"`, "/%3Cb%3E": `/<b>`, "/%ff": `/\ufffd`,
	"/" + strings.Repeat("x", 8<<10): "/" + strings.Repeat("x", 8<<10), "http://127.0.0.1/x": "/x", "*": "*",
}

// unclear are queries that cannot be read, and what is said of them.
var unclear = []struct{ method, target, says string }{
	{"GET", "/api/v1/metrics?dry_run=x", "Invalid format for 'dry_run' query parameter; 'x' is not a valid boolean value"},
	{"POST", "/api/v1/evaluation?dry_run=x", "Invalid format for 'dry_run' query parameter; 'x' is not a valid boolean value"},
	{"POST", "/api/v1/evaluation?dry_run=", "Invalid format for 'dry_run' query parameter; '' is not a valid boolean value"},
	{"POST", "/api/v1/evaluation?dry_run", "Invalid format for 'dry_run' query parameter; '' is not a valid boolean value"},
	{"POST", "/api/v1/evaluation?dry_run=false&dry_run=x", "Invalid format for 'dry_run' query parameter; 'x' is not a valid boolean value"},
	{"POST", "/api/v1/evaluation?dry_run=true;x", "Invalid format for the query; invalid semicolon separator in query"},
	{"POST", "/api/v1/evaluation?%zz", `Invalid format for the query; invalid URL escape \"%zz\"`},
	{"GET", "/api/v1/decisions?limit=0", "Invalid format for 'limit' query parameter; '0' is not a whole number above 0"},
	{"GET", "/api/v1/decisions?limit=-1", "Invalid format for 'limit' query parameter; '-1' is not a whole number above 0"},
	{"GET", "/api/v1/decisions?limit=x", "Invalid format for 'limit' query parameter; 'x' is not a whole number above 0"},
	{"GET", "/api/v1/decisions?format=xml", "Invalid format for 'format' query parameter; 'xml' is not one of json, text"},
	{"GET", "/api/v1/decisions/latest?format=", "Invalid format for 'format' query parameter; '' is not one of json, text"},
	{"GET", "/api/v1/decisions?run_type=x", "Invalid format for 'run_type' query parameter; 'x' is not one of scaler, api, api_dry_run"},
}

// bad is a request, and the codes that it may be answered with; 0 is for being dropped.
type bad struct {
	name, method, text string
	codes              []int
}

// rubbish is what is hardly HTTP, or should not be asked for.
var rubbish = []bad{
	{"random bytes", "GET", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\xff\r\n\r\n", []int{0, 400}},
	{"one line that does not end", "GET", strings.Repeat("x", 1<<20), []int{0, 400, 431}},
	{"HTTP/0.9", "GET", "GET /healthz\r\n\r\n", []int{0, 400}},
	{"HTTP/3.0", "GET", "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", []int{0, 400, 505}},
	{"the preface of HTTP/2", "GET", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", []int{0, 400, 401, 404, 405, 505}},
	{"a path that cannot be read", "GET", requestText("GET", "/%zz"), []int{400}},
	{"no path", "GET", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}},
	{"no host", "GET", "GET /api/v1/metrics HTTP/1.1\r\n\r\n", []int{400}},
	{"two hosts", "GET", "GET /api/v1/metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", []int{400}},
	{"a header without a colon", "GET", requestText("GET", "/api/v1/metrics", "rubbish"), []int{400}},
	{"a NUL in a header", "GET", requestText("GET", "/api/v1/metrics", "X: a\x00b"), []int{400}},
	{"a header of 1 MiB", "GET", requestText("GET", "/api/v1/metrics", "X: "+strings.Repeat("x", 1<<20)), []int{431}},
	{"many headers", "GET", requestText("GET", "/api/v1/metrics", strings.Repeat("X: y\r\n", 100_000)+"X: y"), []int{431}},
	{"two lengths", "POST", requestText("POST", "/api/v1/evaluation", "Content-Length: 1", "Content-Length: 2") + "xx", []int{400}},
	{"a negative length", "POST", requestText("POST", "/api/v1/evaluation", "Content-Length: -1"), []int{400}},
	{"a length and chunks", "POST", requestText("POST", "/api/v1/evaluation", "Content-Length: 5", "Transfer-Encoding: chunked") + "rubbish\r\n", []int{400}},
	{"chunks of rubbish", "POST", requestText("POST", "/api/v1/evaluation", "Transfer-Encoding: chunked") + "rubbish\r\n", []int{400}},
	{"an encoding that nobody knows", "POST", requestText("POST", "/api/v1/evaluation", "Transfer-Encoding: gzip"), []int{400, 501}},
	{"a body of 2 MiB", "POST", requestText("POST", "/api/v1/evaluation", "Content-Length: 2097152") + strings.Repeat("x", 2<<20), []int{413}},
	{"chunks of 2 MiB", "POST", requestText("POST", "/api/v1/evaluation", "Transfer-Encoding: chunked") + "200000\r\n" + strings.Repeat("x", 2<<20) + "\r\n0\r\n\r\n", []int{413}},
	{"an expectation that nobody meets", "POST", requestText("POST", "/api/v1/evaluation", "Expect: rubbish"), []int{417}},
	{"a body that waits to be asked for", "POST", requestText("POST", "/api/v1/evaluation?dry_run=x", "Expect: 100-continue", "Content-Length: 5") + "hello", []int{400}},
	{"another site's page whose name leads here", "POST", "POST /api/v1/evaluation HTTP/1.1\r\nHost: evil.example:5000\r\nOrigin: http://evil.example:5000\r\nSec-Fetch-Site: same-origin\r\n\r\n", []int{401}},
	{"a proxy's line behind an empty one", "POST", requestText("POST", "/api/v1/evaluation", "X-Forwarded-For: ", "X-Forwarded-For: 203.0.113.7"), []int{401}},
	{"another site's page in a browser here", "POST", requestText("POST", "/api/v1/evaluation", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site"), []int{403}},
	{"another site's page in an old browser", "POST", requestText("POST", "/api/v1/evaluation", "Origin: http://evil.example"), []int{403}},
	{"a sandboxed page", "POST", requestText("POST", "/api/v1/evaluation?dry_run=true", "Origin: null"), []int{403}},
	{"another site's page that reads", "GET", requestText("GET", "/api/v1/metrics", "Sec-Fetch-Site: cross-site"), []int{403}},
	{"a page of another port", "GET", requestText("GET", "/api/v1/metrics", "Sec-Fetch-Site: same-site"), []int{403}},
	{"another site's image in an old browser", "GET", requestText("GET", "/api/v1/metrics", "Referer: http://evil.example/"), []int{403}},
	{"another site's WebSocket", "GET", requestText("GET", "/api/v1/metrics", "Origin: http://evil.example", "Connection: Upgrade", "Upgrade: websocket"), []int{403}},
	{"another site's request for headers", "HEAD", requestText("HEAD", "/api/v1/metrics", "Sec-Fetch-Site: cross-site"), []int{403}},
	{"another site's question whether it may", "OPTIONS", requestText("OPTIONS", "/api/v1/metrics", "Origin: http://evil.example", "Access-Control-Request-Method: GET"), []int{403}},
	{"an address that leads to loopback", "GET", "GET /api/v1/metrics HTTP/1.1\r\nHost: 0.0.0.0:5000\r\n\r\n", []int{401}},
	{"loopback in an address of version 6", "GET", "GET /api/v1/metrics HTTP/1.1\r\nHost: [::ffff:127.0.0.1]:5000\r\n\r\n", []int{401}},
	{"a whole address with another name", "GET", "GET http://evil.example/api/v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", []int{401}},
	{"chunks of a GET that do not end", "GET", requestText("GET", "/api/v1/metrics", "Transfer-Encoding: chunked") + "rubbish\r\n", []int{400}},
	{"HTTP/2 by upgrade", "GET", requestText("GET", "/api/v1/decisions/latest", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), []int{200}},
	{"a token on loopback, where none is asked for", "GET", requestText("GET", "/api/v1/decisions/latest", "Authorization: Bearer rubbish"), []int{200}},
}

// brokenOff are requests of a client that says, while it waits for the answer, that it has no more to send.
var brokenOff = []bad{
	{"nothing at all", "GET", "", []int{0}},
	{"half a line", "GET", "GET /heal", []int{0, 400}},
	{"half of the headers", "GET", "GET /healthz HTTP/1.1\r\nHost: ", []int{0, 400}},
	{"half a body", "POST", requestText("POST", "/api/v1/evaluation", "Content-Length: 1000") + "x", []int{0, 400}},
	{"half a chunk", "POST", requestText("POST", "/api/v1/evaluation", "Transfer-Encoding: chunked") + "5\r\nhel", []int{0, 400}},
	{"a whole request", "GET", requestText("GET", "/api/v1/decisions/latest"), []int{0, 200}},
}

func TestEveryBadRequestGetsItsStatusOrIsDropped(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 2)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace) + "apiConfig: {decisions: 1000}\n", Files: typedFiles(2)})
	p.Serves()
	p.Logs("kept replicas") // once: it is no news any more
	mark, began := p.Mark(), time.Now()

	dropped := trickle(p)
	neverReads(p)
	refusesWrongMethodsAndPaths(p)
	for _, row := range unclear {
		got, _ := callRaw(p, row.method, requestText(row.method, row.target))
		wantAnswer(t, row.method+" "+row.target, got, 400, refused(400, row.says))
	}
	for _, row := range rubbish {
		got, _ := callRaw(p, row.method, row.text)
		row.check(t, got)
	}
	for _, row := range brokenOff {
		got, _ := callRaw(p, row.method, row.text, (*net.TCPConn).CloseWrite)
		row.check(t, got)
	}
	if took := <-dropped; took < 5*time.Second || took > 20*time.Second {
		t.Errorf("a client that sends a byte a second was dropped after %s, want about 10s", took)
	}
	wentOnUntouched(p, namespace, began, mark)
}

func (b bad) check(t *testing.T, got harness.Answer) {
	t.Helper()
	if !slices.Contains(b.codes, got.Code) {
		t.Errorf("%s: got %v, want one of %v", b.name, got, b.codes)
	}
}

func refusesWrongMethodsAndPaths(p *harness.Program) {
	p.Helper()
	for path, right := range served {
		for _, wrong := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "EVALUATE", "M-SEARCH"} {
			if wrong == right {
				continue
			}
			got, header := callRaw(p, wrong, requestText(wrong, path))
			body := refused(405, fmt.Sprintf("Method '%s' not allowed on resource '%s'", wrong, path))
			if wrong == "HEAD" {
				body = "" // as always
			}
			wantAnswer(p.T, wrong+" "+path, got, 405, body)
			if allow := header.Get("Allow"); allow != right {
				p.Errorf("%s %s: %q is allowed, want %q", wrong, path, allow, right)
			}
		}
	}
	for path, shown := range nowhere {
		got, _ := callRaw(p, "GET", requestText("GET", path))
		wantAnswer(p.T, path, got, 404, refused(404, fmt.Sprintf("Resource '%s' not found", shown)))
	}
}

// trickle sends a byte of a request each second until it is dropped, and tells when that was.
func trickle(p *harness.Program) <-chan time.Duration {
	p.Helper()
	connection, began, dropped := dial(p), time.Now(), make(chan time.Duration, 1)
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, connection) // until the program hangs up
		dropped <- time.Since(began)
		close(gone)
		connection.Close()
	}()
	go func() {
		each := time.NewTicker(time.Second)
		defer each.Stop()
		for text := bytes.NewBufferString(requestText("GET", "/healthz", "X: "+strings.Repeat("x", 100))); ; {
			select {
			case <-gone:
				return
			case <-each.C:
				_, _ = connection.Write(text.Next(1)) // which fails when it is dropped
			}
		}
	}()
	return dropped
}

// neverReads asks for more than the system keeps for who does not read it, and leaves it there.
func neverReads(p *harness.Program) {
	p.Helper()
	connection := dial(p)
	p.Cleanup(func() { connection.Close() })
	if _, err := io.WriteString(connection, strings.Repeat(requestText("GET", "/metrics"), 1000)); err != nil {
		p.Fatal(err)
	}
}

// wentOnUntouched checks that nobody was heard of by anybody but themselves.
func wentOnUntouched(p *harness.Program, namespace string, began time.Time, mark int) {
	p.Helper()
	if got := p.Call(http.MethodGet, "/healthz"); got.Code != 200 {
		p.Errorf("it is not alive: %v", got)
	}
	keptItsPace(p, began, time.Now(), 5*time.Second) // each of the slow clients takes longer
	if got := harness.Replicas(p.T, namespace); got != 2 {
		p.Errorf("there are %d replicas, want 2 as before", got)
	}
	for _, run := range runsOf(p) {
		if !strings.HasSuffix(run, " scaler") {
			p.Errorf("user logic was run: %s", run)
		}
	}
	if news := p.Printed.String()[mark:]; news != "" {
		p.Errorf("it was logged:\n%s", news)
	}
}

// decided is what matters here of a decision.
type decided struct {
	Time    time.Time
	Result  string
	Seconds float64
}

func decisionsOf(p *harness.Program, query string) (decisions []decided) {
	p.Helper()
	p.Call(http.MethodGet, "/api/v1/decisions?"+query).Decode(p.T, &decisions)
	return decisions
}

// keptItsPace checks that the loop never let more than so much time go by between two passes.
func keptItsPace(p *harness.Program, from, to time.Time, most time.Duration) (longest time.Duration, passes int) {
	p.Helper()
	last := from
	for _, pass := range slices.Backward(decisionsOf(p, "run_type=scaler&limit=10000")) {
		if pass.Time.After(from) && pass.Time.Before(to) {
			longest, last = max(longest, pass.Time.Sub(last)), pass.Time
			passes++
		}
	}
	if longest = max(longest, to.Sub(last)); longest > most {
		p.Errorf("the loop made no pass for %s, want at most %s", longest, most)
	}
	return longest, passes
}
