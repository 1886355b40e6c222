/** The route option `security`: alternatives of schemes. */

import type { kAuth } from './auth'
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

/** A list of alternatives, of which *any one* must hold (OpenAPI's OR). `[]` is public. */
export type Security = readonly [] | readonly Alternative[]

/** A `Security` that is inferred as `S`: TypeScript infers from both branches and checks against the second, as the condition never holds. */
export type InferredSecurity<S> = S extends typeof kAuth ? S : Security
