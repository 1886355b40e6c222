/** What an accepted scheme puts on the request, and how a route's `security` types it. */

import type { RequestGenericInterface } from 'fastify'
import type { Scheme } from './scheme'

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

/** What a requirement gives; `AnyAuth` where its scheme is any. */
type AuthOfMember<Member> = Member extends { readonly scheme: Scheme<infer A> } ? 0 extends A & 1 ? AnyAuth : A : null

/** What an alternative gives: what any of its members does, and `null` for `{}`. */
type AuthOfAlternative<One> = One extends readonly unknown[] ? AuthOfMember<One[number]> : AuthOfMember<One>

/** A list that cannot be empty, however long it is. */
type NonEmpty = readonly [unknown, ...unknown[]] | readonly [...unknown[], unknown]

/** What a list of alternatives gives. One that may be empty may be public. */
type AuthOfList<List> = List extends readonly unknown[] ? AuthOfAlternative<List[number]> | (List extends NonEmpty ? never : null) : AnyAuth

/** Where a route's generics keep the type of its `request.auth`. */
export declare const kAuth: unique symbol

/** Stands beside a route's generics in the types of its handler, where `List` is its `security`. */
export interface SecuredBy<List> { readonly [kAuth]: AuthOfList<List> }

/** The same in the types of hooks that run where nobody is authenticated, too. */
export interface MaybeSecuredBy<List> { readonly [kAuth]: AuthOfList<List> | null }

/** `A`, or `AnyAuth` where it is unknown. `A` stands before `extends` only: TypeScript 5 cannot compare requests of different routes otherwise. */
type Known<A> = A extends Auth<infer Credentials, infer User> ? Auth<Credentials, User> : A extends null ? null : AnyAuth

/** `request.auth` on a route of the generics `G`. */
export type AuthOf<G extends RequestGenericInterface> = Known<G[typeof kAuth]>
