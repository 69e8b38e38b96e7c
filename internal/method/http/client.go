package http

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/regular"
)

const (
	longestHeaders = 64 << 10

	// A run finds the connection of the one before it when the interval is shorter than idleFor, and the runs for
	// many pods at a time find theirs up to idleConnections.
	idleFor         = 90 * time.Second
	idleConnections = 16
)

// client keeps connections from run to run, and starts anew when a TLS file has changed.
type client struct {
	Settings
	timeout time.Duration

	lock  sync.Mutex
	files tlsFiles // what http was made from
	http  *http.Client
}

// tlsFiles are the contents of the files, "" for one that is not configured.
type tlsFiles struct{ caCert, clientCert, clientKey string }

// current reads the files at every run. They are small and few, and their content, unlike their times, cannot miss
// a change.
func (c *client) current() (*http.Client, error) {
	files, err := c.readFiles()
	if err != nil {
		return nil, err
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.http != nil && files == c.files {
		return c.http, nil
	}
	settings, err := c.settings(files)
	if err != nil {
		return nil, err
	}
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
	c.files, c.http = files, &http.Client{Transport: hidesLocation{c.transport(settings)}}
	return c.http, nil
}

func (c *client) close() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
}

// transport sets limits of its own to what goes on behind a request, for that does not end with the request. They
// are wide, so that it is the timeout of the method that is reported.
func (c *client) transport(settings *tls.Config) *http.Transport {
	wide := 2 * c.timeout
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: wide}).DialContext,
		TLSClientConfig:        settings,
		TLSHandshakeTimeout:    wide,
		MaxResponseHeaderBytes: longestHeaders,
		IdleConnTimeout:        idleFor,
		MaxIdleConnsPerHost:    idleConnections,
		ForceAttemptHTTP2:      true,
		// An HTTP/2 connection survives a request that timed out; without pings a dead one would be used for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: wide, PingTimeout: wide},
	}
}

func (c *client) readFiles() (files tlsFiles, err error) {
	for _, file := range []struct {
		setting, path string
		content       *string
	}{
		{"caCert", c.CACert, &files.caCert},
		{"clientCert", c.ClientCert, &files.clientCert},
		{"clientKey", c.ClientKey, &files.clientKey},
	} {
		if file.path == "" {
			continue
		}
		content, err := regular.Read(file.path)
		if err != nil {
			return files, fmt.Errorf("reading http.%s: %w", file.setting, err)
		}
		*file.content = string(content)
	}
	return files, nil
}

// settings trusts the configured authority only, or those of the system when there is none.
func (c *client) settings(files tlsFiles) (*tls.Config, error) {
	settings := &tls.Config{}
	if c.CACert != "" {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM([]byte(files.caCert)) {
			return nil, errors.New("reading http.caCert: there is no certificate in the file: it has to be in PEM form")
		}
	}
	if c.ClientCert != "" {
		pair, err := tls.X509KeyPair([]byte(files.clientCert), []byte(files.clientKey))
		if err != nil {
			return nil, fmt.Errorf("reading http.clientCert and http.clientKey: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}
