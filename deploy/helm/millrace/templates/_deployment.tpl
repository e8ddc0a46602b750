{{- define "millrace.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "millrace.name" . }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "millrace.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    # One comes, one goes: leases are handed over one replica at a time.
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  template:
    metadata:
      labels:
        {{- include "millrace.labels" . | nindent 8 }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ include "millrace.configMap" . | sha256sum }}
        prometheus.io/scrape: 'true'
        prometheus.io/path: /metrics
        prometheus.io/port: {{ .Values.port | quote }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "millrace.serviceAccountName" . }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add (int .Values.drainSeconds) 15 }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        runAsGroup: 1000
        fsGroup: 1000
        seccompProfile: {type: RuntimeDefault}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .Values.topologySpread }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "millrace.selector" $ | nindent 14 }}
        {{- end }}
      {{- end }}
      containers:
        - {{- include "millrace.container" . | nindent 10 }}
      volumes: {{- include "millrace.volumes" . | nindent 8 }}
{{- end }}

{{- define "millrace.container" -}}
name: {{ .Chart.Name }}
image: {{ include "millrace.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
ports:
  - name: http
    containerPort: {{ .Values.port }}
    protocol: TCP
envFrom:
  - configMapRef: {name: {{ include "millrace.name" . }}}
env:
  - name: MILLRACE_STORE
    valueFrom:
      secretKeyRef:
        name: {{ required "store.secret.name is wanted: a Secret with the address of MongoDB" .Values.store.secret.name }}
        key: {{ .Values.store.secret.key }}
  {{- range $variable, $from := .Values.secretSettings }}
  {{- if eq $variable "MILLRACE_STORE" }}{{ fail "secretSettings.MILLRACE_STORE: store.secret says it already" }}{{ end }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef:
        name: {{ required (printf "secretSettings.%s.name is wanted" $variable) $from.name }}
        key: {{ required (printf "secretSettings.%s.key is wanted" $variable) $from.key }}
  {{- end }}
  {{- with .Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
# A process that waits for its servers is alive and not ready: restarting it would help nobody. So its start is over
# when it listens.
startupProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /health/ready, port: http}
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
lifecycle:
  preStop:
    exec: {command: [sleep, {{ include "millrace.text" .Values.preStopSeconds | quote }}]}
{{- with .Values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if .Values.pipelines.files }}
  - {name: pipelines, mountPath: /pipelines, readOnly: true}
  {{- end }}
  {{- if .Values.broker.tokenSecret.name }}
  - {name: broker-token, mountPath: /secrets/broker-token, readOnly: true}
  {{- end }}
  {{- if .Values.broker.caSecret.name }}
  - {name: broker-ca, mountPath: /secrets/broker-ca, readOnly: true}
  {{- end }}
  {{- with .Values.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "millrace.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if .Values.pipelines.files }}
- name: pipelines
  configMap: {name: {{ include "millrace.name" . }}-pipelines}
{{- end }}
{{- with .Values.broker.tokenSecret }}
{{- if .name }}
- name: broker-token
  secret:
    secretName: {{ .name }}
    items: [{key: {{ required "broker.tokenSecret.key is wanted" .key }}, path: token}]
{{- end }}
{{- end }}
{{- with .Values.broker.caSecret }}
{{- if .name }}
- name: broker-ca
  secret:
    secretName: {{ .name }}
    items: [{key: {{ required "broker.caSecret.key is wanted" .key }}, path: ca.pem}]
{{- end }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
