package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
)

const cpuAt50 = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"

// For each key that has a rule: pieces of configuration that keep it, and pieces that break it and nothing else.
var rules = append(rulesOfKinds(), []keyRule{
	{"scaleTargetRef", []string{`scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}`}, []string{`scaleTargetRef: null`}},
	{"scaleTargetRef.apiVersion", []string{`scaleTargetRef: {apiVersion: v1, kind: ReplicationController, name: web}`,
		`scaleTargetRef: {kind: ReplicationController, name: web}`, `scaleTargetRef: {apiVersion: "", kind: ReplicationController, name: web}`},
		[]string{
			`scaleTargetRef: {apiVersion: a/b/c, kind: Deployment, name: web}`, `scaleTargetRef: {apiVersion: apps/, kind: Deployment, name: web}`}},
	{"scaleTargetRef.kind", []string{`scaleTargetRef: {apiVersion: apps/v1, kind: X, name: web}`}, []string{`scaleTargetRef: {apiVersion: apps/v1, name: web}`, `scaleTargetRef: {apiVersion: apps/v1, kind: a/b, name: web}`}},
	{"scaleTargetRef.name", []string{`scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: 5}`}, []string{`scaleTargetRef: {apiVersion: apps/v1, kind: Deployment}`, `scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ../x}`}},
	{"namespace", []string{"namespace: shop", "namespace: shop-2"}, []string{`namespace: ""`, "namespace: Shop", "namespace: a.b", "namespace: " + strings.Repeat("a", 64)}},
	{"metric", []string{"metric: {type: shell, shell: {}}", "metric: null\nevaluate: {type: hpa}\nkubernetesMetricSpecs: [" + cpuAt50 + "]"}, []string{"metric: null"}},
	{"evaluate", []string{"evaluate: {type: shell, shell: {}}"}, []string{"evaluate: null"}},
	{"runMode", []string{"runMode: per-pod", "runMode: per-resource"}, []string{`runMode: ""`, "runMode: per-node", "runMode: 3"}},
	{"metricConcurrency", []string{"metricConcurrency: 0", "metricConcurrency: 1024"}, []string{"metricConcurrency: -1", "metricConcurrency: 1025"}},
	{"metricTimeout", []string{"metricTimeout: 0", "metricTimeout: 5000"}, []string{"metricTimeout: -1", "metricTimeout: 9223372036855"}},
	{"podMetrics", []string{"podMetrics: all", "podMetrics: own"}, []string{`podMetrics: ""`, "podMetrics: some"}},
	{"interval", []string{"interval: 1", "interval: 9223372036854", "interval: 15s", "interval: 1.5s", "interval: 1h1m", "interval: 6e4", "interval: 4.0"}, []string{"interval: 0", "interval: -1", "interval: 9223372036855"}},
	{"startTime", []string{"startTime: 1", "startTime: 60000"}, []string{"startTime: 0", "startTime: 9223372036855"}},
	{"minReplicas", []string{"minReplicas: 0", "minReplicas: 10"}, []string{"minReplicas: -1"}},
	{"maxReplicas", []string{"maxReplicas: 1", "minReplicas: 0\nmaxReplicas: 0"}, []string{"maxReplicas: 0", "minReplicas: 11", "maxReplicas: -1"}},
	{"downscaleStabilization", []string{"downscaleStabilization: 0", "downscaleStabilization: 604800", "downscaleStabilization: 168h"}, []string{"downscaleStabilization: -1", "downscaleStabilization: 604801"}},
	{"initialReadinessDelay", []string{"initialReadinessDelay: 0", "initialReadinessDelay: 9223372036"}, []string{"initialReadinessDelay: -1", "initialReadinessDelay: 9223372037"}},
	{"cpuInitializationPeriod", []string{"cpuInitializationPeriod: 0"}, []string{"cpuInitializationPeriod: -1", "cpuInitializationPeriod: 9223372037"}},
	{"requestTimeout", []string{"requestTimeout: 1"}, []string{"requestTimeout: 0", "requestTimeout: 9223372036855"}},
	{"logVerbosity", []string{"logVerbosity: 0", "logVerbosity: 9"}, []string{"logVerbosity: -1"}},

	{"apiConfig.port", []string{"apiConfig: {port: 1}", "apiConfig: {port: 65535}", "apiConfig: {enabled: false, port: 0}"}, []string{"apiConfig: {port: 0}", "apiConfig: {port: 65536}"}},
	{"apiConfig.probePort", []string{"apiConfig: {probePort: 0}", "apiConfig: {probePort: 1}", "apiConfig: {probePort: 65535}", "apiConfig: {enabled: false, probePort: 5000}"},
		[]string{"apiConfig: {probePort: -1}", "apiConfig: {probePort: 65536}", "apiConfig: {probePort: 5000}", "apiConfig: {port: 8080, probePort: 8080}"}},
	{"apiConfig.host", []string{"apiConfig: {host: localhost}", `apiConfig: {enabled: false, host: ""}`}, []string{`apiConfig: {host: ""}`}},
	{"apiConfig.certFile", []string{"apiConfig: {useHTTPS: true, certFile: c, keyFile: k}", "apiConfig: {useHTTPS: true, enabled: false}"}, []string{"apiConfig: {useHTTPS: true, keyFile: k}"}},
	{"apiConfig.keyFile", []string{"apiConfig: {certFile: c}"}, []string{"apiConfig: {useHTTPS: true, certFile: c}"}},

	{"apiConfig.authentication", []string{"apiConfig: {authentication: none}", "apiConfig: {authentication: kubernetes}"}, []string{`apiConfig: {authentication: ""}`, "apiConfig: {authentication: basic}"}},
	{"apiConfig.accessPrefix", []string{"apiConfig: {accessPrefix: /cpa}", "apiConfig: {accessPrefix: /api-of-ours}", `apiConfig: {accessPrefix: ""}`}, []string{"apiConfig: {accessPrefix: cpa}", "apiConfig: {accessPrefix: /}", "apiConfig: {accessPrefix: /cpa/}", "apiConfig: {accessPrefix: /*}",
		"apiConfig: {accessPrefix: /api}", "apiConfig: {accessPrefix: /api/v1}", "apiConfig: {accessPrefix: /apis}", "apiConfig: {accessPrefix: /apis/x}",
		"apiConfig: {accessPrefix: /openapi/v2}", "apiConfig: {accessPrefix: /api/../cpa}"}},
	{"apiConfig.maxRequests", []string{"apiConfig: {maxRequests: 1}", "apiConfig: {maxRequests: 10000}", "apiConfig: {enabled: false, maxRequests: 0}"}, []string{"apiConfig: {maxRequests: 0}", "apiConfig: {maxRequests: 10001}"}},
	{"apiConfig.decisions", []string{"apiConfig: {decisions: 1}", "apiConfig: {decisions: 10000}"}, []string{"apiConfig: {decisions: 0}", "apiConfig: {decisions: 10001}"}},
	{"logFormat", []string{"logFormat: text", "logFormat: json"}, []string{`logFormat: ""`, "logFormat: xml"}},
	{"record.path", []string{"record: {path: /var/passes/web.jsonl}"}, []string{"record: {maxSize: 10Mi}", `record: {path: ""}`}},
	{"record.maxSize", []string{"record: {path: a, maxSize: 1Mi}", "record: {path: a, maxSize: 5000000000}"}, []string{"record: {path: a, maxSize: 1000000}", "record: {path: a, maxSize: -1Gi}"}},
	{"customPodAutoscaler.name", []string{"customPodAutoscaler: {name: web, uid: 123}", "customPodAutoscaler: {name: web}"}, []string{"customPodAutoscaler: {uid: 123}"}},

	{"metric.type", []string{"metric: {type: shell, shell: {}}"}, []string{"metric: {shell: {}}", "metric: {type: Shell, shell: {}}", "metric: {type: grpc}"}},
	{"metric.timeout", []string{"metric: {type: shell, shell: {}, timeout: 1}"}, []string{"metric: {type: shell, shell: {}, timeout: 0}", "metric: {type: shell, shell: {}, timeout: 9223372036855}"}},
	{"metric.maxReplyBytes", []string{"metric: {type: shell, shell: {}, maxReplyBytes: 1}"}, []string{"metric: {type: shell, shell: {}, maxReplyBytes: 0}"}},

	{"kubernetesMetricSpecs", []string{"kubernetesMetricSpecs: []", "evaluate: {type: hpa}\nkubernetesMetricSpecs: [" + cpuAt50 + "]"}, []string{"evaluate: {type: hpa}"}},
	{"kubernetesMetricSpecs[0].type", []string{"kubernetesMetricSpecs: []"},
		[]string{"kubernetesMetricSpecs: [{}]", "kubernetesMetricSpecs: [null]", "kubernetesMetricSpecs: [{type: resource}]",
			"kubernetesMetricSpecs: [{type: Node}]"}},
	{"kubernetesMetricSpecs[0].resource", []string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]"},
		[]string{"kubernetesMetricSpecs: [{type: Resource}]", "kubernetesMetricSpecs: [{type: Resource, pods: {}}]"}},
	{"kubernetesMetricSpecs[0].resource.name", []string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: example.com/gpu, target: {type: AverageValue}}}]"},
		[]string{"kubernetesMetricSpecs: [{type: Resource, resource: {target: {type: Utilization}}}]"}},
	{"kubernetesMetricSpecs[0].resource.target.type", []string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: memory, target: {type: AverageValue}}}]"},
		[]string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu}}]", "kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Value}}}]"}},
	{"kubernetesMetricSpecs[0].resource.target.averageUtilization", []string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 1}}}]"},
		[]string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 0}}}]"}},
	{"kubernetesMetricSpecs[0].resource.target.averageValue", []string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 1m}}}]"},
		[]string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 0}}}]"}},
	{"kubernetesMetricSpecs[0].resource.target.value", []string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, value: 1}}}]"},
		[]string{"kubernetesMetricSpecs: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, value: -1}}}]"}},

	{"kubernetesMetricSpecs[0].containerResource", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource}]`, `kubernetesMetricSpecs: [{type: ContainerResource, resource: {}}]`}},
	{"kubernetesMetricSpecs[0].containerResource.name", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {container: web, target: {type: Utilization}}}]`}},
	{"kubernetesMetricSpecs[0].containerResource.container", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, target: {type: Utilization}}}]`}},
	{"kubernetesMetricSpecs[0].containerResource.target.type", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web}}]`}},
	{"kubernetesMetricSpecs[0].containerResource.target.averageUtilization", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, averageUtilization: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, averageUtilization: 0}}}]`}},
	{"kubernetesMetricSpecs[0].containerResource.target.averageValue", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, averageValue: 1m}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, averageValue: 0}}}]`}},
	{"kubernetesMetricSpecs[0].containerResource.target.value", []string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, value: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: ContainerResource, containerResource: {name: cpu, container: web, target: {type: Utilization, value: -1}}}]`}},
	{"kubernetesMetricSpecs[0].pods", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods}]`, `kubernetesMetricSpecs: [{type: Pods, resource: {}}]`}},
	{"kubernetesMetricSpecs[0].pods.metric.name", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {}, target: {type: AverageValue}}}]`, `kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: custom/x/y}, target: {type: AverageValue}}}]`}},
	{"kubernetesMetricSpecs[0].pods.metric.selector", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a, selector: queue=worker_tasks}, target: {type: AverageValue}}}]`, `kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a, selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}}, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a, selector: {matchExpressions: [{key: a, operator: Near, values: [b]}]}}, target: {type: AverageValue}}}]`}},
	{"kubernetesMetricSpecs[0].pods.target.type", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}}}]`}},
	{"kubernetesMetricSpecs[0].pods.target.averageUtilization", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageUtilization: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageUtilization: 0}}}]`}},
	{"kubernetesMetricSpecs[0].pods.target.averageValue", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 1m}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 0}}}]`}},
	{"kubernetesMetricSpecs[0].pods.target.value", []string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, value: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, value: -1}}}]`}},
	{"kubernetesMetricSpecs[0].object", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object}]`, `kubernetesMetricSpecs: [{type: Object, resource: {}}]`}},
	{"kubernetesMetricSpecs[0].object.describedObject.apiVersion", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: a/b/c, kind: Service, name: web}, metric: {name: a}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].object.describedObject.kind", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, name: web}, metric: {name: a}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: a/b, name: web}, metric: {name: a}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].object.describedObject.name", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service}, metric: {name: a}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: a%b}, metric: {name: a}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].object.metric.name", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a/b}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].object.metric.selector", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a, selector: queue=worker_tasks}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a, selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a, selector: {matchExpressions: [{key: a, operator: Near, values: [b]}]}}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].object.target.type", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Utilization}}}]`, `kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}}}]`}},
	{"kubernetesMetricSpecs[0].object.target.averageUtilization", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value, averageUtilization: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value, averageUtilization: 0}}}]`}},
	{"kubernetesMetricSpecs[0].object.target.averageValue", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value, averageValue: 1m}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value, averageValue: 0}}}]`}},
	{"kubernetesMetricSpecs[0].object.target.value", []string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value, value: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: web}, metric: {name: a}, target: {type: Value, value: -1}}}]`}},
	{"kubernetesMetricSpecs[0].external", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External}]`, `kubernetesMetricSpecs: [{type: External, resource: {}}]`}},
	{"kubernetesMetricSpecs[0].external.metric.name", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External, external: {metric: {}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: External, external: {metric: {name: a%2Fb}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].external.metric.selector", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a, selector: queue=worker_tasks}, target: {type: Value}}}]`, `kubernetesMetricSpecs: [{type: External, external: {metric: {name: a, selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}}, target: {type: Value}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a, selector: {matchExpressions: [{key: a, operator: Near, values: [b]}]}}, target: {type: Value}}}]`}},
	{"kubernetesMetricSpecs[0].external.target.type", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: AverageValue}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Utilization}}}]`, `kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}}}]`}},
	{"kubernetesMetricSpecs[0].external.target.averageUtilization", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value, averageUtilization: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value, averageUtilization: 0}}}]`}},
	{"kubernetesMetricSpecs[0].external.target.averageValue", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value, averageValue: 1m}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value, averageValue: 0}}}]`}},
	{"kubernetesMetricSpecs[0].external.target.value", []string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value, value: 1}}}]`},
		[]string{`kubernetesMetricSpecs: [{type: External, external: {metric: {name: a}, target: {type: Value, value: -1}}}]`}},
}...)

