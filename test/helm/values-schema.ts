import { pathToFileURL } from 'node:url'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { readValues, type Value } from './values-file.ts'

/**
 * Prints `helm/audgate/values.schema.json`:
 *
 *     node --import tsx test/helm/values-schema.ts > helm/audgate/values.schema.json
 *
 * `config` is the schema of the config file; everything else follows from values.yaml, which gives the keys and the kinds
 * of their values, and from the table below, which says what a default cannot.
 */

type Schema = Record<string, unknown>

const open: Schema = { type: ['object', 'null'] }
const texts: Schema = { type: 'object', additionalProperties: { type: ['string', 'null'] } }
const files: Schema = {
  type: 'object',
  propertyNames: { pattern: '^[-._A-Za-z0-9]{1,253}$' },
  additionalProperties: { type: 'string' },
}
const variables: Schema = { ...files, propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } }
const port: Schema = { type: 'integer', minimum: 1, maximum: 65535 }
const seconds: Schema = { type: 'integer', minimum: 0 }
const count: Schema = { type: 'integer', minimum: 0 }
const duration: Schema = { type: 'string', pattern: '^(([0-9]+)(ms|s|m|h|d|w|y))*$' }
const probe: Schema = { type: 'object', properties: { httpGet: false, exec: false, tcpSocket: false, grpc: false } }
const objects: Schema = { type: 'array', items: { type: 'object' } }
const names: Schema = { type: 'array', items: { type: 'string', minLength: 1 } }
const oneOf = (...members: readonly string[]): Schema => ({ type: 'string', enum: members })

