package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/methodtest"
)

// silent is the error log of servers that are meant to fail.
var silent = log.New(io.Discard, "", 0)

// certificate is a pair in PEM form.
type certificate struct{ cert, key []byte }

func (c certificate) pair(t *testing.T) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (c certificate) save(t *testing.T, path string) {
	t.Helper()
	methodtest.Write(t, path+".crt", string(c.cert), 0o600)
	methodtest.Write(t, path+".key", string(c.key), 0o600)
}

// authority signs certificates; client is one that it has signed.
type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	client certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key}
	if a.cert, err = x509.ParseCertificate(signed); err != nil {
		t.Fatal(err)
	}
	a.client = a.issue(t, valid)
	return a
}

func (a *authority) pem() string { return string(pemOf("CERTIFICATE", a.cert.Raw)) }

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// What may be the matter with a certificate.
func valid(*x509.Certificate)      {}
func expired(c *x509.Certificate)  { c.NotAfter = time.Now().Add(-time.Minute) }
func misnamed(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 9)} }

// issue signs a certificate for 127.0.0.1, fit for servers and clients.
func (a *authority) issue(t *testing.T, matter func(*x509.Certificate)) certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	matter(template)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{pemOf("CERTIFICATE", signed), pemOf("PRIVATE KEY", der)}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// serveTLS replies ok until the test is over.
func serveTLS(t *testing.T, settings *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	server.Config.ErrorLog, server.TLS = silent, settings
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
