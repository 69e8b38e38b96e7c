package config

import (
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// The two ways in which the REST API knows its callers.
const (
	KubernetesAuthentication = "kubernetes"
	NoAuthentication         = "none"
)

// defaultAccessPrefix is put before a path when the cluster is asked about it: no built-in role allows the result.
const defaultAccessPrefix = "/custom-pod-autoscaler"

// API is how the REST API is served.
type API struct {
	Enabled   bool   `json:"enabled"`
	UseHTTPS  bool   `json:"useHTTPS"`
	Port      int    `json:"port"`
	ProbePort int    `json:"probePort"`
	Host      string `json:"host"`
	CertFile  string `json:"certFile"`
	KeyFile   string `json:"keyFile"`

	Authentication        string `json:"authentication"`
	MetricsAuthentication bool   `json:"metricsAuthentication"`
	AccessPrefix          string `json:"accessPrefix"`

	MaxRequests int `json:"maxRequests"`
	Decisions   int `json:"decisions"`
}

func defaultAPI() API {
	return API{
		Enabled: true, Port: 5000, Host: "0.0.0.0", Authentication: KubernetesAuthentication, AccessPrefix: defaultAccessPrefix,
		MaxRequests: 500, Decisions: 100,
	}
}

// discoverable are the paths that the built-in ClusterRole system:discovery lets every authenticated user get, with all that
// is below them. (Its others have no path below them.)
var discoverable = []string{"/api", "/apis", "/openapi"}

// prefixes reports whether the text can be an access prefix that keeps readers out, or is empty.
func prefixes(text string) bool {
	if text == "" {
		return true
	}
	for _, path := range discoverable {
		if strings.HasPrefix(text+"/", path+"/") {
			return false
		}
	}
	return strings.HasPrefix(text, "/") && !strings.HasSuffix(text, "/") && !strings.Contains(text, "*")
}

// Opens says which callers need no right of their own, or "" where all do but those on loopback.
func (a API) Opens() string {
	switch {
	case !a.Enabled:
		return ""
	case a.Authentication == NoAuthentication:
		return "everybody who reaches the port may scale the target (apiConfig.authentication: none)"
	case a.AccessPrefix == "":
		return `every user of the cluster may read the REST API and run user logic by it (apiConfig.accessPrefix: "")`
	}
	return ""
}

// served asks for a rule only where the API is served.
func served(r rule.Rule) rule.Rule {
	return rule.When(func(a *API) bool { return a.Enabled }, r)
}

// encrypted is the rule of the files of HTTPS.
func encrypted(path func(*API) string) rule.Rule {
	return served(rule.That("required when useHTTPS is true", func(a *API) bool { return !a.UseHTTPS || path(a) != "" }))
}

var apiKeys = []rule.Key{
	{Name: "enabled", Meaning: "whether the port is opened at all, for the REST API, the probes and Prometheus"},
	{Name: "useHTTPS", Meaning: "whether it is served over HTTPS"},
	{Name: "port", Meaning: "the port it is served on", Rule: served(rule.From(1, 65535))},
	{Name: "probePort", Meaning: "a port for `/healthz` and `/readyz` alone, over plain HTTP, which the REST API's callers cannot use up; `0` is none", Rule: served(rule.From(0, 65535).And(rule.That(", and other than apiConfig.port", func(a *API) bool { return a.ProbePort != a.Port || a.ProbePort == 0 })))},
	{Name: "host", Meaning: "the address it is served on", Rule: served(rule.NotEmpty().Noting("; 0.0.0.0 is every address"))},
	{Name: "certFile", Meaning: "path of the certificate, for HTTPS; read again when it changes", Rule: encrypted(func(a *API) string { return a.CertFile })},
	{Name: "keyFile", Meaning: "path of the certificate's private key, for HTTPS; read again when it changes", Rule: encrypted(func(a *API) string { return a.KeyFile })},
	{Name: "authentication", Meaning: "how callers that are not on loopback are known: by a token that Kubernetes knows and allows, or not at all", Rule: served(rule.OneOf(KubernetesAuthentication, NoAuthentication))},
	{Name: "metricsAuthentication", Meaning: "whether that goes for `/metrics`, too, which is open otherwise"},
	{Name: "accessPrefix", Meaning: "put before a path of the REST API when the cluster is asked whether a caller may use it; empty opens reading to every user of the cluster, by `system:discovery`", Rule: rule.Text("must be empty, or a path such as /custom-pod-autoscaler, with no / at its end, and not below /api, /apis or /openapi, which every user may read",
		`^(/.*[^/])?$`, prefixes)},
	{Name: "maxRequests", Meaning: "how many requests are served or wait at a time; the next is answered 503", Rule: served(rule.From(1, 10_000))},
	{Name: "decisions", Meaning: "how many passes of each run type are kept for `/api/v1/decisions`", Rule: served(rule.From(1, 10_000))},
}
