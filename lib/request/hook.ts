/** The hooks that enforce a requirement on a request. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { badOption, verifyFailed } from '../errors'
import type { Extraction, SchemeDefinition } from '../schemes/definition'
import type { Auth } from '../../types/auth'
import type { HookName } from '../../types/options'
import { Attempt, Outcome, authenticate } from './authenticate'
import { reject } from './reject'
import { membersOf, type Requirement, type SchemeNode } from './requirement'

type Done = (error?: Error) => void
export type Hook = (request: FastifyRequest, reply: FastifyReply, done: Done) => void
type ParsingHook = (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done) => void

/** Where a hook finds its requirement: not before the first request, when all is loaded. */
type RequirementSource = (request: FastifyRequest) => Requirement

/** The last attempt on a request; it knows the earlier ones. */
export const kAttempt: unique symbol = Symbol('fastify-auth-schemes.attempt')
/** What was extracted in `onRequest` for a later hook. */
export const kExtracted: unique symbol = Symbol('fastify-auth-schemes.extracted')

/** The request, with what the plugin keeps on it. */
export interface GuardedRequest {
  auth: Auth<unknown, unknown> | null
  [kAttempt]?: Attempt | null
  [kExtracted]?: Map<SchemeDefinition, Extraction> | null
}

/**
 * A hook that lets a request pass only where the requirement holds. Synchronous where every `verify` is.
 *
 * @param isDeclared whether it is what the route declares, whose scheme is then that of `request.auth`, whatever other hooks accepted before
 */
export function enforce (source: RequirementSource, isDeclared = false): Hook {
  return function authSchemes (request, reply, done) {
    // Called by hand without it, the outcome of an asynchronous `verify` would be lost.
    if (typeof done !== 'function') throw badOption('preHandler', 'it was called without a callback; put it into a list of hooks instead')
    let error: Error | undefined
    try {
      const attempt = authenticate(new Attempt(request, source(request), keptOn(request)[kAttempt] ?? null), extract)
      if (!(attempt instanceof Attempt)) {
        settleLater(attempt, request, reply, isDeclared, done)
        return
      }
      error = settle(attempt, request, reply, isDeclared)
    } catch (thrown) {
      error = failure(thrown)
    }
    done(error)
  }
}

/** The same hook, with the parameters of the given lifecycle step. */
export function asLifecycleHook (name: HookName, hook: Hook): Hook | ParsingHook {
  if (name !== 'preParsing') return hook
  return function authSchemes (request, reply, _payload, done) { hook(request, reply, done) }
}

/**
 * A hook for `onRequest` that extracts what a later hook will verify: validation rewrites headers and query (coercion, defaults),
 * and a key is the text that was sent. Cookies it leaves alone, and @fastify/cookie may parse them later.
 */
export function extractAhead (source: RequirementSource): Hook {
  return function authSchemesExtract (request, _reply, done) {
    const extracted = keptOn(request)[kExtracted] ??= new Map()
    for (const { definition } of membersOf(source(request))) {
      if (definition.openapi.in !== 'cookie') extracted.set(definition, definition.extract(request))
    }
    done()
  }
}

// The last line: whatever went wrong, Fastify must be told of something that it takes for an error.
const failure = (error: unknown): Error => typeof error === 'object' && error !== null ? error as Error : verifyFailed('unknown', 'it threw something that is not an error')

const keptOn = (request: FastifyRequest): GuardedRequest => request as unknown as GuardedRequest

function extract (request: FastifyRequest, { definition, override }: SchemeNode): Extraction {
  if (override !== null) return override.credentials
  return keptOn(request)[kExtracted]?.get(definition) ?? definition.extract(request)
}

async function settleLater (attempt: Promise<Attempt>, request: FastifyRequest, reply: FastifyReply, isDeclared: boolean, done: Done): Promise<void> {
  let error: Error | undefined
  try {
    error = settle(await attempt, request, reply, isDeclared)
  } catch (thrown) {
    error = failure(thrown)
  }
  done(error)
}

/** The error to fail the request with; `undefined` where it may pass. */
function settle (attempt: Attempt, request: FastifyRequest, reply: FastifyReply, isDeclared: boolean): Error | undefined {
  if (attempt.accepted === null) {
    return attempt.worst === Outcome.ABSENT && attempt.requirement.optional ? undefined : reject(attempt, reply)
  }
  const guarded = keptOn(request)
  guarded[kAttempt] = attempt
  const { own } = attempt.accepted
  if (own !== null && (isDeclared || guarded.auth === null)) guarded.auth = attempt.resultOf(own) as Auth<unknown, unknown>
  return undefined
}
