/** The route option `security`: alternatives of schemes. */

import type { Scheme } from './scheme'

/** One scheme that must accept the request, with the scopes required of it (default: none). */
export interface Requirement<A = any> {
  /** Made by a factory of the same application. */
  readonly scheme: Scheme<A>
  /** Scope names (RFC 6749 section 3.3). Added to those of the surrounding contexts; order is kept, duplicates are dropped. */
  readonly scopes?: readonly string[]
}

/** `{}`: nothing is needed. It makes authentication optional, and is considered last wherever it stands. */
export interface Anonymous {
  /** Never there. */
  readonly scheme?: never
  /** Never there. */
  readonly scopes?: never
}

/** One alternative: a scheme, several that must all hold, or `{}`. */
export type Alternative<A = any> = Requirement<A> | ReadonlyArray<Requirement<A>> | Anonymous

/**
 * A list of alternatives, of which *any one* must hold (OpenAPI's OR). `[]` is public.
 * The mapped type gives an array literal a tuple context, so that each alternative is inferred on its own.
 */
export type Security<C = unknown> = { readonly [I in keyof C]: Alternative<C[I]> } | ReadonlyArray<Alternative<any>>
