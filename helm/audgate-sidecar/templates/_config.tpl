{{/*
Where the config listens: its own address, else `listen` of the values. Takes the complete values.
*/}}
{{- define "audgate.sidecar.address" -}}
{{- $listen := .config.listen | default dict -}}
{{- $address := ternary $listen (get (ternary (dict) $listen (kindIs "string" $listen)) "address") (kindIs "string" $listen) -}}
{{- $address | default (printf "%s:%d" .listen.host (int .listen.port)) -}}
{{- end -}}

{{- define "audgate.sidecar.listenPort" -}}
{{- include "audgate.sidecar.address" . | regexFind "[0-9]+$" -}}
{{- end -}}

{{/*
The text of audgate.yaml: the config of the chart, with `listen` and `admin` where the pod needs them.
*/}}
{{- define "audgate.sidecar.config" -}}
{{- $config := deepCopy .config -}}
{{- $listen := $config.listen | default dict -}}
{{- if kindIs "string" $listen -}}
{{- $listen = dict -}}
{{- end -}}
{{- $_ := set $listen "address" (include "audgate.sidecar.address" .) -}}
{{- $_ := set $config "listen" $listen -}}
{{- if not (hasKey $config "admin") -}}
{{- $_ := set $config "admin" (printf "%s:%d" .listen.host (int .admin.port)) -}}
{{- end -}}
{{- $config | toYaml -}}
{{- end -}}

{{/*
The config map; nothing with an existing one.
*/}}
{{- define "audgate.sidecar.configmap" -}}
{{- $root := .root | default . -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
{{- if not $values.existingConfigMap -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "audgate.sidecar.name" . | quote }}
  namespace: {{ $root.Release.Namespace | quote }}
  labels:
    {{- include "audgate.sidecar.labels" . | nindent 4 }}
    {{- with $values.labels }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  {{- with $values.annotations }}
  annotations:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
data:
  audgate.yaml: |
    {{- include "audgate.sidecar.config" $values | nindent 4 }}
  {{- with $values.configFiles }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/*
Annotations of the pod template. With reload.mode watch there are none: the kubelet brings the new config into the pod
and Audgate takes it. With restart a new config is a new pod, and a bad one stops the rollout.
*/}}
{{- define "audgate.sidecar.podAnnotations" -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
{{- if eq $values.reload.mode "restart" -}}
checksum/{{ include "audgate.sidecar.key" . | kebabcase }}-config: {{ list (include "audgate.sidecar.config" $values) $values.configFiles | toYaml | sha256sum }}
{{- end -}}
{{- end -}}
