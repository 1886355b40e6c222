import t from 'tap'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes } from '../../lib'
import { readSecurity } from '../../lib/requirement/read'
import { Routes, unverifiedOf } from '../../lib/routes/routes'
import { createScheme } from '../../lib/scheme'
import { httpBearer } from '../../lib/schemes/http'
import { bearer, challengesOf, createApp, documentOf, openapi31 } from '../helpers'
import { registration } from '../requirement/helpers'
import { statuses, handler, tokenScheme } from './helpers'

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
  app.register(async (child) => { child.get('/', { security, prefixTrailingSlash: 'slash' }, counting) },
    { prefix: '/slash' })
  await app.ready()
  const routes: ReadonlyArray<readonly [string, string]> = [
    ['GET', '/get'], ['HEAD', '/get'], ['PUT', '/several'], ['PATCH', '/several'], ['GET', '/all'], ['DELETE',
      '/all'], ['OPTIONS', '/all'],
    ['GET', '/v'], ['GET', '/one'], ['GET', '/many'], ['GET', '/p'], ['GET', '/p/'], ['HEAD', '/p'], ['HEAD',
      '/p/'], ['GET', '/p/x'], ['GET', '/slash/']
  ]
  for (const [method, url] of routes) {
    const headers = url === '/v' ? { 'accept-version': '1.x' } : {}
    const refused = await app.inject({ method: method as 'GET', url, headers })
    t.equal(refused.statusCode, 401, `${method} ${url}`)
    t.strictSame(challengesOf(refused), ['Bearer'])
    t.equal(ran, 0)
    t.equal((await app.inject({ method: method as 'GET', url, headers: { ...headers, ...bearer('good') } })).statusCode,
      200)
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

t.test('a route that names its scheme in a hook has its request.auth from there', async (t) => {
  const app = await createApp()
  const key = app.authSchemes.apiKeyHeader({ name: 'k' })
  app.secure([{ scheme: key }])
  app.get('/hook', { preHandler: tokenScheme(app).preHandler },
    async (request) => [request.auth?.scheme, key.from(request)?.scheme])
  app.get('/context', async (request) => [request.auth?.scheme])
  const headers = { ...bearer('good'), k: 'key' }
  t.strictSame((await app.inject({ url: '/hook', headers })).json(), ['OpenIdConnect', 'APIKeyHeader'])
  t.strictSame((await app.inject({ url: '/context', headers })).json(), ['APIKeyHeader'])
})

t.test('schema.security by name is enforced', async (t) => {
  const app = await createApp()
  tokenScheme(app)
  app.authSchemes.apiKeyHeader({ name: 'key' })
  app.get('/one', { schema: { security: [{ OpenIdConnect: ['a'] }] } }, handler)
  app.get('/both', { schema: { security: [{ OpenIdConnect: [], APIKeyHeader: [] }] } }, handler)
  app.get('/optional', { schema: { security: [{ OpenIdConnect: [] }, {}] } }, handler)
  app.get('/public', { schema: { security: [] } }, handler)
  app.get('/undeclared', { schema: { summary: 'x' } }, handler)
  await app.ready()
  t.strictSame(await statuses(app, ['/one', '/both', '/optional', '/public', '/undeclared'], 'good.a'),
    { '/one': '401 200', '/both': '401 401', '/optional': '200 200', '/public': '200 200', '/undeclared': '200 200' })
  t.equal((await app.inject({ url: '/both', headers: { ...bearer('good'), key: 'k' } })).statusCode, 200)
  const { paths, components } = documentOf(app)
  t.strictSame(['/one', '/both', '/optional', '/public', '/undeclared'].map((path) => paths[path].get.security),
    [[{ OpenIdConnect: ['a'] }], [{ OpenIdConnect: [], APIKeyHeader: [] }], [{ OpenIdConnect: [] }, {}], [], undefined])
  t.strictSame(Object.keys(components.securitySchemes), ['OpenIdConnect', 'APIKeyHeader'])
})

t.test('a document that was made before all is loaded changes nothing', async (t) => {
  const app = Fastify()
  await app.register(swagger, openapi31)
  const documents: any[] = []
  app.addHook('onReady', async () => { documents.push(app.swagger()) })
  await app.register(authSchemes)
  const scheme = tokenScheme(app)
  app.get('/named', { schema: { security: [{ OpenIdConnect: [] }] } }, handler)
  app.get('/object', { security: [{ scheme }] }, handler)
  t.strictSame(await statuses(app, ['/named', '/object']), { '/named': '401 200', '/object': '401 200' })
  t.strictSame(['/named', '/object'].map((path) => documents[0].paths[path].get.security),
    [[{ OpenIdConnect: [] }], [{ OpenIdConnect: [] }]])
})

t.test('routes are finished once every one was resolved', async (t) => {
  const app = Fastify()
  const routes = new Routes(registration, 'onRequest', app, { unseen: [], unseenHere: [] })
  routes.add(app, { method: 'GET', url: '/', handler: async () => {} })
  t.equal(routes.finished, false)
  routes.finish({ info: () => {}, warn: () => {} }, false)
  t.equal(routes.finished, true)
  t.equal(routes.contexts.sealed, true)
  t.strictSame(routes.all.map(({ options }) => options), [{ url: '/', schema: undefined }],
    'without a document only what the list needs is kept')
})

t.test('routes of one context that declare the same share a guard', async (t) => {
  const app = Fastify()
  const routes = new Routes(registration, 'onRequest', app, { unseen: [], unseenHere: [] })
  const scheme = createScheme(httpBearer(), registration)
  const add = (options: object,
    context = app): void => { routes.add(context, { method: 'GET', url: '/', handler: async () => {}, ...options }) }
  for (let i = 0; i < 2; i++) {
    for (const options of [{}, { security: [] }, { security: [{ scheme }] },
      { security: [{ scheme }, {}] }]) add(options)
  }
  add({}, Fastify())
  add({ preHandler: scheme.preHandler })
  add({ preHandler: scheme.preHandler })
  t.strictSame(routes.all.map(({ guard }) => routes.all.findIndex((other) => other.guard === guard)),
    [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10])
})

t.test('schemes that are required and not verified are logged once at boot, and fail it with `explicit`', async (t) => {
  const message = 'routes require "OpenIdConnect", "Key", whose credentials are not verified: give the scheme a `verify`, or `verify: false` where the handler verifies them'
  for (const explicit of [false, true]) {
    const lines: string[] = []
    const app = await createApp({ explicit, server: { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(JSON.parse(line).msg) } } } } })
    const { openIdConnect, apiKeyHeader, httpBearer } = app.authSchemes
    const unverified = openIdConnect({ openIdConnectUrl: 'x' })
    app.get('/a', { security: [{ scheme: unverified, scopes: ['a'] }, { scheme: unverified.derive({ scopes: ['b'] }) }] }, handler)
    app.get('/b', { preHandler: apiKeyHeader({ name: 'k', schemeName: 'Key' }).preHandler }, handler)
    app.get('/c', { security: [{ scheme: tokenScheme(app, { schemeName: 'Verified' }), scopes: ['a'] }] }, handler)
    app.get('/d', { security: [{ scheme: httpBearer({ schemeName: 'Derived' }).derive({ verify: () => true }) }] },
      handler)
    app.get('/e', { security: [{ scheme: httpBearer({ schemeName: 'OnPurpose', verify: false }) }] }, handler)
    httpBearer({ schemeName: 'NotRequired' })
    if (explicit) {
      await t.rejects(async () => { await app.ready() },
        { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `authSchemes: ${message}` })
    } else await app.ready()
    t.strictSame(lines, explicit ? [] : [message])
  }
})

