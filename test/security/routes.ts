import t from 'tap'
import autoload from '@fastify/autoload'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { join } from 'node:path'
import { authSchemes } from '../../lib'
import { Routes } from '../../lib/security/routes'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, challengesOf, createApp, documentOf } from '../helpers'

/** A scheme that takes the token `good`, and grants it the scopes that follow it. */
function tokenScheme (app: FastifyInstance, options: object = {}) {
  return app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: (token: string) => {
      const [name, ...scopes] = token.split('.')
      return name === 'good' && { scopes }
    },
    ...options
  })
}

const handler = async (request: { auth: any }): Promise<unknown> => ({ ran: true, scopes: request.auth?.scopes })

/** Which of the addresses answer without credentials, and which with them. */
async function answers (app: FastifyInstance, urls: string[], token = 'good'): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  for (const url of urls) {
    const [without, withToken] = [await app.inject(url), await app.inject({ url, headers: bearer(token) })]
    results[url] = `${without.statusCode} ${withToken.statusCode}`
    if (without.statusCode === 401) t.strictSame(without.json(), NOT_AUTHENTICATED)
  }
  return results
}

t.test('security is enforced for every way of declaring a route', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: true } })
  const security = [{ scheme: tokenScheme(app) }]
  let ran = 0
  const counting = async (): Promise<string> => {
    ran++
    return 'ran'
  }
  app.get('/get', { security }, counting)
  app.route({ method: ['PUT', 'PATCH'], url: '/several', security, handler: counting })
  app.all('/all', { security }, counting)
  app.get('/v', { security, constraints: { version: '1.0.0' } }, counting)
  app.get('/one', { security, onRequest: async () => {} }, counting)
  app.get('/many', { security, onRequest: [async () => {}], preHandler: [async () => {}] }, counting)
  app.register(async (child) => {
    child.get('/', { security }, counting)
    child.get('/x', { security }, counting)
  }, { prefix: '/p' })
  app.register(async (child) => { child.get('/', { security, prefixTrailingSlash: 'slash' }, counting) }, { prefix: '/slash' })
  await app.ready()
  const routes: ReadonlyArray<readonly [string, string]> = [
    ['GET', '/get'], ['HEAD', '/get'], ['PUT', '/several'], ['PATCH', '/several'], ['GET', '/all'], ['DELETE', '/all'], ['OPTIONS', '/all'],
    ['GET', '/v'], ['GET', '/one'], ['GET', '/many'], ['GET', '/p'], ['GET', '/p/'], ['HEAD', '/p'], ['HEAD', '/p/'], ['GET', '/p/x'], ['GET', '/slash/']
  ]
  for (const [method, url] of routes) {
    const headers = url === '/v' ? { 'accept-version': '1.x' } : {}
    const refused = await app.inject({ method: method as 'GET', url, headers })
    t.equal(refused.statusCode, 401, `${method} ${url}`)
    t.strictSame(challengesOf(refused), ['Bearer'])
    t.equal(ran, 0)
    t.equal((await app.inject({ method: method as 'GET', url, headers: { ...headers, ...bearer('good') } })).statusCode, 200)
    t.equal(ran, 1)
    ran = 0
  }
})

t.test('what the user passed is not written to', async (t) => {
  const app = await createApp({ hook: 'preHandler' })
  const scheme = tokenScheme(app)
  const schema = { summary: 'x', response: Object.freeze({}) }
  const options = Object.freeze({
    security: Object.freeze([Object.freeze({ scheme, scopes: Object.freeze(['a']) })]),
    preHandler: Object.freeze([async () => {}]) as any,
    onRequest: async () => {},
    schema,
    config: Object.freeze({})
  })
  app.get('/', options, handler)
  await app.ready()
  t.strictSame(documentOf(app).paths['/'].get.security, [{ OpenIdConnect: ['a'] }])
  t.equal((await app.inject('/')).statusCode, 401)
  t.strictSame(Object.keys(schema), ['summary', 'response'])
})

