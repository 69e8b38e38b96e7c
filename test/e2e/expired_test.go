package e2e

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// tokenUntil is a service account's token that kube-apiserver's own key has signed, as it would be if it had been made an
// hour before it expires. Kubernetes makes none for less than ten minutes, which nobody waits for.
func tokenUntil(t *testing.T, namespace, name string, expires time.Time) string {
	t.Helper()
	account, err := client(t).CoreV1().ServiceAccounts(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": "https://kubernetes.default.svc", "aud": []string{"https://kubernetes.default.svc"},
		"sub": "system:serviceaccount:" + namespace + ":" + name,
		"iat": expires.Add(-time.Hour).Unix(), "nbf": expires.Add(-time.Hour).Unix(), "exp": expires.Unix(),
		"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name, "uid": account.UID}},
	}
	signed := part(t, map[string]any{"alg": "ES256", "typ": "JWT"}) + "." + part(t, claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(t, signed))
}

func part(t *testing.T, object map[string]any) string {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// sign signs as ES256 has it: two numbers of 32 bytes, one after the other.
func sign(t *testing.T, text string) []byte {
	t.Helper()
	path := filepath.Join(filepath.Dir(cluster.Start(t).Kubeconfig()), "pki", "service-account.key")
	block, _ := pem.Decode([]byte(readFile(t, path)))
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature
}

// TestAnExpiredTokenIsJustThat shows that nothing else is wrong with such a token.
func TestAnExpiredTokenIsJustThat(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	for _, row := range []struct {
		expires time.Duration
		good    bool
	}{{time.Hour / 2, true}, {-time.Hour / 2, false}} {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: tokenUntil(t, namespace, "default", time.Now().Add(row.expires))}}
		review, err := client(t).AuthenticationV1().TokenReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err != nil || review.Status.Authenticated != row.good {
			t.Errorf("a token that expires in %s: %+v, %v, want good: %t", row.expires, review.Status, err, row.good)
		}
	}
}
