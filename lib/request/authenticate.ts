/** The run of a plan on a request: its alternatives are tried in order until one accepts. */

import type { FastifyRequest } from 'fastify'
import { ABSENT, MALFORMED } from '../header/authorization'
import { Outcome, isError, isRefusal, statusOf, toError } from '../outcome'
import type { Check, Member, Plan, PlannedAlternative, Source } from '../requirement/plan'
import type { SchemeNode } from '../requirement/node'
import type { CredentialSource, Extraction } from '../schemes/definition'
import type { Auth } from '../../types/auth'
import { isGranted } from './scopes'

type Accepted = Auth<unknown, unknown>

/** A check that did not accept: a value, because an error would cost more than the rest of the request. */
export class Failure {
  constructor (readonly outcome: Outcome, readonly error: Error | null = null) {}
}

/** The result of a check. */
type Result = Accepted | Failure

const REFUSED = new Failure(Outcome.REFUSED)
const INSUFFICIENT = new Failure(Outcome.INSUFFICIENT)

/**
 * When `request.auth` is set: always, or where a scheme was accepted, by the guard of what the route or its context declares; by the first that
 * accepts; never.
 */
export type SetAuth = 'always' | 'accepted' | 'first' | 'never'

/** One plan and one request. */
export class Attempt {
  /** The outcome of the alternative that got furthest so far. */
  furthest: Outcome = Outcome.ABSENT
  /** The alternative that accepted. */
  accepted: PlannedAlternative | null = null
  /** The first result. It stands apart because most plans have no other. */
  #first: Result | undefined = undefined
  /** The result of each check, by its index, where there are several. */
  readonly #results: Array<Result | undefined> | null
  /** What was extracted for the first source, and for each, by its index, where there are several. */
  #firstExtracted: Extraction | undefined = undefined
  readonly #extracted: Array<Extraction | undefined> | null

  constructor (
    readonly request: FastifyRequest,
    readonly plan: Plan,
    /** What the credentials are read from. */
    readonly source: CredentialSource,
    readonly setAuth: SetAuth,
    /** The attempt of an earlier hook on the same request. */
    readonly previous: Attempt | null
  ) {
    this.#results = plan.checkCount > 1 ? new Array(plan.checkCount) : null
    this.#extracted = plan.sourceCount > 1 ? new Array(plan.sourceCount) : null
  }

  /** True where the guard of a route that is not public, or of its context, accepted here or in an earlier hook. */
  get isGuarded (): boolean {
    const isGuard = this.setAuth === 'always' || this.setAuth === 'accepted'
    return (isGuard && this.plan.members.length > 0) || this.previous?.isGuarded === true
  }

  /** Returns true where the same plan has accepted here or in an earlier hook. */
  ran (plan: Plan): boolean {
    return this.plan === plan || this.previous?.ran(plan) === true
  }

  /** The `Auth` of a scheme that was accepted here or in an earlier hook. */
  authOf (node: SchemeNode): Accepted | null {
    const check = this.accepted?.checks.find((candidate) => candidate.node === node)
    return check === undefined ? this.previous?.authOf(node) ?? null : this.resultOf(check) as Accepted
  }

  /** The members of the scheme's base, here and in earlier hooks, each with its attempt. */
  membersOf (node: SchemeNode): Array<{ readonly member: Member, readonly attempt: Attempt }> {
    const members = this.plan.members.filter(({ checks }) => checks.some((check) => check.node === node))
    return [...members.map((member) => ({ member, attempt: this })), ...this.previous?.membersOf(node) ?? []]
  }

  /** What an earlier hook accepted for the same scheme and the same scopes. */
  reuse (check: Check): Accepted | null {
    for (let earlier = this.previous; earlier !== null; earlier = earlier.previous) {
      const auth = earlier.authOf(check.node)
      if (auth?.scopeStr === check.scopeStr) return auth
    }
    return null
  }

  /** The result of a check, as far as it ran. */
  resultOf ({ index }: Check): Result | undefined {
    return this.#results === null ? this.#first : this.#results[index]
  }

