/** The run of a plan on a request: its alternatives are tried in order until one accepts. */

import type { FastifyRequest } from 'fastify'
import { InvalidCredentialsError, verifyFailed } from '../errors'
import { ABSENT, MALFORMED } from '../header/authorization'
import { isCrossSite } from '../header/origin'
import { Outcome, isError, isRefusal, statusOf, toError } from '../outcome'
import type { Check, Member, Plan, PlannedAlternative, Source } from '../requirement/plan'
import { verifies, type SchemeNode } from '../requirement/node'
import type { CredentialSource, Extraction, ResourceDefinition, SchemeDefinition } from '../schemes/definition'
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
 * The rule for `request.auth` after a plan accepted. `always`: a guard replaces it. `accepted`: a guard, on a route
 * that has a scheme in its own hooks, replaces it only by an `Auth`, not by `null`. `first`: the hook of a scheme sets
 * it if it is not set yet. `never`: the hook of a scheme does not change it.
 */
export type SetAuth = 'always' | 'accepted' | 'first' | 'never'

/** One plan and one request. */
export class Attempt {
  /** The outcome of the alternative that got furthest so far. */
  furthest: Outcome = Outcome.ABSENT
  /** The alternative that accepted. */
  accepted: PlannedAlternative | null = null
  /** The result of the only check: most plans have no other, and need no array. */
  #first: Result | undefined = undefined
  /** The result of each check, by its index, if there are several. */
  readonly #results: Array<Result | undefined> | null
  /** The extraction of the first source. */
  #firstExtracted: Extraction | undefined = undefined
  /** The extraction of each source, by its index, if there are several. */
  readonly #extracted: Array<Extraction | undefined> | null

  constructor (
    readonly request: FastifyRequest,
    readonly plan: Plan,
    /** The source of the credentials. */
    readonly source: CredentialSource,
    readonly setAuth: SetAuth,
    /** The attempt of an earlier hook on the same request. */
    readonly previous: Attempt | null
  ) {
    this.#results = plan.checkCount > 1 ? new Array(plan.checkCount) : null
    this.#extracted = plan.sourceCount > 1 ? new Array(plan.sourceCount) : null
  }

  /** True if this attempt, or one of an earlier hook, is that of a guard whose requirement is not public. */
  get isGuarded (): boolean {
    const isGuard = this.setAuth === 'always' || this.setAuth === 'accepted'
    return (isGuard && this.plan.members.length > 0) || this.previous?.isGuarded === true
  }

  /** Returns true if this attempt, or one of an earlier hook, is for that plan. */
  ran (plan: Plan): boolean {
    return this.plan === plan || this.previous?.ran(plan) === true
  }

  /** Returns the `Auth` of a scheme that was accepted here or in an earlier hook; `null` for any other. */
  authOf (node: SchemeNode): Accepted | null {
    const check = this.accepted?.checks.find((candidate) => candidate.node === node)
    return check === undefined ? this.previous?.authOf(node) ?? null : this.resultOf(check) as Accepted
  }

  /** Returns the members that check the scheme, here and in earlier hooks, each with its attempt. */
  membersOf (node: SchemeNode): Array<{ readonly member: Member, readonly attempt: Attempt }> {
    const members = this.plan.members.filter(({ checks }) => checks.some((check) => check.node === node))
    return [...members.map((member) => ({ member, attempt: this })), ...this.previous?.membersOf(node) ?? []]
  }

  /** Returns the scopes that were required of a base and accepted, here and in earlier hooks, the earliest first. */
  scopesOf (base: SchemeNode): string[] {
    const member = this.accepted?.members.find(({ source }) => source.base === base)
    return [...this.previous?.scopesOf(base) ?? [], ...member?.scopes ?? []]
  }

  /** Returns the `Auth` that an earlier hook accepted for the same scheme and the same scopes; `null` without one. */
  reuse (check: Check): Accepted | null {
    for (let earlier = this.previous; earlier !== null; earlier = earlier.previous) {
      const auth = earlier.authOf(check.node)
      if (auth?.scopeStr === check.scopeStr) return auth
    }
    return null
  }

  /** Returns the result of a check; `undefined` before it ran. */
  resultOf ({ index }: Check): Result | undefined {
    return this.#results === null ? this.#first : this.#results[index]
  }

