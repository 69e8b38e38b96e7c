package operator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// richObject has all that the API server writes otherwise than people do: defaults, amounts, what is empty, and lists that
// it merges by one key or another.
const richObject = `
apiVersion: custompodautoscaler.com/v1
kind: CustomPodAutoscaler
metadata: {name: web-autoscaler}
spec:
  template:
    metadata:
      name: runner
      labels: {team: shop, empty: ""}
      annotations: {note: mine}
    spec:
      serviceAccountName: mine
      restartPolicy: OnFailure
      terminationGracePeriodSeconds: 5
      hostNetwork: false
      nodeSelector: {}
      securityContext: {}
      imagePullSecrets: [{name: registry}]
      tolerations:
        - {key: dedicated, operator: Exists, effect: NoExecute, tolerationSeconds: 60}
        - {operator: Exists}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - {weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {team: shop}}}}
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {team: shop}}}
      hostAliases: [{ip: 10.0.0.1, hostnames: [queue]}]
      volumes:
        - {name: scripts, configMap: {name: scripts, defaultMode: 0555}}
        - {name: cache, emptyDir: {sizeLimit: 1024Mi}}
        - name: all
          projected:
            sources:
              - {serviceAccountToken: {path: token, audience: queue}}
              - {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
              - {secret: {name: queue}}
      initContainers:
        - {name: wait, image: busybox, command: [sleep, "1"], env: [{name: of, value: init}], resources: {limits: {cpu: 1.5}}}
      containers:
        - name: autoscaler
          image: web-autoscaler:1
          args: []
          ports: [{containerPort: 5000}, {containerPort: 53}, {containerPort: 53, protocol: UDP}, {containerPort: 5001, name: more, protocol: UDP}]
          envFrom: [{configMapRef: {name: limits}}, {secretRef: {name: queue, optional: true}, prefix: Q_}]
          env:
            - {name: interval, value: "5000"}
            - {name: shown, value: "every $(interval)"}
            - {name: minReplicas, valueFrom: {configMapKeyRef: {name: limits, key: min}}}
            - {name: password, valueFrom: {secretKeyRef: {name: queue, key: password}}}
            - {name: node, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
            - {name: most, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
          resources: {requests: {cpu: 0.1, memory: 1e8}, limits: {cpu: "1000m", memory: 0.5Gi}}
          volumeMounts:
            - {name: scripts, mountPath: /scripts, readOnly: true}
            - {name: all, mountPath: /all, readOnly: false}
            - {name: cache, mountPath: /var/cache}
            - {name: cache, mountPath: /tmp, subPath: tmp}
          livenessProbe: {httpGet: {path: /healthz, port: 5000, httpHeaders: [{name: a, value: b}]}}
          readinessProbe: {tcpSocket: {port: more}, periodSeconds: 10}
          startupProbe: {exec: {command: ["true"]}, failureThreshold: 30}
          lifecycle: {preStop: {exec: {command: [sleep, "1"]}}}
          securityContext: {runAsNonRoot: true, capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false}
        - {name: sidecar, image: "sidecar:1", imagePullPolicy: Always}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  config:
    - {name: interval, value: "10000"}
    - {name: minReplicas, value: "2"}
`

