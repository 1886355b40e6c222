/** Every error this package throws: its code, its message, its status. No other file constructs one. */

import createError, { type FastifyError } from '@fastify/error'

const BOOT = 500
const NO_STACK = false

// Refusals of a request. The stack would lead into this package and costs more than the rest of a refusal, so it is not
// captured.
const NotAuthenticated = createError('FST_AUTH_NOT_AUTHENTICATED', 'Not authenticated', 401, Error, NO_STACK)
const InvalidCredentials = createError('FST_AUTH_INVALID_CREDENTIALS',
  'Invalid authentication credentials', 401, Error, NO_STACK)
const InsufficientScope = createError('FST_AUTH_INSUFFICIENT_SCOPE', 'Not enough permissions', 403, Error, NO_STACK)
const CrossSite = createError('FST_AUTH_CROSS_SITE',
  'A page of an origin that the option `trustedOrigins` does not list made the browser send this request',
  403, Error, NO_STACK)
const ProviderUnavailable = createError('FST_AUTH_PROVIDER_UNAVAILABLE',
  'The provider of the tokens cannot be reached', 503, Error, NO_STACK)
const VerifyFailed = createError('FST_AUTH_VERIFY_FAILED', 'The security scheme "%s" failed: %s', 500, Error)

export const notAuthenticated = (): FastifyError => NotAuthenticated()
export const invalidCredentials = (): FastifyError => InvalidCredentials()
export const insufficientScope = (): FastifyError => InsufficientScope()
export const crossSite = (): FastifyError => CrossSite()

/**
 * Returns the error for a `verify` or `grantedScopes` that broke its contract. The value that it returned or threw is
 * never part of the message: it may be a secret.
 */
export const verifyFailed = (scheme: string, problem: string): FastifyError => VerifyFailed(scheme, problem)

// Two copies of the package may be in one tree of dependencies, each with classes of its own, so `instanceof` is not
// enough. These symbols are the same in both.
const kInvalidCredentials = Symbol.for('fastify-auth-schemes.InvalidCredentialsError')
const kOAuth2Error = Symbol.for('fastify-auth-schemes.OAuth2Error')

const mark = (prototype: object, brand: symbol): void => { Object.defineProperty(prototype, brand, { value: true }) }
const isMarked = (value: unknown, brand: symbol): boolean =>
  typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true

/** Returns true for an `InvalidCredentialsError` of any copy of the package. Throws for a value that cannot be read. */
export const isInvalidCredentialsError = (value: unknown): value is InvalidCredentialsError =>
  isMarked(value, kInvalidCredentials)

/** Returns true for an `OAuth2Error` of any copy of the package. Throws for a value that cannot be read. */
export const isOAuth2Error = (value: unknown): value is OAuth2Error => isMarked(value, kOAuth2Error)

const CredentialsRefused = createError('FST_AUTH_VERIFY_FAILED',
  'The provider of the tokens refuses the credentials of this server', 500, Error, NO_STACK)

/** Returns the error for a provider that did not accept the option `client`: no fault of the token. */
export const clientRefused = (): FastifyError => CredentialsRefused()

/**
 * Returns the error for keys, or a response about a token, that cannot be had.
 *
 * @param retryAfter seconds
 * @param cause for the log; it may name URLs, which the message never does
 */
export function providerUnavailable (retryAfter: number, cause: unknown): FastifyError {
  return Object.assign(ProviderUnavailable({ cause }), { headers: { 'retry-after': String(retryAfter) } })
}

/**
 * Thrown by a `verify` to refuse credentials with a description.
 *
 * The response is 401 with the code `FST_AUTH_INVALID_CREDENTIALS`. The description becomes the message of the response
 * and, for the bearer family, the `error_description` of the challenge, where characters that RFC 6750 section 3 does
 * not allow are replaced. The client can read the description: put no secret into it.
 */
export class InvalidCredentialsError extends Error {
  /** Always `InvalidCredentialsError`. */
  override readonly name = 'InvalidCredentialsError'
  /** The code of the response. */
  readonly code = 'FST_AUTH_INVALID_CREDENTIALS'
  /** The status of the response. */
  readonly statusCode = 401
  /** The description that the constructor was called with; `undefined` if there was none. */
  readonly description: string | undefined

  /** @param description the reason, in words for the client. Default: none, and the message is the usual one */
  constructor (description?: string | null) {
    super(description ?? 'Invalid authentication credentials')
    this.description = description === null || description === undefined ? undefined : String(description)
  }
}
mark(InvalidCredentialsError.prototype, kInvalidCredentials)

/** The error codes of RFC 6749 section 5.2. */
export type OAuth2ErrorCode =
  | 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unauthorized_client' | 'unsupported_grant_type'
  | 'invalid_scope' | 'server_error'

