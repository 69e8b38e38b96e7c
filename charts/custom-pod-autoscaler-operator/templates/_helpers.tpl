{{- define "operator.labels" -}}
app.kubernetes.io/name: custom-pod-autoscaler-operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- /* The namespaces that are looked after, as a JSON array: all if it is empty. */}}
{{- define "operator.namespaces" -}}
{{- $mine := ternary (list .Release.Namespace) list (eq .Values.mode "namespaced") }}
{{- .Values.watchNamespaces | default $mine | toJson }}
{{- end }}

{{- define "operator.image" -}}
{{- with .Values.image }}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* Who the bindings are for. */}}
{{- define "operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: custom-pod-autoscaler-operator
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* Whether the policy is installed: it is wanted, and the cluster has its kind. Without a cluster, Helm knows no kinds. */}}
{{- define "operator.policyInstalled" -}}
{{- $known := .Capabilities.APIVersions }}
{{- $served := or ($known.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") (not ($known.Has "v1/Pod")) }}
{{- and .Values.admissionPolicy.enabled $served (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version) }}
{{- end }}

{{- /* The policy's name. Releases that look after some namespaces only have one each: no namespace has a dot in its name. */}}
{{- define "operator.policyName" -}}
custom-pod-autoscaler-operator
{{- if include "operator.namespaces" . | fromJsonArray }}.{{ .Release.Namespace }}
{{- if ne .Release.Name "custom-pod-autoscaler-operator" }}.{{ .Release.Name }}{{ end }}
{{- end }}
{{- end }}

{{- /* The resource of each kind that may be a target, by group and kind in small letters: a map in CEL. */}}
{{- define "operator.policyResources" -}}
{{- $all := dict "apps/deployment" "deployments" "apps/statefulset" "statefulsets" "apps/replicaset" "replicasets" "/replicationcontroller" "replicationcontrollers" }}
{{- range .Values.customTargets }}
{{- if .kind }}
{{- $key := printf "%s/%s" .apiGroup (lower .kind) }}
{{- if ne (get $all $key | default .resource) .resource }}
{{- fail (printf "customTargets has two resources of the kind %s in %s, %s and %s: a kind has one" .kind .apiGroup (get $all $key) .resource) }}
{{- end }}
{{- $_ := set $all $key .resource }}
{{- end }}
{{- end }}
{{- $entries := list }}
{{- range $key, $resource := $all }}
{{- $entries = append $entries (printf "'%s': '%s'" $key $resource) }}
{{- end -}}
{ {{- join ", " $entries -}} }
{{- end }}

{{- /* The rules of those who may write the objects. */}}
{{- define "operator.writing" -}}
- apiGroups: [custompodautoscaler.com]
  resources: [custompodautoscalers]
  verbs: [create, update, patch, delete, deletecollection]
{{- end }}
