/** The contract of a scheme: what a factory takes and what it gives. */

import type { FastifyRequest } from 'fastify'
import type { Auth } from './auth'

/** What a `verify` function is told beside the credentials. */
export interface VerifyContext {
  /** The request, before its body was parsed, unless the plugin option `hook` says otherwise. */
  readonly request: FastifyRequest<any, any, any, any, any, any, any, any>
  /** The scopes required here: outer contexts first, then the route's, then a derived scheme's. No duplicates. */
  readonly scopes: readonly string[]
  /** `scopes`, joined by single spaces. */
  readonly scopeStr: string
}

/** The outcomes of `verify` that refuse. Everything else accepts: `0`, `''` and an `Error` that is returned, too. */
export type Refusal = null | undefined | false

/** A value, or the promise of one. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Decides about extracted credentials, synchronously or not.
 *
 * `null`, `undefined` and `false` refuse (401); anything else accepts and becomes `request.auth.user`. An error with
 * `statusCode` 401 or 403 refuses with that error; any other error fails the request (500 unless it has a status).
 */
export type Verify<Credentials, User> = (credentials: Credentials, context: VerifyContext) => MaybePromise<User | Refusal>

/** The further check of a derived scheme. It is called only after its base was accepted and its scopes were granted. */
export type DerivedVerify<Base, Credentials, User> = (
  user: Base,
  context: VerifyContext & { readonly credentials: Credentials }
) => MaybePromise<User | Refusal>

/** Options of `scheme.derive()`. */
export interface DeriveOptions<Base, Credentials, User> {
  /** Scopes required in addition, after those of the route. Default: none. */
  readonly scopes?: readonly string[]
  /** A further check, run on the base's user. Default: none, `user` stays the base's. */
  readonly verify?: DerivedVerify<Base, Credentials, User>
}

declare const kAuth: unique symbol

/** The user that a scheme gives. */
type UserOf<A> = [NonNullable<A>] extends [Auth<any, infer User>] ? User : never
/** The credentials that a scheme gives. */
type CredentialsOf<A> = [NonNullable<A>] extends [Auth<infer Credentials, any>] ? Credentials : never

/**
 * A security scheme, made by a factory on `app.authSchemes` or by `derive`. `A` is what it gives: an `Auth`, or
 * `Auth | null` where `autoError` is `false`.
 */
export interface Scheme<A = any> {
  /** The name of the scheme in the OpenAPI document. */
  readonly name: string
  /** For types only. @internal */
  readonly [kAuth]?: A
  /** This scheme's `Auth` on that request; `null` where it was not accepted, or was not asked for. */
  from (request: { auth: unknown }): NonNullable<A> | null
  /**
   * This scheme as a hook of a **route**: put it into the route's `onRequest`, `preValidation` or `preHandler`. It is documented
   * as `security` is. As an instance hook it is enforced, but not documented: for whole contexts there is `app.secure`.
   * Its parameters are a `FastifyRequest` and a `FastifyReply`; they are left open so that the route's own types are inferred.
   */
  readonly preHandler: (request: object, reply: object, done: (error?: Error) => void) => void
  /**
   * The same scheme with further scopes required and a further check run on its user. It keeps the name, and thus the
   * entry in the document.
   *
   * @throws {TypeError} for a bad option, naming it
   */
  derive<User = UserOf<A>> (options: DeriveOptions<UserOf<A>, CredentialsOf<A>, User>): Scheme<Auth<CredentialsOf<A>, User> | Extract<A, null>>
}