t.test('a scheme is verified where any check of the same alternative verifies it', async (t) => {
  const [base, checked] = [createScheme(httpBearer(), registration),
    createScheme(httpBearer({ verify: () => true }), registration)]
  const names = (...security: unknown[]): string[] => unverifiedOf(readSecurity('x', security,
    registration)).map(({ name }) => name)
  t.strictSame(unverifiedOf(null), [])
  t.strictSame(names(), [])
  t.strictSame(names({ scheme: checked }), [])
  t.strictSame(names([{ scheme: base }, { scheme: base.derive({ verify: () => true }) }]), [])
  t.strictSame(names({ scheme: base.derive({ verify: () => true }) }, { scheme: base }), ['HTTPBearer'],
    'another alternative does not count')
  t.strictSame(names([{ scheme: base }, { scheme: checked }]), ['HTTPBearer'],
    'another scheme of that name does not count')
})

t.test('the metadata of a resource cannot be where a route was declared before, or is hidden from the plugin', async (t) => {
  const resource = { url: 'https://api.example/a', authorizationServers: ['https://as.example'] }
  const url = '/.well-known/oauth-protected-resource/a'
  const bind = (app: FastifyInstance) => app.authSchemes.httpBearer({ resource, verify: () => ({ aud: resource.url }) })
  const early = Fastify()
  early.get(url, handler)
  await early.register(authSchemes)
  t.throws(() => bind(early), { code: 'FST_AUTH_BAD_OPTION' })
  const app = await createApp()
  const scheme = bind(app)
  app.get('/', { security: [{ scheme, scopes: ['a'] }] }, handler)
  t.strictSame((await app.inject(url)).json().scopes_supported, ['a'])
})
