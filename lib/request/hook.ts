/** The hooks that run a plan on a request. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { badOption } from '../errors'
import { toError } from '../outcome'
import type { Member, Plan } from '../requirement/plan'
import type { SchemeNode } from '../requirement/node'
import type { Auth } from '../../types/auth'
import { Attempt, authenticate, type SetAuth } from './authenticate'
import { kRefusal, reject } from './reject'
import { asSent } from './sent'

type Done = (error?: Error) => void
/** A lifecycle hook. In `preParsing` the payload stands before the callback. */
export type Hook = (request: FastifyRequest, reply: FastifyReply, done: unknown, doneOfParsing?: Done) => void

/** The last attempt on a request, which holds the earlier ones. */
export const kAttempt: unique symbol = Symbol('fastify-auth-schemes.attempt')
/** The guard of a route, in its `config`. A route without a guard there was not seen by the plugin. */
export const kGuard: unique symbol = Symbol('fastify-auth-schemes.guard')

/** The request, with the properties that the plugin adds. */
export interface GuardedRequest {
  auth: Auth<unknown, unknown> | null
  [kAttempt]?: Attempt | null
}

/** Adds the properties of requests. A context that was created before inherits no decorator. */
export function decorateRequests (context: FastifyInstance): void {
  for (const name of ['auth', kAttempt, kRefusal] as const) {
    if (!context.hasRequestDecorator(name as string)) context.decorateRequest(name as 'auth', null as any)
  }
}

/** The guard of a route, as far as the hook of a single scheme needs it. */
export interface RouteGuard {
  /** The contexts of the registration that attached it. */
  readonly contexts: object
  /** True if the route or its context declares a requirement, `[]` included. */
  readonly declares: boolean
  /** Returns true if every alternative of the route has that scheme. */
  readonly includes: (node: SchemeNode) => boolean
  /** Returns the first member of the route's alternatives that has that scheme. */
  readonly memberOf: (node: SchemeNode) => Member | undefined
}

/** Returns the plan of a hook. It is called for requests only, when all is loaded. */
type PlanSource = (request: FastifyRequest) => Plan

/**
 * Returns a hook that lets a request pass only if the plan accepts it. The hook is synchronous if every `verify` is.
 *
 * @param runsLate true for a hook that may run behind validation, so that credentials are read as they were received
 * @param setAuthOf returns the rule for `request.auth`, or throws to fail the request
 */
export function enforce (planOf: PlanSource, runsLate: boolean, setAuthOf: (request: FastifyRequest) => SetAuth): Hook {
  return function authSchemes (request, _reply, third, fourth) {
    const done = callbackOf(third, fourth)
    let error: Error | undefined
    try {
      const source = runsLate ? asSent(request) : request
      const previous = keptOn(request)[kAttempt] ?? null
      const attempt = new Attempt(request, planOf(request), source, setAuthOf(request), previous)
      const outcome = authenticate(attempt)
      if (outcome !== attempt) {
        settleLater(outcome as Promise<Attempt>, done)
        return
      }
      error = settle(attempt)
    } catch (thrown) {
      error = toError('unknown', thrown)
    }
    done(error)
  }
}

/**
 * Returns the callback of a hook: the third argument or, in `preParsing`, the fourth, behind a stream. Other hooks with
 * a payload run after the handler, or without it, and guard nothing.
 */
function callbackOf (third: unknown, fourth: Done | undefined): Done {
  if (typeof third === 'function') return third as Done
  const isStream = typeof (third as { pipe?: unknown } | null | undefined)?.pipe === 'function'
  if (typeof fourth === 'function' && isStream) return fourth
  // Called by hand without a callback, the outcome of an asynchronous `verify` would be lost.
  throw badOption('preHandler', 'it was called without a callback, or in a hook in which it guards nothing; ' +
    'put it into `onRequest`, `preValidation` or `preHandler` of a route')
}

export const keptOn = (request: object): GuardedRequest => request as GuardedRequest

async function settleLater (pending: Promise<Attempt>, done: Done): Promise<void> {
  let error: Error | undefined
  try {
    error = settle(await pending)
  } catch (thrown) {
    error = toError('unknown', thrown)
  }
  done(error)
}

/** Returns the error to fail the request with; `undefined` if the request may pass. */
function settle (attempt: Attempt): Error | undefined {
  const { accepted, setAuth, request } = attempt
  if (accepted === null) return reject(attempt)
  const guarded = keptOn(request)
  guarded[kAttempt] = attempt
  const auth = accepted.subject === null ? null : attempt.resultOf(accepted.subject) as Auth<unknown, unknown>
  // A hook runs in older contexts, too, whose requests have no `auth` yet.
  const isUnset = (guarded.auth ?? null) === null
  const mayReplace = setAuth === 'always' || (setAuth === 'accepted' && auth !== null)
  if (mayReplace || (setAuth !== 'never' && isUnset)) guarded.auth = auth
  return undefined
}
