package harness

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
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// TokenUntil is a service account's token that kube-apiserver's own key has signed, as it would be if it had been made an
// hour before it expires. Kubernetes makes none for less than ten minutes, which nobody waits for.
func TokenUntil(t *testing.T, namespace, name string, expires time.Time) string {
	t.Helper()
	account, err := Client(t).CoreV1().ServiceAccounts(namespace).Get(t.Context(), name, metav1.GetOptions{})
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
	block, _ := pem.Decode([]byte(ReadFile(t, path)))
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

// Grant makes a service account with a role.
func Grant(t *testing.T, namespace, account string, role *rbacv1.Role) {
	t.Helper()
	if _, err := Client(t).CoreV1().ServiceAccounts(namespace).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	roles := Client(t).RbacV1()
	if _, err := roles.Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: namespace}},
	}
	if _, err := roles.RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// WriteKubeconfig writes one for a server, and gives its path.
func WriteKubeconfig(t testing.TB, server string, ca []byte, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(api.Config{
		Clusters:       map[string]*api.Cluster{"it": {Server: server, CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*api.AuthInfo{"it": {Token: token}},
		Contexts:       map[string]*api.Context{"it": {Cluster: "it", AuthInfo: "it"}},
		CurrentContext: "it",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// ServiceAccount gives a kubeconfig whose user is the service account.
func ServiceAccount(t *testing.T, namespace, name string) string {
	t.Helper()
	config := cluster.Start(t).Config()
	return WriteKubeconfig(t, config.Host, config.CAData, Token(t, namespace, name))
}

// Token is a service account's, as Kubernetes puts it into a pod.
func Token(t *testing.T, namespace, name string) string {
	t.Helper()
	request, err := Client(t).CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}
