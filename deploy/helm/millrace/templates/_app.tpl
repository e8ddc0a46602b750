{{/* Everything that an app is made of. A chart's only template includes this. */}}
{{- define "millrace.app" -}}
{{ include "millrace.serviceAccount" . }}
---
{{ include "millrace.configMap" . }}
---
{{ include "millrace.deployment" . }}
---
{{ include "millrace.service" . }}
---
{{ include "millrace.podDisruptionBudget" . }}
{{- if and .Values.ingress.enabled .Values.ingress.path }}
---
{{ include "millrace.ingress" . }}
{{- end }}
{{- end }}

{{- define "millrace.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
# An app never talks to Kubernetes.
automountServiceAccountToken: false
{{- end }}

{{- define "millrace.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  selector: {{- include "millrace.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .Values.port }}
      targetPort: http
      protocol: TCP
{{- end }}

{{- define "millrace.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels: {{- include "millrace.selector" . | nindent 6 }}
{{- end }}

{{- define "millrace.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
  {{- with .Values.ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .Values.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  rules:
    - host: {{ required "ingress.host is wanted where ingress.enabled is true" .Values.ingress.host | quote }}
      http:
        paths:
          - path: {{ .Values.ingress.path }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "millrace.name" . }}
                port: {name: http}
  {{- with .Values.ingress.tlsSecret }}
  tls:
    - hosts: [{{ $.Values.ingress.host | quote }}]
      secretName: {{ . }}
  {{- end }}
{{- end }}
