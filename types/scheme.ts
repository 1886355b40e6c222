/** The contract of a scheme: the functions that it takes and the methods that it has. */

import type { FastifyRequest } from 'fastify'
import type { Auth } from './auth'
import type { ProtectedResource } from './resource'

/** The second argument of a `verify` function. */
export interface VerifyContext {
  /** The request, before its body was parsed, unless the plugin option `hook` is a later one. */
  readonly request: FastifyRequest<any, any, any, any, any, any, any, any>
  /** The scopes required here: outer contexts first, then the route's, then a derived scheme's. No duplicates. */
  readonly scopes: readonly string[]
  /** `scopes`, joined by single spaces. */
  readonly scopeStr: string
}

/** The values of `verify` that refuse. `0` and `''` accept, as any other value but an `Error`. */
export type Refusal = null | undefined | false

/** A value, or the promise of one. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Decides about extracted credentials, synchronously or not.
 *
 * `null`, `undefined` and `false` refuse (401). An error with `statusCode` 401 or 403 refuses with that error; any
 * other error fails the request (500 unless it has a status). A returned `Error` is handled as if thrown. Any other
 * value accepts and becomes `request.auth.user`.
 */
export type Verify<Credentials, User> =
  (credentials: Credentials, context: VerifyContext) => MaybePromise<User | Refusal | Error>

/**
 * The further check of a derived scheme. It is called only after its base was accepted and its scopes were granted. Its
 * outcomes are those of `Verify`.
 */
export type DerivedVerify<Base, Credentials, User> = (
  user: Base,
  context: VerifyContext & { readonly credentials: Credentials }
) => MaybePromise<User | Refusal | Error>

/**
 * The users among the values of `verify`: all but errors, which are handled as if thrown. A user with `name` and
 * `message` is no error; `stack` makes the difference.
 */
export type AcceptedUser<Value> = Value extends Error ? 'stack' extends keyof Value ? never : Value : Value

/** Options of `scheme.derive()`. */
export interface DeriveOptions<Base, Credentials, User> {
  /** Scopes required in addition, after those of the route. Default: none. */
  readonly scopes?: readonly string[]
  /** A further check, run on the base's user. Default: none, `user` stays the base's. */
  readonly verify?: DerivedVerify<Base, Credentials, User>
}

/** The key under which a scheme holds its type parameter. */
declare const kAuth: unique symbol

/** The user type of a scheme. */
type UserOf<A> = [NonNullable<A>] extends [Auth<any, infer User>] ? User : never
/** The credentials type of a scheme. */
type CredentialsOf<A> = [NonNullable<A>] extends [Auth<infer Credentials, any>] ? Credentials : never

/**
 * A security scheme, made by a factory on `app.authSchemes` or by `derive`. `A` is its result: an `Auth`, or
 * `Auth | null` if `autoError` is `false`.
 */
export interface Scheme<A = any> {
  /** The name of the scheme in the OpenAPI document. */
  readonly name: string
  /** For types only. @internal */
  readonly [kAuth]?: A
  /** The API to which tokens are bound by the option `resource`; `null` without it. */
  readonly resource: ProtectedResource | null
  /** Returns this scheme's `Auth` on the request; `null` if the scheme was not accepted or not required. */
  from (request: { auth: unknown }): NonNullable<A> | null
  /**
   * Returns this scheme's `Auth` on the request, never `null`, and requires further `scopes` (step-up). Use it in a
   * handler whose `request.auth` TypeScript cannot infer, or whose scopes depend on the request. The `security` of the
   * route must have the scheme. `verify` does not run again: `scopes` are compared with the granted scopes of the base.
   * They are not documented.
   *
   * @throws 401 with the scheme's challenge if the scheme was not accepted
   * @throws 403 `FST_AUTH_INSUFFICIENT_SCOPE` if a scope is missing; the challenge names the route's scopes and these
   * @throws 500 if the `security` of the route does not have the scheme; the message names both
   */
  require (request: { auth: unknown }, options?: { readonly scopes?: readonly string[] }): NonNullable<A>
  /**
   * This scheme as a hook of a **route**: put it into the route's `onRequest`, `preValidation` or `preHandler`. It is
   * documented like `security`. As an instance hook it is enforced, but not documented: for whole contexts use
   * `app.secure`. Its parameters are a `FastifyRequest` and a `FastifyReply`, typed as objects so that TypeScript
   * infers the route's own types.
   */
  readonly preHandler: (request: object, reply: object, done: (error?: Error) => void) => void
  /**
   * Returns the same scheme with further scopes required and a further check run on its user. It keeps the name, and
   * thus the entry in the document. A further check that refuses is a 401; for a 403 it throws an error with
   * `statusCode: 403`.
   *
   * @throws {TypeError} for a bad option, naming it
   */
  derive<User = UserOf<A>> (
    options: DeriveOptions<UserOf<A>, CredentialsOf<A>, User>
  ): Scheme<Auth<CredentialsOf<A>, AcceptedUser<User>> | Extract<A, null>>
}
