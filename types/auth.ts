/** `request.auth`: the result of an accepted scheme, and its place in a route's generics. */

import type { RequestGenericInterface } from 'fastify'

/**
 * The secret part of `credentials` as one string: the credentials themselves if they are a string (API keys, OAuth2,
 * OpenID Connect), their `credentials` if they are `{ scheme, credentials }`, and `null` for HTTP Basic and
 * certificates.
 */
export type TokenOf<Credentials> =
  unknown extends Credentials ? string | null
    : Credentials extends string ? string
      : Credentials extends { readonly credentials: string } ? string
        : null

/**
 * One accepted scheme on one request. `Token` follows from the credentials; it is a parameter so that an `Auth` can be
 * assigned to one of wider types.
 */
export interface Auth<Credentials, User, Token = TokenOf<Credentials>> {
  /** The name of the scheme in the OpenAPI document. */
  readonly scheme: string
  /** The credentials as extracted. Not verified unless the scheme has a `verify`. */
  readonly credentials: Credentials
  /** The credentials as one string, `null` for HTTP Basic and certificates. */
  readonly token: Token
  /** The value that `verify` returned; `undefined` for a scheme without `verify`. */
  readonly user: User
  /** The scopes required here: outer contexts first, then the route's, then a derived scheme's. No duplicates. */
  readonly scopes: readonly string[]
  /** `scopes`, joined by single spaces. */
  readonly scopeStr: string
}

/** `request.auth` if TypeScript cannot infer it. */
export type AnyAuth = Auth<unknown, unknown> | null

// The type of `request.auth` travels from a route's `security` to its handler in the route's generics, under the key
// `kAuth`, as `Params` and `Querystring` do: `get<G & SecuredBy<List>>`. `FastifyRequest.auth` reads it by an indexed
// access, `G[typeof kAuth]`. In TypeScript 5 a conditional type that contains `G` itself would make `FastifyRequest`
// invariant: no handler of `app.get<G>` could pass its request to a function that takes a `FastifyRequest`, whether
// it uses `security` or not. So `AuthOrAny` has its parameter before `extends` only, and gets the type that was read.

/** The key of the route's generics under which they hold the type of `request.auth`. */
export declare const kAuth: unique symbol

/** `A`, or `AnyAuth` if it is unknown. */
type AuthOrAny<A> =
  A extends Auth<infer Credentials, infer User> ? Auth<Credentials, User> : A extends null ? null : AnyAuth

/** The type of `request.auth` on a route of the generics `RouteGeneric`. */
export type AuthOf<RouteGeneric extends RequestGenericInterface> = AuthOrAny<RouteGeneric[typeof kAuth]>
