/** The one place that turns an attempt without success into an answer. */

import type { FastifyReply } from 'fastify'
import { InvalidCredentialsError, insufficientScope, invalidCredentials, notAuthenticated } from '../errors'
import { toErrorDescription } from '../header/challenge'
import { Failure, Outcome, statusOf, type Attempt } from './authenticate'
import { challengeOf, membersOf, type Member } from './requirement'

/**
 * Tells the worst news that is still true: sets the challenges on the reply, where they survive a custom error handler, and
 * returns the error to fail the request with.
 */
export function reject (attempt: Attempt, reply: FastifyReply): Error {
  const { worst, requirement } = attempt
  if (worst === Outcome.INSUFFICIENT) {
    challenge(reply, membersOf(attempt.requirement).filter((member) => failureOf(attempt, member, Outcome.INSUFFICIENT) !== undefined)
      .map(({ definition, scopeStr }) => challengeOf(definition, scopeStr, 'insufficient_scope')))
    return insufficientScope()
  }
  if (worst === Outcome.REFUSED) {
    const error = firstError(attempt) ?? invalidCredentials()
    if (statusOf(error) === 401) challenge(reply, challengesAfterRefusal(attempt))
    return error
  }
  challenge(reply, requirement.challenges)
  return notAuthenticated()
}

function challenge (reply: FastifyReply, challenges: readonly string[]): void {
  const lines = [...new Set(challenges)]
  reply.header('WWW-Authenticate', lines.length === 1 ? lines[0] : lines)
}

/** One challenge for each scheme and set of scopes: with the error, where any alternative was refused for it. */
function challengesAfterRefusal (attempt: Attempt): string[] {
  const byCheck = new Map<number, string>()
  for (const member of membersOf(attempt.requirement)) {
    const [{ index }] = member.checks
    const known = byCheck.get(index)
    if (known === undefined || known === member.challenge) byCheck.set(index, challengeAfterRefusal(attempt, member))
  }
  return [...byCheck.values()]
}

function challengeAfterRefusal (attempt: Attempt, member: Member): string {
  const failure = failureOf(attempt, member, Outcome.REFUSED)
  if (failure === undefined) return member.challenge
  const { error } = failure
  const description = error instanceof InvalidCredentialsError && error.description !== undefined ? toErrorDescription(error.description) : undefined
  return challengeOf(member.definition, member.scopeStr, 'invalid_token', description)
}

function failureOf (attempt: Attempt, { checks }: Member, outcome: Outcome): Failure | undefined {
  return checks.map((check) => attempt.resultOf(check))
    .find((result): result is Failure => result instanceof Failure && result.outcome === outcome)
}

/** The error of the first check, in the order of the alternatives, that was refused by an error. */
function firstError (attempt: Attempt): Error | undefined {
  return membersOf(attempt.requirement).flatMap(({ checks }) => checks)
    .map((check) => attempt.resultOf(check))
    .find((result): result is Failure => result instanceof Failure && result.error !== null)?.error ?? undefined
}
