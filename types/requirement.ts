/** The route option `security`: alternatives of schemes, and the type of `request.auth` that follows from them. */

import type { AnyAuth, kAuth } from './auth'
import type { Scheme } from './scheme'

/** One scheme that must accept the request, with the scopes required of it (default: none). */
export interface Requirement<A = any> {
  /** A scheme that a factory of the same application made. */
  readonly scheme: Scheme<A>
  /** Scope names (RFC 6749 section 3.3), added to those of the route's contexts. Of duplicates the first stays. */
  readonly scopes?: readonly string[]
}

/** `{}`: nothing is needed. It makes authentication optional, and is considered last wherever it stands. */
export interface Anonymous {
  /** Not allowed. */
  readonly scheme?: never
  /** Not allowed. */
  readonly scopes?: never
}

/** One alternative: a scheme, several that must all hold, or `{}`. */
export type Alternative<A = any> = Requirement<A> | ReadonlyArray<Requirement<A>> | Anonymous

/** A list of alternatives, of which *any one* must hold (OpenAPI's OR). `[]` is public. */
export type Security = readonly [] | readonly Alternative[]

// TypeScript infers `List` from both branches of a conditional type, and from the first one directly: `List` is the
// list as written, `as const` or not, the `{}` in it included (a mapped type over `List` would lose those of a
// constant). It checks the argument against the branch that is taken, which is always the second, as no list is
// `never`. So excess properties are refused, and messages name `Security`, as if the parameter were of that type alone.

/** A `Security` that is inferred as `List`. */
export type InferredSecurity<List> = [List] extends [never] ? List : Security

/** The `Auth` of one scheme; `AnyAuth` if its type is `any`, `null` for `{}`. */
type AuthOfMember<Member> = Member extends { readonly scheme: Scheme<infer A> } ? 0 extends A & 1 ? AnyAuth : A : null

/** The `Auth` of an alternative: that of any of its schemes. */
type AuthOfAlternative<One> = One extends readonly unknown[] ? AuthOfMember<One[number]> : AuthOfMember<One>

/** A list that cannot be empty, of known or unknown length. */
type NonEmpty = readonly [unknown, ...unknown[]] | readonly [...unknown[], unknown]

/** The `Auth` of a list of alternatives. It includes `null` if the list may be empty, as `[]` is public. */
type AuthOfList<List> = List extends readonly unknown[]
  ? AuthOfAlternative<List[number]> | (List extends NonEmpty ? never : null)
  : AnyAuth

/** Added to the generics of handlers on a route whose `security` is `List`. */
export interface SecuredBy<List> { readonly [kAuth]: AuthOfList<List> }

/** Added to the generics of hooks that also run for requests that are refused, or not yet authenticated. */
export interface MaybeSecuredBy<List> { readonly [kAuth]: AuthOfList<List> | null }