func TestTheClusterRunsWhatATemplateSays(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	proxy := harness.StartProxy(t)
	harness.StartOperator(t, namespace, proxy.Kubeconfig)
	harness.Kubectl(t, richObject, "create", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	for path, want := range map[string]string{
		"deployment {.spec.template.metadata.labels.team} {.spec.template.metadata.annotations.note}":                    "shop mine",
		"deployment {.spec.template.spec.restartPolicy} {.spec.template.spec.serviceAccountName}":                        "Always web-autoscaler",
		"deployment {.spec.template.spec.containers[0].env[?(@.name=='interval')].value}":                                "10000",
		"deployment {.spec.template.spec.containers[0].env[?(@.name=='minReplicas')]}":                                   `{"name":"minReplicas","value":"2"}`,
		"deployment {.spec.template.spec.containers[0].env[?(@.name=='password')].valueFrom.secretKeyRef.key}":           "password",
		"deployment {.spec.template.spec.containers[1].env[?(@.name=='interval')].value}":                                "10000",
		"deployment {.spec.template.spec.initContainers[0].env[*].value}":                                                "init",
		"deployment {.spec.template.spec.volumes[*].name} {.spec.template.spec.containers[0].volumeMounts[*].mountPath}": "scripts cache all /scripts /all /var/cache /tmp",
		"rolebinding {.subjects[*].name}":                 "web-autoscaler",
		"pods {.status.phase} {.spec.serviceAccountName}": "Running web-autoscaler",
	} {
		kind, path, _ := strings.Cut(path, " ")
		if got := jsonpath(t, namespace, kind, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	harness.HasEvent(t, namespace, `CustomPodAutoscaler/web-autoscaler Warning AccountIgnored x1 spec.template.spec.serviceAccountName "mine" is not used`)
	isLeftAlone(t, namespace, proxy)
}

// jsonpath is a part of the only one of a kind that was made for an object.
func jsonpath(t *testing.T, namespace, kind, path string) string {
	t.Helper()
	return harness.Kubectl(t, "", "get", "-n", namespace, kind, "-l", "v1.custompodautoscaler.com/owned-by", "-o", "jsonpath={range .items[*]}"+strings.TrimSpace(path)+"{end}")
}

// isLeftAlone looks for writes when the operator has a reason to look at the object, but nothing to write: it is told of
// another's annotation, three times, and then of a change that it has to write.
func isLeftAlone(t *testing.T, namespace string, proxy *harness.Proxy) {
	t.Helper()
	before := len(writesOf(proxy))
	for i := range 3 {
		harness.Kubectl(t, "", "annotate", "--overwrite", "-n", namespace, "cpa", "web-autoscaler", fmt.Sprintf("note=%d", i))
	}
	harness.Kubectl(t, "", "annotate", "-n", namespace, "cpa", "web-autoscaler", "v1.custompodautoscaler.com/paused-replicas=many")
	harness.HasCondition(t, namespace, "Paused False InvalidReplicas", "")
	for _, write := range writesOf(proxy)[before:] {
		if !strings.HasSuffix(write, "/custompodautoscalers/web-autoscaler/status") && !strings.Contains(write, "/events") {
			t.Errorf("it wrote %s though nothing had changed", write)
		}
	}
}

func TestWhatIsNotProvisionedIsNotMadeAndWhatIsThereStays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ field, kind string }{
		{"provisionServiceAccount", "serviceaccount"},
		{"provisionRole", "role"},
		{"provisionRoleBinding", "rolebinding"},
		{"provisionPod", "deployment"},
	} {
		t.Run(row.field, func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Start(t).Namespace(t)
			harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
			switched := func(on bool) {
				harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", fmt.Sprintf(`{"spec": {%q: %t}}`, row.field, on))
			}
			uid := func(kind string) string {
				return harness.Kubectl(t, "", "get", "-n", namespace, kind, "web-autoscaler", "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")
			}
			condition := "Ready True MinimumReplicasAvailable"
			off := condition
			switch row.kind {
			case "deployment":
				off = "Ready Unknown NotProvisioned"
			case "role": // there is none that allows the object
				off = "Ready False NotAllowed"
			}
			harness.Kubectl(t, "", "annotate", "-n", namespace, "serviceaccount", "default", harness.AllowedObjects+"=web-autoscaler")
			object := strings.Replace(harness.AutoscalerObject, "spec:\n", "spec:\n  "+row.field+": false\n", 1)
			object = strings.Replace(object, "      containers:", "      serviceAccountName: default # which allows the object\n      containers:", 1)
			harness.Kubectl(t, object, "create", "-n", namespace, "-f", "-")
			harness.HasCondition(t, namespace, off, "")
			for _, kind := range []string{"serviceaccount", "role", "rolebinding", "deployment"} {
				if made := uid(kind) != ""; made != (kind != row.kind && row.kind != "role") {
					t.Errorf("%s is made: %t", kind, made)
				}
			}
			switched(true)
			off = strings.Replace(off, "False NotAllowed", "True MinimumReplicasAvailable", 1) // what was made for the object is the object's
			harness.HasCondition(t, namespace, condition, "")
			there := uid(row.kind)
			switched(false)
			harness.HasCondition(t, namespace, off, "")
			if row.kind == "deployment" {
				harness.Eventually(t, "the autoscaler to be gone", func() (bool, error) { return uid(row.kind) == "" && len(autoscalerPods(t, namespace)) == 0, nil })
			} else if now := uid(row.kind); now == "" || now != there {
				t.Errorf("the %s was %q, and is %q", row.kind, there, now)
			}
		})
	}
}

