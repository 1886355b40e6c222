/** Every error this package throws: its code, its sentence, its status. Nothing else constructs one. */

import createError, { type FastifyError } from '@fastify/error'

const BOOT = 500
const NO_STACK = false

// Answers to a request. The stack would lead into this package and costs more than the rest of a refusal, so it is not captured.
const NotAuthenticated = createError('FST_AUTH_NOT_AUTHENTICATED', 'Not authenticated', 401, Error, NO_STACK)
const InvalidCredentials = createError('FST_AUTH_INVALID_CREDENTIALS', 'Invalid authentication credentials', 401, Error, NO_STACK)
const InsufficientScope = createError('FST_AUTH_INSUFFICIENT_SCOPE', 'Not enough permissions', 403, Error, NO_STACK)
const ProviderUnavailable = createError('FST_AUTH_PROVIDER_UNAVAILABLE', 'The provider of the tokens cannot be reached', 503, Error, NO_STACK)
const VerifyFailed = createError('FST_AUTH_VERIFY_FAILED', 'The security scheme "%s" failed: %s', 500, Error)

export const notAuthenticated = (): FastifyError => NotAuthenticated()
export const invalidCredentials = (): FastifyError => InvalidCredentials()
export const insufficientScope = (): FastifyError => InsufficientScope()

/** What a `verify` or `grantedScopes` did wrong. The value it gave is never part of the message: it may be a secret. */
export const verifyFailed = (scheme: string, problem: string): FastifyError => VerifyFailed(scheme, problem)

const CredentialsRefused = createError('FST_AUTH_VERIFY_FAILED', 'The provider of the tokens refuses the credentials of this server', 500, Error, NO_STACK)

/** The provider did not accept the option `client`: no fault of the token. */
export const clientRefused = (): FastifyError => CredentialsRefused()

/**
 * The keys, or the answer about a token, cannot be had.
 *
 * @param retryAfter seconds
 * @param cause for the log; it may name addresses, which the message never does
 */
export function providerUnavailable (retryAfter: number, cause: unknown): FastifyError {
  return Object.assign(ProviderUnavailable({ cause }), { headers: { 'retry-after': String(retryAfter) } })
}

/**
 * Thrown by a `verify` to refuse credentials with a description.
 *
 * Answered with 401, code `FST_AUTH_INVALID_CREDENTIALS`. The description becomes the message of the answer and, for the
 * bearer family, the `error_description` of the challenge, where characters outside RFC 6750 section 3 are replaced. It
 * reaches the client as it is: put no secret into it.
 */
export class InvalidCredentialsError extends Error {
  /** Always `InvalidCredentialsError`. */
  override readonly name = 'InvalidCredentialsError'
  /** The code of the answer. */
  readonly code = 'FST_AUTH_INVALID_CREDENTIALS'
  /** The status of the answer. */
  readonly statusCode = 401
  /** What was given to the constructor; `undefined` without it. */
  readonly description: string | undefined

  /** @param description why, in words for the client. Default: none, and the message is the usual one */
  constructor (description?: string | null) {
    super(description ?? 'Invalid authentication credentials')
    this.description = description === null || description === undefined ? undefined : String(description)
  }
}

/** The error codes of RFC 6749 section 5.2. */
export type OAuth2ErrorCode =
  | 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unauthorized_client' | 'unsupported_grant_type' | 'invalid_scope' | 'server_error'

const STATUS: { readonly [Code in OAuth2ErrorCode]?: number } = { invalid_client: 401, server_error: 500 }

/**
 * An answer of a token endpoint (RFC 6749 section 5.2), thrown by its handler: `{ error, error_description }`.
 *
 * The status is 400, of `invalid_client` 401, of `server_error` 500, unless `statusCode` is given. The description reaches the client;
 * characters that section 5.2 does not allow are replaced.
 */
export class OAuth2Error extends Error {
  /** Always `OAuth2Error`. */
  override readonly name = 'OAuth2Error'
  /** The answer's `error`. */
  readonly code: OAuth2ErrorCode
  /** The answer's `error_description`, before characters are replaced; `undefined` without it. */
  readonly description: string | undefined
  /** The status of the answer. */
  readonly statusCode: number

  /**
   * @param code the answer's `error`
   * @param description the answer's `error_description`. Default: none
   * @param options another status, from 400 to 599, and the cause, which is logged and not sent
   * @throws {TypeError} for a `statusCode` that is no error's
   */
  constructor (code: OAuth2ErrorCode, description?: string | null, options: { readonly statusCode?: number, readonly cause?: unknown } = {}) {
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

// Failures at boot. Each names the option or the route at fault, and says what to do.
const DuplicateScheme = createError('FST_AUTH_DUPLICATE_SCHEME',
  'Two security schemes are called "%s" and differ in the OpenAPI document: give one of them another `schemeName`', BOOT)
const UnknownScheme = createError('FST_AUTH_UNKNOWN_SCHEME', '%s: %s', BOOT)
const UnknownScope = createError('FST_AUTH_UNKNOWN_SCOPE',
  '%s: the scheme "%s" does not declare the scope "%s": add it to the `scopes` of the scheme', BOOT)
const BadSecurity = createError('FST_AUTH_BAD_SECURITY', '%s: %s', BOOT)
const UndeclaredRoute = createError('FST_AUTH_UNDECLARED_ROUTE',
  'With the option `explicit` every route must be declared after the plugin was loaded, and carry `security` or stand in a context that declares it by `secure`. These do not: %s', BOOT)
const UnguardedRoute = createError('FST_AUTH_UNGUARDED_ROUTE', 'Nothing can guard %s: %s', BOOT)
const NotReady = createError('FST_AUTH_NOT_READY', 'The list of routes is complete only once the application is ready; call `await app.ready()` before', BOOT)
const OverrideRefused = createError('FST_AUTH_OVERRIDE', 'A scheme cannot be overridden %s', BOOT)

export const duplicateScheme = (name: string): FastifyError => DuplicateScheme(name)

/** @param where the route or call at fault, such as `GET /items` */
export const unknownScheme = (where: string, problem: string): FastifyError => UnknownScheme(where, problem)
export const foreignScheme = (where: string, name: string): FastifyError =>
  unknownScheme(where, `the scheme "${name}" belongs to another application or to another registration of the plugin`)
export const unknownScope = (where: string, scheme: string, scope: string): FastifyError => UnknownScope(where, scheme, scope)
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
