package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// probe asks the server of an http method for the head of its URL, with the method's headers and certificates and within
// its timeout, and gives the status that it answers. The server is sent no document. A redirect to another
// server is an error, as it is for a run.
func probe(ctx context.Context, s Settings, common method.Common) (status int, err error) {
	defer func() { err = secret.New(s.Secrets()...).Error(err) }()
	c, err := newCall(s, common)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	client, err := c.client.current()
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	answer, err := c.send(ctx, client, c.url, func(ctx context.Context, target *url.URL) (*http.Request, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodHead, target.String(), nil)
		if err == nil {
			c.setHeaders(request)
		}
		return request, err
	})
	if dropped, is := errors.AsType[*droppedError](err); is {
		return dropped.status, nil // of HEAD: the method itself may be answered otherwise
	}
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// Check is that of a method.Checked. Whether the URL is one was asked by the rules of the configuration.
func (s *Settings) Check(ctx context.Context, of method.Common, ask bool) []finding.Item {
	return []finding.Item{s.server(ctx, of, ask)}
}

func (s *Settings) server(ctx context.Context, of method.Common, ask bool) finding.Item {
	check := of.Name + " url"
	address, err := url.Parse(s.URL)
	if err != nil {
		return finding.Fail(check, "it cannot be read", "correct "+of.Name+".http.url")
	}
	shown := secret.URL(address.String())
	if !ask {
		return finding.Fine(check, shown)
	}
	status, err := probe(ctx, *s, of)
	if err != nil {
		return finding.Fail(check, shown+": "+err.Error(), "")
	}
	says := fmt.Sprintf("%s answers HEAD with %d %s", shown, status, http.StatusText(status))
	if status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented {
		return finding.Warn(check, says+", so that it is there, and no more is known", "see whether it answers "+s.Method+": custom-pod-autoscaler once")
	}
	if odd(status) {
		return finding.Warn(check, says, "see whether it answers "+s.Method+" better, and correct "+of.Name+".http")
	}
	return finding.Fine(check, says)
}

// odd tells an answer that may be one to user logic's request, too.
func odd(status int) bool { return status >= http.StatusMultipleChoices }
