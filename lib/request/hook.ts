/** The hooks that run a plan on a request. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { badOption } from '../errors'
import { toError } from '../outcome'
import type { Plan } from '../requirement/plan'
import type { SchemeNode } from '../requirement/node'
import type { Auth } from '../../types/auth'
import { Attempt, authenticate, type SetAuth } from './authenticate'
import { reject } from './reject'
import { asSent } from './sent'

type Done = (error?: Error) => void
/** A lifecycle hook. In `preParsing` the payload stands before the callback. */
export type Hook = (request: FastifyRequest, reply: FastifyReply, done: unknown, doneOfParsing?: Done) => void

/** The last attempt on a request; it knows the earlier ones. */
export const kAttempt: unique symbol = Symbol('fastify-auth-schemes.attempt')
/** The guard of a route, in its `config`. A route without it was not seen. */
export const kGuard: unique symbol = Symbol('fastify-auth-schemes.guard')

/** The request, with what the plugin keeps on it. */
export interface GuardedRequest {
  auth: Auth<unknown, unknown> | null
  [kAttempt]?: Attempt | null
}

/** What a scheme's own hook must know of the route that it runs on. */
export interface RouteGuard {
  /** True where the route or its context declares anything, be it that it is public. */
  readonly declares: boolean
  /** Returns true where whatever the route accepts includes that scheme. */
  readonly includes: (node: SchemeNode) => boolean
}

/** Where the plan of a hook is found: not before the first request, when all is loaded. */
type PlanSource = (request: FastifyRequest) => Plan

/**
 * Returns a hook that lets a request pass only where the plan accepts it. It is synchronous where every `verify` is.
 *
 * @param runsLate true where it may run behind validation, so that credentials are read as they were received
 * @param setAuthOf when `request.auth` is set; it may throw to fail the request
 */
export function enforce (planOf: PlanSource, runsLate: boolean, setAuthOf: (request: FastifyRequest) => SetAuth): Hook {
  return function authSchemes (request, _reply, third, fourth) {
    const done = callbackOf(third, fourth)
    let error: Error | undefined
    try {
      const source = runsLate ? asSent(request) : request
      const attempt = new Attempt(request, planOf(request), source, setAuthOf(request), keptOn(request)[kAttempt] ?? null)
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

/** Returns the callback of a hook. In hooks with another payload than a stream to parse, the handler has run, or will not run. */
function callbackOf (third: unknown, fourth: Done | undefined): Done {
  if (typeof third === 'function') return third as Done
  if (typeof fourth === 'function' && typeof (third as { pipe?: unknown } | null | undefined)?.pipe === 'function') return fourth
  // Called by hand without a callback, the outcome of an asynchronous `verify` would be lost.
  throw badOption('preHandler', 'it was called without a callback, or in a hook in which it guards nothing; put it into the list of a hook up to `preHandler`')
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

/** Returns the error to fail the request with; `undefined` where it may pass. */
function settle (attempt: Attempt): Error | undefined {
  const { accepted, setAuth, request } = attempt
  if (accepted === null) return reject(attempt)
  const guarded = keptOn(request)
  guarded[kAttempt] = attempt
  const auth = accepted.subject === null ? null : attempt.resultOf(accepted.subject) as Auth<unknown, unknown>
  // A hook runs in older contexts, too, whose requests have no `auth` yet.
  const isUnset = (guarded.auth ?? null) === null
  if (setAuth === 'always' || (setAuth === 'accepted' && auth !== null) || (setAuth !== 'never' && isUnset)) guarded.auth = auth
  return undefined
}
