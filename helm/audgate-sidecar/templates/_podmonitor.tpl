{{/*
A PodMonitor of the admin port: it is in no Service, so that a ServiceMonitor cannot find it. Nothing unless
podMonitor.enabled. Takes `dict "root" $ "selectorLabels" (the labels by which the Deployment selects its pods)`. The job
is the name of the gateway, because alerts ask for it and Prometheus would put the namespace before it; whoever names
another one in `podMonitor.relabelings` has the last word.
*/}}
{{- define "audgate.sidecar.podMonitor" -}}
{{- $root := .root | default . -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
{{- if $values.podMonitor.enabled -}}
{{- if not .selectorLabels -}}
{{- fail "ERROR: audgate.sidecar.podMonitor takes dict \"root\" $ \"selectorLabels\" (a map): without labels it would watch every pod" -}}
{{- end -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "audgate.sidecar.name" . | quote }}
  namespace: {{ $root.Release.Namespace | quote }}
  labels:
    {{- include "audgate.sidecar.labels" . | nindent 4 }}
    {{- with $values.podMonitor.labels }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  {{- with $values.annotations }}
  annotations:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
spec:
  selector:
    matchLabels:
      {{- toYaml .selectorLabels | nindent 6 }}
  podMetricsEndpoints:
    - port: audgate-admin
      path: /metrics
      interval: {{ $values.podMonitor.interval }}
      {{- with $values.podMonitor.scrapeTimeout }}
      scrapeTimeout: {{ . }}
      {{- end }}
      relabelings:
        - action: replace
          targetLabel: job
          replacement: {{ include "audgate.sidecar.name" . | quote }}
        {{- with $values.podMonitor.relabelings }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
      {{- with $values.podMonitor.metricRelabelings }}
      metricRelabelings:
        {{- tpl (toYaml .) $root | nindent 8 }}
      {{- end }}
{{- end -}}
{{- end -}}
