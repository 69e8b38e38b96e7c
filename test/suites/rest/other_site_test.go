package rest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// TestOtherSitesRunNothing opens a hostile page in a real browser, on the machine where the autoscaler is on loopback: from
// another site, from another port of the same one, and from a file.
func TestOtherSitesRunNothing(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: typedBy(namespace), Files: typedFiles(1), Env: []string{"interval=3600000"}})
	p.Serves()
	addresses := []string{p.URL("/api/v1/metrics"), fmt.Sprintf("http://0.0.0.0:%d/api/v1/metrics", p.Port), fmt.Sprintf("http://[::ffff:127.0.0.1]:%d/api/v1/metrics", p.Port)}
	page := hostile(addresses)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(site.Close)
	refused := 0
	for name, open := range map[string]func() string{
		"another port": func() string { document, _ := harness.BrowsedAt(t, site.URL); return document },
		"another site": func() string {
			document, _ := harness.BrowsedAt(t, strings.Replace(site.URL, "127.0.0.1", "localhost", 1))
			return document
		},
		"a file": func() string { document, _ := harness.Browsed(t, page); return document },
	} {
		document := open()
		if strings.Contains(document, "reached") {
			t.Errorf("%s reads an answer: %s", name, document)
		}
		before := refused
		if refused = seriesOf(p, `custom_pod_autoscaler_http_requests_total{code="403",path="/api/v1/metrics"}`); refused < before+8 {
			t.Errorf("%s was refused %d times, want 8 at least; the page is %s", name, refused-before, document)
		}
	}
	if runs := p.Read("runs"); runs != "" {
		t.Errorf("user logic was run:\n%s", runs)
	}
}

// hostile is a page that has a browser send every kind of request that a page can send without asking first.
func hostile(targets []string) string {
	page := "<!doctype html><title>hostile</title>"
	for _, target := range targets {
		page += strings.ReplaceAll(hostileRequests, "TARGET", target)
	}
	return page
}

// hostileRequests are those to one address. The page says "reached" where a script may see an answer.
const hostileRequests = `
<link rel="stylesheet" href="TARGET?by=style"><link rel="prefetch" href="TARGET?by=prefetch">
<img src="TARGET?by=image"><img referrerpolicy="no-referrer" src="TARGET?by=image-without-referrer">
<script src="TARGET?by=script"></script><iframe src="TARGET?by=frame"></iframe>
<iframe sandbox="allow-scripts" srcdoc="<img src='TARGET?by=sandbox'>"></iframe>
<iframe name="form TARGET"></iframe><form target="form TARGET" method="get" action="TARGET"><input name="by" value="form"></form>
<script>{
	const note = () => document.body.append("rea" + "ched");
	document.forms[document.forms.length - 1].submit();
	new WebSocket("TARGET?by=websocket".replace("http", "ws")).onopen = note;
	new EventSource("TARGET?by=events").onopen = note;
	fetch("TARGET?by=fetch").then(note, () => {});
	for (const options of [{}, {method: "HEAD"}, {referrerPolicy: "no-referrer"}, {keepalive: true}]) {
		fetch("TARGET?by=no-cors", {mode: "no-cors", ...options}).catch(() => {});
	}
}</script>`
