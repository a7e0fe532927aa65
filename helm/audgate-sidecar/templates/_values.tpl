{{/*
Every template of this library takes the root context, or `dict "root" $ "key" "name"` in a chart that has several
gateways, each under a key of its own instead of `audgate`.
*/}}
{{- define "audgate.sidecar.key" -}}
{{- ternary (.key | default "audgate") "audgate" (hasKey . "root") -}}
{{- end -}}

{{/*
The values of one gateway, complete and checked; fails with all problems at once.
*/}}
{{- define "audgate.sidecar.values" -}}
{{- $root := .root | default . -}}
{{- $key := include "audgate.sidecar.key" . -}}
{{- $own := get $root.Values $key | default dict -}}
{{- if not (kindIs "map" $own) -}}
{{- fail (printf "ERROR: %s must be a map of the values of audgate-sidecar" $key) -}}
{{- end -}}
{{- $unknown := include "audgate.sidecar.unknown" (list $key $own) | fromYamlArray -}}
{{- if $unknown -}}
{{- fail (printf "\n%s" (join "\n" $unknown)) -}}
{{- end -}}
{{- $values := include "audgate.sidecar.defaults" . | fromYaml -}}
{{- include "audgate.sidecar.overlay" (list $values $own) -}}
{{- if $values.configTpl -}}
{{- $config := tpl (toYaml $values.config) $root | fromYaml -}}
{{- if hasKey $config "Error" -}}
{{- fail (printf "ERROR: %s.config is no YAML after tpl: %s" $key $config.Error) -}}
{{- end -}}
{{- $_ := set $values "config" $config -}}
{{- end -}}
{{- include "audgate.sidecar.validate" (dict "root" $root "key" $key "values" $values) -}}
{{- $values | toYaml -}}
{{- end -}}

{{/*
Lays the second map over the first. Not mergeOverwrite, for which `false` and "" are nothing; null takes a key out.
*/}}
{{- define "audgate.sidecar.overlay" -}}
{{- $onto := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $onto $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $onto $key)) -}}
{{- include "audgate.sidecar.overlay" (list (get $onto $key) $value) -}}
{{- else -}}
{{- $_ := set $onto $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Name of the config map and the monitor: of release and chart, and of the key where it is another; cut to 63 characters
with a hash, so that two long names stay two.
*/}}
{{- define "audgate.sidecar.name" -}}
{{- $root := .root | default . -}}
{{- $base := $root.Release.Name -}}
{{- if not (contains $root.Chart.Name $base) -}}
{{- $base = printf "%s-%s" $base $root.Chart.Name -}}
{{- end -}}
{{- $full := printf "%s-%s" $base (include "audgate.sidecar.key" . | kebabcase) -}}
{{- if gt (len $full) 63 -}}
{{- $full = printf "%s-%s" (trunc 54 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{- define "audgate.sidecar.configMapName" -}}
{{- $root := .root | default . -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
{{- with $values.existingConfigMap -}}
{{- tpl . $root -}}
{{- else -}}
{{- include "audgate.sidecar.name" . -}}
{{- end -}}
{{- end -}}

{{- define "audgate.sidecar.labels" -}}
{{- $root := .root | default . -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: audgate
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: sidecar
app.kubernetes.io/part-of: {{ $root.Chart.Name | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- end -}}
