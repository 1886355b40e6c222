/** The list of routes that `app.authSchemes.routes()` gives. */

/** OpenAPI's Security Requirement Object: scheme names with the scopes required of them. All of them must hold. */
export type SecurityRequirementObject = Readonly<Record<string, readonly string[]>>

/** What one `app.secure` call required. */
export interface ContextRequirement {
  /** The prefix of the context, `/` where it has none. */
  readonly prefix: string
  /** What the call required, in the document's own form; `[]` made the context public. */
  readonly security: readonly SecurityRequirementObject[]
}

/** One route and one method. */
export interface AuditedRoute {
  /** Such as `GET`. A HEAD twin has an entry of its own. */
  readonly method: string
  /** The pattern of the route, prefixes included. */
  readonly url: string
  /** What is required, contexts included, in the document's own form; `null` where nobody said anything. */
  readonly security: readonly SecurityRequirementObject[] | null
  /** Whether a request without any credentials reaches the handler. */
  readonly public: boolean
  /** Whether the route is hidden in the document by `schema.hide`. */
  readonly hidden: boolean
  /**
   * Why the route is public; `null` where it is not. `nothing`: nobody said anything. `unseen`: it was declared before the plugin was loaded.
   * `route`: it says `security: []`. `context`: a context says so. `optional`: authentication is optional.
   */
  readonly publicBy: 'nothing' | 'unseen' | 'route' | 'context' | 'optional' | null
  /** The names of required schemes without a `verify`: their credentials, and scopes, nobody checks but the handler. */
  readonly unverified: readonly string[]
  /** What the contexts around the route added, outermost first. */
  readonly contexts: readonly ContextRequirement[]
}
