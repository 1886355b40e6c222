/** Options of the plugin and of the scheme factories, and `app.authSchemes` itself. */

import type { AuditedRoute } from './audit'
import type { Auth } from './auth'
import type { Scheme, Verify } from './scheme'
import type { TokenClaims } from './token-claims'

/** Where in Fastify's lifecycle `security` is enforced. */
export type HookName = 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler'

/** Options of the plugin. */
export interface AuthSchemesOptions {
  /**
   * The lifecycle step in which `security` is enforced. Default `onRequest`: nobody unauthenticated reaches body parsing
   * or validation, so 401 comes before 400.
   */
  readonly hook?: HookName
  /** The default realm of every challenge that has one: Basic, Digest, the bearer family and `invalid_client`. Default: none. */
  readonly realm?: string
  /** `true`: every route must carry `security`, or stand in a context that declares it, or boot fails. Default `false`. */
  readonly explicit?: boolean
}

/** Options that every factory takes. */
export interface SchemeOptions<Credentials, User, AutoError extends boolean> {
  /** The name in the OpenAPI document. Default: FastAPI's class name, such as `OAuth2PasswordBearer`. */
  readonly schemeName?: string
  /** The description in the OpenAPI document. Default: none; for `apiKeyCookie`, one that says how the cookie is sent. */
  readonly description?: string
  /** `false`: as if `{}` stood beside this scheme wherever it is required. Default `true`. */
  readonly autoError?: AutoError
  /** Decides about the credentials. Default: none, the credentials are extracted and nobody checks them. */
  readonly verify?: Verify<Credentials, User>
  /** The scopes granted to a user. Default: the user's `scopes` (an array), else its `scope` (a space-separated string). Needs `verify`. */
  readonly grantedScopes?: (user: NoInfer<User>) => readonly string[] | null | undefined
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

/** Options of `httpBearer`. */
export interface HTTPBearerOptions {
  /** How the token is formatted, such as `JWT`; told to readers of the document and not checked. Default: none. */
  readonly bearerFormat?: string
}

/** The names of the scopes, each with the sentence that the document shows. */
export type ScopeDescriptions = Readonly<Record<string, string>>

/** One flow of an OAuth2 scheme (OpenAPI's OAuth Flow Object). The addresses are told to clients, absolute or relative to the document's server, and never fetched. */
export interface OAuth2Flow {
  /** Where users log in and consent. */
  readonly authorizationUrl?: string
  /** Where a client gets its token. */
  readonly tokenUrl?: string
  /** Where a client gets a new token for a refresh token. Default: none. */
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
export interface OAuth2Options {
  /** At least one flow. A scope that none of them declares cannot be required. */
  readonly flows: OAuth2Flows
}

/** Options of `oauth2PasswordBearer`. */
export interface OAuth2PasswordBearerOptions {
  /** Where the token is got, absolute or relative to the document's server. It is told to clients, not registered: see `app.tokenForm`. */
  readonly tokenUrl: string
  /** Where a new token is got for a refresh token. Default: none. */
  readonly refreshUrl?: string
  /** The scopes that may be required. Default: none. */
  readonly scopes?: ScopeDescriptions
}

/** Options of `oauth2AuthorizationCodeBearer`. */
export interface OAuth2AuthorizationCodeBearerOptions extends OAuth2PasswordBearerOptions {
  /** Where users log in and consent. It is told to clients and never fetched. */
  readonly authorizationUrl: string
}

/** Options of `oauth2ClientCredentialsBearer`. */
export interface OAuth2ClientCredentialsBearerOptions {
  /** Where the token is got. It is told to clients, not registered: see `app.tokenForm`. */
  readonly tokenUrl: string
  /** The scopes that may be required. Default: none. */
  readonly scopes?: ScopeDescriptions
}

/** Options of `openIdConnect`. */
export interface OpenIdConnectOptions {
  /** The address of the provider's discovery document, absolute or relative. It is told to clients and never fetched. */
  readonly openIdConnectUrl: string
}

/** A scheme name and what followed it in the `Authorization` header. */
export interface HTTPAuthorizationCredentials {
  /** The scheme's name as it was sent. */
  readonly scheme: string
  /** What followed it, without spaces at the ends: for bearer tokens, the token. */
  readonly credentials: string
}

/** What an HTTP Basic header decodes to (RFC 7617): strict base64, UTF-8, no control characters. */
export interface HTTPBasicCredentials {
  /** The part before the first colon. It may be empty. */
  readonly username: string
  /** The part behind the first colon. It may be empty. */
  readonly password: string
}

/** What a factory makes: with `autoError: false`, nobody may be authenticated. */
type Made<Credentials, User, AutoError extends boolean> =
  Scheme<Auth<Credentials, User> | (AutoError extends true ? never : null)>

/** A factory whose own options are `Own`. A bad option throws a `TypeError` at the call, naming it. Options are never written to. */
export type SchemeFactory<Own, Credentials> =
  <User = undefined, const AutoError extends boolean = true> (options: Own & SchemeOptions<Credentials, User, AutoError>) => Made<Credentials, User, AutoError>

/** The same, where no option is required. */
export type LenientSchemeFactory<Own, Credentials> =
  <User = undefined, const AutoError extends boolean = true> (options?: Own & SchemeOptions<Credentials, User, AutoError>) => Made<Credentials, User, AutoError>

/** The scheme factories. */
export interface SchemeFactories {
  /** An API key in a cookie. The credentials are its value, decoded; an empty one is absent. Signatures of cookies are not checked. */
  readonly apiKeyCookie: SchemeFactory<APIKeyOptions, string>
  /** An API key in a header. The credentials are its value; an empty one is absent. */
  readonly apiKeyHeader: SchemeFactory<APIKeyOptions, string>
  /** An API key in the query. The credentials are the text that was sent; an empty one is absent, one that is sent twice malformed. */
  readonly apiKeyQuery: SchemeFactory<APIKeyOptions, string>
  /** Any scheme of the `Authorization` header, by its name (RFC 9110 section 11.4). Nothing of what follows the name is parsed. */
  readonly httpBase: SchemeFactory<HTTPBaseOptions, HTTPAuthorizationCredentials>
  /** HTTP Basic (RFC 7617). The credentials are a user name and a password. */
  readonly httpBasic: LenientSchemeFactory<HTTPBasicOptions, HTTPBasicCredentials>
  /** A bearer token (RFC 6750 section 2.1), with the scheme's name as it was sent. */
  readonly httpBearer: LenientSchemeFactory<HTTPBearerOptions, HTTPAuthorizationCredentials>
  /** HTTP Digest (RFC 7616), as far as extracting it: no nonce is issued, and no response computed. */
  readonly httpDigest: LenientSchemeFactory<unknown, HTTPAuthorizationCredentials>
  /** OAuth2 with any flows. The credentials are the whole `Authorization` header, whatever scheme it names. */
  readonly oauth2: SchemeFactory<OAuth2Options, string>
  /** A bearer token that was got by a login at `tokenUrl`. The credentials are the token. */
  readonly oauth2PasswordBearer: SchemeFactory<OAuth2PasswordBearerOptions, string>
  /** A bearer token that was got by an authorization code. The credentials are the token. */
  readonly oauth2AuthorizationCodeBearer: SchemeFactory<OAuth2AuthorizationCodeBearerOptions, string>
  /** A bearer token that a program got for itself. The credentials are the token. */
  readonly oauth2ClientCredentialsBearer: SchemeFactory<OAuth2ClientCredentialsBearerOptions, string>
  /** A bearer token of an OpenID provider. The credentials are the token; neither it nor the provider's discovery document is read. */
  readonly openIdConnect: SchemeFactory<OpenIdConnectOptions, string>
}

/** `app.authSchemes`: the scheme factories, and tools for tests. */
export interface AuthSchemes extends SchemeFactories {
  /** Every route of the application with what it requires, one entry for each method. Throws `FST_AUTH_NOT_READY` before the application is ready. */
  readonly routes: () => AuditedRoute[]
  /**
   * For tests: makes a scheme accept every request as the given user. Scopes are still enforced, by what the user is granted. A derived scheme takes
   * its base along. One warning is logged.
   *
   * @throws {TypeError} for a bad argument
   * @throws `FST_AUTH_OVERRIDE` where `NODE_ENV` is `production`, or the application is ready
   */
  readonly override: <A> (scheme: Scheme<A>, auth: OverrideAuth<NonNullable<A>>) => void
}

/** What an overridden scheme accepts; `credentials` default to empty ones. */
type OverrideAuth<A> = A extends Auth<infer Credentials, infer User>
  ? { readonly credentials?: Credentials } & (undefined extends User ? { readonly user?: User } : { readonly user: User extends TokenClaims ? Partial<User> : User })
  : never
