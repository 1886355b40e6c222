/**
 * Processor time for each request, over many processes of each application: `npm run bench:regimes`. Processes that run
 * the same program fall into regimes of the compiler and the collector and stay there, so a mean says nothing; this
 * tells the regime from the cost.
 *
 * `PROCESSES=20` for more than 10 of each, `NODE_ARGS="--max-semi-space-size=16"` for other flags.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { BEARER } from './apps.mjs'
import { median } from './measure.mjs'

const PROCESSES = Number(process.env.PROCESSES ?? 10)
const SECONDS = Number(process.env.SECONDS ?? 2)
const ARGS = (process.env.NODE_ARGS ?? '').split(' ').filter((argument) => argument !== '')
const NAMES = ['bare', 'registered', 'hand', 'bearerAuth', 'bearer']
/** A process is in the slow regime where a request takes so many times as in the best process of its kind. */
const SLOW = 1.12

/** Microseconds in user mode for each request, of a new process that has warmed up. */
async function measure (name) {
  const child = spawn(process.execPath, [...ARGS, fileURLToPath(new URL('apps.mjs', import.meta.url)), name], { stdio: ['pipe', 'pipe', 'inherit'] })
  const read = async () => Number((await once(child.stdout, 'data'))[0])
  const used = async () => {
    const line = read()
    child.stdin.write('\n')
    return await line
  }
  const load = { url: `http://127.0.0.1:${await read()}/`, headers: BEARER, connections: 20, pipelining: 4 }
  await autocannon({ ...load, duration: 2 })
  const before = await used()
  const { requests, statusCodeStats } = await autocannon({ ...load, duration: SECONDS })
  const spent = await used() - before
  child.kill()
  if (statusCodeStats[200]?.count !== requests.total) throw new Error(`${name}: ${JSON.stringify(statusCodeStats)}`)
  return spent / requests.total
}

const times = Object.fromEntries(NAMES.map((name) => [name, []]))
for (let i = 0; i < PROCESSES; i++) {
  // In turns, so that what the machine does meanwhile hits all of them.
  for (const name of i % 2 === 0 ? NAMES : [...NAMES].reverse()) times[name].push(await measure(name))
  console.error(`${i + 1} of ${PROCESSES}`)
}
const bestOfBare = Math.min(...times.bare)
console.log(`Node.js ${process.version}, ${PROCESSES} processes of each${ARGS.length > 0 ? `, ${ARGS.join(' ')}` : ''}\n`)
console.log('| application | best, µs a request | of the bare route | median | in the slow regime |\n| --- | --- | --- | --- | --- |')
for (const name of NAMES) {
  const best = Math.min(...times[name])
  const slow = times[name].filter((time) => time > SLOW * best).length
  console.log(`| ${name} | ${best.toFixed(1)} | ${(bestOfBare / best).toFixed(3)} | ${median(times[name]).toFixed(1)} | ${slow} of ${PROCESSES} |`)
}
