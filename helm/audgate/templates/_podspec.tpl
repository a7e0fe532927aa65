{{/* The pod of the Deployment. */}}
{{- define "audgate.podSpec" -}}
{{- with include "audgate.imagePullSecrets" . }}
{{- . }}
{{ end -}}
serviceAccountName: {{ include "audgate.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ kindIs "invalid" .Values.terminationGracePeriodSeconds | ternary (include "audgate.gracePeriod" . | int) (int .Values.terminationGracePeriodSeconds) }}
{{- range $key := list "podSecurityContext" "priorityClassName" "runtimeClassName" "schedulerName" "dnsPolicy" "dnsConfig" "nodeSelector" "tolerations" "affinity" "hostAliases" }}
{{- with index $.Values $key }}
{{ $key | replace "podSecurityContext" "securityContext" }}:
  {{- if kindIs "string" . }} {{ tpl . $ | quote }}{{ else }}{{ include "audgate.render" (list $ .) | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- if not (kindIs "invalid" .Values.hostUsers) }}
hostUsers: {{ .Values.hostUsers }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $selector := dict "labelSelector" (dict "matchLabels" (include "audgate.selectorLabels" $ | fromYaml)) }}
  {{- $constraints := list }}
  {{- range . }}
  {{- $constraints = append $constraints (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $selector)) }}
  {{- end }}
  {{- include "audgate.render" (list $ $constraints) | nindent 2 }}
{{- end }}
{{- with .Values.extraInitContainers }}
initContainers:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end }}
containers:
  - {{ include "audgate.container" . | nindent 4 | trim }}
  {{- with .Values.extraContainers }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "audgate.configMapName" . | quote }}
  {{- range $index, $name := (include "audgate.existingSecrets" . | fromYaml).names }}
  - name: secret-{{ $index }}
    secret:
      secretName: {{ $name | quote }}
  {{- end }}
  {{- if .Values.secrets.files }}
  - name: secret-files
    secret:
      secretName: {{ include "audgate.objectName" (list . "files") | quote }}
  {{- end }}
  {{- if .Values.caBundle.existingConfigMap }}
  - name: ca-bundle
    configMap:
      name: {{ include "audgate.render" (list . .Values.caBundle.existingConfigMap) | quote }}
      items:
        - key: {{ .Values.caBundle.key | quote }}
          path: {{ .Values.caBundle.key | quote }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- include "audgate.render" (list $ .) | nindent 2 }}
  {{- end }}
{{- end }}
