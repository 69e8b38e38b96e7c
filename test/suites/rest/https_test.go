package rest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

func TestServesHTTPS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	old, renewed := ca.issue(), ca.issue()
	p := startHTTPS(t, harness.Deploy(t, 1), old)
	client := overTLS(&tls.Config{RootCAs: ca.pool()})
	p.IsReady(client)
	answers(p, []apiCall{{"who trusts the authority", client, "", harness.Get, "/api/v1/metrics", 200, `[{"resource":"web"`}})
	got, err := harness.CallBy(t, http.DefaultClient, harness.Get, p.URL("/healthz"), "")
	if err != nil || got.Code != http.StatusBadRequest || !strings.Contains(got.Body, "HTTP request to an HTTPS server") {
		t.Errorf("plain HTTP: %v, %v, want 400 and what is wrong", got, err)
	}

	stop := keepCalling(p, client)
	presents(p, old)
	p.Write("tls.crt", renewed.certificate)
	presents(p, old) // there is no key for the other yet
	p.Write("tls.key", renewed.key)
	presents(p, renewed)
	stop()
	if lines := p.Lines("going on with the old certificate"); len(lines) != 1 {
		t.Errorf("the log says %d times that it goes on with the old certificate, want once", len(lines))
	}
}

func TestWhoCannotShakeHandsIsDropped(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	p := startHTTPS(t, harness.Deploy(t, 1), ca.issue())
	client := overTLS(&tls.Config{RootCAs: ca.pool()})
	p.IsReady(client)
	mark := p.Mark()
	for _, row := range []struct {
		name   string
		config *tls.Config
		says   string
	}{
		{"a client of another authority", &tls.Config{RootCAs: newAuthority(t).pool()}, "certificate signed by unknown authority"},
		{"a client of old", &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version not supported"},
	} {
		if got, err := harness.CallBy(t, overTLS(row.config), harness.Get, p.URL("/healthz"), ""); !strings.Contains(fmt.Sprint(err), row.says) {
			t.Errorf("%s: %v, %v, want %s", row.name, got, err, row.says)
		}
	}
	dropsNoise(p)
	answers(p, []apiCall{{"others are served", client, "", harness.Get, "/healthz", 200, "ok"}})
	p.Passes("evaluate", 1)
	for line := range strings.Lines(p.Printed.String()[mark:]) {
		if strings.Contains(strings.ToLower(line), "tls") || strings.Contains(line, "handshake") {
			t.Errorf("what strangers do is in the log: %s", line)
		}
	}
}

// dropsNoise sends what is no handshake, and expects to be hung up on.
func dropsNoise(p *harness.Program) {
	p.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port), harness.Patience)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	noise := make([]byte, 1000)
	_, _ = rand.Read(noise)                                // which never fails
	_ = conn.SetDeadline(time.Now().Add(harness.Patience)) // which fails if it is closed, and so does what follows
	if _, err := conn.Write(noise); err != nil {
		p.Fatal(err)
	}
	if got, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(string(got), "HTTP/") {
		p.Errorf("noise: %q, %v, want the connection to be closed", got, err)
	}
}

func TestAKeyThatIsNoneEndsTheProgram(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	mine := ca.issue()
	for _, row := range []struct{ name, key, says string }{
		{"it is missing", "", "no such file or directory"},
		{"it is another certificate's", ca.issue().key, "private key does not match public key"},
		{"it is no key", "rubbish", "failed to find any PEM data in key input"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			endsWithError(startHTTPS(t, "default", keyPair{mine.certificate, row.key}), "apiConfig.keyFile", "tls.key", row.says)
		})
	}
}

func TestThePortIsTaken(t *testing.T) {
	t.Parallel()
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig("default"), Env: []string{apiOn(takenPort(t), "")}})
	endsWithError(p, "opening the port of the REST API (apiConfig.host, apiConfig.port)", "address already in use", "choose another, or set apiConfig.enabled: false")
}

