/**
 * Booting an application of 10,000 routes, and rendering its document. As a program, `node boot.mjs kind`, it does it
 * once and prints what it took.
 */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import swagger from '@fastify/swagger'
import { authSchemes } from '../dist/lib/index.mjs'
import { compare, row } from './measure.mjs'

const ROUTES = 10_000
const openapi = { openapi: '3.1.0', info: { title: 'Bench', version: '1.0.0' } }
const flows = { password: { tokenUrl: '/token', scopes: { 'items:read': 'Read the items' } } }
const handler = async () => ({})
const error = { type: 'object', properties: { statusCode: { type: 'integer' }, code: { type: 'string' }, error: { type: 'string' }, message: { type: 'string' } } }
const declare = (app, options) => { for (let i = 0; i < ROUTES; i++) app.get(`/items/${i}`, { exposeHeadRoute: false, ...options() }, handler) }
const schema = () => ({ schema: { summary: 'An item', response: { 200: { type: 'object', properties: { name: { type: 'string' } } } } } })

const kinds = {
  async bare (app) { declare(app, () => ({})) },
  async secured (app) {
    await app.register(authSchemes)
    const scheme = app.authSchemes.oauth2({ flows, verify: () => ({ scopes: ['items:read'] }) })
    declare(app, () => ({ security: [{ scheme, scopes: ['items:read'] }] }))
  },
  async handWritten (app) {
    await app.register(swagger, { openapi: { ...openapi, components: { securitySchemes: { OAuth2: { type: 'oauth2', flows } } } } })
    // The same content: the requirement, and its two answers.
    declare(app, () => {
      const { schema: { summary, response } } = schema()
      return { schema: { summary, security: [{ OAuth2: ['items:read'] }], response: { ...response, 401: { description: 'Not authenticated', ...error }, 403: { description: 'Not enough permissions', ...error } } } }
    })
  },
  async documented (app) {
    await app.register(swagger, { openapi })
    await app.register(authSchemes)
    const scheme = app.authSchemes.oauth2({ flows, verify: () => ({ scopes: ['items:read'] }) })
    declare(app, () => ({ ...schema(), security: [{ scheme, scopes: ['items:read'] }] }))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kind = process.argv[2]
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  const start = performance.now()
  const app = Fastify()
  await kinds[kind](app)
  await app.ready()
  const boot = performance.now() - start
  globalThis.gc()
  const memory = (process.memoryUsage().heapUsed - before) / ROUTES
  let rendering
  if (app.swagger !== undefined) {
    const start = performance.now()
    const document = app.swagger()
    rendering = performance.now() - start
    if (Object.keys(document.paths).length !== ROUTES || document.paths['/items/7'].get.security[0].OAuth2[0] !== 'items:read') throw new Error('the document is another')
  }
  console.log(JSON.stringify({ boot, memory, rendering }))
}

async function once (kind) {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--max-old-space-size=4096', fileURLToPath(import.meta.url), kind])
  return JSON.parse(stdout)
}

/** All of it at once; each measurement is a process of its own. */
export async function boot (rounds, number) {
  if (number > 0) return null
  const memory = { ours: [], theirs: [] }
  const time = await compare(rounds, async () => {
    const { boot, memory: used } = await once('secured')
    memory.ours.push(used)
    return boot
  }, async () => {
    const { boot, memory: used } = await once('bare')
    memory.theirs.push(used)
    return boot
  })
  const extra = memory.ours.map((bytes, i) => bytes - memory.theirs[i]).sort((a, b) => a - b)
  const more = extra[extra.length >> 1]
  const document = await compare(rounds, async () => (await once('documented')).rendering, async () => (await once('handWritten')).rendering)
  return [
    row('boot: 10,000 secured routes', 'the same routes unsecured', 'ms', time, ['at most', 1.15]),
    { what: 'boot: memory a secured route', against: 'the same routes unsecured', ours: `${Math.round(more)} bytes more`, theirs: '', ratio: '', bar: 'at most 1024 bytes', met: more <= 1024 ? 'yes' : 'no' },
    row('document of 10,000 secured routes', 'hand-written `schema.security`', 'ms', document, ['at most', 1.15])
  ]
}
