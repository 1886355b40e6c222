/**
 * Prints the functions in which an accepted bearer token takes time, by their own share: `node bench/profile.mjs`.
 */

import { Session } from 'node:inspector/promises'
import { BEARER } from './apps.mjs'
import { bearer, caller, hookOf } from './hooks.mjs'

const run = caller(await hookOf(bearer), BEARER, true, 3_000_000)
await run()
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.start')
const nanoseconds = await run()
const { profile } = await session.post('Profiler.stop')

const own = new Map()
for (const [i, id] of profile.samples.entries()) own.set(id, (own.get(id) ?? 0) + profile.timeDeltas[i])
const all = [...own.values()].reduce((sum, time) => sum + time, 0)
const byFunction = new Map()
for (const { id, callFrame: { functionName, url, lineNumber } } of profile.nodes) {
  const name = `${functionName === '' ? '(anonymous)' : functionName}${url === '' ? '' : ` ${url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, '')}:${lineNumber + 1}`}`
  byFunction.set(name, (byFunction.get(name) ?? 0) + (own.get(id) ?? 0))
}
console.log(`${nanoseconds.toFixed(0)} ns a call`)
for (const [name, time] of [...byFunction].sort(([, a], [, b]) => b - a).slice(0, 15)) console.log(`${(100 * time / all).toFixed(1).padStart(5)} %  ${name}`)
