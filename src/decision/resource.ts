/** One API behind the gateway, named by its resource indicator (RFC 8707), with everything decided at load. */
export interface Resource {
  /** Position in {@link Resources.all}; what other rooms prepare at load is kept in arrays under this number. */
  readonly index: number
  /** The `name` of the config: label of metrics and log lines. */
  readonly name: string
  /** The resource indicator, byte for byte as configured. Never parsed again, never normalised (RI-4). */
  readonly indicator: string
  /** Every exact `aud` value that names this resource: the indicator first, then `accept_audiences`. */
  readonly audiences: readonly string[]
  /** Config names of the issuers whose tokens count here. */
  readonly issuers: readonly string[]
  readonly place: Place
  /**
   * Scheme, host and port under which clients know it, lower case and without the default port, from `at` or the
   * indicator; undefined: any host, so that only the request can say. The base of a DPoP proof's `htu` (DP-7).
   */
  readonly origin: string | undefined
  readonly paths: PathPolicy
  /** The routes by template; undefined: every path of the resource takes {@link Resource.otherwise}. */
  readonly routes: RouteNode | undefined
  /** Taken where no template matches: the `_default` route without `routes`, else `_otherwise`. */
  readonly otherwise: Route
  /** Every route incl. `otherwise`, by `Route.index`. */
  readonly all: readonly Route[]
  /** RFC 9728 document, served and named in challenges; undefined: none (`metadata: false`, or no http(s) indicator). */
  readonly metadata: ResourceMetadata | undefined
}

/** Where a resource answers. */
export interface Place {
  /** Lower-case host without port, IPv6 in brackets; undefined: any host. */
  readonly host: string | undefined
  /** `''` for the root, else a canonical path prefix; a trailing slash is kept and counts (RT-4). */
  readonly path: string
}

export interface PathPolicy {
  /** `paths.encoded_slashes: pass` */
  readonly encodedSlashes: boolean
  /** `paths.parameters: pass` */
  readonly parameters: boolean
}

/** One line under `routes`, or the rule for what no line matches. */
export interface Route {
  readonly index: number
  /** The key as written in the config, or `_default` / `_otherwise`: the metric label. */
  readonly key: string
  /** Methods of the key, upper case; undefined: all methods. HEAD follows GET. */
  readonly methods: readonly string[] | undefined
  readonly rule: Rule
}

export type Rule =
  | { readonly kind: 'public' }
  | { readonly kind: 'deny' }
  | {
      readonly kind: 'token'
      /** All of these: the resource's scopes, then the route's, without repetition. */
      readonly scopes: readonly string[]
      /** At least one of these; empty: no such condition. */
      readonly anyScope: readonly string[]
      readonly claims: readonly ClaimRule[]
      /** RFC 9396; undefined: no such condition. */
      readonly authorizationDetails: AuthorizationDetailsRule | undefined
      /** Accepted authentication contexts (RFC 9470), in order of preference; empty: no such condition. */
      readonly acr: readonly string[]
      /** Longest time since the user authenticated (RFC 9470); undefined: no such condition. */
      readonly maxAgeSeconds: number | undefined
      /** Only tokens that are bound to their sender, by DPoP or by certificate. */
      readonly senderConstrained: boolean
    }

/** One element of the token's `authorization_details` must have all of this (RA-2). */
export interface AuthorizationDetailsRule {
  readonly type: string
  /** All of these in the element's `actions`; empty: any. */
  readonly actions: readonly string[]
  /** One of these in the element's `locations`; empty: `locations`, if present, must name this resource. */
  readonly locations: readonly string[]
}

/** The claim must equal one of the values, or (when an array) contain one of them. No conversion, no pattern. */
export interface ClaimRule {
  /** As written in the config: a claim, or a path of members joined by dots. */
  readonly claim: string
  readonly oneOf: readonly ClaimValue[]
}

export type ClaimValue =
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  /** The percent-decoded path segment that the template names. */
  | { readonly kind: 'parameter'; readonly name: string }

/** A node of a resource's template tree; children are tried literal first, then parameter, then rest. */
export interface RouteNode {
  readonly literals: ReadonlyMap<string, RouteNode>
  /** Child for `{name}` and `*`. */
  readonly parameter: RouteNode | undefined
  /** Template that ends here. */
  readonly end: TemplateRoutes | undefined
  /** Template that ends in `**` here. */
  readonly rest: TemplateRoutes | undefined
}

/** What one template answers, by method. */
export interface TemplateRoutes {
  readonly template: string
  /** Names of the template's `{…}` segments with their position among the path's segments. */
  readonly parameters: readonly { readonly name: string; readonly segment: number }[]
  readonly byMethod: ReadonlyMap<string, Route>
  /** Route without methods: answers all. */
  readonly anyMethod: Route | undefined
  /** For 405: the methods in the order of the config, HEAD added after GET. */
  readonly allow: readonly string[]
}

/** RFC 9728 metadata, rendered at load. */
export interface ResourceMetadata {
  /** Absolute URL named in `resource_metadata`; from the config only, never from a request (FW-6). */
  readonly url: string
  /** Where requests for it are answered. */
  readonly places: readonly Place[]
  /** The JSON document. */
  readonly document: string
}

/** All resources, compiled for matching. Made by `compileResources` in match.ts. */
export interface Resources {
  readonly all: readonly Resource[]
  readonly hosts: ReadonlyMap<string, PlaceNode>
  readonly anyHost: PlaceNode | undefined
  readonly metadata: ReadonlyMap<string, ReadonlyMap<string, Resource>>
}

/** A node of the tree of places, one level a path segment. */
export interface PlaceNode {
  readonly children: ReadonlyMap<string, PlaceNode>
  /** Resource whose prefix ends here without a slash. */
  readonly exact: Resource | undefined
  /** Resource whose prefix ends here with a slash. */
  readonly slash: Resource | undefined
}
