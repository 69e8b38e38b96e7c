package http

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// How a server is handed its document.
const (
	BodyParameter  = "body"
	QueryParameter = "query"
)

// manyCalls are as many as are made at a time where nothing is said: a server that is called wants no CPU of ours.
const manyCalls = 32

// Settings are those of a server that is sent its document and replies with a body.
type Settings struct {
	Method        string            `json:"method"`
	URL           string            `json:"url"`
	Headers       map[string]string `json:"headers"`
	SuccessCodes  []int             `json:"successCodes"`
	ParameterMode string            `json:"parameterMode"`
	CACert        string            `json:"caCert"`
	ClientCert    string            `json:"clientCert"`
	ClientKey     string            `json:"clientKey"`
}

var keys = []rule.Key{
	{Name: "method", Meaning: "the HTTP method, in any case", Rule: rule.Text("must be an HTTP method, e.g. GET", "", httpguts.ValidHeaderFieldName)},
	{Name: "url", Meaning: "where the request goes", Rule: rule.Text("must be an http or https URL with a host, e.g. http://metrics.default/queue", `^[hH][tT][tT][pP][sS]?://[^/]`, IsAddress)},
	{Name: "headers", Meaning: "headers of the request", Rule: rule.That("must be HTTP header names with values on one line", func(h *Settings) bool { return validHeaders(h.Headers) })},
	{Name: "successCodes", Meaning: "status codes that mean success", Rule: rule.SomeFrom("status codes", 100, 599)},
	{Name: "parameterMode", Meaning: "whether the document is sent as the body, or as the query parameter `value`", Rule: rule.OneOf(BodyParameter, QueryParameter)},
	{Name: "caCert", Meaning: "path of a CA certificate to trust"},
	{Name: "clientCert", Meaning: "path of a client certificate", Rule: rule.RequiredWith("clientKey")},
	{Name: "clientKey", Meaning: "path of the client certificate's private key", Rule: rule.RequiredWith("clientCert")},
}

// Description is that of a method.Kind.
func (*Settings) Description() method.Description {
	return method.Description{Meaning: "the request to make", Keys: keys}
}

// SetDefaults is that of a method.Kind.
func (s *Settings) SetDefaults() { s.Method, s.SuccessCodes = http.MethodGet, []int{http.StatusOK} }

// Normalize is that of a method.Normal. HTTP methods are spelt as they are sent: existing files have them in any case, or empty.
func (s *Settings) Normalize() { s.Method = strings.ToUpper(cmp.Or(s.Method, http.MethodGet)) }

// Open is that of a method.Kind.
func (s *Settings) Open(common method.Common) (method.Logic, error) { return newCall(*s, common) }

// Runs is that of a method.Concurrent.
func (*Settings) Runs() (usual, most int) { return manyCalls, 0 }

// Secrets is that of a method.Secretive.
func (s *Settings) Secrets() (known []string) {
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		known = append(known, secret.OfHeader(name, s.Headers[name])...)
	}
	return append(known, secret.OfURL(s.URL)...)
}

// IsAddress reports whether a text is a URL that can be called.
func IsAddress(text string) bool {
	address, err := url.Parse(text)
	return err == nil && (address.Scheme == "http" || address.Scheme == "https") && address.Hostname() != ""
}

func validHeaders(headers map[string]string) bool {
	for name, value := range headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return false
		}
	}
	return true
}
