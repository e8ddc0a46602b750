{{/* Everything that an app is made of. A chart's only template includes this. */}}
{{- define "millrace.app" -}}
{{- if .Values.serviceAccount.create }}
{{ include "millrace.serviceAccount" . }}
---
{{- end }}
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
{{- if .Values.autoscaling.enabled }}
---
{{ include "millrace.autoscaler" . }}
{{- end }}
{{- if .Values.networkPolicy.enabled }}
---
{{ include "millrace.networkPolicy" . }}
{{- end }}
{{- end }}

{{- define "millrace.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "millrace.serviceAccountName" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
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

{{- define "millrace.autoscaler" -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas is %d, more than maxReplicas, %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "millrace.name" . }}}
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .Values.autoscaling.targetCPUUtilizationPercentage }}}
{{- end }}

{{/* Who may ask the app; what the app asks (broker, database, webhooks) is left open. */}}
{{- define "millrace.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "millrace.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - {port: http, protocol: TCP}
      {{- with .Values.networkPolicy.from }}
      from: {{- toYaml . | nindent 8 }}
      {{- end }}
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
