package config

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// HTTPMethod is the type of a Method that makes a request.
const HTTPMethod = "http"

// How an http method is handed its document.
const (
	BodyParameter  = "body"
	QueryParameter = "query"
)

// HTTP is a server that is sent its document and replies with a body.
type HTTP struct {
	Method        string            `json:"method"`
	URL           string            `json:"url"`
	Headers       map[string]string `json:"headers"`
	SuccessCodes  []int             `json:"successCodes"`
	ParameterMode string            `json:"parameterMode"`
	CACert        string            `json:"caCert"`
	ClientCert    string            `json:"clientCert"`
	ClientKey     string            `json:"clientKey"`
}

var httpKeys = []key[HTTP]{
	{"method", "the HTTP method, in any case", rule.Text("must be an HTTP method, e.g. GET", "", httpguts.ValidHeaderFieldName)},
	{"url", "where the request goes", rule.Text("must be an http or https URL with a host, e.g. http://metrics.default/queue", `^[hH][tT][tT][pP][sS]?://[^/]`, isWebAddress)},
	{"headers", "headers of the request", rule.That("must be HTTP header names with values on one line", func(h *HTTP) bool { return validHeaders(h.Headers) })},
	{"successCodes", "status codes that mean success", rule.SomeFrom("status codes", 100, 599)},
	{"parameterMode", "whether the document is sent as the body, or as the query parameter `value`", rule.OneOf(BodyParameter, QueryParameter)},
	{name: "caCert", meaning: "path of a CA certificate to trust"},
	{"clientCert", "path of a client certificate", rule.RequiredWith("clientKey")},
	{"clientKey", "path of the client certificate's private key", rule.RequiredWith("clientCert")},
}

var httpForm = form[Method]{HTTPMethod, func(l *ledger, under string, m *Method) {
	check(l, under+"http.", httpKeys, m.HTTP)
}}

func (h *HTTP) setDefaults() { h.Method, h.SuccessCodes = http.MethodGet, []int{http.StatusOK} }

// normalize spells HTTP methods as they are sent: existing files have them in any case, or empty.
func (c *Config) normalize() {
	for _, method := range c.Methods() {
		if method.HTTP != nil {
			method.HTTP.Method = strings.ToUpper(cmp.Or(method.HTTP.Method, http.MethodGet))
		}
	}
}

func isWebAddress(text string) bool {
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