t.test('secure adds to what the routes there and below say', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { read: 'Read', write: 'Write', admin: 'Administer' }, verify: (token) => ({ scopes: token.split('.') }) })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.register(async (read) => {
    read.secure([{ scheme, scopes: ['read'] }])
    read.get('/plain', handler)
    read.get('/both', { security: [{ scheme, scopes: ['write', 'read'] }] }, handler)
    read.get('/either', { security: [{ scheme, scopes: ['write'] }, { scheme: key }] }, async (request) => ({ ran: true, scheme: request.auth.scheme, outer: scheme.from(request)?.scheme }))
    read.get('/open', { security: [] }, handler)
    read.get('/optional', { security: [{ scheme: key }, {}] }, async (request) => ({ ran: true, auth: request.auth }))
    read.tokenForm('/token', async () => ({ access_token: 'x', token_type: 'bearer' }))
    read.register(async (admin) => {
      admin.get('/nested', handler)
      admin.secure([{ scheme, scopes: ['admin'] }])
    })
    read.register(async (open) => {
      open.secure([])
      open.get('/public', handler)
      open.get('/own', { security: [{ scheme: key }] }, handler)
    })
  })
  app.get('/outside', handler)
  await app.ready()
  const { paths } = documentOf(app)
  t.strictSame(Object.fromEntries(Object.entries<any>(paths).map(([path, item]) => [path, (item.get ?? item.post).security])), {
    '/outside': undefined,
    '/plain': [{ OAuth2PasswordBearer: ['read'] }],
    '/both': [{ OAuth2PasswordBearer: ['read', 'write'] }],
    '/either': [{ OAuth2PasswordBearer: ['read', 'write'] }, { OAuth2PasswordBearer: ['read'], APIKeyHeader: [] }],
    '/open': [],
    '/optional': [{ OAuth2PasswordBearer: ['read'], APIKeyHeader: [] }, { OAuth2PasswordBearer: ['read'] }],
    '/token': [],
    '/nested': [{ OAuth2PasswordBearer: ['read', 'admin'] }],
    '/public': [],
    '/own': [{ APIKeyHeader: [] }]
  })
  t.strictSame(await answers(app, ['/plain', '/both', '/open', '/nested', '/public', '/own', '/outside'], 'read'),
    { '/plain': '401 200', '/both': '401 403', '/open': '200 200', '/nested': '401 403', '/public': '200 200', '/own': '401 401', '/outside': '200 200' })
  t.equal((await app.inject({ url: '/own', headers: { key: 'good' } })).statusCode, 200)
  t.strictSame((await app.inject({ url: '/nested', headers: bearer('admin.read') })).json(), { ran: true, scopes: ['read', 'admin'] })
  t.strictSame((await app.inject({ url: '/either', headers: { ...bearer('read'), key: 'good' } })).json(), { ran: true, scheme: 'APIKeyHeader', outer: 'OAuth2PasswordBearer' })
  t.strictSame((await app.inject({ url: '/optional', headers: bearer('read') })).json(), { ran: true, auth: null }, 'the route\'s own is anonymous')
  t.equal((await app.inject({ method: 'POST', url: '/token', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'username=a&password=b' })).statusCode, 200)
})

t.test('a secured context guards its routes in whatever order they were declared', async (t) => {
  const app = await createApp()
  const scheme = tokenScheme(app)
  app.get('/before', handler)
  const child = fastifyPlugin(async (same: FastifyInstance) => { same.get('/fastify-plugin', handler) })
  app.register(child)
  app.register(async (inner) => {
    inner.get('/child', handler)
    inner.register(async (grandchild) => { grandchild.get('/grandchild', handler) })
  })
  app.register(autoload, { dir: join(__dirname, '../vectors/autoload') })
  await app.register(async (inner) => { inner.get('/loaded-before', handler) })
  app.secure([{ scheme }])
  app.get('/after', handler)
  app.register(async (inner) => { inner.get('/child-after', handler) })
  await app.ready()
  const urls = ['/before', '/fastify-plugin', '/child', '/grandchild', '/autoloaded', '/loaded-before', '/after', '/child-after']
  t.strictSame(await answers(app, urls), Object.fromEntries(urls.map((url) => [url, '401 200'])))
  const { paths } = documentOf(app)
  for (const url of urls) t.strictSame(paths[url].get.security, [{ OpenIdConnect: [] }], url)
})

t.test('siblings of a secured context stay as they are', async (t) => {
  const app = await createApp()
  const scheme = tokenScheme(app)
  app.register(async (one) => {
    one.secure([{ scheme }])
    one.get('/one', handler)
  })
  app.register(async (two) => { two.get('/two', handler) })
  t.strictSame(await answers(app, ['/one', '/two']), { '/one': '401 200', '/two': '200 200' })
})

