/** The contract of the verifiers: options, the claims they give, and the `verify` they make. */

import type { HTTPAuthorizationCredentials } from './options'
import type { MaybePromise, Refusal, VerifyContext } from './scheme'
import type { IntrospectedToken, TokenClaims } from './token-claims'

// An intersection, and not an interface with a call signature: TypeScript looks at a call of a generic function that
// returns a function type only after
// it has fixed what the other options infer, so that beside `grantedScopes` the user of `verify: jwtVerifier({ … })`
// would be `undefined`. An
// intersection does not count as a function type there.
/**
 * A `verify` for every scheme that gives a token: as one word, as `{ scheme, credentials }`, or as the whole
 * `Authorization` header, which `oauth2` gives.
 *
 * A token that is not accepted is refused (401). Where the provider cannot be reached, it throws
 * `FST_AUTH_PROVIDER_UNAVAILABLE` (503). It is synchronous
 * where this token was verified before and is kept, and gives a promise otherwise.
 */
export type TokenVerifier<User> = ((
  credentials: string | HTTPAuthorizationCredentials,
  context: VerifyContext
) => MaybePromise<User | Refusal>) & {
  /**
   * Resolves while keys are usable, and fetches them where needed; rejects with `FST_AUTH_PROVIDER_UNAVAILABLE` where
   * they cannot be fetched. For an
   * `onReady` hook, which makes the boot depend on the provider, and for a health check.
   */
  readonly prepare: () => Promise<void>
}

/** A JSON Web Key Set (RFC 7517 section 5), with public keys. */
export interface JsonWebKeySet {
  /** The keys. Those for other purposes than signatures are left out. */
  readonly keys: readonly object[]
}

/** One trusted issuer of `jwtVerifier`. */
export interface JwtVerifierOptions<Claims extends TokenClaims = TokenClaims> {
  /**
   * The issuer, as `iss` and its metadata name it, compared letter by letter. `https:`, or `http:` on loopback; no
   * query, fragment or user.
   */
  readonly issuer: string
  /**
   * The name of this API: `aud` must have it, or one of several. `null`: `aud` is not checked, and a warning is emitted
   * when the verifier is made.
   */
  readonly audience: string | readonly string[] | null
  /**
   * The `typ` of the header. Default `at+jwt` (RFC 9068). `JWT`: for providers that do not set it; `JWT`, `at+jwt` or
   * none is accepted, and a token with
   * `at_hash`, `c_hash`, `"typ": "ID"` or `"token_use": "id"` is refused as an ID token.
   */
  readonly typ?: 'at+jwt' | 'JWT'
  /**
   * The signature algorithms. Default: RS, PS and ES 256, 384 and 512, EdDSA and Ed25519, which are also all that can
   * be named.
   */
  readonly algorithms?: readonly string[]
  /**
   * A further check of the claims: only `true` accepts. A type guard types the user. It is called once for a token that
   * is kept.
   */
  readonly claims?: ((claims: TokenClaims) => claims is Claims) | ((claims: TokenClaims) => boolean)
  /**
   * The URL of the keys, for which the rule of `issuer` holds, or the keys themselves. Default: the `jwks_uri` of the
   * issuer's metadata.
   */
  readonly keys?: string | JsonWebKeySet
  /** The tolerance for `exp` and `nbf`, in seconds, from 0 to 300. Default 5. */
  readonly clockTolerance?: number
  /** The number of verified tokens that are kept, the oldest leaves first. Default 1000; 0: none. */
  readonly cache?: number
  /** The time in which a response must be complete, in milliseconds. Default 5000. */
  readonly timeout?: number
  /**
   * The time for which keys are used after the last successful fetch while later ones fail, in milliseconds. Default
   * 3600000. Keys are fetched anew after 10 minutes, or after this time if it is shorter.
   */
  readonly staleFor?: number
  /**
   * Replaces the global `fetch`: for a proxy, or a provider with another address inside. It is called with `redirect:
   * 'error'` and a signal, which it must respect.
   */
  readonly fetch?: typeof globalThis.fetch
}

/** Options of `jwtIssuer`. */
export interface JwtIssuerOptions {
  /**
   * The secret for HS256, of at least 32 bytes. Of several, the first signs and all verify: to rotate, put a new one in
   * front.
   */
  readonly secret: string | Uint8Array | ReadonlyArray<string | Uint8Array>
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** The `aud` of the tokens. Default: `issuer`. */
  readonly audience?: string
  /** The lifetime of a token, in seconds. There is no tolerance. */
  readonly expiresIn: number
  /** The number of verified tokens that are kept. Default 1000; 0: none. */
  readonly cache?: number
}

/** The object that `jwtIssuer` makes. */
export interface JwtIssuer<Claims extends object = {}> {
  /**
   * A signed access token. `typ`, `iss`, `aud`, `iat`, `exp`, a random `jti` and `scope` are set; one of these in the
   * argument, or `undefined` in any
   * place, is a `TypeError`. For access tokens only: a refresh token that it signed would pass as an access token.
   */
  readonly sign: (claims: { readonly sub: string, readonly scopes?: readonly string[] } & Claims) => Promise<string>
  /** The `verify` for a scheme: it accepts what `sign` made. */
  readonly verify: TokenVerifier<TokenClaims & Claims>
  /** The lifetime of a token, in seconds: the `expires_in` of a token response. */
  readonly expiresIn: number
}

/** The authentication of this server at the introspection endpoint: as a client by HTTP Basic, or by a bearer token. */
export type IntrospectionClient =
  | { readonly id: string, readonly secret: string }
  | { readonly token: string | (() => MaybePromise<string>) }

/** The options of `introspectionVerifier` but for the place of the endpoint. */
export interface IntrospectionOptions<Claims extends IntrospectedToken = IntrospectedToken> {
  /** The credentials of this server at the endpoint. */
  readonly client: IntrospectionClient
  /**
   * The name of this API: `aud` must have it, or one of several. `null`: `aud` is not checked, and a warning is emitted
   * when the verifier is made.
   */
  readonly audience: string | readonly string[] | null
  /** A further check of the response: only `true` accepts. A type guard types the user. */
  readonly claims?: ((claims: IntrospectedToken) => claims is Claims) | ((claims: IntrospectedToken) => boolean)
  /**
   * The time for which a response is used again, never past `exp`, in milliseconds. Default 0: revoking a token takes
   * effect at once.
   */
  readonly maxAge?: number
  /** The number of accepted responses that are kept. Default 1000; 0: none. */
  readonly cache?: number
  /** Replaces the global `fetch`. It is called with `redirect: 'error'` and a signal, which it must respect. */
  readonly fetch?: typeof globalThis.fetch
  /** The time in which a response must be complete, in milliseconds. Default 5000. */
  readonly timeout?: number
}

/** Options of `introspectionVerifier`: `endpoint` is the URL to ask, or `issuer` the one whose metadata has it. */
export type IntrospectionVerifierOptions<Claims extends IntrospectedToken = IntrospectedToken> =
  ({ readonly endpoint: string, readonly issuer?: never } | { readonly issuer: string, readonly endpoint?: never }) &
  IntrospectionOptions<Claims>
