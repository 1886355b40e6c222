/** Asks the alternatives of a requirement, in order, until one accepts the request. */

import type { FastifyRequest } from 'fastify'
import { verifyFailed } from '../errors'
import { ABSENT, MALFORMED } from '../header/authorization'
import type { Extraction, SchemeDefinition } from '../schemes/definition'
import type { Auth } from '../../types/auth'
import type { Alternative, Check, Member, Requirement, SchemeNode } from './requirement'
import { isGranted } from './scopes'

/** What became of an alternative, the worst news last but one. */
export const Outcome = { ABSENT: 0, MALFORMED: 1, REFUSED: 2, INSUFFICIENT: 3, ACCEPTED: 4 } as const
export type Outcome = typeof Outcome[keyof typeof Outcome]

type Accepted = Auth<unknown, unknown>

/** A check that did not accept: a value, because an error would cost more than the rest of the request. */
export class Failure {
  constructor (readonly outcome: Outcome, readonly error: Error | null = null) {}
}

/** What a check gave. */
type Result = Accepted | Failure

const REFUSED = new Failure(Outcome.REFUSED)
const INSUFFICIENT = new Failure(Outcome.INSUFFICIENT)

/** One requirement asked of one request. */
export class Attempt {
  /** The worst outcome so far. */
  worst: Outcome = Outcome.ABSENT
  /** The alternative that accepted. */
  accepted: Alternative | null = null
  /** What the first check gave. It stands apart because most requirements have no other. */
  #first: Result | undefined = undefined
  /** What each check gave, by its index, where there are several. */
  readonly #results: Array<Result | undefined> | null

  constructor (
    readonly request: FastifyRequest,
    readonly requirement: Requirement,
    /** What an earlier hook found out about the same request. */
    readonly previous: Attempt | null
  ) {
    this.#results = requirement.size > 1 ? new Array(requirement.size) : null
  }

  /** The `Auth` of a scheme that was accepted here or in an earlier hook. */
  authOf (node: SchemeNode): Accepted | null {
    const check = this.accepted?.members.flatMap(({ checks }) => checks).find((candidate) => candidate.node === node)
    return check === undefined ? this.previous?.authOf(node) ?? null : this.resultOf(check) as Accepted
  }

  /** What an earlier hook accepted for the same scheme and the same scopes. */
  reuse (check: Check): Accepted | null {
    for (let earlier = this.previous; earlier !== null; earlier = earlier.previous) {
      const auth = earlier.authOf(check.node)
      if (auth?.scopeStr === check.scopeStr) return auth
    }
    return null
  }

  /** What a check gave, as far as it was asked. */
  resultOf ({ index }: Check): Result | undefined {
    return this.#results === null ? this.#first : this.#results[index]
  }