t.test('an address without a route is answered as its context is', async (t) => {
  for (const hook of ['onRequest', 'preHandler'] as const) {
    const app = await createApp({ hook })
    const scheme = tokenScheme(app)
    app.register(async (secured) => {
      secured.secure([{ scheme }])
      secured.get('/x', handler)
      secured.setNotFoundHandler(async (request, reply) => reply.code(404).send({ own: request.auth?.scheme }))
    }, { prefix: '/secured' })
    await app.ready()
    t.strictSame(await answers(app, ['/secured/nothing', '/nothing']), { '/secured/nothing': '401 404', '/nothing': '404 404' })
    t.strictSame((await app.inject({ url: '/secured/nothing', headers: bearer('good') })).json(), { own: 'OpenIdConnect' })
    t.strictSame((await app.inject({ url: '/secured/nothing', headers: bearer('bad') })).json(), INVALID_CREDENTIALS)
  }
})

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
  t.strictSame(await answers(app, ['/early', '/late']), { '/early': '200 200', '/late': '401 200' })
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
  t.strictSame(await answers(app, ['/old/inner/own', '/old/inner/silent'], 'good'), { '/old/inner/own': '401 403', '/old/inner/silent': '401 200' })
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
      message: 'Nothing can guard GET /changed: another plugin has changed what it requires in an onRoute hook; register that plugin before fastify-auth-schemes'
    })
  }
  const app = Fastify({ exposeHeadRoutes: false })
  app.addHook('onRoute', (route) => { (route as any).schema = { ...route.schema, security: [{ OpenIdConnect: [] }] } })
  await app.register(authSchemes)
  tokenScheme(app)
  app.get('/before', handler)
  t.strictSame(await answers(app, ['/before']), { '/before': '401 200' })
})

t.test('a route that names its scheme in a hook has its request.auth from there', async (t) => {
  const app = await createApp()
  const key = app.authSchemes.apiKeyHeader({ name: 'k' })
  app.secure([{ scheme: key }])
  app.get('/hook', { preHandler: tokenScheme(app).preHandler }, async (request) => [request.auth?.scheme, key.from(request)?.scheme])
  app.get('/context', async (request) => [request.auth?.scheme])
  const headers = { ...bearer('good'), k: 'key' }
  t.strictSame((await app.inject({ url: '/hook', headers })).json(), ['OpenIdConnect', 'APIKeyHeader'])
  t.strictSame((await app.inject({ url: '/context', headers })).json(), ['APIKeyHeader'])
})

t.test('a plugin within a context takes no other routes for its own', async (t) => {
  const app = Fastify()
  app.get('/elsewhere', handler)
  app.register(async (api) => {
    await api.register(authSchemes)
    api.secure([{ scheme: tokenScheme(api) }])
    api.get('/x', handler)
  }, { prefix: '/api' })
  t.strictSame(await answers(app, ['/elsewhere', '/api/x']), { '/elsewhere': '200 200', '/api/x': '401 200' })
})

t.test('secure is refused for what is no requirement, and once the application is ready', async (t) => {
  const app = await createApp()
  const secure = app.secure as (security: unknown) => void
  t.throws(() => { secure(undefined) }, { code: 'FST_AUTH_BAD_SECURITY', message: /^secure: `security` must be an array/ })
  t.throws(() => { secure([{ scheme: (tokenScheme(app) as any).name }]) }, { code: 'FST_AUTH_BAD_SECURITY' })
  await app.ready()
  t.throws(() => { app.secure([{ scheme: tokenScheme(app) }]) }, { code: 'FST_AUTH_BAD_SECURITY', message: /^secure: the application is loaded/ })
})

t.test('schema.security by name is enforced', async (t) => {
  const app = await createApp()
  tokenScheme(app)
  app.authSchemes.apiKeyHeader({ name: 'key' })
  app.get('/one', { schema: { security: [{ OpenIdConnect: ['a'] }] } }, handler)
  app.get('/both', { schema: { security: [{ OpenIdConnect: [], APIKeyHeader: [] }] } }, handler)
  app.get('/optional', { schema: { security: [{ OpenIdConnect: [] }, {}] } }, handler)
  app.get('/public', { schema: { security: [] } }, handler)
  app.get('/silent', { schema: { summary: 'x' } }, handler)
  await app.ready()
  t.strictSame(await answers(app, ['/one', '/both', '/optional', '/public', '/silent'], 'good.a'),
    { '/one': '401 200', '/both': '401 401', '/optional': '200 200', '/public': '200 200', '/silent': '200 200' })
  t.equal((await app.inject({ url: '/both', headers: { ...bearer('good'), key: 'k' } })).statusCode, 200)
  const { paths, components } = documentOf(app)
  t.strictSame(['/one', '/both', '/optional', '/public', '/silent'].map((path) => paths[path].get.security),
    [[{ OpenIdConnect: ['a'] }], [{ OpenIdConnect: [], APIKeyHeader: [] }], [{ OpenIdConnect: [] }, {}], [], undefined])
  t.strictSame(Object.keys(components.securitySchemes), ['OpenIdConnect', 'APIKeyHeader'])
})

