{{/* Values that contradict each other. What one value may be says the schema; here is what they may be together. */}}
{{- define "audgate.validate" -}}
{{- $errors := list -}}
{{- $config := .Values.config | default dict -}}
{{- $configured := omit $config "issuers" "upstreams" | or $config.issuers | or $config.upstreams -}}

{{- if .Values.existingConfigMap -}}
{{- if $configured -}}
{{- $errors = append $errors "`config` and `existingConfigMap` are both set: the config has one source. Remove one of them." -}}
{{- end -}}
{{- if .Values.configFiles -}}
{{- $errors = append $errors "`configFiles` and `existingConfigMap` are both set: put the files into that ConfigMap." -}}
{{- end -}}
{{- else -}}
{{- if hasKey (.Values.configFiles | default dict) "audgate.yaml" -}}
{{- $errors = append $errors "`configFiles` has an `audgate.yaml`: that file is `config`." -}}
{{- end -}}
{{- $admin := include "audgate.adminAddress" . -}}
{{- $rendered := include "audgate.config" . | fromYaml -}}
{{- if ne (toString $rendered.admin) $admin -}}
{{- $errors = append $errors (printf "`config.admin` is %s, but the probes and the metrics need %s. Remove it, and set `admin.port` or `listen.host`." (toJson $rendered.admin) $admin) -}}
{{- end -}}
{{- $address := toString $rendered.listen.address -}}
{{- if contains "${" $address -}}
{{- $errors = append $errors "`config.listen.address` comes from the environment, so the chart cannot tell the port. Remove it, and set `listen.port`." -}}
{{- else if regexMatch "^(127\\.|localhost|\\[::1\\])" $address -}}
{{- $errors = append $errors (printf "`config.listen.address` is %s: no Service reaches a loopback address. Remove it, and set `listen.port`." $address) -}}
{{- else if eq 0 (include "audgate.httpPort" . | int) -}}
{{- $errors = append $errors (printf "`config.listen.address` is %s: it needs a port other than 0." $address) -}}
{{- end -}}
{{- range $key, $at := dict "drain_delay" "shutdown.preStopSleepSeconds" "drain" "shutdown.drainSeconds" -}}
{{- if not (include "audgate.seconds" (index $rendered.listen.timeouts $key | toString)) -}}
{{- $errors = append $errors (printf "`config.listen.timeouts.%s` is no plain duration, so the chart cannot compute the grace period. Set `%s`." $key $at) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if eq (include "audgate.httpPort" .) (include "audgate.adminPort" .) -}}
{{- $errors = append $errors (printf "traffic and admin listener are both on port %s. Change `listen.port` or `admin.port`." (include "audgate.adminPort" .)) -}}
{{- end -}}

{{- $grace := include "audgate.gracePeriod" . | int -}}
{{- if not (kindIs "invalid" .Values.terminationGracePeriodSeconds) -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) $grace -}}
{{- $errors = append $errors (printf "`terminationGracePeriodSeconds` is %d: the drain needs %d (delay, drain and 5). Raise it, or lower `shutdown`." (int .Values.terminationGracePeriodSeconds) $grace) -}}
{{- end -}}
{{- end -}}

{{- $mount := clean .Values.secrets.mountPath -}}
{{- if hasPrefix "/etc/audgate/" (printf "%s/" $mount) -}}
{{- $errors = append $errors (printf "`secrets.mountPath` is %s: a mount inside the read-only directory of the config does not work." $mount) -}}
{{- end -}}
{{- if and .Values.secrets.files (has "files" (include "audgate.existingSecrets" . | fromYaml).names) -}}
{{- $errors = append $errors "a Secret of `secrets.existingSecret` is called `files`, where `secrets.files` are mounted. Rename one." -}}
{{- end -}}

{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- $errors = append $errors (printf "`autoscaling.minReplicas` (%d) is above `maxReplicas` (%d)." (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if not (or .targetCPU .extraMetrics) -}}
{{- $errors = append $errors "`autoscaling` is on without a metric: set `targetCPU` or `extraMetrics`." -}}
{{- end -}}
{{- if and .targetCPU (not (dig "requests" "cpu" "" ($.Values.resources | default dict))) -}}
{{- $errors = append $errors "`autoscaling.targetCPU` is a share of `resources.requests.cpu`, which is not set." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $errors = append $errors "`httpRoute` is on without `httpRoute.parentRefs`: it would belong to no Gateway." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $errors = append $errors "`ingress` is on without `ingress.hosts`." -}}
{{- end -}}

{{- with $errors -}}
{{- fail (printf "\n\nERROR: %s\n" (join "\nERROR: " .)) -}}
{{- end -}}
{{- end }}
