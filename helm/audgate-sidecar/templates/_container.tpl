{{/*
Audgate as a native sidecar: one item of `initContainers`.

- startupProbe: the application starts after it, so it asks for /startupz, which no issuer can hold up.
- preStop: runs when the application is told to stop, and SIGTERM comes after the application has ended. So it asks for
  `Connection: close` on each answer, and goes on serving. By httpGet: an exec hook would start a second Node.
- Port names are prefixed: a Service looks a named port up in the application's containers first.
*/}}
{{- define "audgate.sidecar.container" -}}
{{- $root := .root | default . -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
- name: audgate
  image: {{ include "audgate.sidecar.image" (list $root $values) | quote }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  restartPolicy: Always
  args:
    - serve
    - --config
    - /etc/audgate/audgate.yaml
    {{- with $values.extraArgs }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  {{- if or $values.extraEnv $values.caBundle.existingConfigMap }}
  env:
    {{- if $values.caBundle.existingConfigMap }}
    - name: NODE_EXTRA_CA_CERTS
      value: {{ printf "/etc/audgate-ca/%s" $values.caBundle.key | quote }}
    {{- end }}
    {{- with $values.extraEnv }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with $values.extraEnvFrom }}
  envFrom:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  ports:
    - name: audgate-http
      containerPort: {{ include "audgate.sidecar.listenPort" $values }}
      protocol: TCP
    - name: audgate-admin
      containerPort: {{ int $values.admin.port }}
      protocol: TCP
  startupProbe:
    httpGet:
      path: /startupz
      port: audgate-admin
    {{- with $values.probes.startup }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  readinessProbe:
    httpGet:
      path: /readyz
      port: audgate-admin
    {{- with $values.probes.readiness }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  livenessProbe:
    httpGet:
      path: /livez
      port: audgate-admin
    {{- with $values.probes.liveness }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  lifecycle:
    preStop:
      httpGet:
        path: /drain
        port: audgate-admin
  {{- with $values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.resizePolicy }}
  resizePolicy:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  {{- with $values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - name: audgate-config
      mountPath: /etc/audgate
      readOnly: true
    {{- range $index, $secret := include "audgate.sidecar.secrets" (list $root $values) | fromYamlArray }}
    - name: audgate-secret-{{ $index }}
      mountPath: {{ printf "%s/%s" (clean $values.secrets.mountPath) $secret | quote }}
      readOnly: true
    {{- end }}
    {{- if $values.caBundle.existingConfigMap }}
    - name: audgate-ca
      mountPath: /etc/audgate-ca
      readOnly: true
    {{- end }}
    {{- with $values.extraVolumeMounts }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
{{- end -}}

{{/*
The image; a digest wins over the tag, and global.imageRegistry over the registry. Takes root and the complete values.
*/}}
{{- define "audgate.sidecar.image" -}}
{{- $root := index . 0 -}}
{{- $image := (index . 1).image -}}
{{- $registry := ($root.Values.global | default dict).imageRegistry | default $image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (not (empty $registry)) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%v" $name $image.tag -}}
{{- end -}}
{{- end -}}

{{/*
Names of the Secrets, as a list. Takes root and the complete values.
*/}}
{{- define "audgate.sidecar.secrets" -}}
{{- $secrets := (index . 1).secrets.existingSecret -}}
{{- if not (kindIs "slice" $secrets) -}}
{{- $secrets = list $secrets | compact -}}
{{- end -}}
{{- tpl (toYaml $secrets) (index . 0) -}}
{{- end -}}

{{/*
Items of the pod's `volumes`. Whole directories, never a subPath: that would show the first version for ever (OP-2).
*/}}
{{- define "audgate.sidecar.volumes" -}}
{{- $root := .root | default . -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
- name: audgate-config
  configMap:
    name: {{ include "audgate.sidecar.configMapName" . | quote }}
{{- range $index, $secret := include "audgate.sidecar.secrets" (list $root $values) | fromYamlArray }}
- name: audgate-secret-{{ $index }}
  secret:
    secretName: {{ $secret | quote }}
{{- end }}
{{- if $values.caBundle.existingConfigMap }}
- name: audgate-ca
  configMap:
    name: {{ tpl $values.caBundle.existingConfigMap $root | quote }}
{{- end }}
{{- with $values.extraVolumes }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end -}}
