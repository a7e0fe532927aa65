import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { DevOptions } from './options.ts'
import { type AskedResource, consentPage, errorPage, loginPage } from './pages.ts'
import { cutToAsked, knownScopes, type ProtectedResource, permissionsOf } from './resource-permissions.ts'

/** A form of these pages is a few dozen bytes. */
const MAX_FORM_BYTES = 4096

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** What the pages need to know; `provider` is asked for at each request, because key rotation replaces it. */
export interface InteractionSettings {
  readonly provider: () => Provider
  readonly dev: DevOptions
  readonly resources: readonly ProtectedResource[]
  readonly basePath: string
}

/**
 * The login and consent pages under `/interaction/{uid}`. Nobody is authenticated: whoever reaches the page may be any
 * user of the `dev` block. That the form belongs to this browser's authorization request is proven by the Provider's
 * signed cookie, which is `SameSite=Lax` and bound to this very path.
 */
export const createInteractions =
  (settings: InteractionSettings) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const provider = settings.provider()
    const interaction = await provider.interactionDetails(request, response).catch(() => undefined)
    if (interaction === undefined) {
      return sendPage(response, 400, errorPage({ error: 'This page has expired. Start again at the client.' }))
    }
    if (request.method === 'GET') return sendPage(response, 200, pageFor(interaction, settings))
    if (request.method !== 'POST') return sendPage(response, 405, errorPage({ error: 'Method not allowed' }))

    const form = await readForm(request)
    if (form?.has('cancel')) {
      const refused = { error: 'access_denied', error_description: 'the user did not agree' }
      return provider.interactionFinished(request, response, refused, { mergeWithLastSubmission: false })
    }
    const user = form?.get('login') ?? undefined
    if (interaction.prompt.name === 'login' && user !== undefined && settings.dev.users.has(user)) {
      const result = { login: { accountId: user } }
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
    }
    if (interaction.prompt.name === 'consent' && form?.get('consent') === 'allow') {
      const result = { consent: { grantId: await grantPermitted(provider, interaction, settings.dev) } }
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
    }
    sendPage(response, 400, errorPage({ error: 'That is not an answer to this page.' }))
  }

/** Grants what the user's roles permit of what was asked and rejects the rest, so that it is not asked for again. */
const grantPermitted = async (provider: Provider, interaction: Interaction, dev: DevOptions): Promise<string> => {
  const user = interaction.session?.accountId ?? ''
  const existing = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId)
  const grant = existing ?? new provider.Grant({ accountId: user, clientId: String(interaction.params.client_id) })
  // Shapes as the Provider's own consent prompt makes them.
  const { missingOIDCScope, missingResourceScopes } = interaction.prompt.details as {
    readonly missingOIDCScope?: readonly string[]
    readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>
  }
  if (missingOIDCScope !== undefined) grant.addOIDCScope([...missingOIDCScope])
  for (const [indicator, asked] of Object.entries(missingResourceScopes ?? {})) {
    const permitted = cutToAsked(rolesPermit(user, indicator, dev), asked)
    const rejected = asked.filter((scope) => !permitted.includes(scope))
    if (permitted.length > 0) grant.addResourceScope(indicator, [...permitted])
    if (rejected.length > 0) grant.rejectResourceScope(indicator, rejected)
  }
  return grant.save()
}

const rolesPermit = (user: string, indicator: string, dev: DevOptions): readonly string[] =>
  permissionsOf(dev.users.get(user)?.roles ?? [], indicator, dev.roles)

const pageFor = (interaction: Interaction, { dev, resources, basePath }: InteractionSettings): string => {
  const client = String(interaction.params.client_id)
  const user = interaction.session?.accountId ?? ''
  const asked = askedResources(interaction, user, { dev, resources })
  if (interaction.prompt.name === 'login') return loginPage({ client, users: [...dev.users.keys()], asked })
  return consentPage({ client, user, asked, signOutUrl: `${basePath}/session/end` })
}

const askedResources = (
  { params }: Interaction,
  user: string,
  { dev, resources }: Pick<InteractionSettings, 'dev' | 'resources'>,
): readonly AskedResource[] => {
  const indicators = [params.resource].flat()
  const scopes = String(params.scope ?? '').split(' ')
  return resources
    .filter(({ indicator }) => indicators.includes(indicator))
    .map((resource) => ({
      indicator: resource.indicator,
      scopes: cutToAsked(knownScopes(resource, dev.roles), scopes).map((name) => ({
        name,
        permitted: rolesPermit(user, resource.indicator, dev).includes(name),
      })),
    }))
}

const readForm = async (request: IncomingMessage): Promise<URLSearchParams | undefined> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > MAX_FORM_BYTES) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

const sendPage = (response: ServerResponse, status: number, html: string): void => {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // No `form-action`: browsers apply it to the redirect back to the client as well.
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      'referrer-policy': 'no-referrer',
    })
    .end(html)
}
