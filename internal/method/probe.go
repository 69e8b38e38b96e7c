package method

import (
	"context"
	"net/http"

	"github.com/custom-pod-autoscaler/autoscaler/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/internal/secret"
)

// Probe asks the server of an http method for the head of its URL, with the method's headers and certificates and within
// its timeout, and gives the status that it answers. The server is sent no document.
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
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, c.url.String(), nil)
	if err != nil {
		return 0, withoutURL(err)
	}
	c.setHeaders(request)
	answer, err := client.Do(request)
	if err != nil {
		return 0, c.noAnswer(request, err)
	}
	defer client.CloseIdleConnections()
	return answer.StatusCode, answer.Body.Close()
}
