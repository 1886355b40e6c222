/**
 * HTTP throughput: each application is a process of its own, a new one in each round, and autocannon asks them in
 * turns.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { BASIC, BEARER, WRONG_BASIC, WRONG_BEARER, jwt } from './apps.mjs'
import { compare, row } from './measure.mjs'

const SECONDS = Number(process.env.SECONDS ?? 2)

export async function serve (name) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('apps.mjs', import.meta.url)), name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  return { child, url: `http://127.0.0.1:${Number(port)}/` }
}

/**
 * Requests a second, of a new process each time: identical ones differ by a seventh, by what the compiler makes of
 * them, and stay so. Every answer must have the status that is expected.
 */
export async function throughput (name, headers, status) {
  const { child, url } = await serve(name)
  const load = { url, headers, connections: 20, pipelining: 4 }
  await autocannon({ ...load, duration: 1 })
  const result = await autocannon({ ...load, duration: SECONDS })
  child.kill()
  const { [status]: right } = result.statusCodeStats
  if (right?.count !== result.requests.total || result.errors > 0) throw new Error(`${name}: ${JSON.stringify(result.statusCodeStats)}, ${result.errors} errors, not only ${status}`)
  return result.requests.average
}

/** One comparison by its number; `null` after the last. */
export async function http (rounds, number) {
  const comparisons = [
    ['the bare route against itself (noise)', 'the bare route', 'bare', 'bare', {}, 200, undefined],
    ['bearer extraction', 'the bare route', 'extraction', 'bare', BEARER, 200, 0.97],
    ['bearer, accepted', '@fastify/bearer-auth', 'bearer', 'bearerAuth', BEARER, 200, 0.99],
    ['bearer, refused', '@fastify/bearer-auth', 'bearer', 'bearerAuth', WRONG_BEARER, 401, 0.99],
    ['bearer, absent', '@fastify/bearer-auth', 'bearer', 'bearerAuth', {}, 401, 0.99],
    ['basic, accepted', '@fastify/basic-auth', 'basic', 'basicAuth', BASIC, 200, 0.99],
    ['basic, refused', '@fastify/basic-auth', 'basic', 'basicAuth', WRONG_BASIC, 401, 0.99],
    ['basic or bearer, the second accepted', '@fastify/auth', 'either', 'eitherAuth', BEARER, 200, 0.99],
    ['basic or bearer, refused', '@fastify/auth', 'either', 'eitherAuth', WRONG_BEARER, 401, 0.99],
    ['JWT (HS256), by jose', '@fastify/jwt', 'jose', 'jwt', await jwt(), 200, undefined]
  ]
  if (number >= comparisons.length) return null
  const [what, against, ours, theirs, headers, status, bar] = comparisons[number]
  const measured = await compare(rounds, async () => await throughput(ours, headers, status), async () => await throughput(theirs, headers, status))
  return [row(`HTTP: ${what}`, against, 'requests/s', measured, bar === undefined ? undefined : ['at least', bar])]
}