const STATUS: { readonly [Code in OAuth2ErrorCode]?: number } = { invalid_client: 401, server_error: 500 }

/**
 * An error response of a token endpoint (RFC 6749 section 5.2), thrown by its handler: `{ error, error_description }`.
 *
 * The status is 400, of `invalid_client` 401, of `server_error` 500, unless `statusCode` is given. The client can read
 * the description, except that of `server_error`, which is not sent; characters that section 5.2 does not allow are
 * replaced.
 */
export class OAuth2Error extends Error {
  /** Always `OAuth2Error`. */
  override readonly name = 'OAuth2Error'
  /** The `error` of the response. */
  readonly code: OAuth2ErrorCode
  /** The `error_description` of the response, before characters are replaced; `undefined` if there is none. */
  readonly description: string | undefined
  /** The status of the response. */
  readonly statusCode: number

  /**
   * @param code the `error` of the response
   * @param description the `error_description` of the response. Default: none
   * @param options another status, from 400 to 599, and the cause, which is logged and not sent
   * @throws {TypeError} for a `statusCode` that is not an error's
   */
  constructor (
    code: OAuth2ErrorCode, description?: string | null,
    options: { readonly statusCode?: number, readonly cause?: unknown } = {}
  ) {
    const { statusCode = STATUS[code] ?? 400, cause } = options
    super(description ?? code, cause === undefined ? undefined : { cause })
    if (!(Number.isInteger(statusCode) && statusCode >= 400 && statusCode <= 599)) {
      throw badOption('OAuth2Error', 'the option `statusCode` must be a whole number from 400 to 599')
    }
    this.code = code
    this.description = description === null || description === undefined ? undefined : String(description)
    this.statusCode = statusCode
  }
}
mark(OAuth2Error.prototype, kOAuth2Error)

// Failures at boot. Each message has the option or the route at fault, and what to do.
const DuplicateScheme = createError('FST_AUTH_DUPLICATE_SCHEME',
  'Two security schemes are called "%s" and differ in the OpenAPI document: ' +
  'give one of them another `schemeName`', BOOT)
const UnknownScheme = createError('FST_AUTH_UNKNOWN_SCHEME', '%s: %s', BOOT)
const UnknownScope = createError('FST_AUTH_UNKNOWN_SCOPE', '%s: %s', BOOT)
const BadSecurity = createError('FST_AUTH_BAD_SECURITY', '%s: %s', BOOT)
const UndeclaredRoute = createError('FST_AUTH_UNDECLARED_ROUTE',
  'With the option `explicit` every route must be declared after the plugin was loaded, and carry `security` or ' +
  'stand in a context that declares it by `secure`. These do not: %s. If they are public on purpose: `security: []` ' +
  'on a route, `secure([])` in a context for another plugin, or the plugin option `public`', BOOT)
const UnguardedRoute = createError('FST_AUTH_UNGUARDED_ROUTE', 'Cannot enforce `security` on %s: %s', BOOT)
const NotReady = createError('FST_AUTH_NOT_READY',
  'The list of routes is complete only once the application is ready; call `await app.ready()` before', BOOT)
const OverrideRefused = createError('FST_AUTH_OVERRIDE', 'A scheme cannot be overridden %s', BOOT)

export const duplicateScheme = (name: string): FastifyError => DuplicateScheme(name)

/** @param where the route or call at fault, such as `GET /items` */
export const unknownScheme = (where: string, problem: string): FastifyError => UnknownScheme(where, problem)
export const foreignScheme = (where: string, name: string): FastifyError =>
  unknownScheme(where, `the scheme "${name}" belongs to another application or to another registration of the plugin`)
export function unknownScope (where: string, scheme: string, scope: string, declared: readonly string[]): FastifyError {
  const names = declared.length === 0 ? 'none' : declared.map((name) => `"${name}"`).join(', ')
  const problem = `the scheme "${scheme}" does not declare the scope "${scope}" (declared: ${names})`
  return UnknownScope(where, `${problem}; correct it, or add it to the \`scopes\` of the scheme`)
}
export const badSecurity = (where: string, problem: string): FastifyError => BadSecurity(where, problem)

export const undeclaredRoutes = (routes: string): FastifyError => UndeclaredRoute(routes)

/** @param what the routes or the context, for the middle of a sentence */
export const unguardedRoutes = (what: string, cure: string): FastifyError => UnguardedRoute(what, cure)

export const notReady = (): FastifyError => NotReady()
export const overrideRefused = (problem: string): FastifyError => OverrideRefused(problem)

/** @param where the factory or method that was called, such as `apiKeyHeader` */
export function badOption (where: string, problem: string): TypeError {
  return Object.assign(new TypeError(`${where}: ${problem}`), { code: 'FST_AUTH_BAD_OPTION' })
}
