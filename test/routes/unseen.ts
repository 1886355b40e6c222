import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes } from '../../lib'
import { listRoutes, noteSeen, surroundingsOf, securityOf } from '../../lib/routes/unseen'
import { bearer, createApp } from '../helpers'
import { handler, statuses, tokenScheme } from './helpers'

const UNGUARDED = (route: string) => ({
  statusCode: 500,
  code: 'FST_AUTH_UNGUARDED_ROUTE',
  error: 'Internal Server Error',
  message: `Cannot enforce \`security\` on ${route}: await the registration of fastify-auth-schemes before the route is declared`
})
const BESIDE = 'register fastify-auth-schemes in the context of the route, or in a parent of it (with fastify-plugin, where a plugin of your own registers it)'

t.test('routes and contexts that are there before the plugin', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  let [api, child, beside] = [] as unknown as [FastifyInstance, FastifyInstance, FastifyInstance]
  await app.register(async (context) => {
    api = context
    context.get('/a', handler)
    context.get('/', handler)
    await context.register(async (inner) => { child = inner }, { prefix: '/child' })
  }, { prefix: '/api' })
  await app.register(async (context) => { beside = context })
  app.get('/apis', handler)
  app.post('/b', handler)
  const urls = (routes: ReadonlyArray<{ method: string, url: string }>): string[] => routes.map(({ method, url }) => `${method} ${url}`).sort()

  const ofRoot = surroundingsOf(app)
  t.strictSame(urls(ofRoot.unseen), ['GET /api', 'GET /api/', 'GET /api/a', 'GET /apis', 'POST /b'])
  t.strictSame(urls(ofRoot.unseenHere), urls(ofRoot.unseen), 'every route may be one of the root')
  t.ok(ofRoot.children.length === 3 && [api, child, beside].every((context) => ofRoot.children.includes(context)))
  t.equal(ofRoot.others.length, 0)

  const ofChild = surroundingsOf(api)
  t.strictSame(urls(ofChild.unseenHere), ['GET /api', 'GET /api/', 'GET /api/a'],
    'a URL that only begins alike is of another context')
  t.ok(ofChild.children.length === 1 && ofChild.children[0] === child)
  t.ok(ofChild.others.length === 2 && ofChild.others[0] === app && ofChild.others[1] === beside)

  noteSeen(child, 'GET /api/a')
  t.strictSame(urls(surroundingsOf(app).unseen), ['GET /api', 'GET /api/', 'GET /apis', 'POST /b'],
    'a route that any registration has seen is not early')
  const other = Fastify({ exposeHeadRoutes: false })
  other.get('/api/a', handler)
  t.strictSame(urls(surroundingsOf(other).unseen), ['GET /api/a'], 'each application has its own')
})

t.test('the route `*` of the root is early, too, and fails the boot of a secured root', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  app.get('*', handler)
  t.strictSame(surroundingsOf(app).unseenHere.map(({ method, url }) => `${method} ${url}`), ['GET *'])
  await app.register(authSchemes)
  t.throws(() => { app.secure([{ scheme: tokenScheme(app) }]) }, { code: 'FST_AUTH_UNGUARDED_ROUTE' })
})

t.test('a prefix with a slash at its end', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  let api: FastifyInstance | undefined
  await app.register(async (context) => {
    api = context
    context.get('a', handler)
  }, { prefix: '/api/' })
  app.get('/b', handler)
  t.strictSame(surroundingsOf(api as FastifyInstance).unseenHere, [{ method: 'GET', url: '/api/a' }])
})

t.test('a route that was not seen is refused where its context is secured, or where its schema names a scheme',
  async (t) => {
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
      tenant.secure([{ scheme: tokenScheme(tenant) }])
      tenant.get('/late', counting)
    }, { prefix: '/:tenant' })
    app.register(async (named) => {
      named.get('/early', { schema: { security: [{ OpenIdConnect: [] }] } }, counting)
      named.get('/free', counting)
      await named.register(authSchemes)
      tokenScheme(named)
    }, { prefix: '/named' })
    await app.ready()
    for (const [url, route] of [['/x/early', '/:tenant/early'], ['/named/early', '/named/early']] as const) {
      for (const headers of [{}, bearer('good')]) {
        const response = await app.inject({ url, headers })
        t.equal(response.statusCode, 500)
        t.strictSame(response.json(), UNGUARDED(`GET ${route}`))
      }
    }
    t.equal(ran, 0)
    t.equal((await app.inject('/x/late')).statusCode, 401)
    for (const url of ['/x/profile', '/named/free']) t.equal((await app.inject(url)).body, 'ran')
    t.equal((await app.inject('/x/nothing')).statusCode, 404, 'an unknown URL is no route that was not seen')
  })

t.test('a route that was not seen is not refused where its context is public', async (t) => {
  const app = Fastify()
  app.get('/early', handler)
  await app.register(authSchemes)
  app.secure([])
  t.strictSame(await statuses(app, ['/early']), { '/early': '200 200' })
})

t.test('a route of a context beside the plugin\'s fails the boot where it requires a scheme by object', async (t) => {
  const app = Fastify()
  let scheme: any
  await app.register(async (inner) => {
    await inner.register(authSchemes)
    scheme = tokenScheme(inner)
  })
  const expected = (route: string) => ({ code: 'FST_AUTH_UNGUARDED_ROUTE', message: `Cannot enforce \`security\` on ${route}: ${BESIDE}` })
  t.throws(() => app.get('/a', { security: [{ scheme }] }, handler), expected('GET /a'))
  t.throws(() => app.route({ method: ['PUT', 'POST'], url: '/b', security: [], handler }), expected('PUT,POST /b'))
  await app.register(async (beside) => {
    t.throws(() => beside.get('/c', { security: [{ scheme }] }, handler), expected('GET /c'))
  })
})

