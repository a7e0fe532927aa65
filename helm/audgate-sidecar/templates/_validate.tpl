{{/*
Keys that this library does not know, as a list of messages. Takes the key and the values as the chart wrote them.
*/}}
{{- define "audgate.sidecar.unknown" -}}
{{- $key := index . 0 -}}
{{- $own := index . 1 -}}
{{- $known := include "audgate.sidecar.defaults" . | fromYaml -}}
{{- $groups := include "audgate.sidecar.groups" . | fromYamlArray -}}
{{- $problems := list -}}
{{- range $name, $value := $own -}}
{{- if not (hasKey $known $name) -}}
{{- $problems = append $problems (printf "ERROR: %s.%s is not a value of audgate-sidecar; there are %s" $key $name (keys $known | sortAlpha | join ", ")) -}}
{{- else if has $name $groups -}}
{{- $group := get $known $name -}}
{{- if not (kindIs "map" $value) -}}
{{- $problems = append $problems (printf "ERROR: %s.%s must be a map" $key $name) -}}
{{- else -}}
{{- range $member, $_ := $value -}}
{{- if not (hasKey $group $member) -}}
{{- $problems = append $problems (printf "ERROR: %s.%s.%s is not a value of audgate-sidecar; there are %s" $key $name $member (keys $group | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $problems | toYaml -}}
{{- end -}}

{{/*
Values that contradict each other. Takes root, key and the complete values; fails with all problems at once. The content
of the config is judged by `audgate check`, and by the container at its start.
*/}}
{{- define "audgate.sidecar.validate" -}}
{{- $key := .key -}}
{{- $values := .values -}}
{{- $problems := list -}}
{{- $kube := .root.Capabilities.KubeVersion.Version -}}
{{- if not (semverCompare ">=1.29.0-0" $kube) -}}
{{- $problems = append $problems (printf "Kubernetes %s knows no native sidecars by default: at least 1.29 is needed" $kube) -}}
{{- end -}}
{{- range $kind, $names := dict "map" (list "config" "configFiles" "resources" "securityContext" "labels" "annotations") "slice" (list "resizePolicy" "extraArgs" "extraEnv" "extraEnvFrom" "extraVolumes" "extraVolumeMounts") -}}
{{- range $name := $names -}}
{{- if and (get $values $name) (not (kindIs $kind (get $values $name))) -}}
{{- $problems = append $problems (printf "%s.%s must be a %s" $key $name (ternary "map" "list" (eq $kind "map"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not (has $values.reload.mode (list "watch" "restart")) -}}
{{- $problems = append $problems (printf "%s.reload.mode is %v: watch or restart" $key $values.reload.mode) -}}
{{- end -}}
{{- range $name, $port := dict "listen.port" $values.listen.port "admin.port" $values.admin.port "service.port" $values.service.port -}}
{{- if or (lt (int $port) 1) (gt (int $port) 65535) -}}
{{- $problems = append $problems (printf "%s.%s is %v: 1 to 65535" $key $name $port) -}}
{{- end -}}
{{- end -}}
{{- if and $values.image.digest (not (regexMatch "^sha256:[0-9a-f]{64}$" $values.image.digest)) -}}
{{- $problems = append $problems (printf "%s.image.digest must be sha256: and 64 hexadecimal digits" $key) -}}
{{- end -}}
{{- if not (or $values.image.digest $values.image.tag) -}}
{{- $problems = append $problems (printf "%s.image needs a digest or a tag" $key) -}}
{{- end -}}
{{- $mount := clean (toString $values.secrets.mountPath) -}}
{{- if hasKey $values.configFiles "audgate.yaml" -}}
{{- $problems = append $problems (printf "%s.configFiles holds audgate.yaml: that is %s.config" $key $key) -}}
{{- end -}}
{{- if or (eq $mount "/etc/audgate") (hasPrefix "/etc/audgate/" $mount) (not (hasPrefix "/" $mount)) -}}
{{- $problems = append $problems (printf "%s.secrets.mountPath is %s: an absolute path outside /etc/audgate, which is the read-only volume of the config" $key $values.secrets.mountPath) -}}
{{- end -}}
{{- if $values.existingConfigMap -}}
{{- if or $values.config $values.configFiles -}}
{{- $problems = append $problems (printf "%s.existingConfigMap is set, and %s.config or %s.configFiles too: it holds the whole config" $key $key $key) -}}
{{- end -}}
{{- if eq (toString $values.reload.mode) "restart" -}}
{{- $problems = append $problems (printf "%s.reload.mode: restart needs %s.config: a change of existingConfigMap is not seen from here" $key $key) -}}
{{- end -}}
{{- if eq (int $values.listen.port) (int $values.admin.port) -}}
{{- $problems = append $problems (printf "%s.listen.port and %s.admin.port are both %d" $key $key (int $values.admin.port)) -}}
{{- end -}}
{{- else if not $values.config -}}
{{- $problems = append $problems (printf "%s.config is empty: it says which issuers count and what the API behind 127.0.0.1 is; or name an existingConfigMap" $key) -}}
{{- else if kindIs "map" $values.config -}}
{{- $problems = concat $problems (include "audgate.sidecar.listenProblems" . | fromYamlArray) -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\nERROR: %s" (join "\nERROR: " $problems)) -}}
{{- end -}}
{{- end -}}

{{/*
What is wrong with `listen` and `admin` of the config, as a list of messages.
*/}}
{{- define "audgate.sidecar.listenProblems" -}}
{{- $key := .key -}}
{{- $values := .values -}}
{{- $problems := list -}}
{{- $listen := $values.config.listen -}}
{{- if not (or (kindIs "invalid" $listen) (kindIs "string" $listen) (kindIs "map" $listen)) -}}
{{- $problems = append $problems (printf "%s.config.listen must be an address or a map" $key) -}}
{{- else -}}
{{- $address := include "audgate.sidecar.address" $values -}}
{{- if not (regexMatch "^[^$]*:[1-9][0-9]{0,4}$" $address) -}}
{{- $problems = append $problems (printf "%s.config.listen.address is %s: its port must be written out, the pod and the Service name it too; or leave the address out and set %s.listen.port" $key $address $key) -}}
{{- else if regexMatch "^(127\\.|localhost:|\\[::1\\])" $address -}}
{{- $problems = append $problems (printf "%s.config.listen.address is %s: nobody outside the pod reaches that; leave it out or bind 0.0.0.0" $key $address) -}}
{{- else if eq (int (include "audgate.sidecar.listenPort" $values)) (int $values.admin.port) -}}
{{- $problems = append $problems (printf "%s.config.listen and %s.admin.port are both port %d" $key $key (int $values.admin.port)) -}}
{{- end -}}
{{- end -}}
{{- if hasKey $values.config "admin" -}}
{{- $admin := $values.config.admin -}}
{{- $right := list (printf "0.0.0.0:%d" (int $values.admin.port)) (printf "[::]:%d" (int $values.admin.port)) -}}
{{- if not (has (toString $admin) $right) -}}
{{- $problems = append $problems (printf "%s.config.admin is %v: the kubelet asks the pod's address at %s.admin.port (%d); leave it out, this library writes it" $key $admin $key (int $values.admin.port)) -}}
{{- end -}}
{{- end -}}
{{- $problems | toYaml -}}
{{- end -}}
