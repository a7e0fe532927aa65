{{/*
Text for the NOTES.txt of the application's chart: what keeps the gateway from being bypassed, and what looks wrong.
*/}}
{{- define "audgate.sidecar.notes" -}}
{{- $values := include "audgate.sidecar.values" . | fromYaml -}}
{{- $key := include "audgate.sidecar.key" . -}}
{{- $port := include "audgate.sidecar.listenPort" $values -}}
Audgate runs in each pod as a native sidecar and checks every request on port {{ $port }}.

Two things keep it from being bypassed, and no chart can see either of them:
- The API listens on 127.0.0.1 (or on a Unix socket) only. On 0.0.0.0 whoever reaches the pod's address gets past Audgate.
- Each Service, Ingress and HTTPRoute goes to port {{ $port }}, by number, and to no port of the API.
The kubelet does not reach an API on 127.0.0.1 either: let its httpGet probes go to port {{ $port }}, to a `public` route.

{{ if $values.existingConfigMap -}}
The config is the key audgate.yaml of the ConfigMap {{ include "audgate.sidecar.configMapName" . }}. It must listen on port {{ $port }}, and on
port {{ int $values.admin.port }} of the same address for `admin`.
{{- else if eq $values.reload.mode "watch" -}}
A new config is taken over within about a minute, without a restart. One that is invalid is not: Audgate keeps the old
one, logs what is wrong, and audgate_config_last_reload_successful is 0. {{ $key }}.reload.mode=restart rolls the pods instead.
{{- else -}}
A new config rolls the pods.
{{- end }}
{{- range $warning := include "audgate.sidecar.warnings" $values | fromYamlArray }}

WARNING: {{ $warning }}
{{- end }}
{{- end -}}

{{/*
What is allowed and yet most likely a mistake, as a list of texts. Takes the complete values.
*/}}
{{- define "audgate.sidecar.warnings" -}}
{{- $warnings := list -}}
{{- if not .existingConfigMap -}}
{{- if not .config.upstreams -}}
{{- $warnings = append $warnings "no upstreams are configured: every request is refused." -}}
{{- end -}}
{{- if not .config.issuers -}}
{{- $warnings = append $warnings "no issuers are configured: every token is refused." -}}
{{- end -}}
{{- range $upstream, $_ := .config.upstreams -}}
{{- if not (regexMatch "^(https?://(127\\.|localhost[:/]|localhost$|\\[::1\\])|unix:|.*\\$\\{)" $upstream) -}}
{{- $warnings = append $warnings (printf "the upstream %s is not in this pod." $upstream) -}}
{{- end -}}
{{- end -}}
{{- $listen := .config.listen | default dict -}}
{{- if kindIs "map" $listen -}}
{{- $delay := (get $listen "timeouts" | default dict).drain_delay -}}
{{- if and $delay (not (regexMatch "^0[a-z]*$" (toString $delay))) -}}
{{- $warnings = append $warnings (printf "listen.timeouts.drain_delay is %v: a sidecar is told to end when the API is gone, so it only delays the end of the pod." $delay) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $warnings | toYaml -}}
{{- end -}}
