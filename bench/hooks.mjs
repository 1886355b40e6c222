/** The hooks alone, in process: nanoseconds a call, and bytes of garbage. */

import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import fastifyAuth from '@fastify/auth'
import basicAuth from '@fastify/basic-auth'
import bearerAuth from '@fastify/bearer-auth'
import { authSchemes, constantTimeEqual } from '../dist/lib/index.mjs'
import { BASIC, BEARER, KEY, PASSWORD, USER, isKey } from './apps.mjs'
import { compare, row } from './measure.mjs'

const handler = async () => ({})
const API_KEY = { 'x-api-key': KEY }

/**
 * The `onRequest` hook of a route, and a request and a reply that are Fastify's own, to call it with; `reset` takes
 * away what it left on the request.
 */
export async function hookOf (build) {
  const app = Fastify()
  const { route, reset } = await build(app)
  let hook, request, reply
  app.addHook('onRoute', (options) => { if (options.url === '/') hook ??= [options.onRequest].flat()[0] })
  app.get('/', { ...route, exposeHeadRoute: false }, handler)
  app.get('/request', async (...own) => {
    [request, reply] = own
    return {}
  })
  await app.ready()
  await app.inject('/request')
  return { hook: hook.bind(app), request, reply, reset: reset(request) }
}

/** Returns a function that clears the properties that the plugin keeps on a request. */
export function resetOurs (request) {
  const symbolOf = (name) => Object.getOwnPropertySymbols(request).find(({ description }) => description === `fastify-auth-schemes.${name}`)
  const [attempt, refusal] = [symbolOf('attempt'), symbolOf('refusal')]
  if (attempt === undefined || refusal === undefined) throw new Error('what the plugin keeps on a request is elsewhere')
  return () => {
    request.auth = null
    request[attempt] = null
    request[refusal] = null
  }
}
const resetByHand = (request) => () => { request.credentials = null }
const resetNothing = () => () => {}

const ours = (options, factory = 'httpBearer') => async (app) => {
  await app.register(authSchemes)
  return { route: { security: [{ scheme: app.authSchemes[factory](options) }] }, reset: resetOurs }
}
const byHand = (extract) => async (app) => {
  app.decorateRequest('credentials', null)
  return { route: { onRequest: extract }, reset: resetByHand }
}
const theirBearer = (keys = new Set([KEY])) => async (app) => {
  await app.register(bearerAuth, { keys, addHook: false, verifyErrorLogLevel: false })
  return { route: { onRequest: app.verifyBearerAuth }, reset: resetNothing }
}
const isUser = (username, password) => constantTimeEqual(username, USER) && constantTimeEqual(password, PASSWORD)
const validate = (username, password, _request, _reply, done) => { done(isUser(username, password) ? undefined : new Error('refused')) }
const theirBasic = async (app) => {
  await app.register(basicAuth, { validate, authenticate: true })
  return { route: { onRequest: app.basicAuth }, reset: resetNothing }
}

