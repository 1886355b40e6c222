/** Options of the plugin and of the scheme factories, and `app.authSchemes` itself. */

import type { X509Certificate } from 'node:crypto'
import type { AuditedRoute } from './audit'
import type { Auth } from './auth'
import type { ProtectedResourceOptions } from './resource'
import type { AcceptedUser, Scheme, Verify } from './scheme'
import type { TokenClaims } from './token-claims'

/** The lifecycle hooks in which `security` can be enforced. */
export type HookName = 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler'

/** Options of the plugin. */
export interface AuthSchemesOptions {
  /**
   * The lifecycle hook in which `security` is enforced. Default `onRequest`: nobody unauthenticated reaches body
   * parsing or validation, so 401 comes before 400.
   */
  readonly hook?: HookName
  /**
   * The realm of challenges that have one: Basic, Digest, the bearer family, and the error `invalid_client` of a token
   * endpoint. Default: none.
   */
  readonly realm?: string
  /** `true`: every route must have `security`, or be in a context that declares it, or boot fails. Default `false`. */
  readonly explicit?: boolean
  /**
   * Routes of other plugins that are public, whatever their contexts require, and count as declared: URLs, each exact
   * or, with `*` at the end, a prefix. A route with `security` of its own keeps it. An entry that matches no route
   * without `security` fails the boot. Default: none.
   */
  readonly public?: readonly string[]
  /**
   * The body of 401 and 403 in the document, as a TypeBox or JSON Schema, for an application with an error format of
   * its own. It changes the document only, not the response. Default: Fastify's error body.
   */
  readonly errorSchema?: object
}

/** Options that every factory takes. */
export interface SchemeOptions<Credentials, User, AutoError extends boolean> {
  /** The name in the OpenAPI document. Default: FastAPI's class name, such as `OAuth2PasswordBearer`. */
  readonly schemeName?: string
  /** The description in the OpenAPI document. Default: none; for `apiKeyCookie`, the way to send the cookie. */
  readonly description?: string
  /** `false`: authentication is optional wherever this scheme is required, as with `{}` beside it. Default `true`. */
  readonly autoError?: AutoError
  /**
   * Decides about the credentials. `false`: the credentials are extracted and not verified, on purpose; the user is
   * `undefined`. Left out: not verified either, but a warning is logged at boot if a route requires the scheme, and
   * with the plugin option `explicit` boot fails.
   */
  readonly verify?: Verify<Credentials, User> | false
  /**
   * Returns the scopes granted to a user, as an array or a space-separated string; `null` and `undefined`: none.
   * Default: the user's `scopes`, else its `scope`, in the same forms. Needs a `verify` function.
   */
  readonly grantedScopes?: (user: NoInfer<AcceptedUser<User>>) => readonly string[] | string | null | undefined
}

/** The option of schemes whose credentials browsers send by themselves, and of `refuseCrossSite`. */
export interface TrustedOriginsOptions {
  /**
   * The other origins whose pages may make a browser send the credentials with unsafe methods (all but GET, HEAD,
   * OPTIONS and TRACE) and with upgrades: each exactly as browsers write it in `Origin`, such as `https://app.example`
   * or `capacitor://localhost`. `'*'`: every page may. Default: none, only pages of the own origin may.
   *
   * The requests of other pages are refused before `verify`: 403 `FST_AUTH_CROSS_SITE`. A request with neither `Origin`
   * nor `Sec-Fetch-Site` does not come from a browser, and passes. A GET without an upgrade is not checked.
   */
  readonly trustedOrigins?: readonly string[] | '*'
}

/** Options of the three API key factories. */
export interface APIKeyOptions {
  /** The name of the cookie, header or query parameter. */
  readonly name: string
}

/** Options of `httpBase`. */
export interface HTTPBaseOptions {
  /** The name of the HTTP authentication scheme (RFC 9110 section 11.1), compared without regard to case. */
  readonly scheme: string
}

/** Options of `httpBasic`. */
export interface HTTPBasicOptions {
  /** The realm of this scheme's challenge. Default: the plugin's `realm`. */
  readonly realm?: string
}

/** Options of all factories of the bearer family. */
export interface BearerOptions {
  /** The API as a protected resource (RFC 9728), to which tokens are bound. Default: none. */
  readonly resource?: ProtectedResourceOptions
}

/** Options of `httpBearer`. */
export interface HTTPBearerOptions extends BearerOptions {
  /** The format of the token, such as `JWT`; documented and not checked. Default: none. */
  readonly bearerFormat?: string
}

/** The names of the scopes, each with the sentence that the document shows. */
export type ScopeDescriptions = Readonly<Record<string, string>>

/**
 * One flow of an OAuth2 scheme (OpenAPI's OAuth Flow Object). The URLs are absolute, or relative to the document's
 * server. They are documented and never fetched.
 */