// keyRule is the rule of one key, with pieces of configuration that keep and that break it.
type keyRule struct {
	key          string
	keeps, broke []string
}

// rulesOfKinds are those of the kinds of methods and sources, which have them in their folders.
func rulesOfKinds() (all []keyRule) {
	for name := range kinds.Of[method.Kind](&Method{}) {
		all = append(all, rulesIn("method", name)...)
	}
	for i, name := range kinds.SourceNames() {
		of := rulesIn("metrics", name)
		if all = append(all, of...); i == 0 {
			all = append(all, rulesOfSources(of, name)...)
		}
	}
	return all
}

// rulesOfSources are those that all sources have, shown by one of a kind.
func rulesOfSources(of []keyRule, kind string) []keyRule {
	whole := func(r keyRule) bool { return r.key == "metricSources[0]."+kind }
	source := of[slices.IndexFunc(of, whole)].keeps[0] // metricSources: [{name: a, type: ..., ...}]
	with := func(more string) string { return strings.Replace(source, "name: a,", "name: a, "+more+",", 1) }
	return []keyRule{
		{"metricSources[0].name", []string{source}, []string{strings.Replace(source, "name: a,", "", 1)}},
		{"metricSources[0].type", []string{source}, []string{strings.Replace(source, "type: "+kind, "type: other", 1)}},
		{"metricSources[0].timeout", []string{with("timeout: 1s")}, []string{with("timeout: 0")}},
		{"metricSources[0].target.type", []string{with("target: {type: AverageValue}")}, []string{with("target: {type: Utilization}"), with("target: {}")}},
		{"metricSources[0].target.averageValue", []string{with("target: {type: AverageValue, averageValue: 1m}")}, []string{with("target: {type: AverageValue, averageValue: 0}")}},
		{"metricSources[0].target.value", []string{with("target: {type: Value, value: 30}")}, []string{with("target: {type: Value, value: -1}")}},
	}
}

