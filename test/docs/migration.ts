/** A small application, written with @fastify/bearer-auth and @fastify/basic-auth, and once more as the page for their users says: both answer alike, and document alike. */

import t from 'tap'
import basicAuth from '@fastify/basic-auth'
import bearerAuth from '@fastify/bearer-auth'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes, constantTimeEqual } from '../../lib'
import { basic, bearer, challengesOf, documentOf, openapi31 } from '../helpers'

const items = ['Looking-glass']
const list = async (): Promise<string[]> => items
const add = async (): Promise<object> => ({ added: true })

async function before (): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(swagger, {
    openapi: {
      ...openapi31.openapi,
      components: { securitySchemes: { HTTPBearer: { type: 'http', scheme: 'bearer' }, HTTPBasic: { type: 'http', scheme: 'basic' } } }
    }
  })
  await app.register(basicAuth, {
    authenticate: { realm: 'Item store' },
    validate: (username, password, _request, _reply, done) => { done(username === 'alice' && password === 'wonderland' ? undefined : new Error('Unauthorized')) }
  })
  app.get('/health', { schema: { security: [] } as object }, async () => 'ok')
  app.get('/account', { onRequest: app.basicAuth, schema: { security: [{ HTTPBasic: [] }] } }, async () => ({ of: 'alice' }))
  await app.register(async (api) => {
    await api.register(bearerAuth, { keys: new Set(['k3y']) })
    api.get('/items', { schema: { security: [{ HTTPBearer: [] }] } }, list)
    api.post('/items', { schema: { security: [{ HTTPBearer: [] }] } }, add)
  })
  return app
}

async function after (): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(swagger, openapi31)
  await app.register(authSchemes, { realm: 'Item store', explicit: true })
  const { httpBasic, httpBearer } = app.authSchemes
  const user = httpBasic({ verify: ({ username, password }) => username === 'alice' && constantTimeEqual(password, 'wonderland') ? { name: username } : null })
  const key = httpBearer({ verify: ({ credentials }) => constantTimeEqual(credentials, 'k3y') })
  app.get('/health', { security: [] }, async () => 'ok')
  app.get('/account', { security: [{ scheme: user }] }, async (request) => ({ of: request.auth.user.name }))
  await app.register(async (api) => {
    api.secure([{ scheme: key }])
    api.get('/items', list)
    api.post('/items', add)
  })
  return app
}

const SENT: Readonly<Record<string, Record<string, string>>> = {
  nothing: {},
  'the key': bearer('k3y'),
  'a wrong key': bearer('wrong'),
  'the password': basic('alice:wonderland'),
  'a wrong password': basic('alice:wrong'),
  'another user': basic('hatter:wonderland')
}

t.test('both answer alike', async (t) => {
  const [old, ours] = [await before(), await after()]
  for (const [method, url] of [['GET', '/health'], ['GET', '/account'], ['HEAD', '/account'], ['GET', '/items'], ['POST', '/items'], ['GET', '/nothing']] as const) {
    for (const [what, headers] of Object.entries(SENT)) {
      const [then, now] = [await old.inject({ method, url, headers }), await ours.inject({ method, url, headers })]
      t.equal(now.statusCode, then.statusCode, `${method} ${url} with ${what}`)
      if (then.statusCode === 200) t.equal(now.body, then.body)
      // @fastify/bearer-auth challenges nobody.
      const [challenged] = challengesOf(then)
      if (then.statusCode === 401) t.equal(challengesOf(now)[0]?.split(' ')[0], challenged?.split(' ')[0] ?? 'Bearer')
    }
  }
})

t.test('what was written by hand is there, and the answers that nobody wrote', async (t) => {
  const [old, ours] = [await before(), await after()]
  await Promise.all([old.ready(), ours.ready()])
  const [then, now] = [documentOf(old), documentOf(ours)]
  t.strictSame(now.components.securitySchemes, then.components.securitySchemes)
  for (const [path, item] of Object.entries<any>(then.paths)) {
    for (const method of Object.keys(item)) t.strictSame(now.paths[path][method].security, item[method].security, `${method} ${path}`)
  }
  t.notOk('401' in then.paths['/items'].get.responses)
  t.ok('401' in now.paths['/items'].get.responses)
})
