/** Options of the plugin and of the scheme factories, and `app.authSchemes` itself. */

import type { AuditedRoute } from './audit'
import type { Auth } from './auth'
import type { Scheme, Verify } from './scheme'

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

export interface HTTPBaseOptions {
  /** The name of the HTTP authentication scheme (RFC 9110 section 11.1), compared without regard to case. */
  readonly scheme: string
}

export interface HTTPBasicOptions {
  /** The realm of this scheme's challenge. Default: the plugin's `realm`. */
  readonly realm?: string
}

export interface HTTPBearerOptions {
  /** How the token is formatted, such as `JWT`; told to readers of the document and not checked. Default: none. */
  readonly bearerFormat?: string
}

/** The names of the scopes, each with the sentence that the document shows. */
export type ScopeDescriptions = Readonly<Record<string, string>>

/** One flow of an OAuth2 scheme (OpenAPI's OAuth Flow Object). */
export interface OAuth2Flow {
  readonly authorizationUrl?: string
  readonly tokenUrl?: string
  readonly refreshUrl?: string
  /** Default: none. */
  readonly scopes?: ScopeDescriptions
}

/** OpenAPI's OAuth Flows Object. */
export interface OAuth2Flows {
  readonly implicit?: OAuth2Flow & { readonly authorizationUrl: string }
  readonly password?: OAuth2Flow & { readonly tokenUrl: string }
  readonly clientCredentials?: OAuth2Flow & { readonly tokenUrl: string }
  readonly authorizationCode?: OAuth2Flow & { readonly authorizationUrl: string, readonly tokenUrl: string }
}

export interface OAuth2Options {
  /** At least one flow. A scope that none of them declares cannot be required. */
  readonly flows: OAuth2Flows
}

export interface OAuth2PasswordBearerOptions {
  /** Where the token is got, absolute or relative to the document's server. It is told to clients, not registered: see `app.tokenForm`. */
  readonly tokenUrl: string
  readonly refreshUrl?: string
  readonly scopes?: ScopeDescriptions
}

export interface OAuth2AuthorizationCodeBearerOptions extends OAuth2PasswordBearerOptions {
  readonly authorizationUrl: string
}

export interface OAuth2ClientCredentialsBearerOptions {
  readonly tokenUrl: string
  readonly scopes?: ScopeDescriptions
}

export interface OpenIdConnectOptions {
  /** The address of the provider's discovery document, absolute or relative. It is told to clients and never fetched. */
  readonly openIdConnectUrl: string
}

/** A scheme name and what followed it in the `Authorization` header. */
export interface HTTPAuthorizationCredentials {
  /** The scheme's name as it was sent. */
  readonly scheme: string
  readonly credentials: string
}

export interface HTTPBasicCredentials {
  readonly username: string
  readonly password: string
}

type Made<Credentials, User, AutoError extends boolean> =
  Scheme<Auth<Credentials, User> | (AutoError extends true ? never : null)>

/** A factory whose own options are `Own`. A bad option throws a `TypeError` at the call, naming it. Options are never written to. */
type Factory<Own, Credentials> =
  <User = undefined, const AutoError extends boolean = true> (options: Own & SchemeOptions<Credentials, User, AutoError>) => Made<Credentials, User, AutoError>

/** The same, where no option is required. */
type LenientFactory<Own, Credentials> =
  <User = undefined, const AutoError extends boolean = true> (options?: Own & SchemeOptions<Credentials, User, AutoError>) => Made<Credentials, User, AutoError>

/** The scheme factories. */
export interface SchemeFactories {
  readonly apiKeyCookie: Factory<APIKeyOptions, string>
  readonly apiKeyHeader: Factory<APIKeyOptions, string>
  readonly apiKeyQuery: Factory<APIKeyOptions, string>
  readonly httpBase: Factory<HTTPBaseOptions, HTTPAuthorizationCredentials>
  readonly httpBasic: LenientFactory<HTTPBasicOptions, HTTPBasicCredentials>
  readonly httpBearer: LenientFactory<HTTPBearerOptions, HTTPAuthorizationCredentials>
  readonly httpDigest: LenientFactory<unknown, HTTPAuthorizationCredentials>
  readonly oauth2: Factory<OAuth2Options, string>
  readonly oauth2PasswordBearer: Factory<OAuth2PasswordBearerOptions, string>
  readonly oauth2AuthorizationCodeBearer: Factory<OAuth2AuthorizationCodeBearerOptions, string>
  readonly oauth2ClientCredentialsBearer: Factory<OAuth2ClientCredentialsBearerOptions, string>
  readonly openIdConnect: Factory<OpenIdConnectOptions, string>
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
  ? { readonly credentials?: Credentials } & (undefined extends User ? { readonly user?: User } : { readonly user: User })
  : never
