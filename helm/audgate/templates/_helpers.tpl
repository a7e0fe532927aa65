{{/* Names, labels, ports and times that several templates need. Every one takes the root context unless it says so. */}}

{{- define "audgate.name" -}}
{{- default .Chart.Name (include "audgate.render" (list . .Values.nameOverride)) | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "audgate.fullname" -}}
{{- $name := include "audgate.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- include "audgate.render" (list . .Values.fullnameOverride) | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Name of a further object: (list . "metrics"). The suffix survives a long name, so two objects never share one. */}}
{{- define "audgate.objectName" -}}
{{- $suffix := printf "-%s" (index . 1) -}}
{{- include "audgate.fullname" (index . 0) | trunc (sub 63 (len $suffix) | int) | trimSuffix "-" }}{{ $suffix -}}
{{- end }}

{{- define "audgate.namespace" -}}
{{- default .Release.Namespace (include "audgate.render" (list . .Values.namespaceOverride)) -}}
{{- end }}

{{/* Any value as YAML with its templates run: (list . VALUE). Nothing for what is empty. */}}
{{- define "audgate.render" -}}
{{- with index . 1 -}}
{{- $text := kindIs "string" . | ternary . (toYaml .) -}}
{{- if contains "{{" $text }}{{ tpl $text (index $ 0) }}{{ else }}{{ $text }}{{ end -}}
{{- end -}}
{{- end }}

{{/* What never changes over the life of a release (CH-6). The component keeps the pod of `helm test` out of it. */}}
{{- define "audgate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "audgate.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: gateway
{{- end }}

{{/* Labels of the gateway's pods: none that changes with the chart alone, which would roll them for nothing. */}}
{{- define "audgate.podLabels" -}}
{{- $labels := include "audgate.labels" . | fromYaml -}}
{{- $own := omit $labels "helm.sh/chart" "app.kubernetes.io/managed-by" -}}
{{- include "audgate.render" (list . (merge $own (.Values.podLabels | default dict))) -}}
{{- end }}

{{/* Labels of an object that is no pod of the gateway and is selected by nothing. */}}
{{- define "audgate.labels" -}}
{{- include "audgate.labelsOf" (list . "gateway") -}}
{{- end }}

{{/* Labels with a component of their own: (list . "metrics"), and a map of further ones: (list . "metrics" MAP). */}}
{{- define "audgate.labelsOf" -}}
{{- $ := index . 0 -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" (include "audgate.name" $)
  "app.kubernetes.io/instance" $.Release.Name
  "app.kubernetes.io/component" (index . 1)
  "app.kubernetes.io/version" ($.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/managed-by" $.Release.Service
  "app.kubernetes.io/part-of" "audgate" -}}
{{- $further := gt (len .) 2 | ternary (last .) dict -}}
{{- include "audgate.render" (list $ (merge $own (deepCopy ($further | default dict)) ($.Values.commonLabels | default dict))) -}}
{{- end }}

{{/* The key `annotations` with a map of an object's own and the common ones: (list . MAP); nothing where both are empty. */}}
{{- define "audgate.annotations" -}}
{{- $ := index . 0 -}}
{{- with merge (deepCopy (index . 1 | default dict)) ($.Values.commonAnnotations | default dict) -}}
annotations:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end -}}
{{- end }}

{{/* A digest wins over a tag (CH-9), the registry of `global` over the image's. */}}
{{- define "audgate.image" -}}
{{- $registry := default .Values.image.registry (.Values.global).imageRegistry -}}
{{- $name := .Values.image.repository -}}
{{- with $registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion (include "audgate.render" (list . .Values.image.tag))) -}}
{{- end -}}
{{- end }}

{{/* The key `imagePullSecrets`; a name may stand for { name: … }. */}}
{{- define "audgate.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat ((.Values.global).imagePullSecrets | default list) (.Values.imagePullSecrets | default list) -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with $secrets | uniq -}}
imagePullSecrets:
  {{- include "audgate.render" (list $ .) | nindent 2 }}
{{- end -}}
{{- end }}

{{- define "audgate.serviceAccountName" -}}
{{- $name := include "audgate.render" (list . .Values.serviceAccount.name) -}}
{{- default (.Values.serviceAccount.create | ternary (include "audgate.fullname" .) "default") $name -}}
{{- end }}

{{- define "audgate.configMapName" -}}
{{- default (include "audgate.fullname" .) (include "audgate.render" (list . .Values.existingConfigMap)) -}}
{{- end }}

{{/*
The whole config of the pods as YAML: `config` of the values with the addresses and times of the other values, where it
does not say its own. Empty with `existingConfigMap`, whose text the chart does not know.
*/}}
{{- define "audgate.config" -}}
{{- if not .Values.existingConfigMap -}}
{{- $config := deepCopy (.Values.config | default dict) -}}
{{- if .Values.configTpl -}}
{{- $config = fromYaml (tpl (toYaml $config) .) -}}
{{- with $config.Error }}{{ fail (printf "ERROR: with configTpl the config is no YAML any more: %s" .) }}{{ end -}}
{{- end -}}
{{- $listen := $config.listen | default dict -}}
{{- if not (kindIs "map" $listen) -}}{{- $listen = dict "address" $listen -}}{{- end -}}
{{- $own := dict
  "address" (printf "%s:%d" .Values.listen.host (int .Values.listen.port))
  "timeouts" (dict
    "drain_delay" (printf "%ds" (int .Values.shutdown.preStopSleepSeconds))
    "drain" (printf "%ds" (int .Values.shutdown.drainSeconds))) -}}
{{- $_ := set $config "listen" (merge $listen $own) -}}
{{- if not (hasKey $config "admin") -}}
{{- $_ := set $config "admin" (include "audgate.adminAddress" .) -}}
{{- end -}}
{{- range list "issuers" "upstreams" -}}
{{- if not (hasKey $config .) }}{{ $_ := set $config . dict }}{{ end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
{{- end }}

{{/* Where the admin listener of the rendered config listens: the kubelet comes to the pod's address. */}}
{{- define "audgate.adminAddress" -}}
{{- printf "%s:%d" .Values.listen.host (int .Values.admin.port) -}}
{{- end }}

{{/* `listen` of the config as a map; empty with `existingConfigMap`. */}}
{{- define "audgate.listen" -}}
{{- (include "audgate.config" . | fromYaml).listen | default dict | toYaml -}}
{{- end }}

{{/* Port of the traffic listener: that of the config, or of the values. */}}
{{- define "audgate.httpPort" -}}
{{- $address := (include "audgate.listen" . | fromYaml).address -}}
{{- kindIs "invalid" $address | ternary (int .Values.listen.port) (toString $address | regexFind "[0-9]+$" | int) -}}
{{- end }}

{{- define "audgate.adminPort" -}}
{{- int .Values.admin.port -}}
{{- end }}

{{/* Name of the container ports; a Service's port and a monitor's are called the same (CH-7). */}}
{{- define "audgate.httpPortName" -}}http{{- end }}
{{- define "audgate.adminPortName" -}}admin{{- end }}

{{/* `https` where the traffic listener speaks TLS. */}}
{{- define "audgate.scheme" -}}
{{- hasKey (include "audgate.listen" . | fromYaml) "tls" | ternary "https" "http" -}}
{{- end }}

{{- define "audgate.metricsService" -}}
{{- if or .Values.metrics.service.enabled .Values.metrics.serviceMonitor.enabled }}true{{ end -}}
{{- end }}

{{/* A duration of the config in whole seconds, rounded up; nothing where it is none, as with ${NAME}. */}}
{{- define "audgate.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int -}}
{{- if regexMatch "^[0-9]+ms$" . }}{{ div (add $number 999) 1000 }}
{{- else if regexMatch "^[0-9]+s$" . }}{{ $number }}
{{- else if regexMatch "^[0-9]+m$" . }}{{ mul $number 60 }}
{{- else if regexMatch "^[0-9]+h$" . }}{{ mul $number 3600 }}
{{- end -}}
{{- end }}

{{/* Seconds from SIGTERM, or from the preStop hook, to the end of the slowest drain (CH-4), and 5 for the rest. */}}
{{- define "audgate.gracePeriod" -}}
{{- $timeouts := (include "audgate.listen" . | fromYaml).timeouts | default dict -}}
{{- $delay := kindIs "invalid" $timeouts.drain_delay | ternary .Values.shutdown.preStopSleepSeconds (include "audgate.seconds" (toString $timeouts.drain_delay)) -}}
{{- $drain := kindIs "invalid" $timeouts.drain | ternary .Values.shutdown.drainSeconds (include "audgate.seconds" (toString $timeouts.drain)) -}}
{{- add (int $delay) (int $drain) 5 -}}
{{- end }}

{{/* Replicas at least: what a disruption budget can count on (CH-3). */}}
{{- define "audgate.replicas" -}}
{{- .Values.autoscaling.enabled | ternary .Values.autoscaling.minReplicas .Values.replicaCount | int -}}
{{- end }}

{{/* Names of the mounted Secrets as a YAML list under the key `names`. */}}
{{- define "audgate.existingSecrets" -}}
{{- $secrets := .Values.secrets.existingSecret -}}
{{- if kindIs "string" $secrets }}{{ $secrets = empty $secrets | ternary list (list $secrets) }}{{ end -}}
{{- $names := list -}}
{{- range $secrets }}{{ $names = append $names (tpl . $) }}{{ end -}}
{{- dict "names" $names | toYaml -}}
{{- end }}

{{/* `data` of a Secret from a map of texts. No template is run: what is wrong with one is said with its text. */}}
{{- define "audgate.secretData" -}}
{{- range $name, $text := . }}
{{ $name | quote }}: {{ $text | b64enc | quote }}
{{- end -}}
{{- end }}
