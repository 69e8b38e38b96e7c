package method

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// Probe asks the server of an http method for the head of its URL, with the method's headers and certificates and within
// its timeout, and gives the status that it answers. The server is sent no document. A redirect to another
// server is an error, as it is for a run.
func Probe(ctx context.Context, m config.Method) (status int, err error) {
	defer func() { err = secret.New(m.Secrets()...).Error(err) }()
	kind, err := newHTTP("", m, nil)
	if err != nil {
		return 0, err
	}
	c := kind.(*call)
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
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