t.test('mistakes fail the boot and name the route', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A' } })
  const foreign = (await createApp()).authSchemes.httpBearer()
  const bad: ReadonlyArray<readonly [rule: string, options: object, code: string, message: string]> = [
    ['security that is undefined', { security: undefined }, 'FST_AUTH_BAD_SECURITY', '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public'],
    ['schema.security that is undefined', { schema: { security: undefined } }, 'FST_AUTH_BAD_SECURITY', '`schema.security` must be an array of OpenAPI security requirements, such as [{ OAuth2PasswordBearer: [] }]'],
    ['both forms', { security: [{ scheme }], schema: { security: [] } }, 'FST_AUTH_BAD_SECURITY', 'the route has both `security` and `schema.security`; keep one of them'],
    ['an unknown name', { schema: { security: [{ Nobody: [] }] } }, 'FST_AUTH_UNKNOWN_SCHEME',
      '`schema.security` names the scheme "Nobody", which no factory of `app.authSchemes` has made; make it before the route, or correct the name; scheme objects belong into the option `security`'],
    ['an undeclared scope by name', { schema: { security: [{ OAuth2PasswordBearer: ['b'] }] } }, 'FST_AUTH_UNKNOWN_SCOPE',
      'the scheme "OAuth2PasswordBearer" does not declare the scope "b": add it to the `scopes` of the scheme'],
    ['scopes by name as a string', { schema: { security: [{ OAuth2PasswordBearer: 'a' }] } }, 'FST_AUTH_BAD_SECURITY',
      'the `scopes` required of "OAuth2PasswordBearer" must be an array of scope names'],
    ['a scheme in preParsing', { preParsing: scheme.preHandler }, 'FST_AUTH_BAD_SECURITY',
      'the `preHandler` of "OAuth2PasswordBearer" cannot stand in `preParsing`; put it into onRequest, preValidation or preHandler'],
    ['a foreign scheme in a hook', { preHandler: [foreign.preHandler] }, 'FST_AUTH_UNKNOWN_SCHEME',
      'the scheme "HTTPBearer" belongs to another application or to another registration of the plugin']
  ]
  for (const [rule, options, code, message] of bad) {
    t.throws(() => app.get('/bad', options as Partial<RouteOptions>, handler), { code, message: `GET /bad: ${message}` }, rule)
  }
  t.throws(() => app.route({ method: ['GET', 'PUT'], url: '/bad', security: [bearer] as any, handler }), { message: /^GET,PUT \/bad: / })
})

t.test('optional authentication beside a scheme in a hook fails the boot: the document could not say what is enforced', async (t) => {
  const message = /^GET \/a: authentication that is optional cannot be combined with a scheme in a hook of the route; require both in one `security`$/
  const declare = async (add: (app: FastifyInstance, needed: any, optional: any) => void): Promise<void> => {
    const app = await createApp()
    add(app, tokenScheme(app), app.authSchemes.apiKeyHeader({ name: 'k', autoError: false }))
    await app.ready()
  }
  const bad: Array<Parameters<typeof declare>[0]> = [
    (app, needed, optional) => { app.get('/a', { exposeHeadRoute: false, security: [{ scheme: needed }], preHandler: optional.preHandler }, handler) },
    (app, needed, optional) => { app.get('/a', { exposeHeadRoute: false, security: [{ scheme: optional }], preHandler: needed.preHandler }, handler) },
    (app, needed, optional) => { app.get('/a', { exposeHeadRoute: false, onRequest: [needed.preHandler, optional.preHandler] }, handler) },
    (app, needed) => {
      app.secure([{ scheme: needed }, {}])
      app.get('/a', { exposeHeadRoute: false, preHandler: needed.preHandler }, handler)
    }
  ]
  for (const add of bad) await t.rejects(declare(add), { code: 'FST_AUTH_BAD_SECURITY', message })
  await declare((app, needed, optional) => {
    app.get('/a', { security: [], preHandler: optional.preHandler }, handler)
    app.get('/b', { security: [[{ scheme: needed }, { scheme: optional }]] }, handler)
    app.get('/c', { preHandler: optional.preHandler }, handler)
    app.get('/d', { security: [{ scheme: needed }], preHandler: needed.preHandler }, handler)
  })
})

