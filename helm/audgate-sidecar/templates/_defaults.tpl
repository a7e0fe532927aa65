{{/*
Every value under `audgate:`, with its default. What the application's chart sets is laid over it, key by key. The
comments that begin with `# --` are the table in README.md.
*/}}
{{- define "audgate.sidecar.defaults" -}}
image:
  # -- Registry, without a trailing slash; `global.imageRegistry` comes first.
  registry: ""
  # -- Repository.
  repository: audgate
  # -- Tag: the version that this library was made for.
  tag: "0.1.0"
  # -- `sha256:…`; wins over the tag.
  digest: ""
  # -- When the node pulls. Pull secrets are the pod's: `imagePullSecrets`.
  pullPolicy: IfNotPresent
# -- The config of Audgate. The library adds `listen.address` and `admin`, from `listen` and `admin.port` below.
config: {}
# -- Run templates in `config`. Off: a config may contain double braces of its own.
configTpl: false
# -- Further files beside `audgate.yaml`, by name: key sets, OpenAPI documents. Nothing secret.
configFiles: {}
# -- Name of a ConfigMap with `audgate.yaml` in place of `config`. It must listen where `listen` and `admin` say.
existingConfigMap: ""
reload:
  # -- `watch`: a changed config is loaded by the running pods, a broken one is refused by them and shows in their log and
  # in `audgate_config_last_reload_successful`. `restart`: it rolls the pods, and a broken one stops the rollout.
  mode: watch
listen:
  # -- Port of the traffic listener, unless `config.listen` says an address.
  port: 8080
  # -- Address of both listeners. `[::]` where pods have IPv6 addresses only.
  host: 0.0.0.0
admin:
  # -- Port of the admin listener (probes, metrics). In no Service.
  port: 9090
service:
  # -- Name of the Service's port.
  name: http
  # -- The Service's port; its target is Audgate's.
  port: 80
  # -- Application protocol; `http` becomes `https` with `config.listen.tls`; empty: none.
  appProtocol: http
secrets:
  # -- Name of a Secret, or a list of them; each is a directory `MOUNTPATH/NAME` for the `*_file` keys of the config.
  existingSecret: ""
  # -- Directory of the secrets in the container; not inside /etc/audgate.
  mountPath: /etc/audgate-secrets
caBundle:
  # -- ConfigMap with CA certificates that are trusted beside the platform's (`NODE_EXTRA_CA_CERTS`; read at start only).
  existingConfigMap: ""
  # -- Its key.
  key: ca.crt
probes:
  # -- Fields of the startup probe, of `/startupz`. The application starts after it.
  startup: {periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 30}
  # -- Fields of the readiness probe, of `/readyz`. It counts for the pod.
  readiness: {periodSeconds: 5, timeoutSeconds: 3}
  # -- Fields of the liveness probe, of `/livez`.
  liveness: {periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3}
# -- Without a CPU limit: throttling shows as latency.
resources:
  requests: {cpu: 50m, memory: 96Mi}
  limits: {memory: 192Mi}
# -- Which resources may be resized without a restart.
resizePolicy: []
# -- What `restricted` asks for, whatever the pod says. Where the pod sets `runAsUser: 0`, set `runAsUser: 65532` here.
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
  seccompProfile: {type: RuntimeDefault}
# -- Further arguments, after `serve --config /etc/audgate/audgate.yaml`.
extraArgs: []
# -- Environment variables, for `${NAME}` in the config.
extraEnv: []
# -- Config maps and Secrets as environment variables.
extraEnvFrom: []
# -- Volumes of the pod.
extraVolumes: []
# -- Mounts of the container; never with `subPath`, which shows the first version for ever.
extraVolumeMounts: []
# -- Labels of the config map.
labels: {}
# -- Annotations of the config map.
annotations: {}
podMonitor:
  # -- A PodMonitor, without asking whether the cluster knows it.
  enabled: false
  # -- Labels. kube-prometheus-stack looks for `release: NAME-OF-ITS-RELEASE`.
  labels: {}
  # -- Time between scrapes.
  interval: 30s
  # -- Time for one; empty: Prometheus' default.
  scrapeTimeout: ""
  # -- Relabelling of targets, after the one that makes the gateway's name the job.
  relabelings: []
  # -- Relabelling of series.
  metricRelabelings: []
{{- end -}}

{{/*
Groups in which an unknown key is a typing error. All other maps belong to Kubernetes or to Audgate.
*/}}
{{- define "audgate.sidecar.groups" -}}
[image, reload, listen, admin, service, secrets, caBundle, probes, podMonitor]
{{- end -}}