// rulesIn are those in the folder of a kind.
func rulesIn(folder, kind string) (all []keyRule) {
	text, err := os.ReadFile(filepath.Join("..", folder, kind, "testdata", "rules.yaml"))
	var rows map[string]struct{ Keeps, Breaks []string }
	if err == nil {
		err = yaml.Unmarshal(text, &rows)
	}
	if err != nil {
		panic(fmt.Sprintf("the rules of the kind %s: %v", kind, err))
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		all = append(all, keyRule{key, rows[key].Keeps, rows[key].Breaks})
	}
	return all
}

// keyOf is the whole key of a row: the settings of a kind are those of a method that may be of it.
func keyOf(table table, row row) string {
	for name, kind := range kinds.Of[method.Kind](&Method{}) {
		if only := kind.Description().Only; only != "" && table.under+row.name == "metric."+name {
			return only + "." + name
		}
	}
	return table.under + row.name
}

func TestEveryRule(t *testing.T) {
	said := map[string]string{}
	for _, table := range tables() {
		for _, row := range table.rows {
			said[keyOf(table, row)] = row.rule
		}
	}
	for _, rule := range rules {
		for _, piece := range rule.keeps {
			t.Run("keeps "+rule.key, func(t *testing.T) {
				got := load(t, complete(t, piece))
				wantLines(t, piece, got.problems, nil)
			})
		}
		for _, piece := range rule.broke {
			t.Run("breaks "+rule.key, func(t *testing.T) {
				got := load(t, complete(t, piece))
				if len(got.problems) != 1 || !strings.HasPrefix(got.problems[0], rule.key+": ") || !strings.Contains(got.problems[0], said[rule.key]) {
					t.Errorf("%s:\n  %s\nwant one problem, of %s, with the rule %q", piece, strings.Join(got.problems, "\n  "), rule.key, said[rule.key])
				}
			})
		}
	}
}