export interface OAuth2Flow {
  /** The URL at which users log in and consent. */
  readonly authorizationUrl?: string
  /** The URL at which a client gets its token. */
  readonly tokenUrl?: string
  /** The URL at which a client gets a new token for a refresh token. Default: none. */
  readonly refreshUrl?: string
  /** The scopes that may be required. Default: none. */
  readonly scopes?: ScopeDescriptions
}

/** OpenAPI's OAuth Flows Object. */
export interface OAuth2Flows {
  /** A browser gets its token by a redirect. It is outdated (RFC 9700 section 2.1.2). */
  readonly implicit?: OAuth2Flow & { readonly authorizationUrl: string }
  /** A login by user name and password. */
  readonly password?: OAuth2Flow & { readonly tokenUrl: string }
  /** A program that acts for itself. */
  readonly clientCredentials?: OAuth2Flow & { readonly tokenUrl: string }
  /** A login at a provider, from which the client comes back with a code. */
  readonly authorizationCode?: OAuth2Flow & { readonly authorizationUrl: string, readonly tokenUrl: string }
}

/** Options of `oauth2`. */
export interface OAuth2Options extends BearerOptions {
  /** The flows. A scope that none of them declares cannot be required. */
  readonly flows: OAuth2Flows
}

/** Options of `oauth2PasswordBearer`. */
export interface OAuth2PasswordBearerOptions extends BearerOptions {
  /**
   * The URL at which a client gets its token, absolute or relative to the document's server. It is documented, not
   * registered: see `app.tokenForm`.
   */
  readonly tokenUrl: string
  /** The URL at which a client gets a new token for a refresh token. Default: none. */
  readonly refreshUrl?: string
  /** The scopes that may be required. Default: none. */
  readonly scopes?: ScopeDescriptions
}

/** Options of `oauth2AuthorizationCodeBearer`. */
export interface OAuth2AuthorizationCodeBearerOptions extends OAuth2PasswordBearerOptions {
  /** The URL at which users log in and consent. It is documented and never fetched. */
  readonly authorizationUrl: string
}

/** Options of `oauth2ClientCredentialsBearer`. */
export interface OAuth2ClientCredentialsBearerOptions extends BearerOptions {
  /** The URL at which a client gets its token. It is documented, not registered: see `app.tokenForm`. */
  readonly tokenUrl: string
  /** The scopes that may be required. Default: none. */
  readonly scopes?: ScopeDescriptions
}

/** Options of `openIdConnect`. */
export interface OpenIdConnectOptions extends BearerOptions {
  /** The URL of the provider's discovery document, absolute or relative. It is documented and never fetched. */
  readonly openIdConnectUrl: string
}

/** Options of `mutualTLS`. */
export interface MutualTLSOptions {
  /**
   * The header in which a proxy that ends TLS passes on the certificate of its client. The proxy must verify the
   * certificate, and must remove the header from what clients send. Default: none, the certificate is that of the
   * connection. That takes Node.js 22 or later, and `requestCert: true` and `ca` in the option `https` of Fastify.
   */
  readonly header?: {
    /** The name of the header. Sent twice, it is malformed. */
    readonly name: string
    /**
     * The addresses of the proxies: IP addresses, subnets such as `10.0.0.0/8`, and `unix` for Unix sockets. They are
     * compared with the peer of the connection, whatever `trustProxy` is. From any other peer the header is malformed,
     * and its value is not read.
     */
    readonly from: readonly string[]
    /**
     * The form of the certificate. `rfc9440`: base64 of DER between colons (RFC 9440 section 2). `url-pem`: PEM with
     * percent-encoding, as nginx and the Application Load Balancer of AWS write it. Anything but exactly one
     * certificate is malformed.
     */
    readonly encoding: 'rfc9440' | 'url-pem'
  }
}

/** The `Authorization` header of a request: a scheme name and the rest. */
export interface HTTPAuthorizationCredentials {
  /** The scheme's name as sent. */
  readonly scheme: string
  /** The text after the name, without spaces at the ends: for bearer tokens, the token. */
  readonly credentials: string
}

/** A decoded HTTP Basic header (RFC 7617): strict base64, UTF-8, no control characters. */
export interface HTTPBasicCredentials {
  /** The part before the first colon. It may be empty. */
  readonly username: string
  /** The part after the first colon. It may be empty. */
  readonly password: string
}

/** The scheme that a factory returns. With `autoError: false`, `request.auth` may be `null`. */
type Made<Credentials, User, AutoError extends boolean> =
  Scheme<Auth<Credentials, AcceptedUser<User>> | (AutoError extends true ? never : null)>

/**
 * A factory whose own options are `Own`. A bad option throws a `TypeError` at the call, naming it. Options are never
 * written to.
 */
export type SchemeFactory<Own, Credentials> = <User = undefined, const AutoError extends boolean = true>(
  options: Own & SchemeOptions<Credentials, User, AutoError>
) => Made<Credentials, User, AutoError>