// What somebody would write by hand: no more than the same extraction, and the same comparison.
const handBearer = byHand(function (request, reply, done) {
  const header = request.headers.authorization
  const match = header === undefined ? null : /^Bearer +([^\s",]+) *$/i.exec(header)
  if (match === null || !isKey(match[1])) {
    reply.header('WWW-Authenticate', 'Bearer')
    done(Object.assign(new Error('Unauthorized'), { statusCode: 401 }))
    return
  }
  request.credentials = { scheme: 'bearer', credentials: match[1] }
  done()
})
const handBasic = byHand(function (request, reply, done) {
  const match = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(request.headers.authorization ?? '')
  const text = match === null ? '' : Buffer.from(match[1], 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const username = text.slice(0, colon)
  const password = text.slice(colon + 1)
  if (colon === -1 || !isUser(username, password)) {
    reply.header('WWW-Authenticate', 'Basic')
    done(Object.assign(new Error('Unauthorized'), { statusCode: 401 }))
    return
  }
  request.credentials = { username, password }
  done()
})
const handKey = byHand(function (request, reply, done) {
  const key = request.headers['x-api-key']
  if (typeof key !== 'string' || !isKey(key)) {
    reply.header('WWW-Authenticate', 'APIKey')
    done(Object.assign(new Error('Unauthorized'), { statusCode: 401 }))
    return
  }
  request.credentials = key
  done()
})

const digest = (text) => createHash('sha256').update(text).digest('base64')
const KEYS = Array.from({ length: 1000 }, (_, i) => `${KEY}-${i}`)
const byDigest = new Map(KEYS.map((key) => [digest(key), { key }]))

/** Calls a hook many times, one after the other, and gives the nanoseconds a call. */
export function caller ({ hook, request, reply, reset }, headers, accepts, calls) {
  // Set as an own property, as a parsed request has it.
  Object.defineProperty(request, 'headers', { value: headers, configurable: true })
  request.raw.headers = headers
  return async () => await new Promise((resolve, reject) => {
    let left = calls
    let sync = false
    const start = process.hrtime.bigint()
    const done = (error) => {
      if ((error === undefined || error === null) !== accepts) {
        reject(new Error(`it ${accepts ? 'refused' : 'accepted'}: ${error}`))
        return
      }
      if (--left === 0) resolve(Number(process.hrtime.bigint() - start) / calls)
      else if (sync) sync = false
      else loop()
    }
    // Hooks that answer at once are called in a loop, others by their callback.
    const loop = () => {
      for (;;) {
        if (left === 0) return
        reset()
        sync = true
        hook(request, reply, done)
        if (sync) {
          sync = false
          return
        }
      }
    }
    loop()
  })
}

export const bearer = ours({ verify: ({ credentials }) => isKey(credentials) })
// The same user twice, with an audience that is compared or not.
const ofApi = { aud: 'https://api.example.com' }
const verify = ({ credentials }) => isKey(credentials) && ofApi
const resource = { url: ofApi.aud, authorizationServers: ['https://login.example.com'] }
const basic = ours({ verify: ({ username, password }) => isUser(username, password) }, 'httpBasic')
const key = ours({ name: 'X-API-Key', verify: (key) => isKey(key) }, 'apiKeyHeader')

// Three alternatives, of which the third accepts.
const three = async (app) => {
  await app.register(authSchemes)
  const { apiKeyHeader, httpBasic, httpBearer } = app.authSchemes
  const schemes = [apiKeyHeader({ name: 'X-API-Key', verify: (key) => isKey(key) }), httpBasic({ verify: ({ username, password }) => isUser(username, password) }), httpBearer({ verify: ({ credentials }) => isKey(credentials) })]
  return { route: { security: schemes.map((scheme) => ({ scheme })) }, reset: resetOurs }
}
const threeAuth = async (app) => {
  await app.register(fastifyAuth)
  await app.register(basicAuth, { validate, authenticate: true })
  await app.register(bearerAuth, { keys: new Set([KEY]), addHook: false, verifyErrorLogLevel: false })
  const byKey = (request, _reply, done) => {
    const key = request.headers['x-api-key']
    done(typeof key === 'string' && isKey(key) ? undefined : new Error('no key'))
  }
  return { route: { onRequest: app.auth([byKey, app.basicAuth, app.verifyBearerAuth]) }, reset: resetNothing }
}
const many = ours({ verify: ({ credentials }) => byDigest.get(digest(credentials)) ?? null })

/**
 * The comparisons: our application, theirs, the headers, whether they are accepted, the calls of a round, the bar.
 */
const comparisons = [
  ['bearer, accepted', '@fastify/bearer-auth', bearer, theirBearer(), BEARER, true, 200_000, 1],
  ['bearer, absent', '@fastify/bearer-auth', bearer, theirBearer(), {}, false, 50_000, 1],
  ['bearer, accepted', 'by hand', bearer, handBearer, BEARER, true, 200_000, 2],
  ['bearer, absent', 'by hand', bearer, handBearer, {}, false, 50_000, 2],
  ['basic, accepted', '@fastify/basic-auth', basic, theirBasic, BASIC, true, 200_000, 1],
  ['basic, absent', '@fastify/basic-auth', basic, theirBasic, {}, false, 50_000, 1],
  ['basic, accepted', 'by hand', basic, handBasic, BASIC, true, 200_000, 2],
  ['basic, absent', 'by hand', basic, handBasic, {}, false, 50_000, 2],
  ['API key, accepted', 'by hand', key, handKey, API_KEY, true, 200_000, 2],
  ['API key, absent', 'by hand', key, handKey, {}, false, 50_000, 2],
  ['third of three alternatives accepted', '@fastify/auth', three, threeAuth, BEARER, true, 50_000, 0.1],
  ['bearer with a resource, accepted', 'bearer without', ours({ verify, resource }), ours({ verify }), BEARER, true, 200_000, 1.25],
  ['one of 1,000 keys', '@fastify/bearer-auth', many, theirBearer(new Set(KEYS)), { authorization: `Bearer ${KEYS[500]}` }, true, 5000, 0.1]
]

/** One comparison by its number; `null` after the last. */
export async function hooks (rounds, number) {
  if (number >= comparisons.length) return null
  const [what, against, a, b, headers, accepts, calls, bar] = comparisons[number]
  const measured = await compare(rounds, caller(await hookOf(a), headers, accepts, calls), caller(await hookOf(b), headers, accepts, calls))
  return [row(`hook: ${what}`, against, 'ns', measured, ['at most', bar])]
}

/**
 * Bytes that one accepted request leaves behind in the hook. Needs `--expose-gc`, and a young generation that holds
 * what a round leaves.
 */
export async function garbage (rounds, number) {
  const calls = 100_000
  const what = [['bearer', bearer, handBearer, BEARER], ['basic', basic, handBasic, BASIC], ['API key', key, handKey, API_KEY]]
  if (number >= what.length) return null
  const [name, a, b, headers] = what[number]
  const measure = async (build) => {
    const run = caller(await hookOf(build), headers, true, calls)
    await run()
    return async () => {
      globalThis.gc()
      const before = process.memoryUsage().heapUsed
      await run()
      return (process.memoryUsage().heapUsed - before) / calls
    }
  }
  return [row(`garbage: ${name}, accepted`, 'by hand', 'bytes', await compare(rounds, await measure(a), await measure(b)), ['at most', 2])]
}
