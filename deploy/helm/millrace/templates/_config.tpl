{{- define "millrace.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
data:
  {{- include "millrace.settings" . | trim | nindent 2 }}
{{- if .Values.pipelines.files }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "millrace.name" . }}-pipelines
  labels: {{- include "millrace.labels" . | nindent 4 }}
data:
  {{- range $name, $text := .Values.pipelines.files }}
  {{ $name }}: {{ $text | toJson }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Plain settings. A Secret never goes through here. */}}
{{- define "millrace.settings" -}}
{{- $own := include "millrace.ownSettings" . | fromYaml -}}
{{- range $name, $value := .Values.settings }}
{{- if or (hasKey $own $name) (eq $name "MILLRACE_STORE") }}
{{- fail (printf "settings.%s: another value of the chart says it already (port, drainSeconds, broker, store, pipelines)" $name) }}
{{- end }}
{{- end }}
MILLRACE_HOST: {{ .Values.settings.MILLRACE_HOST | default "0.0.0.0" | quote }}
{{- range $name, $value := merge $own (omit .Values.settings "MILLRACE_HOST") }}
{{ $name }}: {{ include "millrace.text" $value | quote }}
{{- end }}
{{- end }}

{{/* What other values of the chart say. */}}
{{- define "millrace.ownSettings" -}}
MILLRACE_PORT: {{ .Values.port }}
MILLRACE_DRAIN_TIMEOUT: {{ printf "%ds" (int .Values.drainSeconds) }}
MILLRACE_BROKER: {{ required "broker.url is wanted, e.g. ws://pulsar-proxy:8080" .Values.broker.url | quote }}
MILLRACE_TENANT: {{ .Values.broker.tenant | quote }}
MILLRACE_NAMESPACE: {{ .Values.broker.namespace | quote }}
MILLRACE_APPLY_TOPOLOGY: {{ .Values.broker.applyTopology | quote }}
{{- with .Values.broker.adminUrl }}
MILLRACE_BROKER_ADMIN: {{ . | quote }}
{{- end }}
{{- if .Values.broker.tokenSecret.name }}
MILLRACE_BROKER_TOKEN_FILE: /secrets/broker-token/token
{{- end }}
{{- if .Values.broker.caSecret.name }}
MILLRACE_BROKER_CA_FILE: /secrets/broker-ca/ca.pem
{{- end }}
{{- if .Values.pipelines.files }}
MILLRACE_PIPELINES: {{ include "millrace.pipelineFiles" . | quote }}
{{- end }}
{{- end }}

{{- define "millrace.pipelineFiles" -}}
{{- $files := list -}}
{{- range required "pipelines.main is wanted: which of pipelines.files are pipelines" .Values.pipelines.main -}}
{{- if not (hasKey $.Values.pipelines.files .) -}}{{- fail (printf "pipelines.main names %s, which is not in pipelines.files" .) -}}{{- end -}}
{{- $files = append $files (printf "/pipelines/%s" .) -}}
{{- end -}}
{{- join "," $files -}}
{{- end }}