func TestAChangeOfAnyFieldArrives(t *testing.T) {
	t.Parallel()
	namespace := cluster.Start(t).Namespace(t)
	harness.StartOperator(t, namespace, cluster.Start(t).Kubeconfig())
	harness.Kubectl(t, "", "create", "-n", namespace, "serviceaccount", "web-other")
	harness.Kubectl(t, "", "annotate", "-n", namespace, "serviceaccount", "web-other", harness.AllowedObjects+"=web-autoscaler")
	harness.Kubectl(t, harness.AutoscalerObject, "create", "-n", namespace, "-f", "-")
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	for _, row := range []struct{ name, patch, kind, path, wants string }{
		{"the target's kind and name", `{"scaleTargetRef": {"kind": "StatefulSet", "name": "db"}}`, "role", "{.rules[1].resources} {.rules[1].resourceNames}", `["statefulsets/scale"] ["db"]`},
		{"and the autoscaler knows", `{}`, "deployment", "{.spec.template.spec.containers[0].env[?(@.name=='scaleTargetRef')].value}", `{"apiVersion":"apps/v1","kind":"StatefulSet","name":"db"}`},
		{"metrics", `{"roleRequiresMetricsServer": true}`, "role", "{.rules[*].apiGroups[0]}", "metrics.k8s.io"},
		{"Argo Rollouts, which takes no right of its own", `{"roleRequiresArgoRollouts": true}`, "role", "{.rules[1].resources}", "statefulsets/scale"},
		{"the configuration", `{"config": [{"name": "maxReplicas", "value": "7"}]}`, "deployment", "{.spec.template.spec.containers[0].env[?(@.name=='maxReplicas')].value}", "7"},
		{"the template", `{"template": {"spec": {"containers": [{"name": "autoscaler", "image": "web-autoscaler:2"}]}}}`, "deployment", "{.spec.template.spec.containers[*].image} {.spec.template.spec.containers[*].resources}", "web-autoscaler:2 {}"},
		{"its account", `{"provisionServiceAccount": false, "template": {"spec": {"serviceAccountName": "web-other"}}}`, "rolebinding", "{.subjects[*].name}", "web-other"},
		{"its name", `{"template": {"metadata": {"name": "runner"}}}`, "deployment", "{.metadata.name}", "runner"},
		{"its name taken away", `{"template": {"metadata": null}}`, "deployment", "{.metadata.name}", "web-autoscaler"},
	} {
		harness.Kubectl(t, "", "patch", "-n", namespace, "cpa", "web-autoscaler", "--type=merge", "-p", `{"spec": `+row.patch+`}`)
		harness.Eventually(t, row.name, func() (bool, error) {
			got := jsonpath(t, namespace, row.kind, row.path)
			return strings.Contains(got, row.wants), fmt.Errorf("%s is %q, want %q", row.path, got, row.wants)
		})
	}
	harness.HasCondition(t, namespace, "Ready True MinimumReplicasAvailable", "")
	if left := harness.Kubectl(t, "", "get", "-n", namespace, "deployments", "-o", "name"); left != "deployment.apps/web-autoscaler\n" {
		t.Errorf("there are %q", left)
	}
}