t.test('a route of a context beside the plugin\'s fails the boot where it requires a scheme by name, made earlier or later', async (t) => {
  const build = (name: string): FastifyInstance => {
    const app = Fastify({ exposeHeadRoutes: false })
    app.register(async (inner) => {
      await inner.register(authSchemes)
      inner.register(async (late) => { tokenScheme(late) })
    })
    app.register(async (beside) => {
      beside.get('/named', { schema: { security: [{ [name]: [] }] } }, handler)
      beside.get('/free', { schema: null as any }, handler)
    })
    return app
  }
  await t.rejects(async () => { await build('OpenIdConnect').ready() },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: `Cannot enforce \`security\` on GET /named: ${BESIDE}` })
  t.strictSame(await statuses(build('Another'), ['/named', '/free']), { '/named': '200 200', '/free': '200 200' })
})

t.test('a registration of its own guards a context beside', async (t) => {
  const app = Fastify()
  const register = async (context: FastifyInstance, path: string): Promise<void> => {
    await context.register(authSchemes)
    const scheme = tokenScheme(context)
    context.get(`/${path}`, { security: [{ scheme }] }, handler)
    context.get(`/${path}/named`, { schema: { security: [{ OpenIdConnect: [] }] } }, handler)
  }
  app.register(async (one) => { await register(one, 'one') })
  app.register(async (two) => { await register(two, 'two') })
  t.strictSame(await statuses(app, ['/one', '/one/named', '/two', '/two/named']),
    { '/one': '401 200', '/one/named': '401 200', '/two': '401 200', '/two/named': '401 200' })
})

t.test('an older route whose own registration came later is left to that', async (t) => {
  const app = Fastify()
  app.register(async (one) => {
    await one.register(authSchemes)
    tokenScheme(one)
  })
  app.register(async (two) => {
    two.get('/own', { schema: { security: [{ OpenIdConnect: [] }] } }, handler)
    await two.register(authSchemes)
    tokenScheme(two)
  })
  await app.ready()
  t.strictSame((await app.inject('/own')).json(), UNGUARDED('GET /own'))
})

t.test('`explicit` fails the boot for a route that was not seen, or refuses it where its URL does not show that it is of the context', async (t) => {
  let ran = 0
  const build = (prefix: string, explicit: boolean): FastifyInstance => {
    const app = Fastify({ exposeHeadRoutes: false, routerOptions: { caseSensitive: false } })
    app.register(async (api) => {
      api.get('/early', async () => `ran ${++ran}`)
      await api.register(authSchemes, { explicit })
    }, { prefix })
    app.register(async (beside) => { beside.get('/beside', async () => 'ran') })
    return app
  }
  await t.rejects(async () => { await build('/api', true).ready() },
    { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /These do not: GET \/api\/early\./ })
  // Fastify prints the URLs of a router that ignores case in lower case.
  const app = build('/API', true)
  const response = await app.inject('/api/early')
  t.equal(response.statusCode, 500)
  t.strictSame(response.json(), UNGUARDED('GET /API/early'))
  t.equal(ran, 0)
  t.equal((await app.inject('/beside')).body, 'ran')
  t.equal((await build('/API', false).inject('/api/early')).body, 'ran 1')
})

t.test('requirements as they were written', async (t) => {
  const security: unknown[] = []
  t.equal(securityOf({ security }), security)
  for (const object of [undefined, null, {}]) t.equal(securityOf(object), undefined)
  t.equal(listRoutes([{ method: 'GET', url: '/api/a' }, { method: 'PUT', url: '/b' }]), 'GET /api/a, PUT /b')
  t.equal(listRoutes([]), '')
})

t.test('nothing is refused where the plugin came first', async (t) => {
  const app = await createApp()
  app.get('/a', handler)
  t.strictSame(await statuses(app, ['/a']), { '/a': '200 200' })
})

t.test('a registration in a child context is no guard for what its parent requires', async (t) => {
  for (const explicit of [false, true]) {
    const app = Fastify({ exposeHeadRoutes: false })
    await app.register(async (child) => {
      await child.register(authSchemes)
      child.get('/own', { security: [{ scheme: child.authSchemes.httpBearer({ verify: () => true }) }] }, handler)
      child.get('/bare', handler)
    }, { prefix: '/shop' })
    await app.register(authSchemes, { explicit })
    const secure = (): void => { app.secure([{ scheme: tokenScheme(app) }]) }
    if (explicit) {
      await t.rejects(Promise.resolve(app.ready()), { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /These do not: GET \/shop\/own, GET \/shop\/bare\./ })
      continue
    }
    t.throws(secure, {
      code: 'FST_AUTH_UNGUARDED_ROUTE',
      message: 'Cannot enforce `security` on GET /shop/own, GET /shop/bare: await the registration of fastify-auth-schemes before these routes are declared'
    })
    await t.rejects(Promise.resolve(app.inject('/shop/bare')), { code: 'FST_AUTH_UNGUARDED_ROUTE' })
  }
})

t.test('registrations in sibling contexts do not count each other\'s routes', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  for (const name of ['a', 'b']) {
    await app.register(async (child) => {
      await child.register(authSchemes, { explicit: true })
      child.secure([{ scheme: tokenScheme(child) }])
      child.get(`/${name}`, handler)
    })
  }
  for (const url of ['/a', '/b']) {
    t.equal((await app.inject(url)).statusCode, 401)
    t.equal((await app.inject({ url, headers: bearer('good') })).statusCode, 200)
  }
})
