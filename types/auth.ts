/** What an accepted scheme puts on the request, and how a route's `security` types it. */

/**
 * The secret part of `credentials` as one string: the credentials themselves where they are a string (API keys, OAuth2,
 * OpenID Connect), their `credentials` where they are `{ scheme, credentials }`, and `null` for HTTP Basic.
 */
export type TokenOf<Credentials> =
  unknown extends Credentials ? string | null
    : Credentials extends string ? string
      : Credentials extends { readonly credentials: string } ? string
        : null

/** One accepted scheme on one request. `Token` follows from the credentials, and is a parameter so that an `Auth` is also one of wider types. */
export interface Auth<Credentials, User, Token = TokenOf<Credentials>> {
  /** The name of the scheme in the OpenAPI document. */
  readonly scheme: string
  /** What was extracted. Nobody checked it unless the scheme has a `verify`. */
  readonly credentials: Credentials
  /** The credentials as one string, `null` for HTTP Basic. */
  readonly token: Token
  /** What `verify` returned; `undefined` for a scheme without `verify`. */
  readonly user: User
  /** The scopes that were required here: outer contexts first, then the route's, then a derived scheme's. No duplicates. */
  readonly scopes: readonly string[]
  /** `scopes`, joined by single spaces. */
  readonly scopeStr: string
}

/** `request.auth` where TypeScript cannot know the route's `security`. */
export type AnyAuth = Auth<unknown, unknown> | null

/** `{}` in a list of alternatives infers unknown: nobody is authenticated then. */
type OrNull<T> = unknown extends T ? null : T

/** `request.auth` for a route whose `security` list was inferred as the tuple `C`, one element for each alternative. */
export type AuthOf<C> =
  C extends readonly [] ? null
    : C extends readonly unknown[] ? { [I in keyof C]: OrNull<C[I]> }[number]
      : AnyAuth
