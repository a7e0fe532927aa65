{{/*
The groups of files/alerts.yaml for this release: the job of its monitors in its namespace, without the alerts that are
disabled, and with a `runbook_url` each where there is a base for it.
*/}}
{{- define "audgate.alerts" -}}
{{- $values := .Values.metrics.prometheusRule -}}
{{- $selector := printf "job=%q,namespace=%q" (include "audgate.fullname" .) (include "audgate.namespace" .) -}}
{{- $file := .Files.Get "files/alerts.yaml" | replace "job=\"audgate\"" $selector | fromYaml -}}
{{- $runbooks := tpl $values.runbookBaseUrl . -}}
{{- $base := regexMatch "[/#]$" $runbooks | ternary $runbooks (printf "%s/" $runbooks) -}}
{{- $names := list -}}
{{- $groups := list -}}
{{- range $group := $file.groups -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- $names = append $names $rule.alert -}}
{{- if not (has $rule.alert $values.disabled) -}}
{{- if $runbooks -}}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s%s" $base (lower $rule.alert)) -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- if $rules -}}
{{- $groups = append $groups (dict "name" $group.name "rules" $rules) -}}
{{- end -}}
{{- end -}}
{{- range $values.disabled -}}
{{- if not (has . $names) -}}
{{- fail (printf "\n\nERROR: `metrics.prometheusRule.disabled` has %q, and no alert has that name. There are %s.\n" . (join ", " (uniq $names))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end }}