/** What values.yaml does not show: the members of a closed set, what is left to Kubernetes, limits. */
const particular: Readonly<Record<string, Schema>> = {
  'global.imagePullSecrets': { type: 'array', items: { type: ['string', 'object'] } },
  imagePullSecrets: { type: 'array', items: { type: ['string', 'object'] } },
  commonLabels: texts,
  commonAnnotations: texts,
  'image.repository': { type: 'string', minLength: 1 },
  'image.tag': { type: 'string', pattern: '^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}|.*\\{\\{.*)?$' },
  'image.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  'image.pullPolicy': oneOf('Always', 'IfNotPresent', 'Never'),
  replicaCount: count,
  configFiles: files,
  'reload.mode': oneOf('watch', 'restart'),
  'secrets.existingSecret': { type: ['string', 'array'], items: { type: 'string', minLength: 1 } },
  'secrets.mountPath': { type: 'string', pattern: '^/.' },
  'secrets.files': files,
  'secrets.env': variables,
  'caBundle.key': { type: 'string', minLength: 1 },
  'listen.port': port,
  'listen.host': { type: 'string', pattern: '^(0\\.0\\.0\\.0|\\[::\\])$' },
  'admin.port': port,
  'service.type': oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
  'service.port': port,
  'service.nodePort': { type: 'integer', minimum: 0, maximum: 65535 },
  'service.loadBalancerSourceRanges': names,
  'service.externalTrafficPolicy': oneOf('', 'Cluster', 'Local'),
  'service.internalTrafficPolicy': oneOf('', 'Cluster', 'Local'),
  'service.ipFamilyPolicy': oneOf('', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
  'service.ipFamilies': { type: 'array', items: oneOf('IPv4', 'IPv6') },
  'service.labels': texts,
  'service.annotations': texts,
  'serviceAccount.annotations': texts,
  'metrics.service.labels': texts,
  'metrics.service.annotations': texts,
  'metrics.serviceMonitor.labels': texts,
  'metrics.serviceMonitor.annotations': texts,
  'metrics.serviceMonitor.interval': duration,
  'metrics.serviceMonitor.scrapeTimeout': duration,
  'metrics.serviceMonitor.relabelings': objects,
  'metrics.serviceMonitor.metricRelabelings': objects,
  'metrics.podMonitor.labels': texts,
  'metrics.podMonitor.annotations': texts,
  'metrics.podMonitor.interval': duration,
  'metrics.podMonitor.scrapeTimeout': duration,
  'metrics.podMonitor.relabelings': objects,
  'metrics.podMonitor.metricRelabelings': objects,
  'metrics.prometheusRule.disabled': names,
  'metrics.prometheusRule.labels': texts,
  'metrics.prometheusRule.annotations': texts,
  'metrics.dashboard.annotations': texts,
  'probes.startup': probe,
  'probes.readiness': probe,
  'probes.liveness': probe,
  'shutdown.preStopSleepSeconds': { ...seconds, maximum: 600 },
  'shutdown.drainSeconds': { ...seconds, maximum: 86400 },
  terminationGracePeriodSeconds: { type: ['integer', 'null'], minimum: 0 },
  resources: open,
  resizePolicy: objects,
  'autoscaling.minReplicas': { type: 'integer', minimum: 1 },
  'autoscaling.maxReplicas': { type: 'integer', minimum: 1 },
  'autoscaling.targetCPU': { type: ['integer', 'null'], minimum: 0 },
  'autoscaling.behavior': open,
  'autoscaling.extraMetrics': objects,
  'pdb.maxUnavailable': { type: ['integer', 'string'], minimum: 0, pattern: '^(100|[0-9]{1,2})%$' },
  'pdb.unhealthyPodEvictionPolicy': oneOf('AlwaysAllow', 'IfHealthyBudget', ''),
  'networkPolicy.ingressFrom': objects,
  'networkPolicy.metricsFrom': objects,
  'networkPolicy.extraEgress': objects,
  'httpRoute.parentRefs': objects,
  'httpRoute.hostnames': names,
  'httpRoute.matches': objects,
  'httpRoute.filters': objects,
  'httpRoute.labels': texts,
  'httpRoute.annotations': texts,
  'ingress.hosts': objects,
  'ingress.tls': objects,
  'ingress.labels': texts,
  'ingress.annotations': texts,
  podSecurityContext: open,
  securityContext: open,
  strategy: open,
  revisionHistoryLimit: count,
  minReadySeconds: seconds,
  topologySpreadConstraints: objects,
  deploymentLabels: texts,
  deploymentAnnotations: texts,
  podLabels: texts,
  podAnnotations: texts,
  nodeSelector: texts,
  tolerations: objects,
  affinity: open,
  hostAliases: objects,
  dnsConfig: open,
  dnsPolicy: oneOf('', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'),
  hostUsers: { type: ['boolean', 'null'] },
  extraArgs: names,
  extraEnv: objects,
  extraEnvFrom: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  extraContainers: objects,
  extraInitContainers: objects,
  extraObjects: { type: 'array', items: { type: ['string', 'object'] } },
  userValues: open,
}

/** Maps that take further keys: `global` is shared with every chart of the release. */
const openMaps = new Set(['global'])

/** The schema of the values as an object, and the paths of the table that no key has. */
export const valuesSchema = (): { readonly schema: Schema; readonly unused: readonly string[] } => {
  const { config, definitions } = configSchema()
  const seen = new Set<string>()
  const schemaOf = (key: Value): Schema => {
    const { path, value, description, keys } = key
    if (path === 'config') return config
    const special = particular[path]
    if (special) seen.add(path)
    const schema = special ?? (keys.length > 0 ? mapOf(keys, !openMaps.has(path)) : kindOf(key))
    return {
      ...(description !== undefined && { description }),
      ...schema,
      ...(keys.length === 0 && { default: value }),
    }
  }
  const mapOf = (keys: readonly Value[], closed: boolean): Schema => {
    const needed = keys.filter(isNeeded).map(nameOf)
    return {
      type: 'object',
      properties: Object.fromEntries(keys.map((key) => [nameOf(key), schemaOf(key)])),
      ...(closed && { additionalProperties: false }),
      ...(needed.length > 0 && { required: needed }),
    }
  }
  const { properties, ...rest } = mapOf(readValues(), true)
  const schema: Schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Values of the chart audgate',
    ...rest,
    properties: {
      ...(properties as Schema),
      enabled: { description: 'For the condition of a parent chart; read by nothing here.', type: 'boolean' },
    },
    $defs: definitions,
  }
  return { schema, unused: Object.keys(particular).filter((path) => !seen.has(path)) }
}

const nameOf = ({ path }: Value): string => path.slice(path.lastIndexOf('.') + 1)

/**
 * What a `null`, by which a value is taken out, would break in silence: a number becomes 0 (no replicas), a switch what
 * Kubernetes prefers (a mounted token), and of a group the templates read every key.
 */
const isNeeded = ({ path, value, keys }: Value): boolean => {
  const special = particular[path]
  if (path === 'config' || openMaps.has(path)) return false
  if (keys.length > 0) return special === undefined
  return typeof value === 'boolean' || (typeof value === 'number' && value !== 0 && special?.type === 'integer')
}

const kindOf = ({ path, value }: Value): Schema => {
  if (typeof value === 'string' || typeof value === 'boolean') return { type: typeof value }
  throw new Error(`values.yaml does not show what ${path} may be: it needs a row in test/helm/values-schema.ts`)
}

/**
 * The config's schema for a place inside another: definitions under names of their own, nothing required, because the
 * chart fills in what is missing, and templates where `${NAME}` may stand, for `configTpl`.
 */
const configSchema = (): { readonly config: Schema; readonly definitions: Schema } => {
  const text = JSON.stringify(jsonSchema()).replaceAll('"#/$defs/', '"#/$defs/config.')
  const { $schema: _, $defs, required: __, title: ___, ...config } = JSON.parse(text) as Schema
  const definitions = Object.fromEntries(
    Object.entries($defs as Record<string, Schema>).map(([name, one]) => [
      `config.${name}`,
      name === 'Environment' ? { ...one, pattern: '\\$\\{|\\{\\{' } : one,
    ]),
  )
  return { config, definitions }
}

/** The file, byte for byte. */
export const valuesSchemaText = (): string => `${JSON.stringify(valuesSchema().schema, null, 2)}\n`

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(valuesSchemaText())
