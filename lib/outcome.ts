/** Outcomes of a check: the values that refuse, and the status of an error. */

import { isNativeError } from 'node:util/types'
import { verifyFailed } from './errors'

/** The outcomes of an alternative, the one that got furthest last. */
export const Outcome = { ABSENT: 0, MALFORMED: 1, REFUSED: 2, CROSS_SITE: 3, INSUFFICIENT: 4, ACCEPTED: 5 } as const
export type Outcome = typeof Outcome[keyof typeof Outcome]

/** Returns true for the values of a `verify` that refuse: `null`, `undefined`, `false`. */
export const isRefusal = (value: unknown): boolean => value === null || value === undefined || value === false

/** Returns true for errors, those of another realm (vm, test runners) included. */
export const isError = (value: unknown): value is Error => value instanceof Error || isNativeError(value)

/**
 * Returns a thrown value if it is an error whose status can be read; else `FST_AUTH_VERIFY_FAILED`, which shows nothing
 * of the value. A hook that failed with `undefined` would let the request pass, and Fastify sends other objects to the
 * client as they are.
 *
 * @param name the scheme, for the message
 */
export function toError (name: string, thrown: unknown): Error {
  try {
    if (isError(thrown)) {
      statusOf(thrown)
      return thrown
    }
  } catch {
    // A getter of the error failed. Fastify would fail on it, too.
  }
  return verifyFailed(name, 'it threw something that is not an error')
}

/** Returns the status that Fastify sends for an error: 500 unless the error has one from 400 to 599. */
export function statusOf (error: Error): number {
  const { statusCode, status } = error as { statusCode?: unknown, status?: unknown }
  return [statusCode, status].map(Number).find((candidate) => candidate >= 400 && candidate <= 599) ?? 500
}