// TestThePortCanStayShut takes the port, so that the program could not open it if it tried.
func TestThePortCanStayShut(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(namespace), Files: harness.Replies(2), Env: []string{apiOn(takenPort(t), `, "enabled": false`)}})
	harness.ScalesTo(t, namespace, 2)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// takenPort is one that somebody listens on until the test ends.
func takenPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

// apiOn is the environment variable for the API at a port of loopback, with further settings.
func apiOn(port int, further string) string {
	return fmt.Sprintf(`apiConfig={"host": "127.0.0.1", "port": %d%s}`, port, further)
}

// endsWithError waits for the program to end with exit code 1, and an error that has all the words.
func endsWithError(p *harness.Program, words ...string) {
	p.Helper()
	select {
	case <-p.Exited:
	case <-time.After(harness.Patience):
		p.Fatalf("waited %s in vain for the program to end", harness.Patience)
	}
	if code := p.Cmd.ProcessState.ExitCode(); code != 1 {
		p.Errorf("exit code %d, want 1", code)
	}
	if len(p.Lines(append(words, "custom-pod-autoscaler: ")...)) != 1 {
		p.Errorf("no error with %q", words)
	}
}

// startHTTPS serves a certificate; where there is no key, there is no file for it.
func startHTTPS(t *testing.T, namespace string, pair keyPair) *harness.Program {
	t.Helper()
	files := harness.Replies(1)
	files["tls.crt"] = pair.certificate
	if pair.key != "" {
		files["tls.key"] = pair.key
	}
	port := harness.FreePort(t)
	p := harness.Start(t, harness.Options{
		Config: harness.BaseConfig(namespace), Files: files,
		Env: []string{apiOn(port, `, "useHTTPS": true, "certFile": "tls.crt", "keyFile": "tls.key"`)},
	})
	p.Port = port
	return p
}

// overTLS is a client that takes a new connection for each call, and TLS for each connection, whatever the URL says.
func overTLS(config *tls.Config) *http.Client {
	dialer := tls.Dialer{Config: config}
	return &http.Client{Timeout: harness.Patience, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}

// keepCalling makes one call after the other until it is stopped. All have to succeed.
func keepCalling(p *harness.Program, client *http.Client) (stop func()) {
	ctx, cancel := context.WithCancel(p.Context())
	calls, stopped := 0, make(chan struct{})
	go func() {
		defer close(stopped)
		for ; ctx.Err() == nil; calls++ {
			answers(p, []apiCall{{"all the while", client, "", harness.Get, "/healthz", 200, "ok"}})
		}
	}()
	stop = func() {
		cancel()
		<-stopped
		if calls == 0 {
			p.Error("no call was made")
		}
	}
	p.Cleanup(stop) // where the test fails before
	return stop
}

// presents waits until a new connection is given this certificate.
func presents(p *harness.Program, want keyPair) {
	p.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	p.Eventually("a certificate to be presented", func() (bool, error) {
		conn, err := dialer.DialContext(p.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", p.Port))
		if err != nil {
			return false, err
		}
		defer conn.Close()
		got := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		return encode("CERTIFICATE", got.Raw) == want.certificate, nil
	})
}

// authority signs certificates that nobody trusts but a test.
type authority struct {
	*testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// keyPair is a certificate and its key, in PEM.
type keyPair struct{ certificate, key string }

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{T: t, certificate: &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}
	der, key := a.sign(a.certificate)
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{t, certificate, key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// issue gives a certificate for loopback.
func (a authority) issue() keyPair {
	a.Helper()
	der, key := a.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	return keyPair{encode("CERTIFICATE", der), encode("PRIVATE KEY", secret)}
}

// sign makes a certificate with a new key; an authority without a key signs itself.
func (a authority) sign(template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.Helper()
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), signer)
	if err != nil {
		a.Fatal(err)
	}
	return der, key
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
