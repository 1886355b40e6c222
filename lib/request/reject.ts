/** The one place that turns an attempt without success into a response. */

import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import {
  crossSite, insufficientScope, invalidCredentials, isInvalidCredentialsError, notAuthenticated
} from '../errors'
import { toErrorDescription } from '../header/challenge'
import { Outcome, statusOf } from '../outcome'
import type { SchemeNode } from '../requirement/node'
import { challengeOf, type Member } from '../requirement/plan'
import { Failure, type Attempt } from './authenticate'

/** The last refusal of a request, by a hook or by `scheme.require`. */
export const kRefusal: unique symbol = Symbol('fastify-auth-schemes.refusal')

interface Refusal {
  readonly error: Error
  readonly challenges: readonly string[]
  /** The attempt of the hook that refused; `null` for `scheme.require`. */
  readonly attempt: Attempt | null
}
interface RefusedRequest { [kRefusal]?: Refusal | null }

/** Returns the error to fail the request with: the outcome of the alternative that got furthest. */
export function reject (attempt: Attempt): Error {
  explain(attempt)
  const { furthest, plan: { challengers, challenges }, request } = attempt
  if (furthest === Outcome.INSUFFICIENT) {
    const insufficient = challengers.filter((member) => failureOf(attempt, member, Outcome.INSUFFICIENT) !== undefined)
    const lines = insufficient.map((member) => insufficientChallenge(attempt, member))
    return refuse(request, insufficientScope(), lines, attempt)
  }
  if (furthest === Outcome.CROSS_SITE) return refuse(request, crossSite(), [], attempt)
  if (furthest !== Outcome.REFUSED) return refuse(request, notAuthenticated(), challenges, attempt)
  const error = firstError(attempt) ?? invalidCredentials()
  return refuse(request, error, statusOf(error) === 401 ? challengesAfterRefusal(attempt) : [], attempt)
}

/** Logs the outcome of each scheme at `debug`. Credentials, and errors that may show them, are left out. */
function explain (attempt: Attempt): void {
  const log = attempt.request.log as FastifyBaseLogger & { isLevelEnabled?: (level: string) => boolean }
  if (log.isLevelEnabled?.('debug') !== true) return
  const schemes = attempt.plan.members.map(({ definition: { name }, source, scopeStr, checks }) => {
    const results = checks.map((check) => attempt.resultOf(check))
    const failure = results.find((result) => result instanceof Failure)
    const outcome = failure?.outcome ?? (results[0] === undefined ? attempt.outcomeOf(source) : Outcome.ACCEPTED)
    return `${name}${scopeStr === '' ? '' : ` (${scopeStr})`}: ${NAMES[outcome]}`
  })
  log.debug({ schemes: [...new Set(schemes)] }, 'the request is refused by `security`')
}

// By outcome. A scheme that was extracted is not verified if another member of its alternative failed before.
const NAMES = ['absent', 'malformed', 'refused', 'cross-site', 'insufficient scope', 'accepted, or not verified']

/**
 * Returns the challenge for missing scopes, with those that earlier hooks have accepted: a client that asks for no more
 * than the challenge names would lose them, and be refused there next.
 */
function insufficientChallenge ({ previous }: Attempt, { definition, source, scopes }: Member): string {
  const all = new Set([...previous?.scopesOf(source.base) ?? [], ...scopes])
  return challengeOf(definition, [...all].join(' '), { error: 'insufficient_scope' })
}

/** Keeps the challenges that belong to an error until the request fails with it. */
export function refuse (
  request: FastifyRequest, error: Error, challenges: readonly string[], attempt: Attempt | null = null
): Error {
  (request as RefusedRequest)[kRefusal] = { error, challenges, attempt }
  return error
}

/** Returns the error by which a hook that has the scheme refused the request; `undefined` if none did. */
export function refusalOf (request: FastifyRequest, node: SchemeNode): Error | undefined {
  const { attempt = null, error } = (request as RefusedRequest)[kRefusal] ?? {}
  return attempt === null || attempt.membersOf(node).length === 0 ? undefined : error
}

/**
 * An `onError` hook, which Fastify runs before the error handler: puts status and challenges of a refusal on the
 * response, where they survive a custom error handler. A refusal that another plugin has caught changes nothing there.
 */
export function respondToRefusal (request: FastifyRequest, reply: FastifyReply, error: Error, done: () => void): void {
  const refusal = (request as RefusedRequest)[kRefusal]
  if (refusal?.error === error) {
    // `reply.code` would count as set, and turn an error handler's redirect to a login page into a 401.
    reply.raw.statusCode = statusOf(error)
    const lines = [...new Set(refusal.challenges)]
    if (lines.length > 0) reply.header('WWW-Authenticate', lines.length === 1 ? lines[0] : lines)
  }
  done()
}

/** Returns one challenge for each scheme and set of scopes, with `invalid_token` if the scheme refused. */
function challengesAfterRefusal (attempt: Attempt): string[] {
  const byCheck = new Map<number, string>()
  for (const member of attempt.plan.challengers) {
    const [{ index }] = member.checks
    const challenge = byCheck.get(index)
    if (challenge !== undefined && challenge !== member.challenge) continue
    byCheck.set(index, challengeAfterRefusal(attempt, member))
  }
  return [...byCheck.values()]
}

function challengeAfterRefusal (attempt: Attempt, member: Member): string {
  const failure = failureOf(attempt, member, Outcome.REFUSED)
  if (failure === undefined) return member.challenge
  const { error } = failure
  const description = isInvalidCredentialsError(error) ? error.description : undefined
  return challengeOf(member.definition, member.scopeStr, {
    error: 'invalid_token',
    error_description: description === undefined ? undefined : toErrorDescription(description)
  })
}

function failureOf (attempt: Attempt, { checks }: Member, outcome: Outcome): Failure | undefined {
  return checks.map((check) => attempt.resultOf(check))
    .find((result): result is Failure => result instanceof Failure && result.outcome === outcome)
}

/** Returns the error of the first check, in the order of the alternatives, that was refused by an error. */
function firstError (attempt: Attempt): Error | undefined {
  return attempt.plan.members.flatMap(({ checks }) => checks)
    .map((check) => attempt.resultOf(check))
    .find((result): result is Failure => result instanceof Failure && result.error !== null)?.error ?? undefined
}