t.test('nested contexts that multiply too far fail the boot', async (t) => {
  const app = await createApp()
  const many = Array.from({ length: 20 }, (_, i) => ({ scheme: app.authSchemes.httpBearer({ schemeName: `S${i}` }) }))
  app.secure(many)
  app.get('/many', { security: many.map(({ scheme }) => ({ scheme, scopes: ['a'] })) }, handler)
  await t.rejects(async () => { await app.ready() }, { code: 'FST_AUTH_BAD_SECURITY', message: /^GET \/many: `security` has more than 256 alternatives/ })
})

t.test('explicit: every route must say something, or its context', async (t) => {
  const app = Fastify()
  app.get('/early', { exposeHeadRoute: false }, handler)
  await app.register(authSchemes, { explicit: true })
  const scheme = tokenScheme(app)
  app.get('/declared', { security: [{ scheme }] }, handler)
  app.get('/public', { security: [] }, handler)
  app.get('/hook', { preHandler: scheme.preHandler }, handler)
  app.get('/silent', { exposeHeadRoute: false }, handler)
  app.route({ method: ['PUT', 'POST'], url: '/silent', handler })
  app.register(async (child) => {
    child.secure([])
    child.get('/child', handler)
  })
  await t.rejects(async () => { await app.ready() }, {
    code: 'FST_AUTH_UNDECLARED_ROUTE',
    message: 'With the option `explicit` every route must carry `security` or stand in a context that declares it by `secure`. ' +
      'These do not: GET /early, GET /silent, PUT /silent, POST /silent'
  })
  const good = await createApp({ explicit: true })
  good.get('/public', { security: [] }, handler)
  good.register(async (documentation) => {
    documentation.secure([])
    await documentation.register(swaggerUi)
  })
  await good.ready()
  t.equal((await good.inject('/documentation/json')).statusCode, 200)
})

t.test('a plugin that throws our hooks away fails the boot', async (t) => {
  const app = await createApp()
  app.addHook('onRoute', (route) => { if (route.url === '/replaced') route.onRequest = [async () => {}] })
  app.addHook('onRoute', (route) => { if (route.url === '/extended') route.onRequest = [async () => {}, ...[route.onRequest ?? []].flat()] })
  const security = [{ scheme: tokenScheme(app) }]
  app.get('/extended', { security }, handler)
  app.get('/replaced', { security }, handler)
  await t.rejects(async () => { await app.ready() }, {
    code: 'FST_AUTH_UNGUARDED_ROUTE',
    message: 'Nothing can guard GET /replaced: another plugin has replaced the `onRequest` hooks of the route; it must keep those that are there'
  })
})

t.test('routes are finished once every one was resolved', async (t) => {
  const routes = new Routes({}, 'onRequest', {}, [])
  t.equal(routes.finished, false)
  routes.finish(true, { info: () => {}, warn: () => {} }, false)
  t.equal(routes.finished, true)
})

t.test('scopes that nobody checks are told once at boot', async (t) => {
  const warnings: string[] = []
  const app = await createApp({ server: { logger: { level: 'warn', stream: { write: (line: string) => { warnings.push(JSON.parse(line).msg) } } } } })
  const blind = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x' })
  app.get('/a', { security: [{ scheme: blind, scopes: ['a'] }, { scheme: blind.derive({ scopes: ['b'] }) }] }, handler)
  app.get('/b', { security: [{ scheme: tokenScheme(app, { schemeName: 'Seeing' }), scopes: ['a'] }] }, handler)
  await app.ready()
  t.strictSame(warnings, ['Routes require scopes of OpenIdConnect, which has no `verify`: the scopes are documented, but nobody checks them'])
})

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
  t.test(`a secured not-found handler is not reached by reply.callNotFound(): ${hook}`, async (t) => {
    const app = await createApp({ hook })
    const scheme = app.authSchemes.httpBearer({ verify: () => true })
    let ran = 0
    app.secure([{ scheme }])
    app.setNotFoundHandler(async (request, reply) => reply.code(200).send({ ran: ++ran, user: request.auth?.user }))
    app.get('/public', { security: [] }, async (_request, reply) => { reply.callNotFound() })
    app.get('/secured', async (_request, reply) => { reply.callNotFound() })
    for (const url of ['/public', '/secured', '/nowhere']) {
      const refused = await app.inject(url)
      t.equal(refused.statusCode, 401, url)
      t.strictSame(challengesOf(refused), ['Bearer'], url)
    }
    t.equal(ran, 0)
    for (const url of ['/public', '/secured', '/nowhere']) t.match((await app.inject({ url, headers: bearer('x') })).json(), { user: true }, url)
    t.equal(ran, 3)
  })
}
