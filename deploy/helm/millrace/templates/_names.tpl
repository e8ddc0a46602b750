{{/* A name that is a DNS label, as a Service wants it: at most 63 of a-z, 0-9 and -, the first a letter. Names of releases may have dots, and begin with a digit. */}}
{{- define "millrace.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name .Release.Name) -}}{{- $name = printf "%s-%s" .Release.Name .Chart.Name -}}{{- end -}}
{{- $name = replace "." "-" $name -}}
{{- if regexMatch "^[0-9]" $name -}}{{- $name = printf "m-%s" $name -}}{{- end -}}
{{- $name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "millrace.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "millrace.labels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/version: {{ include "millrace.version" . | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The tag, as far as it fits into a label. */}}
{{- define "millrace.version" -}}
{{- .Values.image.tag | default .Chart.AppVersion | trunc 63 | regexFind "^[A-Za-z0-9](.*[A-Za-z0-9])?" -}}
{{- end }}

{{- define "millrace.image" -}}
{{- $repository := required "image.repository is wanted: build it with deploy/docker/Dockerfile" .Values.image.repository -}}
{{- if .Values.image.digest -}}{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end }}

{{- define "millrace.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "millrace.name" .) -}}
{{- end }}

{{/* A plain value as text. YAML's numbers come as floats, which would be written 2.147483648e+09. */}}
{{- define "millrace.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end }}