  /** Keeps a result. Returns true if it accepts. */
  keep ({ index }: Check, result: Result): boolean {
    if (this.#results === null) this.#first = result
    else this.#results[index] = result
    return !(result instanceof Failure) || this.note(result.outcome)
  }

  /** Notes the outcome of an alternative so far. Returns true for `ACCEPTED`. */
  note (outcome: Outcome): boolean {
    if (outcome === Outcome.ACCEPTED) return true
    if (outcome > this.furthest) this.furthest = outcome
    return false
  }

  /** Returns the outcome of an extraction: `ACCEPTED` if there are credentials that may be verified. */
  outcomeOf (source: Source): Outcome {
    const extraction = this.extract(source)
    if (extraction === MALFORMED) return Outcome.MALFORMED
    if (extraction === ABSENT) return Outcome.ABSENT
    const { override, definition: { trustedOrigins } } = source.base
    const isChecked = trustedOrigins !== null && override === null
    return isChecked && isCrossSite(this.source, trustedOrigins) ? Outcome.CROSS_SITE : Outcome.ACCEPTED
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
 * Runs a plan. Returns a promise only if a `verify` returned one.
 *
 * Throws, or rejects with, an error of a `verify` that is not a refusal: the request fails with that error.
 */
export const authenticate = (attempt: Attempt): Attempt | Promise<Attempt> => run(attempt, 0, 0)

/** Runs the plan, from the given alternative and check on. */
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

// A function apart, so that `run` makes no closures for requests that need not wait.
async function runLater (attempt: Attempt, a: number, c: number, pending: Promise<Result>): Promise<Attempt> {
  const { checks } = attempt.plan.alternatives[a] as PlannedAlternative
  const accepted = attempt.keep(checks[c] as Check, await pending)
  return accepted ? await run(attempt, a, c + 1) : await run(attempt, a + 1, 0)
}

/**
 * Extracts all credentials of an alternative, and checks the pages that they are from, before any of them is verified.
 */
function extractAll (attempt: Attempt, { members, leftOut }: PlannedAlternative): Outcome {
  if (members.length === 1 && leftOut.length === 0) return attempt.outcomeOf((members[0] as Member).source)
  const outcomes = members.map(({ source }) => attempt.outcomeOf(source))
  for (const set of leftOut) outcomes.push(extractLeftOut(attempt, set))
  return unite(outcomes)
}

/**
 * Returns the outcome of a set of schemes whose credentials must not all be there: `MALFORMED` if any is malformed,
 * else `ACCEPTED` if any is absent, else `CROSS_SITE` if any is that, else `ABSENT`.
 */
function extractLeftOut (attempt: Attempt, set: readonly Source[]): Outcome {
  const outcome = unite(set.map((source) => attempt.outcomeOf(source)))
  return outcome === Outcome.ABSENT ? Outcome.ACCEPTED : outcome === Outcome.ACCEPTED ? Outcome.ABSENT : outcome
}

/** Returns the first of malformed, absent and cross-site that is among the outcomes, else accepted. */
function unite (outcomes: readonly Outcome[]): Outcome {
  return UNITED.find((outcome) => outcomes.includes(outcome)) ?? Outcome.ACCEPTED
}

const UNITED: readonly Outcome[] = [Outcome.MALFORMED, Outcome.ABSENT, Outcome.CROSS_SITE]

// The class of the promises of asynchronous functions, even if an application has replaced the global `Promise`.
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

/** Returns the `then` of a thenable, which is an object or a function, as for `await`. */
function thenOf (value: unknown): Then | undefined {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined
  const { then } = value as { then?: unknown }
  return typeof then === 'function' ? then as Then : undefined
}

function callVerify (attempt: Attempt, { node, parent, scopes, scopeStr }: Check, credentials: unknown): unknown {
  const { request } = attempt
  if (node.override !== null) return node.override.user
  if (parent === null) return node.definition.verify?.(credentials, { request, scopes, scopeStr })
  const base = attempt.resultOf(parent)
  // No order of checks is known that leads here.
  if (base === undefined || base instanceof Failure) {
    throw verifyFailed(node.definition.name, 'its base was not verified')
  }
  const { user } = base
  return node.verify === undefined ? user : node.verify(user, { credentials, request, scopes, scopeStr })
}

function judge (check: Check, credentials: unknown, user: unknown): Result {
  const { node, node: { definition }, comparesScopes, scopes, scopeStr } = check
  if (verifies(node)) {
    if (isRefusal(user)) return REFUSED
    if (isError(user)) return toFailure(check, user)
    // The audience is that of the base's user, and an override replaces that user.
    if (definition.resource !== null && node.parent === null && node.override === null) {
      const failure = foreignAudience(definition, user)
      if (failure !== null) return failure
    }
    if (comparesScopes && scopes.length > 0 && !isGranted(definition, user, scopes)) return INSUFFICIENT
  }
  const token = definition.tokenOf(credentials)
  return { scheme: definition.name, credentials, token, user, scopes, scopeStr } as Accepted
}

/**
 * Returns a failure unless the `aud` of a user contains an audience of the scheme's resource, letter by letter.
 *
 * @throws `FST_AUTH_VERIFY_FAILED` for a user without `aud`: a 401 would send its client into an endless login
 */
function foreignAudience ({ name, resource }: SchemeDefinition, user: unknown): Failure | null {
  const { aud } = user as { aud?: unknown }
  if (typeof aud !== 'string' && !Array.isArray(aud)) {
    throw verifyFailed(name, 'the user that `verify` returned has no `aud`, to compare with the option `resource`; ' +
      'let `verify` check for which API the token was issued, and return that as `aud`')
  }
  const { audiences } = (resource as ResourceDefinition).info
  const isOurs = typeof aud === 'string' ? audiences.includes(aud) : aud.some((one) => audiences.includes(one))
  if (isOurs) return null
  return new Failure(Outcome.REFUSED, new InvalidCredentialsError('The token is not meant for this API'))
}

/** Returns a failure for a thrown refusal, and throws any other error. */
function toFailure ({ node: { definition: { name } } }: Check, thrown: unknown): Failure {
  const error = toError(name, thrown)
  const status = statusOf(error)
  if (status === 401 || status === 403) return new Failure(Outcome.REFUSED, error)
  throw error
}
