package secret

import (
	"encoding/json"
	"strings"
	"testing"
)

// pod has a credential, which has "s3cr3t" in it, everywhere that a pod may have one.
const pod = `{
 "apiVersion": "v1", "kind": "Pod",
 "metadata": {"name": "web-1", "labels": {"app": "web"}, "managedFields": [{"x": "s3cr3t"}], "annotations": {
  "kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":\"s3cr3t\"}", "banzaicloud.com/last-applied": "s3cr3t", "objectset.rio.cattle.io/applied": "s3cr3t",
  "kapp.k14s.io/original": "s3cr3t", "vault/token": "s3cr3t", "my/config": "{\"perPod\": 3, \"password\": \"s3cr3t\"}", "my/url": "http://u:s3cr3t@host/", "my/note": "plain"}},
 "spec": {
  "imagePullSecrets": [{"name": "registry"}], "automountServiceAccountToken": false,
  "initContainers": [{"name": "init", "env": [{"name": "A", "value": "s3cr3t"}], "command": ["s3cr3t"], "args": ["s3cr3t"]}],
  "ephemeralContainers": [{"name": "debug", "env": [{"name": "A", "value": "s3cr3t"}], "command": ["s3cr3t"], "args": ["s3cr3t"], "targetContainerName": "web"}],
  "containers": [{"name": "web", "image": "registry/web:1@sha256:0123", "resources": {"requests": {"cpu": "100m"}},
   "env": [{"name": "TOKEN", "value": "s3cr3t"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
   "envFrom": [{"secretRef": {"name": "db"}}],
   "command": ["sh", "-c", "TOKEN=s3cr3t run"], "args": ["--password=s3cr3t", "s3cr3t"],
   "livenessProbe": {"httpGet": {"port": 80, "path": "/live?key=s3cr3t", "httpHeaders": [{"name": "X-Key", "value": "s3cr3t"}]}},
   "readinessProbe": {"exec": {"command": ["check", "s3cr3t"]}}, "startupProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "s3cr3t"}]}},
   "lifecycle": {"postStart": {"exec": {"command": ["s3cr3t"]}}, "preStop": {"httpGet": {"path": "/x?s3cr3t", "httpHeaders": [{"name": "X", "value": "s3cr3t"}]}}}}],
  "volumes": [{"name": "a", "csi": {"driver": "d", "volumeAttributes": {"x": "s3cr3t"}, "nodePublishSecretRef": {"name": "csi"}}},
   {"name": "b", "flexVolume": {"driver": "d", "options": {"x": "s3cr3t"}, "secretRef": {"name": "flex"}}},
   {"name": "c", "secret": {"secretName": "tls"}}, {"name": "d", "gitRepo": {"repository": "https://s3cr3t@host/x"}},
   {"name": "e", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]}}]},
 "status": {"phase": "Running", "containerStatuses": [{"name": "web", "lastState": {"terminated": {"exitCode": 1, "message": "s3cr3t"}},
   "state": {"waiting": {"reason": "X", "message": "exec --token=s3cr3t failed"}}}]}
}`

// custom is of a kind that is not known here.
const custom = `{
 "apiVersion": "example.com/v1", "kind": "Fleet", "metadata": {"name": "fleet", "uid": "1"},
 "spec": {"replicas": 3, "perPod": 12, "password": "s3cr3t", "clientSecret": "s3cr3t", "apiKey": "s3cr3t", "accessKeyID": "s3cr3t", "secretName": "tls", "tokenSecretRef": {"name": "x", "key": "token"},
  "dsn": "root:s3cr3t@tcp(db:3306)/shop", "url": "https://u:s3cr3t@host/?key=s3cr3t", "pin": {"token": 123456789},
  "env": {"A": "s3cr3t", "B": {"value": "s3cr3t", "secretRef": "x"}}, "extraEnv": ["A=s3cr3t"], "envVars": [{"key": "A", "value": "s3cr3t"}],
  "headers": {"X-Key": "s3cr3t"}, "extraHeaders": [{"name": "X", "value": "s3cr3t"}], "requestHeaders": "X: s3cr3t",
  "parameters": [{"name": "db-password", "value": "s3cr3t"}, {"name": "size", "value": "large"}], "command": "run s3cr3t", "args": {"x": "s3cr3t"},
  "resources": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "s3cr3t"}, "stringData": {"a": "s3cr3t"}}],
  "script": "curl -H 'Authorization: Bearer s3cr3t' x", "manifest": "{\"env\": [{\"name\": \"A\", \"value\": \"s3cr3t\"}]}"}
}`

func TestObjectHasNoCredential(t *testing.T) {
	for name, document := range map[string]string{
		"a pod": pod, "a pod template": `{"kind": "Deployment", "spec": {"replicas": 2, "template": ` + pod + `}}`, "a custom resource": custom,
		"a document for user logic": `{"resource": ` + pod + `, "runType": "scaler", "metrics": [{"resource": "web", "value": "7"}]}`,
	} {
		cleaned, err := Object([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		for rest := string(cleaned); strings.Contains(rest, "s3cr3t"); {
			at := strings.Index(rest, "s3cr3t")
			t.Errorf("%s still has ...%s", name, rest[max(0, at-60):at+6])
			rest = rest[at+6:]
		}
		if strings.Contains(string(cleaned), "123456789") {
			t.Errorf("%s still has a number that is a token", name)
		}
	}
}

func TestObjectKeepsTheRest(t *testing.T) {
	for document, kept := range map[string][]string{
		pod: {`"app":"web"`, `"my/note":"plain"`, `perPod`, `{"name":"TOKEN"}`, `"secretKeyRef":{"key":"password","name":"db"}`, `"secretRef":{"name":"db"}`,
			`"imagePullSecrets":[{"name":"registry"}]`, `"automountServiceAccountToken":false`, `"image":"registry/web:1@sha256:0123"`, `"cpu":"100m"`, `"path":"/live"`,
			`{"name":"X-Key"}`, `"secretName":"tls"`, `"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}`, `"exitCode":1`, `"phase":"Running"`, `"nodePublishSecretRef":{"name":"csi"}`},
		custom:                                   {`"replicas":3`, `"perPod":12`, `"secretName":"tls"`, `"tokenSecretRef":{"key":"token","name":"x"}`, `{"name":"size","value":"large"}`, `"uid":"1"`},
		`{"n": 12345678901234567890, "f": 1.50}`: {`12345678901234567890`, `1.50`},
	} {
		cleaned, err := Object([]byte(document))
		if err != nil || !json.Valid(cleaned) {
			t.Fatal(err)
		}
		for _, text := range kept {
			if !strings.Contains(string(cleaned), text) {
				t.Errorf("%s is gone from %s", text, cleaned)
			}
		}
	}
}
