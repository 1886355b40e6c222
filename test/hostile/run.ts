/** How long the properties are tried: a number of times with a seed that stays in the tests, for minutes with another one by `npm run fuzz`. */

import fc, { type IAsyncProperty } from 'fast-check'
import type { Test } from 'tap'

export const minutes = Number(process.env.FUZZ_MINUTES ?? 0)
export const seed = Number(process.env.FUZZ_SEED ?? 20260101)

/** Returns numbers from 0 to 1, the same for the same seed: a multiplicative generator (Park and Miller). */
export function randomOf (seed: number): () => number {
  let state = seed % 2147483646 + 1
  return () => {
    state = state * 48271 % 2147483647
    return state / 2147483647
  }
}

/** Tries a property. Where it fails, the seed and the smallest case that was found are printed. */
export async function property<T> (t: Test, times: number, tried: IAsyncProperty<T>): Promise<void> {
  const limits = minutes > 0 ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: minutes * 60_000 } : { numRuns: times }
  const details = await fc.check(tried, { seed, ...limits })
  t.comment(`tried ${details.numRuns} times, seed ${details.seed}`)
  if (details.failed) t.fail(`${String(details.errorInstance)}\n\n${fc.defaultReportMessage(details) ?? ''}\n\nTry it again: FUZZ_SEED=${details.seed} npx tap run ${t.fullname.split(' > ')[0] ?? ''}`)
  else t.pass(`held ${details.numRuns} times`)
}
