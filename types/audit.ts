/** The list of routes that `app.authSchemes.routes()` returns. */

/** OpenAPI's Security Requirement Object: scheme names with the scopes required of them. All of them must hold. */
export type SecurityRequirementObject = Readonly<Record<string, readonly string[]>>

/** The requirement of one `app.secure` call. */
export interface ContextRequirement {
  /** The prefix of the context, `/` if it has none. */
  readonly prefix: string
  /** The name of the plugin that the context was made for (`instance.pluginName` of Fastify). */
  readonly plugin: string
  /** The requirement, as in the document; `[]` made the context public. */
  readonly security: readonly SecurityRequirementObject[]
}

/** One route and one method. */
export interface AuditedRoute {
  /** Such as `GET`. A HEAD route has an entry of its own. */
  readonly method: string
  /** The pattern of the route, prefixes included. */
  readonly url: string
  /** The requirement of the route and its contexts, as in the document; `null` if none of them declares `security`. */
  readonly security: readonly SecurityRequirementObject[] | null
  /** `true` if a request without any credentials reaches the handler. */
  readonly public: boolean
  /** `true` if the OpenAPI document leaves the route out. Before a document was made it follows `schema.hide`. */
  readonly hidden: boolean
  /**
   * The reason why the route is public; `null` if it is not.
   *
   * - `security`: the route has `security: []`
   * - `option`: the plugin option `public` names the route
   * - `context`: `app.secure([])` was called in a context of the route
   * - `optional`: authentication is optional
   * - `undeclared`: neither the route nor a context declares `security`
   * - `before-plugin`: the route was declared before the plugin was loaded
   */
  readonly publicBy: 'security' | 'option' | 'context' | 'optional' | 'undeclared' | 'before-plugin' | null
  /** The names of required schemes without a `verify`: their credentials and scopes are not verified. */
  readonly unverified: readonly string[]
  /**
   * The further checks of derived schemes: the names of scheme and `verify`, such as `HTTPBearer isActive`; for a
   * function written into the call of `derive`, `HTTPBearer a further check`.
   */
  readonly derived: readonly string[]
  /** The requirements of the route's contexts, outermost first. */
  readonly contexts: readonly ContextRequirement[]
}
