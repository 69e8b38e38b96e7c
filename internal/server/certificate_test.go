package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair is a certificate of that name and its key, in PEM form.
func pair(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", encoded)
}

func TestTheCertificateIsThatOfTheFiles(t *testing.T) {
	oldCert, oldKey := pair(t, "old")
	newCert, newKey := pair(t, "new")
	var log bytes.Buffer
	dir := t.TempDir()
	c := &certificate{certFile: filepath.Join(dir, "tls.crt"), keyFile: filepath.Join(dir, "tls.key"), log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, row := range []struct {
		name, cert, key string
		want            string // the certificate's name, or what is wrong
		warns           bool
	}{
		{"no files", "", "", "reading apiConfig.certFile", false},
		{"no key", oldCert, "", "reading apiConfig.keyFile", false},
		{"another's key", oldCert, newKey, "private key does not match public key", false},
		{"both", oldCert, oldKey, "old", false},
		{"in the middle of a change", newCert, oldKey, "old", true},
		{"still", newCert, oldKey, "old", false},
		{"the change is over", newCert, newKey, "new", false},
		{"rubbish", "rubbish", newKey, "new", true},
		{"gone", "", newKey, "new", true},
		{"back", newCert, newKey, "new", false},
	} {
		log.Reset()
		replace(t, c.certFile, row.cert)
		replace(t, c.keyFile, row.key)
		got := ""
		if current, err := c.current(nil); err != nil {
			got = err.Error()
		} else {
			got = current.Leaf.Subject.CommonName
		}
		if warned := strings.Contains(log.String(), "going on with the old certificate"); !strings.Contains(got, row.want) || warned != row.warns {
			t.Errorf("%s: got %q, warned: %t; want %q, %t", row.name, got, warned, row.want, row.warns)
		}
	}
}

// replace puts text in a file, or takes the file away.
func replace(t *testing.T, path, text string) {
	t.Helper()
	_ = os.Remove(path)
	if text == "" {
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
