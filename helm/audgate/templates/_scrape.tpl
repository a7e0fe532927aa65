{{/*
What both monitors say of an endpoint: (list . MONITOR), MONITOR being its values. The job is the full name whichever of
them scrapes, because the alerts ask for it; whoever names another one in `relabelings` has the last word.
*/}}
{{- define "audgate.scrape" -}}
{{- $ := index . 0 -}}
{{- $monitor := index . 1 -}}
port: {{ include "audgate.adminPortName" $ }}
path: /metrics
scheme: http
interval: {{ $monitor.interval }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
relabelings:
  - action: replace
    targetLabel: job
    replacement: {{ include "audgate.fullname" $ | quote }}
  {{- with $monitor.relabelings }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end }}
{{- end }}