func TestSourcesHaveNamesOfTheirOwn(t *testing.T) {
	for _, kind := range kinds.SourceNames() {
		c := Config{MetricSources: Sources{{Name: "a", Type: kind}, {Name: "b", Type: kind}, {Name: "a", Type: kind}}}
		want := `metricSources[2].name: "a" is not allowed: must be another name than that of an entry before it`
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "metricSources[1].name") {
			t.Errorf("got %v", err)
		}
	}
}

func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, rule := range rules {
		tested[rule.key] = len(rule.keeps) > 0 && len(rule.broke) > 0
	}
	for _, table := range tables() {
		for _, row := range table.rows {
			if key := keyOf(table, row); row.rule != "" && !tested[key] {
				t.Errorf("nothing keeps, or nothing breaks, the rule of %s", key)
			}
		}
	}
}

func TestValidateOfAConfigurationThatWasNotLoaded(t *testing.T) {
	c := Default()
	c.Interval, c.MinReplicas = 0, 20
	want := `configuration has 5 problems:
  scaleTargetRef: missing: what is scaled: the object's apiVersion, kind and name; required, e.g. {apiVersion: apps/v1, kind: Deployment, name: web}
  metric: missing: the program that measures the target; required unless evaluate is of the type hpa, e.g. {type: shell, shell: {command: ["-c", "..."]}}
  evaluate: missing: the program that turns metrics into a number of replicas; required, e.g. {type: shell, shell: {command: ["-c", "..."]}}
  interval: 0 is not allowed: must be more than 0 milliseconds, and at most 292 years, e.g. 15000 or 15s
  maxReplicas: 10 is not allowed: must be at least minReplicas, which is 20`
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}
