{{/*
The number of Audgate's port: the only one that a Service, a route or a probe of the API may go to.
*/}}
{{- define "audgate.sidecar.port" -}}
{{- include "audgate.sidecar.listenPort" (include "audgate.sidecar.values" . | fromYaml) -}}
{{- end -}}

{{/*
The number of the admin port; never in a Service.
*/}}
{{- define "audgate.sidecar.adminPort" -}}
{{- int (include "audgate.sidecar.values" . | fromYaml).admin.port -}}
{{- end -}}

{{/*
One item of a Service's `ports`. The target is a number: up to Kubernetes 1.32 a Service does not find the named port of
a sidecar, and at any time finds one of that name in the application's containers first.
*/}}
{{- define "audgate.sidecar.servicePort" -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
{{- $listen := $values.config.listen | default dict -}}
{{- $tls := and (kindIs "map" $listen) (hasKey $listen "tls") -}}
- name: {{ $values.service.name | quote }}
  port: {{ int $values.service.port }}
  targetPort: {{ include "audgate.sidecar.listenPort" $values }}
  protocol: TCP
  {{- with $values.service.appProtocol }}
  appProtocol: {{ ternary "https" . (and $tls (eq . "http")) }}
  {{- end }}
{{- end -}}
