import t from 'tap'
import { Routes } from '../../lib/routes/routes'
import { bearer, challengesOf, createApp, documentOf } from '../helpers'
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
  t.strictSame(await statuses(app, ['/one', '/both', '/optional', '/public', '/silent'], 'good.a'),
    { '/one': '401 200', '/both': '401 401', '/optional': '200 200', '/public': '200 200', '/silent': '200 200' })
  t.equal((await app.inject({ url: '/both', headers: { ...bearer('good'), key: 'k' } })).statusCode, 200)
  const { paths, components } = documentOf(app)
  t.strictSame(['/one', '/both', '/optional', '/public', '/silent'].map((path) => paths[path].get.security),
    [[{ OpenIdConnect: ['a'] }], [{ OpenIdConnect: [], APIKeyHeader: [] }], [{ OpenIdConnect: [] }, {}], [], undefined])
  t.strictSame(Object.keys(components.securitySchemes), ['OpenIdConnect', 'APIKeyHeader'])
})

t.test('routes are finished once every one was resolved', async (t) => {
  const routes = new Routes({}, 'onRequest', {}, [], false)
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
