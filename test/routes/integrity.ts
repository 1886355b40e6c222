import t from 'tap'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { authSchemes } from '../../lib'
import { createApp } from '../helpers'
import { Guard } from '../../lib/routes/guard'
import { Contexts } from '../../lib/routes/contexts'
import { checkIntegrity } from '../../lib/routes/integrity'
import { kGuard } from '../../lib/request/hook'
import { registration } from '../requirement/helpers'
import { readSecurity } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { httpBearer } from '../../lib/schemes/http'
import { handler, statuses, tokenScheme } from './helpers'

type Change = (route: any, scheme: any) => void

/** An application with an onRoute hook behind ours. */
async function changedBy (change: Change, hook: 'onRequest' | 'preHandler' = 'onRequest',
  own: object = {}): Promise<FastifyInstance> {
  const app = await createApp({ hook, server: { exposeHeadRoutes: false } })
  const scheme = tokenScheme(app)
  app.addHook('onRoute', (route) => { change(route, scheme) })
  app.get('/changed', { security: [{ scheme }], ...own }, handler)
  return app
}

const replacing: ReadonlyArray<readonly [rule: string, change: Change]> = [
  ['replaced by an array', (route) => { route.onRequest = [async () => {}] }],
  ['replaced by a function', (route) => { route.onRequest = async () => {} }],
  ['deleted', (route) => { delete route.onRequest }],
  ['wrapped', (route) => { route.onRequest = route.onRequest.map((own: any) => (request: any, reply: any, done: any) => own(request, reply, done)) }]
]

for (const [rule, change] of replacing) {
  t.test(`a guard that another plugin's onRoute hook has taken away fails the boot: ${rule}`, async (t) => {
    const app = await changedBy(change)
    await t.rejects(async () => { await app.ready() }, {
      code: 'FST_AUTH_UNGUARDED_ROUTE',
      message: 'Cannot enforce `security` on GET /changed: another plugin has replaced or wrapped the `onRequest` hooks of the route; ' +
        'register that plugin before fastify-auth-schemes, or let it keep the hooks that are there (@fastify/otel: `instrumentHooks: false`)'
    })
  })
}

t.test('the guard is looked for in the hook of the plugin option', async (t) => {
  const other = await changedBy((route) => { route.onRequest = [async () => {}] }, 'preHandler')
  t.strictSame(await statuses(other, ['/changed']), { '/changed': '401 200' })
  const same = await changedBy((route) => { route.preHandler = [] }, 'preHandler')
  await t.rejects(async () => { await same.ready() },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /wrapped the `preHandler` hooks of the route/ })
})

t.test('a guard that a context attached later is looked for, too', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: false } })
  let route: RouteOptions | undefined
  app.addHook('onRoute', (options) => { route = options })
  app.get('/changed', handler)
  app.secure([{ scheme: tokenScheme(app) }]);
  (route as RouteOptions).onRequest = []
  await t.rejects(async () => { await app.ready() },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Cannot enforce `security` on GET \/changed: another plugin has replaced/ })
})

t.test('hooks that another plugin adds are kept, and the guard with them', async (t) => {
  const app = await changedBy((route) => { route.onRequest = [async () => {}, ...[route.onRequest ?? []].flat()] })
  t.strictSame(await statuses(app, ['/changed']), { '/changed': '401 200' })
})

t.test('a public route needs no guard', async (t) => {
  const app = await changedBy((route) => { route.onRequest = [] }, 'onRequest', { security: [] })
  t.strictSame(await statuses(app, ['/changed']), { '/changed': '200 200' })
})

const requiring: ReadonlyArray<readonly [rule: string, own: object, change: Change]> = [
  ['a name in the schema', { security: undefined },
    (route) => { route.schema = { ...route.schema, security: [{ OpenIdConnect: [] }] } }],
  ['security', { security: undefined }, (route, scheme) => { route.security = [{ scheme }] }],
  ['security: []', { security: undefined }, (route) => { route.security = [] }],
  ['no security', {}, (route) => { delete route.security }],
  ['{} beside it', {}, (route) => { route.security = [...route.security, {}] }],
  ['other scopes', {}, (route, scheme) => { route.security = [{ scheme, scopes: ['a'] }] }],
  ['a scheme in a hook', {}, (route, scheme) => { route.preHandler = [scheme.preHandler] }]
]

for (const [rule, own, change] of requiring) {
  t.test(`a requirement that an onRoute hook has changed fails the boot: ${rule}`, async (t) => {
    const app = await createApp({ server: { exposeHeadRoutes: false } })
    const scheme = tokenScheme(app)
    app.addHook('onRoute', (route) => { change(route, scheme) })
    app.get('/changed', 'security' in own ? {} : { security: [{ scheme }] }, handler)
    await t.rejects(async () => { await app.ready() }, {
      code: 'FST_AUTH_UNGUARDED_ROUTE',
      message: 'Cannot enforce `security` on GET /changed: an onRoute hook has changed what it requires; ' +
        'add that hook, or register the plugin that adds it, before fastify-auth-schemes'
    })
  })
}

t.test('a scheme that an onRoute hook has taken out of a route\'s hooks fails the boot', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: false } })
  const scheme = tokenScheme(app)
  app.addHook('onRoute', (route) => { delete route.preHandler })
  app.get('/changed', { preHandler: scheme.preHandler }, handler)
  await t.rejects(async () => { await app.ready() },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Cannot enforce `security` on GET \/changed: an onRoute hook has changed/ })
})

t.test('a scheme that an onRoute hook has put in the place of another fails the boot', async (t) => {
  const changes: Change[] = [
    (route, weak) => { route.preHandler = [weak.preHandler] },
    (route) => {
      route.onRequest = route.preHandler
      delete route.preHandler
    }
  ]
  for (const change of changes) {
    const app = await createApp({ server: { exposeHeadRoutes: false } })
    const weak = app.authSchemes.apiKeyHeader({ name: 'k' })
    app.addHook('onRoute', (route) => { change(route, weak) })
    app.get('/changed', { preHandler: tokenScheme(app).preHandler }, handler)
    await t.rejects(async () => { await app.ready() },
      { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Cannot enforce `security` on GET \/changed: an onRoute hook has changed/ })
  }
})

t.test('a requirement that an onRoute hook before ours adds is enforced', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  app.addHook('onRoute', (route) => { (route as any).schema = { ...route.schema, security: [{ OpenIdConnect: [] }] } })
  await app.register(authSchemes)
  tokenScheme(app)
  app.get('/before', handler)
  t.strictSame(await statuses(app, ['/before']), { '/before': '401 200' })
})

t.test('a config that an onRoute hook has replaced fails the boot', async (t) => {
  for (const config of [{}, undefined]) {
    const app = await changedBy((route) => { route.config = config })
    await t.rejects(async () => { await app.ready() }, {
      code: 'FST_AUTH_UNGUARDED_ROUTE',
      message: 'Cannot enforce `security` on GET /changed: an onRoute hook has replaced the `config` of the route; let that hook copy the members of the old `config` into the new one'
    })
  }
})

t.test('a route that must have a guard, and has none, fails the boot', async (t) => {
  const declared = readSecurity('x', [{ scheme: createScheme(httpBearer(), registration) }], registration)
  const guard = new Guard('GET /', 'onRequest', new Contexts(), Fastify(), declared, [])
  const options = { config: { [kGuard]: guard } } as unknown as RouteOptions
  t.throws(() => { checkIntegrity('GET /', { options, guard, isGuarded: false }, 'onRequest', declared, []) },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Cannot enforce `security` on GET \/: it has no guard/ })
})
