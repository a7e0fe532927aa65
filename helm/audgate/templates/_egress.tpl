{{/* Every address that the config makes the gateway call, as a YAML list under the key `urls`. */}}
{{- define "audgate.called" -}}
{{- $config := include "audgate.config" . | fromYaml -}}
{{- $urls := list -}}
{{- range $base, $entries := $config.upstreams -}}
{{- $urls = append $urls $base -}}
{{- range kindIs "slice" $entries | ternary $entries (list $entries) -}}
{{- if kindIs "map" . }}{{ $urls = concat $urls (.replicas | default list) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $issuer := $config.issuers -}}
{{- if kindIs "map" $issuer -}}
{{- $keys := kindIs "map" $issuer.keys | ternary $issuer.keys dict -}}
{{- $introspection := $issuer.introspection | default dict -}}
{{- if or (empty $keys) (and $introspection (not $introspection.endpoint)) -}}
{{- $urls = append $urls ($issuer.metadata_url | default $issuer.issuer) -}}
{{- end -}}
{{- $urls = concat $urls (list $keys.jwks_uri $introspection.endpoint | compact) -}}
{{- else -}}
{{- $urls = append $urls $issuer -}}
{{- end -}}
{{- end -}}
{{- $store := $config.store | default "memory" -}}
{{- if kindIs "map" $store }}{{ $store = $store.url }}{{ end -}}
{{- if ne (toString $store) "memory" }}{{ $urls = append $urls $store }}{{ end -}}
{{- dict "urls" (uniq $urls) | toYaml -}}
{{- end }}

{{/*
Egress rules for them. A policy knows no host names, so it opens the port, to everybody. A name of the cluster has its
namespace opened instead, on every port: a policy sees the port of the pod, which is often not that of the Service. Where
a name may be either (`http://orders.shop`, `orders.shop.svc.corp.example`), both are open. Where the chart cannot tell what is
called (an address from the environment, `existingConfigMap`), everything is open, unless `extraEgress` says what is.
*/}}
{{- define "audgate.egress" -}}
{{- $unknown := not (empty .Values.existingConfigMap) -}}
{{- $ports := list -}}
{{- $namespaces := list -}}
{{- range (include "audgate.called" . | fromYaml).urls -}}
{{- $url := toString . -}}
{{- if contains "${" $url -}}
{{- $unknown = true -}}
{{- else if not (hasPrefix "unix:" (lower $url)) -}}
{{- $scheme := regexFind "^[a-z]+" (lower $url) -}}
{{- $authority := regexReplaceAll "^[^:]*://([^/?#]*@)?" $url "" | regexFind "^[^/?#]*" | lower -}}
{{- $host := regexReplaceAll ":[0-9]+$" $authority "" | trimSuffix "." -}}
{{- if regexMatch "^(127\\..*|localhost|\\[::1\\])$" $host -}}
{{- else if regexMatch "^[a-z0-9-]+$" $host -}}
{{- $namespaces = append $namespaces (include "audgate.namespace" $) -}}
{{- else if regexMatch "\\.svc(\\.cluster\\.local)?$" $host -}}
{{- $namespaces = append $namespaces (regexReplaceAll "^.*?([^.]+)\\.svc(\\..*)?$" $host "${1}") -}}
{{- else -}}
{{- with regexReplaceAll "^(?:(?:http|redis) [a-z0-9-]+\\.([a-z0-9-]+)|.*[ .]([^. ]+)\\.svc\\..+|.*)$" (printf "%s %s" $scheme $host) "${1}${2}" -}}
{{- $namespaces = append $namespaces . -}}
{{- end -}}
{{- $port := regexFind ":[0-9]+$" $authority | trimPrefix ":" -}}
{{- $ports = append $ports (default (get (dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379") $scheme) $port | int) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $unknown (not .Values.networkPolicy.extraEgress) -}}
# What is called is not known here: networkPolicy.extraEgress would say it.
- {}
{{- else -}}
# DNS; 5353 is the port of OpenShift's DNS pods.
- ports:
    {{- range $port := list 53 5353 }}
    {{- range $protocol := list "UDP" "TCP" }}
    - port: {{ $port }}
      protocol: {{ $protocol }}
    {{- end }}
    {{- end }}
{{- with $namespaces | uniq | sortAlpha }}
- to:
    {{- range . }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ . | quote }}
    {{- end }}
{{- end }}
{{- with $ports | uniq }}
- ports:
    {{- range . }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ include "audgate.render" (list $ .) }}
{{- end }}
{{- end -}}
{{- end }}
