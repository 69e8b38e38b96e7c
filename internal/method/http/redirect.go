package http

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

const (
	// maxRedirects is how many redirects a run follows.
	maxRedirects = 3

	// redirectBody is how much of the body of a redirect is read, so that the connection can be used again.
	redirectBody = 2 << 10

	// longestPlace is how much of the target of a redirect an error shows.
	longestPlace = 200
)

// redirects are the statuses that have a Location to go on with. The others of 3xx are answers like any other.
var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
	http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

// hiddenLocation is the Location of an answer once http.Client must not see it. It is no valid name of a header, so that
// no server can send it.
const hiddenLocation = "hidden location"

// hidesLocation makes a redirect an answer like any other to http.Client, which would follow it, and shows a Location
// that it cannot parse in its error. call.send follows redirects instead.
type hidesLocation struct{ *http.Transport }

func (t hidesLocation) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.Transport.RoundTrip(request)
	if err == nil {
		answer.Header[hiddenLocation] = answer.Header["Location"]
		delete(answer.Header, "Location")
	}
	return answer, err
}

// send requests target and follows redirects to the same server. A request carries the document, the headers and
// possibly a client certificate, so only the server of http.url may receive it. Each request is built from the
// configuration: net/http adds no Referer, drops no document and changes no method.
func (c *call) send(
	ctx context.Context, client *http.Client, target *url.URL, build func(context.Context, *url.URL) (*http.Request, error),
) (*http.Response, error) {
	var places []string
	for {
		request, err := build(ctx, target)
		if err != nil {
			return nil, withoutURL(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			return nil, c.noAnswer(request, err)
		}
		next, err := c.redirect(answer)
		if next == nil && err == nil {
			return answer, nil
		}
		_, _ = io.CopyN(io.Discard, answer.Body, redirectBody)
		_ = answer.Body.Close()
		if err != nil {
			return nil, err
		}
		if places = append(places, place(next)); len(places) > maxRedirects {
			return nil, fmt.Errorf("the server redirected more than %d times (to %s): set http.url to the place that answers",
				maxRedirects, strings.Join(places, ", then "))
		}
		target = next
	}
}

// redirect returns the URL to go on with, nil if the answer is the last one.
func (c *call) redirect(answer *http.Response) (*url.URL, error) {
	locations := answer.Header[hiddenLocation]
	if slices.Contains(c.SuccessCodes, answer.StatusCode) || !slices.Contains(redirects, answer.StatusCode) || len(locations) == 0 {
		return nil, nil
	}
	next, err := answer.Request.URL.Parse(locations[0])
	if err != nil { // its text may show a password of the Location
		return nil, fmt.Errorf("the server redirected with %s, but its Location is not a URL", answer.Status)
	}
	next.RawQuery = encodeQuery(next.RawQuery)
	if !sameServer(c.url, next) {
		return nil, fmt.Errorf("the server redirected with %s to %s, which is not the server of http.url (%s://%s); "+
			"the document and the headers are not sent there: set http.url to it if it is the right server",
			answer.Status, place(next), c.url.Scheme, c.url.Host)
	}
	if c.dropsDocument(answer) {
		return nil, &droppedError{answer.StatusCode, fmt.Sprintf("the server redirected with %s to %s, "+
			"which turns %s into GET without the document: set http.url to it, or let the server redirect with 307 or 308",
			answer.Status, place(next), c.Method)}
	}
	// The configured host and user are used, whatever form the Location has of them.
	next.Host, next.User, next.Fragment, next.RawFragment = c.url.Host, c.url.User, "", ""
	return next, nil
}

// droppedError is a redirect to the same server that a run cannot follow without losing its document.
type droppedError struct {
	status int
	text   string
}

func (e *droppedError) Error() string { return e.text }

// dropsDocument reports whether a client has to follow with another method and without the body.
func (c *call) dropsDocument(answer *http.Response) bool {
	keeps := []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect}
	return !slices.Contains(keeps, answer.StatusCode) && c.Method != http.MethodGet && c.Method != http.MethodHead
}

// sameServer compares scheme, host and port. Names are not resolved: another name of the same server is another server.
func sameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && b.Host != "" && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// place is a URL without what may be secret in it: the user, the query and the fragment.
func place(u *url.URL) string {
	if u.Host == "" {
		return u.Scheme + ": (a URL without a host)"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return method.Shorten(shown.String(), longestPlace)
}
