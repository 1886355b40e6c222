/** Limits for those who guess passwords. Each guess is counted before its password is looked at. */

import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { normalizeIP } from '@fastify/rate-limit'
import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'

/** Seconds from the first guess of a key until its counter begins anew. */
const WINDOW = 3600

/** The wrong guesses that are allowed within the window. */
export interface Limits {
  /** For one user name, from one address. */
  readonly pair: number
  /** From one address, for all user names. */
  readonly address: number
  /** For one user name, from all addresses. A low limit would let strangers shut users out. */
  readonly name: number
}

const LIMITS: Limits = { pair: 10, address: 100, name: 1000 }

/** A limit is reached. */
export class TooManyGuesses extends Error {
  readonly code = 'TOO_MANY_GUESSES'
  readonly statusCode = 429

  /** @param retryAfter in seconds */
  constructor (readonly retryAfter: number) { super('Too many attempts: try again later') }
}

type MakeCounter = (options: { keyPrefix: string, points: number, duration: number }) => RateLimiterAbstract

export class Guesses {
  readonly #pairs: RateLimiterAbstract
  readonly #addresses: RateLimiterAbstract
  readonly #names: RateLimiterAbstract

  constructor (makeCounter: MakeCounter, { pair, address, name }: Limits = LIMITS) {
    this.#pairs = makeCounter({ keyPrefix: 'pair', points: pair, duration: WINDOW })
    this.#addresses = makeCounter({ keyPrefix: 'address', points: address, duration: WINDOW })
    this.#names = makeCounter({ keyPrefix: 'name', points: name, duration: WINDOW })
  }

  /**
   * Returns the result of `login`, which is `null`, `undefined` or `false` for a wrong password.
   *
   * @throws {TooManyGuesses} without a call of `login`, where a limit is reached
   */
  async check<Found> (username: string, ip: string, login: () => Found | Promise<Found>): Promise<Found> {
    // One key for all spellings of a name. People type passwords into this field, so none is kept as it was typed.
    const name = createHash('sha256').update(username.normalize('NFKC').toLowerCase()).digest('base64url')
    // One key for the 64 bits of an IPv6 address that a single customer has.
    const address = normalizeIP(ip)
    const pair = `${name} ${address}`
    // The address comes first, so that one address can make no more than so many keys. A refused guess is taken back:
    // a program that repeats one password must not shut out others at its address, nor its user for another hour.
    const ofAddress = await count(this.#addresses, address)
    const ofPair = await count(this.#pairs, pair, [ofAddress])
    await count(this.#names, name, [ofAddress, ofPair])
    const found = await login()
    if (found === null || found === undefined || found === false) return found
    // Of address and name only this guess is forgiven: others may have guessed, too.
    await Promise.all([this.#pairs.delete(pair), this.#addresses.reward(address), this.#names.reward(name)])
    return found
  }
}

/** A guess that was counted, and the time at which its counter begins anew. */
interface Counted { readonly counter: RateLimiterAbstract, readonly key: string, readonly end: number }

/** Counts a guess. Where the limit is reached, the guess is refused, and taken back. */
async function count (counter: RateLimiterAbstract, key: string, before: readonly Counted[] = []): Promise<Counted> {
  let isRefused = false
  const { msBeforeNext } = await counter.consume(key).catch((reason) => {
    if (!(reason instanceof RateLimiterRes)) throw reason
    isRefused = true
    return reason
  })
  const counted = { counter, key, end: Date.now() + msBeforeNext }
  if (!isRefused) return counted
  // The counter of pairs keeps what it refuses. A right password deletes it, and what comes later would allow more.
  await Promise.all((before.length === 0 ? [counted] : before).map(takeBack))
  throw new TooManyGuesses(Math.ceil(msBeforeNext / 1000))
}

/** Takes a guess back, unless that could come too late: the counter of the next hour would allow more guesses. */
async function takeBack ({ counter, key, end }: Counted): Promise<void> {
  if (end - Date.now() > 10_000) await counter.reward(key)
}

/** An `onError` hook that sets `Retry-After`, for every route and every error handler. */
export async function setRetryAfter (_request: FastifyRequest, reply: FastifyReply, error: Error): Promise<void> {
  if (error instanceof TooManyGuesses) reply.header('retry-after', error.retryAfter)
}
