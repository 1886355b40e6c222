/** Routes and contexts that are older than the plugin, and plugins that come after it. */

import t from 'tap'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { authSchemes } from '../../lib'
import { documentOf, openapi31 } from '../helpers'
import { statuses, handler, tokenScheme } from './helpers'

t.test('a route that was declared before the plugin cannot be guarded, so secure fails the boot', async (t) => {
  const app = Fastify()
  app.get('/early', handler)
  app.register(async (child) => { child.get('/child', handler) }, { prefix: '/early' })
  await app.register(authSchemes)
  const scheme = tokenScheme(app)
  const other = Fastify()
  other.get('/early', handler)
  other.register(async (child) => { child.get('/child', handler) }, { prefix: '/early' })
  await other.register(authSchemes)
  t.throws(() => { other.secure([{ scheme: tokenScheme(other) }]) }, {
    code: 'FST_AUTH_UNGUARDED_ROUTE',
    message: 'Cannot enforce `security` on GET /early, HEAD /early, GET /early/child, HEAD /early/child: await the registration of fastify-auth-schemes before these routes are declared'
  })
  app.secure([])
  app.register(async (late) => {
    late.secure([{ scheme }])
    late.get('/late', handler)
  })
  t.strictSame(await statuses(app, ['/early', '/late']), { '/early': '200 200', '/late': '401 200' })
})

t.test('routes that were declared before the plugin are logged at boot', async (t) => {
  const lines: string[] = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line).msg) } }
  const app = Fastify({ exposeHeadRoutes: false, logger: { level: 'info', stream } })
  app.get('/early', handler)
  await app.register(authSchemes)
  app.get('/late', handler)
  await app.ready()
  t.strictSame(lines, [
    'fastify-auth-schemes was loaded after these routes were declared, so it enforces nothing of their `security`: GET /early',
    'fastify-auth-schemes: 1 routes, 1 public, 0 with credentials that are not verified'
  ])
})

t.test('a registration that was not awaited is no hole', async (t) => {
  const app = Fastify()
  app.register(authSchemes)
  app.get('/early', handler)
  app.register(fastifyPlugin(async (same: FastifyInstance) => { same.secure([{ scheme: tokenScheme(same) }]) }))
  await t.rejects(async () => { await app.ready() },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Cannot enforce `security` on GET \/early, HEAD \/early:/ })
})

t.test('a context that is older than the plugin cannot be secured', async (t) => {
  const app = Fastify()
  let old: FastifyInstance | undefined
  await app.register(async (child) => {
    old = child
    child.get('/old', handler)
  })
  await app.register(authSchemes)
  t.throws(() => old?.secure([{ scheme: tokenScheme(app) }]), {
    code: 'FST_AUTH_UNGUARDED_ROUTE',
    message: 'Cannot enforce `security` on a context that was created before fastify-auth-schemes was loaded: register the plugin before the context'
  })
})

for (const order of ['before', 'after'] as const) {
  t.test(`a route that is added to an older context ${order} its parent is secured is guarded and documented like others`, async (t) => {
    const app = Fastify()
    await app.register(swagger, openapi31)
    let old: any
    await app.register(async (child) => {
      await child.register(async (inner) => { old = inner }, { prefix: '/inner' })
    }, { prefix: '/old' })
    await app.register(authSchemes)
    const scheme = tokenScheme(app)
    if (order === 'after') app.secure([{ scheme }])
    old.get('/own', { security: [{ scheme, scopes: ['a'] }] }, handler)
    old.get('/undeclared', handler)
    old.get('/public', { security: [] }, handler)
    old.setNotFoundHandler(async (_request: unknown, reply: any) => reply.code(404).send({}))
    if (order === 'before') app.secure([{ scheme }])
    t.strictSame(await statuses(app,
      ['/old/inner/own', '/old/inner/undeclared', '/old/inner/public', '/old/inner/unknown'], 'good'),
    { '/old/inner/own': '401 403', '/old/inner/undeclared': '401 200', '/old/inner/public': '200 200', '/old/inner/unknown': '401 404' })
    t.strictSame(app.authSchemes.routes().filter(({ method }) => method === 'GET').map(({ url, public: open }) => `${url} ${open}`),
      ['/old/inner/own false', '/old/inner/undeclared false', '/old/inner/public true'])
    t.strictSame(documentOf(app).paths['/old/inner/undeclared'].get.security, [{ OpenIdConnect: [] }])
  })
}