/** A `SchemeFactory` that can be called without options. */
export type SchemeFactoryWithDefaults<Own, Credentials> = <User = undefined, const AutoError extends boolean = true>(
  options?: Own & SchemeOptions<Credentials, User, AutoError>
) => Made<Credentials, User, AutoError>

/** The scheme factories. */
export interface SchemeFactories {
  /**
   * An API key in a cookie. The credentials are its value, decoded; an empty one is absent. Signatures of cookies are
   * not checked.
   */
  readonly apiKeyCookie: SchemeFactory<APIKeyOptions & TrustedOriginsOptions, string>
  /** An API key in a header. The credentials are its value; an empty one is absent. */
  readonly apiKeyHeader: SchemeFactory<APIKeyOptions, string>
  /**
   * An API key in the query. The credentials are its decoded text, as it was before validation; an empty one is absent,
   * one that is sent twice is malformed.
   */
  readonly apiKeyQuery: SchemeFactory<APIKeyOptions, string>
  /**
   * Any scheme of the `Authorization` header, by its name (RFC 9110 section 11.4). The text after the name is not
   * parsed. `trustedOrigins` is for the names that browsers send by themselves: Basic, Digest, Negotiate and NTLM.
   */
  readonly httpBase: SchemeFactory<HTTPBaseOptions & TrustedOriginsOptions, HTTPAuthorizationCredentials>
  /** HTTP Basic (RFC 7617). The credentials are a user name and a password. */
  readonly httpBasic: SchemeFactoryWithDefaults<HTTPBasicOptions & TrustedOriginsOptions, HTTPBasicCredentials>
  /** A bearer token (RFC 6750 section 2.1), with the scheme's name as sent. */
  readonly httpBearer: SchemeFactoryWithDefaults<HTTPBearerOptions, HTTPAuthorizationCredentials>
  /** HTTP Digest (RFC 7616), extraction only: no nonce is issued, and no response computed. */
  readonly httpDigest: SchemeFactoryWithDefaults<TrustedOriginsOptions, HTTPAuthorizationCredentials>
  /** OAuth2 with any flows. The credentials are the whole `Authorization` header, of any scheme name. */
  readonly oauth2: SchemeFactory<OAuth2Options, string>
  /** A bearer token from a login at `tokenUrl`. The credentials are the token. */
  readonly oauth2PasswordBearer: SchemeFactory<OAuth2PasswordBearerOptions, string>
  /** A bearer token from an authorization code. The credentials are the token. */
  readonly oauth2AuthorizationCodeBearer: SchemeFactory<OAuth2AuthorizationCodeBearerOptions, string>
  /** A bearer token that a program gets for itself. The credentials are the token. */
  readonly oauth2ClientCredentialsBearer: SchemeFactory<OAuth2ClientCredentialsBearerOptions, string>
  /**
   * A bearer token of an OpenID provider. The credentials are the token; neither it nor the provider's discovery
   * document is read.
   */
  readonly openIdConnect: SchemeFactory<OpenIdConnectOptions, string>
  /**
   * A client's certificate (RFC 8446 section 4.4.2), of the connection or in a header of a proxy. The credentials are
   * the certificate. It counts as malformed if it is expired or not yet valid at the time of the request, or if it is
   * of the connection and the handshake did not verify it. A renegotiation closes the connection. Revocation is not
   * checked. `verify` must decide whose certificate it is.
   */
  readonly mutualTLS: SchemeFactoryWithDefaults<MutualTLSOptions & TrustedOriginsOptions, X509Certificate>
}

/** `app.authSchemes`: the scheme factories, and tools for tests. */
export interface AuthSchemes extends SchemeFactories {
  /**
   * Returns every route of the application with its requirement, one entry for each method.
   *
   * @throws `FST_AUTH_NOT_READY` before the application is ready
   */
  readonly routes: () => AuditedRoute[]
  /**
   * For tests: makes a scheme accept every request as the given user, at any time, and returns a function that
   * ends the override. Scopes are still enforced, with the granted scopes of that user. To override a derived scheme
   * overrides its base as well. One warning is logged.
   *
   * @throws {TypeError} for a bad argument
   * @throws `FST_AUTH_OVERRIDE` if `NODE_ENV` is `production`
   */
  readonly override: <A>(scheme: Scheme<A>, auth: OverrideAuth<NonNullable<A>>) => () => void
}

/**
 * The second argument of `override`. `credentials` default to empty ones; those of `mutualTLS` to a certificate of the
 * name `override` and of the year 1970.
 */
type OverrideAuth<A> = A extends Auth<infer Credentials, infer User>
  ? { readonly credentials?: Credentials } & (undefined extends User
    ? { readonly user?: User }
    : { readonly user: User extends TokenClaims ? Partial<User> : User })
  : never
