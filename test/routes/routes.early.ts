/** Routes and contexts that are older than the plugin, and plugins that come after it. */

import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { authSchemes } from '../../lib'
import { bearer, createApp } from '../helpers'
import { statuses, handler, tokenScheme } from './helpers'

t.test('a route that was declared before the plugin cannot be guarded, so secure fails the boot', async (t) => {
  const app = Fastify()
  app.get('/early', handler)
  app.register(async (child) => { child.get('/child', handler) }, { prefix: '/early' })
  await app.register(authSchemes)
  const scheme = tokenScheme(app)
  t.throws(() => { app.secure([{ scheme }]) }, {
    code: 'FST_AUTH_UNGUARDED_ROUTE',
    message: 'Nothing can guard GET /early, HEAD /early, GET /early/child, HEAD /early/child: await the registration of fastify-auth-schemes before these routes are declared'
  })
  app.secure([])
  app.register(async (late) => {
    late.secure([{ scheme }])
    late.get('/late', handler)
  })
  t.strictSame(await statuses(app, ['/early', '/late']), { '/early': '200 200', '/late': '401 200' })
})

t.test('routes that were declared before the plugin are told at boot', async (t) => {
  const said: string[] = []
  const app = Fastify({ exposeHeadRoutes: false, logger: { level: 'info', stream: { write: (line: string) => { said.push(JSON.parse(line).msg) } } } })
  app.get('/early', handler)
  await app.register(authSchemes)
  app.get('/late', handler)
  await app.ready()
  t.strictSame(said, ['fastify-auth-schemes was loaded after these routes were declared, so it enforces nothing of what they say: GET /early'])
})

t.test('a register that nobody awaited is no hole', async (t) => {
  const app = Fastify()
  app.register(authSchemes)
  app.get('/early', handler)
  app.register(fastifyPlugin(async (same: FastifyInstance) => { same.secure([{ scheme: tokenScheme(same) }]) }))
  await t.rejects(async () => { await app.ready() }, { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Nothing can guard GET \/early, HEAD \/early:/ })
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
    message: 'Nothing can guard a context that was created before fastify-auth-schemes was loaded: register the plugin before the context'
  })
})

t.test('a route that is added to an older context is guarded and documented like others', async (t) => {
  const app = Fastify()
  let old: any
  await app.register(async (child) => {
    await child.register(async (inner) => { old = inner }, { prefix: '/inner' })
  }, { prefix: '/old' })
  await app.register(authSchemes)
  const scheme = tokenScheme(app)
  app.secure([{ scheme }])
  old.get('/own', { security: [{ scheme, scopes: ['a'] }] }, handler)
  old.get('/silent', handler)
  t.strictSame(await statuses(app, ['/old/inner/own', '/old/inner/silent'], 'good'), { '/old/inner/own': '401 403', '/old/inner/silent': '401 200' })
  t.strictSame(app.authSchemes.routes().filter(({ method }) => method === 'GET').map(({ url, public: open }) => `${url} ${open}`), ['/old/inner/own false', '/old/inner/silent false'])
})

t.test('a route that was never seen is refused where its context is secured, or where it asks for a scheme by name', async (t) => {
  let ran = 0
  const counting = async (): Promise<string> => {
    ran++
    return 'ran'
  }
  const app = Fastify()
  app.get('/:user/profile', counting)
  app.register(async (tenant) => {
    tenant.get('/early', counting)
    await tenant.register(authSchemes)
    const scheme = tokenScheme(tenant)
    tenant.secure([{ scheme }])
    tenant.get('/late', counting)
  }, { prefix: '/:tenant' })
  app.register(async (named) => {
    named.get('/early', { schema: { security: [{ OpenIdConnect: [] }] } }, counting)
    named.get('/free', counting)
    await named.register(authSchemes)
    tokenScheme(named)
  }, { prefix: '/named' })
  await app.ready()
  for (const url of ['/x/early', '/named/early']) {
    const response = await app.inject({ url, headers: bearer('good') })
    t.equal(response.statusCode, 500)
    t.match(response.json(), { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Nothing can guard GET \/(:tenant|named)\/early: await the registration of fastify-auth-schemes before the route is declared$/ })
  }
  t.equal(ran, 0)
  t.equal((await app.inject('/x/late')).statusCode, 401)
  for (const url of ['/x/profile', '/named/free']) t.equal((await app.inject(url)).body, 'ran')
})

t.test('what another plugin asks for after our hook has run fails the boot', async (t) => {
  const changes: Array<(route: any, scheme: any) => void> = [
    (route) => { route.schema = { ...route.schema, security: [{ OpenIdConnect: [] }] } },
    (route, scheme) => { route.security = [{ scheme }] },
    (route, scheme) => { route.preHandler = [scheme.preHandler] }
  ]
  for (const change of changes) {
    const app = await createApp({ server: { exposeHeadRoutes: false } })
    const scheme = tokenScheme(app)
    app.addHook('onRoute', (route) => { change(route, scheme) })
    app.get('/changed', { schema: { summary: 'x' } }, handler)
    await t.rejects(async () => { await app.ready() }, {
      code: 'FST_AUTH_UNGUARDED_ROUTE',
      message: 'Nothing can guard GET /changed: an onRoute hook has changed what it requires; add that hook, or register the plugin that adds it, before fastify-auth-schemes'
    })
  }
  const app = Fastify({ exposeHeadRoutes: false })
  app.addHook('onRoute', (route) => { (route as any).schema = { ...route.schema, security: [{ OpenIdConnect: [] }] } })
  await app.register(authSchemes)
  tokenScheme(app)
  app.get('/before', handler)
  t.strictSame(await statuses(app, ['/before']), { '/before': '401 200' })
})
