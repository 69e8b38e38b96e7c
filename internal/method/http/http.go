// Package http is the kind of method that sends each document to a server.
package http

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

const (
	// longestBody is how much of the body of a failure an error shows.
	longestBody = 1 << 10

	// longQuery is where servers begin to find a URL too long: 8 KiB is what most allow for the first line.
	longQuery = 7 << 10
)

// call sends the document to a server; the reply is the body of an answer with one of the success codes.
type call struct {
	Settings
	method.Common
	url    *url.URL
	client client
}

func newCall(settings Settings, common method.Common) (*call, error) {
	c := &call{Settings: settings, Common: common}
	c.Method = strings.ToUpper(c.Method)
	c.client = client{Settings: c.Settings, timeout: c.Timeout}
	var err error
	if c.url, err = url.Parse(c.URL); err != nil {
		return nil, fmt.Errorf("reading http.url: %s cannot be read as a URL", secret.URL(c.URL))
	}
	c.url.RawQuery = encodeQuery(c.url.RawQuery)
	return c, nil
}

// encodeQuery encodes what cannot be in a query as it is: blanks, quotes, braces and the like, as PromQL has them. What is encoded
// already stays so.
func encodeQuery(query string) string {
	var encoded strings.Builder
	for i := range len(query) {
		b := query[i]
		escape := b == '%' && (i+2 >= len(query) || !isHex(query[i+1]) || !isHex(query[i+2]))
		if b <= ' ' || b > '~' || strings.IndexByte("\"<>\\^`{|}", b) >= 0 || escape {
			fmt.Fprintf(&encoded, "%%%02X", b)
			continue
		}
		encoded.WriteByte(b)
	}
	return encoded.String()
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// String leaves out what may be secret in a URL: the user, and the query.
func (c *call) String() string {
	return c.Method + " " + secret.URL(c.URL)
}

// Run sends the document, and gives the body of the answer.
func (c *call) Run(ctx context.Context, document method.Document) (string, error) {
	ctx, cancel := method.Begun(ctx, c.Timeout)
	defer cancel()
	client, err := c.client.current()
	if err != nil {
		return "", &fault.Fault{Err: err, Setting: ".http", Lasts: true}
	}
	answer, err := c.send(ctx, client, c.url, func(ctx context.Context, target *url.URL) (*http.Request, error) {
		return c.request(ctx, target, document)
	})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	// The body of a failure is read like a reply, so that the connection can be used again.
	reply, err := method.ReadReply(answer.Body, c.MaxReplyBytes)
	if !slices.Contains(c.SuccessCodes, answer.StatusCode) {
		return "", c.refused(answer, reply)
	}
	if err != nil {
		return "", c.cutShort(ctx, answer, err)
	}
	return reply, nil
}

// Close lets go of the connections.
func (c *call) Close() { c.client.close() }

// request is the one for a target: http.url, or where that redirects to.
func (c *call) request(ctx context.Context, to *url.URL, document method.Document) (*http.Request, error) {
	target, inQuery := *to, c.ParameterMode == QueryParameter
	if inQuery && (to == c.url || !target.Query().Has("value")) { // a redirect may have kept the query
		target.RawQuery = strings.TrimPrefix(target.RawQuery+"&value="+url.QueryEscape(string(document.Bytes())), "&")
	}
	request, err := http.NewRequestWithContext(ctx, c.Method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	if !inQuery {
		setBody(request, document)
	}
	for name, value := range method.Told(ctx, document) {
		request.Header.Set(name, value)
	}
	c.setHeaders(request)
	return request, nil
}

func setBody(request *http.Request, document method.Document) {
	request.Header.Set("Content-Type", "application/json")
	if request.ContentLength = int64(document.Len()); request.ContentLength == 0 {
		request.Body = http.NoBody
		return
	}
	request.GetBody = func() (io.ReadCloser, error) { return document.Reader(), nil } // for a connection that turns out to be closed
	request.Body = document.Reader()
}

func (c *call) setHeaders(request *http.Request) {
	for name, value := range c.Headers {
		request.Header.Set(name, value)
		if strings.EqualFold(name, "Host") {
			request.Host = value // net/http sends this one, not the header
		}
	}
}

// noAnswer says why the server did not answer, with the way out where there is one.
func (c *call) noAnswer(request *http.Request, err error) error {
	err = withoutURL(err)
	if errors.Is(request.Context().Err(), context.DeadlineExceeded) {
		return &method.TimeoutError{Timeout: c.Timeout, Note: "the server has not answered"}
	}
	if hint := c.hint(request, err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

func (c *call) hint(request *http.Request, err error) string {
	var (
		lookup    *net.DNSError
		stranger  x509.UnknownAuthorityError
		operation *net.OpError
	)
	switch {
	case errors.As(err, &operation) && (operation.Op == "proxyconnect" || strings.HasPrefix(operation.Op, "socks")):
		return "that is the proxy (HTTP_PROXY, HTTPS_PROXY), not the server: is it up, or should NO_PROXY have the host of http.url?"
	case len(request.URL.RawQuery) > longQuery:
		return c.tooLong(request)
	case errors.Is(err, io.EOF):
		return "the server closed the connection without an answer"
	case errors.As(err, &lookup):
		return "is the host in http.url right?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: is the server up, and is http.url right?"
	case errors.As(err, &stranger):
		return "is http.caCert the certificate of the authority that the server's own was signed by?"
	case errors.As(err, &operation) && operation.Op == "remote error":
		return "the server refused us: are http.clientCert and http.clientKey what it wants?"
	}
	return ""
}

func (c *call) refused(answer *http.Response, body string) error {
	err := fmt.Errorf("the server answered %s, which is not one of successCodes %d, with the body %q",
		answer.Status, c.SuccessCodes, method.Shorten(body, longestBody))
	tooLong := []int{http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge}
	if c.ParameterMode == QueryParameter && slices.Contains(tooLong, answer.StatusCode) {
		return fmt.Errorf("%w; %s", err, c.tooLong(answer.Request))
	}
	return err
}

func (c *call) tooLong(request *http.Request) string {
	return fmt.Sprintf("the document makes a query of %d bytes, which is long for a URL: use parameterMode: body",
		len(request.URL.RawQuery))
}

func (c *call) cutShort(ctx context.Context, answer *http.Response, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &method.TimeoutError{Timeout: c.Timeout, Note: fmt.Sprintf("the server answered %s, but its body has not ended", answer.Status)}
	}
	return fmt.Errorf("reading the body of the answer: %w", err)
}

// withoutURL takes the URL off an error of net/http, which has the document and secrets in it.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
