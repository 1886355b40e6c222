/** Something that is fetched from a provider, and kept through its outages. */

import { providerUnavailable } from '../errors'
import type { Clock, Log } from './reports'

/** The source of the keys of a verifier. */
export interface Source<T> {
  /** The value where it can be used at once; `undefined` where it must be fetched. */
  readonly peek: (log?: Log) => T | undefined
  /** The value, fetched where needed. */
  readonly get: (log?: Log) => Promise<T>
  /**
   * A newer value, for a token that this one does not fit; the same where it was fetched just now. Throws where the
   * last fetch failed.
   */
  readonly renew: (log?: Log) => Promise<T>
}

/** The time for which a value is used before it is fetched anew. */
const MAX_AGE = 600_000
/** The time after a fetch in which a token with an unknown key causes no other. */
const COOLDOWN = 30_000
/** The time for which the next fetch waits after one that failed. */
export const RETRY = 5000

/**
 * One fetch runs at a time. One that fails never touches the value that is there, which is used until `staleFor` after
 * the last success. Only the first
 * request of an outage waits for it: later fetches run in the background.
 */
export class Kept<T extends {}> implements Source<T> {
  readonly #fetch: (log?: Log) => Promise<T>
  readonly #clock: Clock
  readonly #staleFor: number
  #value: T | undefined
  #fetchedAt = -Infinity
  #failure: { readonly cause: unknown, readonly at: number } | null = null
  #pending: Promise<T> | null = null

  constructor (fetch: (log?: Log) => Promise<T>, clock: Clock, staleFor: number) {
    this.#fetch = fetch
    this.#clock = clock
    this.#staleFor = staleFor
  }

  peek (log?: Log): T | undefined {
    if (this.#isYounger(this.#fetchedAt, Math.min(MAX_AGE, this.#staleFor))) return this.#value
    if (this.#failure === null || !this.#isYounger(this.#fetchedAt, this.#staleFor)) return undefined
    if (!this.#isYounger(this.#failure.at, RETRY)) this.#refresh(log).catch(() => {})
    return this.#value
  }

  async get (log?: Log): Promise<T> {
    try {
      return this.peek(log) ?? await this.#refresh(log)
    } catch (error) {
      const usable = this.peek(log)
      if (usable === undefined) throw error
      return usable
    }
  }

  async renew (log?: Log): Promise<T> {
    const isNew = this.#failure === null && this.#isYounger(this.#fetchedAt, COOLDOWN)
    return isNew ? this.#value as T : await this.#refresh(log)
  }

  /** Also false where the clock was set back by more: what is then cannot be known. */
  #isYounger (time: number, age: number): boolean {
    return Math.abs(this.#clock() - time) < age
  }

  async #refresh (log?: Log): Promise<T> {
    if (this.#failure !== null && this.#isYounger(this.#failure.at, RETRY)) {
      throw providerUnavailable(RETRY / 1000, this.#failure.cause)
    }
    this.#pending ??= this.#fetchNow(log).finally(() => { this.#pending = null })
    return await this.#pending
  }

  async #fetchNow (log?: Log): Promise<T> {
    try {
      this.#value = await this.#fetch(log)
      this.#fetchedAt = this.#clock()
      this.#failure = null
      return this.#value
    } catch (cause) {
      this.#failure = { cause, at: this.#clock() }
      log?.warn({ err: cause }, 'The provider of the tokens could not be asked')
      throw providerUnavailable(RETRY / 1000, cause)
    }
  }
}

/** A source that is made once, at the first need, and never fetched. */
export function fixed<T> (make: () => Promise<T>): Source<T> {
  let value: T | undefined
  let made: Promise<T> | undefined
  const get = async (): Promise<T> => {
    value = await (made ??= make())
    return value
  }
  return { peek: () => value, get, renew: get }
}
