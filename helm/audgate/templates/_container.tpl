{{/* The gateway's container. */}}
{{- define "audgate.container" -}}
name: audgate
image: {{ include "audgate.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - serve
  - --config
  - /etc/audgate/audgate.yaml
  {{- with .Values.extraArgs }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- if or .Values.caBundle.existingConfigMap .Values.extraEnv }}
env:
  {{- if .Values.caBundle.existingConfigMap }}
  - name: NODE_EXTRA_CA_CERTS
    value: {{ printf "/etc/audgate-ca/%s" .Values.caBundle.key | quote }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- end }}
{{- if or .Values.secrets.env .Values.extraEnvFrom }}
envFrom:
  {{- if .Values.secrets.env }}
  - secretRef:
      name: {{ include "audgate.objectName" (list . "env") | quote }}
  {{- end }}
  {{- with .Values.extraEnvFrom }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- end }}
ports:
  - name: {{ include "audgate.httpPortName" . }}
    containerPort: {{ include "audgate.httpPort" . }}
    protocol: TCP
  - name: {{ include "audgate.adminPortName" . }}
    containerPort: {{ include "audgate.adminPort" . }}
    protocol: TCP
{{- range $probe, $path := dict "startup" "/startupz" "readiness" "/readyz" "liveness" "/livez" }}
{{ $probe }}Probe:
  httpGet:
    path: {{ $path }}
    port: {{ include "audgate.adminPortName" $ }}
  {{- with index $.Values.probes $probe }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- end }}
{{- include "audgate.preStop" . }}
{{- with .Values.resources }}
resources:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end }}
{{- with .Values.resizePolicy }}
resizePolicy:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end }}
# Why a config was refused at the start is in the log; `kubectl describe pod` shows its end.
terminationMessagePolicy: FallbackToLogsOnError
{{- with .Values.securityContext }}
securityContext:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end }}
volumeMounts:
  # A directory: a file mounted by subPath would never change (CH-12).
  - name: config
    mountPath: /etc/audgate
    readOnly: true
  {{- range $index, $name := (include "audgate.existingSecrets" . | fromYaml).names }}
  - name: secret-{{ $index }}
    mountPath: {{ printf "%s/%s" (clean $.Values.secrets.mountPath) $name | quote }}
    readOnly: true
  {{- end }}
  {{- if .Values.secrets.files }}
  - name: secret-files
    mountPath: {{ printf "%s/files" (clean .Values.secrets.mountPath) | quote }}
    readOnly: true
  {{- end }}
  {{- if .Values.caBundle.existingConfigMap }}
  - name: ca-bundle
    mountPath: /etc/audgate-ca
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- end }}

{{/*
The wait for the removal of the endpoint. In a config of the chart it is `drain_delay`: that works on every Kubernetes,
and unlike a sleep before SIGTERM it says `Connection: close` and turns readiness off meanwhile. A config that the chart
does not know gets the kubelet's sleep, which 1.29 still has behind a gate.
*/}}
{{- define "audgate.preStop" -}}
{{- if and .Values.existingConfigMap .Values.shutdown.preStopSleepSeconds (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int .Values.shutdown.preStopSleepSeconds }}
{{- end }}
{{- end }}