  keep ({ index }: Check, result: Result): Outcome {
    if (this.#results === null) this.#first = result
    else this.#results[index] = result
    return result instanceof Failure ? result.outcome : Outcome.ACCEPTED
  }

  note (outcome: Outcome): Outcome {
    if (outcome > this.worst) this.worst = outcome
    return outcome
  }
}

/**
 * Runs the checks of a requirement. A promise is made only where a `verify` made one.
 *
 * Throws, or rejects with, what a `verify` threw that is no refusal: the request then fails with it.
 */
export function authenticate (attempt: Attempt, extract: Extractor): Attempt | Promise<Attempt> {
  return tryAlternatives(attempt, attempt.requirement.alternatives.length > 1 ? onceEach(extract) : extract, 0)
}

/** Extracts for each scheme once, in however many alternatives it stands. */
function onceEach (extract: Extractor): Extractor {
  const known = new Map<SchemeNode, Extraction>()
  return (request, base) => {
    const extraction = known.get(base) ?? extract(request, base)
    known.set(base, extraction)
    return extraction
  }
}

// As `await` sees it: a function may be a promise, too.
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  value !== null && (typeof value === 'object' || typeof value === 'function') && typeof (value as { then?: unknown }).then === 'function'

/** How the credentials of a scheme are got. */
export type Extractor = (request: FastifyRequest, base: SchemeNode) => Extraction

function tryAlternatives (attempt: Attempt, extract: Extractor, start: number): Attempt | Promise<Attempt> {
  const { alternatives } = attempt.requirement
  for (let i = start; i < alternatives.length; i++) {
    const alternative = alternatives[i] as Alternative
    const outcome = tryAlternative(attempt, alternative, extract)
    if (typeof outcome === 'object') return tryAlternativesLater(attempt, extract, i, outcome)
    if (conclude(attempt, alternative, outcome)) return attempt
  }
  return attempt
}

// What waits stands in functions of its own: those above then make no closures for requests that need not wait.
async function tryAlternativesLater (attempt: Attempt, extract: Extractor, tried: number, outcome: Promise<Outcome>): Promise<Attempt> {
  const accepted = conclude(attempt, attempt.requirement.alternatives[tried] as Alternative, await outcome)
  return accepted ? attempt : await tryAlternatives(attempt, extract, tried + 1)
}

function conclude (attempt: Attempt, alternative: Alternative, outcome: Outcome): boolean {
  if (attempt.note(outcome) !== Outcome.ACCEPTED) return false
  attempt.accepted = alternative
  return true
}

/** What was extracted, or, where it was not credentials, what became of the alternative. */
const outcomeOf = (extraction: Extraction): Outcome => extraction === MALFORMED ? Outcome.MALFORMED : extraction === ABSENT ? Outcome.ABSENT : Outcome.ACCEPTED

function tryAlternative (attempt: Attempt, { members }: Alternative, extract: Extractor): Outcome | Promise<Outcome> {
  if (members.length > 1) return tryGroup(attempt, members, extract)
  const member = members[0] as Member
  const extraction = extract(attempt.request, member.checks[0].node)
  const outcome = outcomeOf(extraction)
  return outcome === Outcome.ACCEPTED ? runChecks(attempt, member, extraction, 0) : outcome
}

/** A group is extracted whole before anything is verified. */
function tryGroup (attempt: Attempt, members: readonly Member[], extract: Extractor): Outcome | Promise<Outcome> {
  const extractions = members.map(({ checks }) => extract(attempt.request, checks[0].node))
  const outcomes = extractions.map(outcomeOf)
  if (outcomes.includes(Outcome.MALFORMED)) return Outcome.MALFORMED
  return outcomes.includes(Outcome.ABSENT) ? Outcome.ABSENT : runMembers(attempt, members, extractions, 0)
}

function runMembers (attempt: Attempt, members: readonly Member[], credentials: readonly unknown[], first: number): Outcome | Promise<Outcome> {
  for (let m = first; m < members.length; m++) {
    const outcome = runChecks(attempt, members[m] as Member, credentials[m], 0)
    if (typeof outcome === 'object') return runMembersLater(attempt, members, credentials, m, outcome)
    if (outcome !== Outcome.ACCEPTED) return outcome
  }
  return Outcome.ACCEPTED
}

async function runMembersLater (attempt: Attempt, members: readonly Member[], credentials: readonly unknown[], run: number, pending: Promise<Outcome>): Promise<Outcome> {
  const outcome = await pending
  return outcome === Outcome.ACCEPTED ? await runMembers(attempt, members, credentials, run + 1) : outcome
}

function runChecks (attempt: Attempt, member: Member, credentials: unknown, first: number): Outcome | Promise<Outcome> {
  const { checks } = member
  for (let c = first; c < checks.length; c++) {
    const check = checks[c] as Check
    const result = attempt.resultOf(check) ?? runCheck(attempt, check, credentials)
    if (isThenable(result)) return runChecksLater(attempt, member, credentials, c, result)
    const outcome = attempt.keep(check, result)
    if (outcome !== Outcome.ACCEPTED) return outcome
  }
  return Outcome.ACCEPTED
}

async function runChecksLater (attempt: Attempt, member: Member, credentials: unknown, run: number, pending: PromiseLike<Result>): Promise<Outcome> {
  const outcome = attempt.keep(member.checks[run] as Check, await pending)
  return outcome === Outcome.ACCEPTED ? await runChecks(attempt, member, credentials, run + 1) : outcome
}

function runCheck (attempt: Attempt, check: Check, credentials: unknown): Result | Promise<Result> {
  const reused = attempt.reuse(check)
  if (reused !== null) return reused
  try {
    const user = callVerify(attempt, check, credentials)
    return isThenable(user) ? judgeLater(check, credentials, user) : judge(check, credentials, user)
  } catch (error) {
    return toFailure(check.node.definition, error)
  }
}

async function judgeLater (check: Check, credentials: unknown, user: PromiseLike<unknown>): Promise<Result> {
  try {
    return judge(check, credentials, await user)
  } catch (error) {
    return toFailure(check.node.definition, error)
  }
}

function callVerify (attempt: Attempt, { node, parent, scopes, scopeStr }: Check, credentials: unknown): unknown {
  const { request } = attempt
  if (node.override !== null) return node.override.user
  if (parent === null) return node.definition.verify?.(credentials, { request, scopes, scopeStr })
  const { user } = attempt.resultOf(parent) as Accepted
  return node.verify === undefined ? user : node.verify(user, { credentials, request, scopes, scopeStr })
}

function judge (check: Check, credentials: unknown, user: unknown): Result {
  const { node, parent, scopes, scopeStr } = check
  const { definition } = node
  const verified = parent === null ? definition.verify !== undefined : node.verify !== undefined
  if (verified && isRefusal(user)) return REFUSED
  if (verified && parent === null && scopes.length > 0 && !isGranted(definition, user, scopes)) return INSUFFICIENT
  return { scheme: definition.name, credentials, token: definition.tokenOf(credentials), user, scopes, scopeStr } as Accepted
}

/** Whether a value that decides refuses. */
export const isRefusal = (value: unknown): boolean => value === null || value === undefined || value === false

/** A refusal as a value; anything else that was thrown is thrown on. */
function toFailure (definition: SchemeDefinition, thrown: unknown): Failure {
  const error = toError(definition, thrown)
  const status = statusOf(error)
  if (status === 401 || status === 403) return new Failure(Outcome.REFUSED, error)
  throw error
}

/** What was thrown, if it is an object that Fastify can answer with. A hook that failed with `undefined` would let the request pass. */
function toError (definition: SchemeDefinition, thrown: unknown): Error {
  try {
    statusOf(thrown as Error)
    return thrown as Error
  } catch {
    return verifyFailed(definition.name, '`verify` threw something that is not an error')
  }
}

/** The status that Fastify would answer with. Throws for what is no object, or cannot be read. */
export function statusOf (error: Error): number {
  if (typeof error !== 'object') throw new TypeError('not an object')
  const { statusCode, status } = error as { statusCode?: unknown, status?: unknown }
  const found = [statusCode, status].map(Number).find((candidate) => candidate >= 400 && candidate <= 599)
  return found ?? 500
}