  /** Keeps a result, and returns true where it accepts. */
  keep ({ index }: Check, result: Result): boolean {
    if (this.#results === null) this.#first = result
    else this.#results[index] = result
    return !(result instanceof Failure) || this.note(result.outcome)
  }

  /** Notes how far an alternative got. Returns true where nothing speaks against it. */
  note (outcome: Outcome): boolean {
    if (outcome === Outcome.ACCEPTED) return true
    if (outcome > this.furthest) this.furthest = outcome
    return false
  }

  /** Returns the outcome of extracting: `ACCEPTED` where there are credentials. */
  outcomeOf (source: Source): Outcome {
    const extraction = this.extract(source)
    return extraction === MALFORMED ? Outcome.MALFORMED : extraction === ABSENT ? Outcome.ABSENT : Outcome.ACCEPTED
  }

  /** Extracts the credentials of a scheme, once for all alternatives. */
  extract ({ index, base: { override, definition } }: Source): Extraction {
    if (override !== null) return override.credentials
    if (this.#extracted === null) {
      this.#firstExtracted ??= definition.extract(this.source)
      return this.#firstExtracted
    }
    const extracted = this.#extracted[index] ?? definition.extract(this.source)
    this.#extracted[index] = extracted
    return extracted
  }
}

/**
 * Runs a plan. A promise is made only where a `verify` made one.
 *
 * Throws, or rejects with, what a `verify` threw that is no refusal: the request then fails with it.
 */
export const authenticate = (attempt: Attempt): Attempt | Promise<Attempt> => run(attempt, 0, 0)

/** Runs the plan from one check of one alternative on. */
function run (attempt: Attempt, start: number, startCheck: number): Attempt | Promise<Attempt> {
  const { alternatives } = attempt.plan
  let c = startCheck
  for (let a = start; a < alternatives.length; a++, c = 0) {
    const alternative = alternatives[a] as PlannedAlternative
    const { checks } = alternative
    if (c === 0 && !attempt.note(extractAll(attempt, alternative))) continue
    for (; c < checks.length; c++) {
      const check = checks[c] as Check
      const result = attempt.resultOf(check) ?? runCheck(attempt, check)
      if (result instanceof Pending) return runLater(attempt, a, c, result)
      if (!attempt.keep(check, result)) break
    }
    if (c === checks.length) {
      attempt.accepted = alternative
      return attempt
    }
  }
  return attempt
}

// What waits stands in a function of its own: the one above then makes no closures for requests that need not wait.
async function runLater (attempt: Attempt, a: number, c: number, pending: Promise<Result>): Promise<Attempt> {
  const { checks } = attempt.plan.alternatives[a] as PlannedAlternative
  const accepted = attempt.keep(checks[c] as Check, await pending)
  return accepted ? await run(attempt, a, c + 1) : await run(attempt, a + 1, 0)
}

/** Extracts an alternative whole, before anything is verified. */
function extractAll (attempt: Attempt, { members, leftOut }: PlannedAlternative): Outcome {
  if (members.length === 1 && leftOut.length === 0) return attempt.outcomeOf((members[0] as Member).source)
  const outcomes = members.map(({ source }) => attempt.outcomeOf(source))
  for (const group of leftOut) outcomes.push(extractLeftOut(attempt, group))
  return unite(outcomes)
}

/** Returns the outcome of a group that was left out: `ACCEPTED` where it is not there, `ABSENT` where it is. */
function extractLeftOut (attempt: Attempt, group: readonly Source[]): Outcome {
  const outcome = unite(group.map((source) => attempt.outcomeOf(source)))
  return outcome === Outcome.ABSENT ? Outcome.ACCEPTED : outcome === Outcome.ACCEPTED ? Outcome.ABSENT : outcome
}

/** A malformed member makes a group malformed; without one, an absent member makes it absent. */
function unite (outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes(Outcome.MALFORMED)) return Outcome.MALFORMED
  return outcomes.includes(Outcome.ABSENT) ? Outcome.ABSENT : Outcome.ACCEPTED
}

// The promise of an asynchronous function, whatever an application has put in the place of the global `Promise`.
const Pending = (async () => {})().constructor as PromiseConstructor

function runCheck (attempt: Attempt, check: Check): Result | Promise<Result> {
  const reused = attempt.reuse(check)
  if (reused !== null) return reused
  const credentials = attempt.extract(check.source)
  try {
    const user = callVerify(attempt, check, credentials)
    const then = thenOf(user)
    return then === undefined ? judge(check, credentials, user) : judgeLater(check, credentials, user, then)
  } catch (thrown) {
    return toFailure(check, thrown)
  }
}

async function judgeLater (check: Check, credentials: unknown, promise: unknown, then: Then): Promise<Result> {
  try {
    // `then` was read once, and is not read again: a getter could return something else the second time.
    const readOnce = { then: (resolve: unknown, reject: unknown) => then.call(promise, resolve, reject) }
    return judge(check, credentials, await (readOnce as PromiseLike<unknown>))
  } catch (thrown) {
    return toFailure(check, thrown)
  }
}

type Then = (this: unknown, resolve: unknown, reject: unknown) => unknown

/** Returns the `then` of a thenable, as `await` sees it: a function may be one, too. */
function thenOf (value: unknown): Then | undefined {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined
  const { then } = value as { then?: unknown }
  return typeof then === 'function' ? then as Then : undefined
}

function callVerify (attempt: Attempt, { node, parent, scopes, scopeStr }: Check, credentials: unknown): unknown {
  const { request } = attempt
  if (node.override !== null) return node.override.user
  if (parent === null) return node.definition.verify?.(credentials, { request, scopes, scopeStr })
  const { user } = attempt.resultOf(parent) as Accepted
  return node.verify === undefined ? user : node.verify(user, { credentials, request, scopes, scopeStr })
}

function judge (check: Check, credentials: unknown, user: unknown): Result {
  const { node: { definition, parent, verify }, comparesScopes, scopes, scopeStr } = check
  if ((parent === null ? definition.verify : verify) !== undefined) {
    if (isRefusal(user)) return REFUSED
    if (isError(user)) return toFailure(check, user)
    if (comparesScopes && scopes.length > 0 && !isGranted(definition, user, scopes)) return INSUFFICIENT
  }
  return { scheme: definition.name, credentials, token: definition.tokenOf(credentials), user, scopes, scopeStr } as Accepted
}

/** Returns a refusal as a value, and throws anything else that was thrown. */
function toFailure ({ node: { definition: { name } } }: Check, thrown: unknown): Failure {
  const error = toError(name, thrown)
  const status = statusOf(error)
  if (status === 401 || status === 403) return new Failure(Outcome.REFUSED, error)
  throw error
}
