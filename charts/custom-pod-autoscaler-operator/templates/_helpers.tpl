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
