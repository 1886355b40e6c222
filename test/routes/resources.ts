import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import { once } from 'node:events'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { authSchemes, type AuthSchemesOptions, type ProtectedResourceOptions } from '../../lib'
import { NOT_AUTHENTICATED, createApp, documentOf } from '../helpers'
import { handler } from './helpers'

const resource = { url: 'https://api.example/mcp', authorizationServers: ['https://as.example'] }
const PATH = '/.well-known/oauth-protected-resource/mcp'

interface MakeOptions { readonly schemeName?: string, readonly resource?: ProtectedResourceOptions }

const makeScheme = (app: FastifyInstance, options: MakeOptions = {}) => app.authSchemes.openIdConnect({
  openIdConnectUrl: 'x', resource, verify: (token) => ({ aud: resource.url, scope: token }), ...options
})

const BODY = { resource: resource.url, authorization_servers: ['https://as.example'], bearer_methods_supported: ['header'] }

const contexts: ReadonlyArray<readonly [where: string, options: AuthSchemesOptions, isSecured: boolean]> = [
  ['without more', {}, false],
  ['under explicit', { explicit: true }, false],
  ['in a secured application', {}, true],
  ['in a secured application under explicit, at preHandler', { explicit: true, hook: 'preHandler' }, true]
]
for (const [where, options, isSecured] of contexts) {
  t.test(`the metadata is public and hidden: ${where}`, async (t) => {
    const app = await createApp(options)
    const scheme = makeScheme(app)
    if (isSecured) app.secure([{ scheme, scopes: ['all'] }])
    app.get('/mcp', { security: [{ scheme, scopes: ['mcp'] }] }, handler)
    app.get('/derived', { security: [{ scheme: scheme.derive({ scopes: ['extra'] }) }] }, handler)
    const response = await app.inject({ url: PATH, headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' } })
    t.equal(response.statusCode, 200)
    t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
    t.equal(response.headers['access-control-allow-origin'], '*')
    t.equal(response.headers['www-authenticate'], undefined)
    t.strictSame(response.json(), { ...BODY, scopes_supported: [...isSecured ? ['all'] : [], 'extra', 'mcp'] })
    const head = await app.inject({ method: 'HEAD', url: PATH })
    t.equal(head.statusCode, 200)
    t.equal(head.headers['content-length'], response.headers['content-length'])
    t.equal((await app.inject('/mcp')).statusCode, 401)
    t.strictSame(Object.keys(documentOf(app).paths), ['/mcp', '/derived'])
    t.strictSame(documentOf(app).components.securitySchemes.OpenIdConnect, { type: 'openIdConnect', openIdConnectUrl: 'x' })
    t.match(app.printSecurity(), new RegExp(`^GET,HEAD,OPTIONS +${PATH} +\\[\\] +public: security: \\[\\].*hidden$`, 'm'))
  })
}

t.test('scopes_supported are the required ones, never all that are declared, unless they are named', async (t) => {
  const app = await createApp()
  const flows = { clientCredentials: { tokenUrl: 'x', scopes: { a: 'A', b: 'B', c: 'C' } } }
  const verify = (): object => ({ aud: '' })
  const one = app.authSchemes.oauth2({ flows, schemeName: 'One', verify, resource })
  const same = app.authSchemes.oauth2({ flows, schemeName: 'Same', verify, resource })
  const named = app.authSchemes.oauth2({
    flows, schemeName: 'Named', verify, resource: { ...resource, url: 'https://api.example/named', scopes: ['c'] }
  })
  const none = app.authSchemes.httpBearer({ verify, resource: { ...resource, url: 'https://api.example/' } })
  const other = app.authSchemes.apiKeyHeader({ name: 'x', verify })
  app.get('/', { security: [{ scheme: one, scopes: ['b'] }, [{ scheme: same, scopes: ['a'] }, { scheme: other, scopes: ['o'] }], {}] }, handler)
  app.get('/named', { security: [{ scheme: named, scopes: ['a'] }, { scheme: none }] }, handler)
  app.get('/public', { security: [] }, handler)
  const scopesOf = async (path: string): Promise<unknown> => (await app.inject(path)).json().scopes_supported
  t.strictSame(await scopesOf(PATH), ['a', 'b'])
  t.strictSame(await scopesOf('/.well-known/oauth-protected-resource/named'), ['c'])
  t.strictSame(await scopesOf('/.well-known/oauth-protected-resource'), undefined)
})

t.test('the metadata is served at one path alone, also by a router that takes others', async (t) => {
  const app = Fastify({ routerOptions: { ignoreTrailingSlash: true, caseSensitive: false, ignoreDuplicateSlashes: true } })
  await app.register(authSchemes)
  const scheme = makeScheme(app, { resource: { ...resource, url: 'https://api.example/a:b' } })
  app.get('/', { security: [{ scheme }] }, handler)
  const path = '/.well-known/oauth-protected-resource/a:b'
  t.equal((await app.inject(path)).statusCode, 200)
  t.equal((await app.inject(`${path}?a=b`)).statusCode, 200)
  for (const other of [`${path}/`, `/${path}`, path.toUpperCase(), path.replace('a:b', 'axx'), path.replace('b', '%62'), '/.well-known/oauth-protected-resource']) {
    const response = await app.inject(other)
    t.equal(response.statusCode, 404, other)
    t.equal(response.headers['access-control-allow-origin'], undefined)
    t.equal((await app.inject({ method: 'OPTIONS', url: other })).statusCode, 404, `OPTIONS ${other}`)
  }
})

t.test('the absolute form of a request names the same path, and no other', async (t) => {
  const app = await createApp()
  t.teardown(async () => { await app.close() })
  makeScheme(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const rows = [['http://127.0.0.1', PATH, 200], ['HTTP://api.example:80', `${PATH}?a=b`, 200], ['http://127.0.0.1', `/x/..${PATH}`, 404],
    ['http://127.0.0.1', PATH.replace('m', '%6d'), 404]] as const
  for (const [origin, path, status] of rows) {
    const [response] = await once(get({ port, path: origin + path, agent: false }), 'response')
    response.resume()
    t.equal(response.statusCode, status, path)
  }
})

t.test('other spellings are guarded in a secured application', async (t) => {
  const app = Fastify({ routerOptions: { ignoreTrailingSlash: true } })
  await app.register(authSchemes)
  const scheme = makeScheme(app)
  app.secure([{ scheme }])
  const response = await app.inject(`${PATH}/`)
  t.equal(response.statusCode, 401)
  t.strictSame(response.json(), NOT_AUTHENTICATED)
})

t.test('preflight requests are responded to by the metadata itself, whatever @fastify/cors allows', async (t) => {
  for (const options of [null, { origin: 'https://only.example', credentials: true, strictPreflight: true }, { origin: false }] as const) {
    const app = await createApp({ explicit: true })
    if (options !== null) await app.register(cors, options)
    const scheme = makeScheme(app)
    app.secure([{ scheme }])
    const headers = { origin: 'https://page.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'mcp-protocol-version, x-y' }
    const preflight = await app.inject({ method: 'OPTIONS', url: PATH, headers })
    t.equal(preflight.statusCode, 204)
    t.match(preflight.headers, {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'mcp-protocol-version, x-y',
      vary: 'access-control-request-headers'
    })
    t.equal(preflight.headers['access-control-allow-credentials'], undefined)
    const bare = await app.inject({ method: 'OPTIONS', url: PATH })
    t.equal(bare.statusCode, 204)
    t.equal(bare.headers['access-control-allow-headers'], undefined)
    const got = await app.inject({ url: PATH, headers: { origin: 'https://page.example' } })
    t.equal(got.statusCode, 200)
    t.equal(got.headers['access-control-allow-origin'], '*')
    t.equal(got.headers['access-control-allow-credentials'], undefined)
  }
})

t.test('a plugin that wraps every handler does no harm', async (t) => {
  const app = Fastify()
  await app.register(websocket)
  await app.register(authSchemes)
  makeScheme(app)
  t.equal((await app.inject(PATH)).statusCode, 200)
})

t.test('a serializer that a hook gives every reply changes nothing', async (t) => {
  const app = await createApp()
  app.addHook('onRequest', async (_request, reply) => { reply.serializer((payload) => JSON.stringify({ data: payload })) })
  makeScheme(app)
  t.strictSame((await app.inject(PATH)).json(), BODY)
  const { headers } = await app.inject({ method: 'HEAD', url: PATH })
  t.equal(headers['content-length'], String(JSON.stringify(BODY).length))
})

t.test('the boot logs the URL of the metadata, and the audience, once for each resource', async (t) => {
  const lines: string[] = []
  const stream = new Writable({ write (chunk, _encoding, done) { lines.push(JSON.parse(chunk).msg); done() } })
  const app = await createApp({ server: { logger: { level: 'info', stream } } })
  makeScheme(app)
  makeScheme(app, { schemeName: 'Same' })
  makeScheme(app, { schemeName: 'Other', resource: { ...resource, url: 'https://b.example' } })
  await app.ready()
  t.strictSame(lines.filter((line) => line.includes('protected resource')), [
    'fastify-auth-schemes: the metadata of a protected resource is at https://api.example/.well-known/oauth-protected-resource/mcp; ' +
      '`aud` must contain "https://api.example/mcp"',
    'fastify-auth-schemes: the metadata of a protected resource is at https://b.example/.well-known/oauth-protected-resource; ' +
      '`aud` must contain "https://b.example" or "https://b.example/"'
  ])
})

t.test('two schemes that differ at one URL fail the boot', async (t) => {
  for (const [url, further] of [
    [resource.url, { audience: 'x' }], [resource.url, { authorizationServers: ['https://as.example/'] }],
    ['https://other.example/mcp', {}]
  ] as const) {
    const app = await createApp()
    makeScheme(app)
    t.throws(() => makeScheme(app, { schemeName: 'Other', resource: { ...resource, url, ...further } }), {
      name: 'TypeError',
      code: 'FST_AUTH_BAD_OPTION',
      message: `Other: the option \`resource\` differs from that of another scheme for ${url}; give both schemes the same object`
    })
  }
  const app = await createApp()
  makeScheme(app, { resource: { ...resource, url: 'https://api.example' } })
  t.throws(() => makeScheme(app, { resource: { ...resource, url: 'https://api.example/' } }), { code: 'FST_AUTH_BAD_OPTION' })
})

const underPrefix = {
  code: 'FST_AUTH_BAD_OPTION',
  message: 'OpenIdConnect: the metadata of the option `resource` cannot be served at https://api.example/.well-known/oauth-protected-resource/mcp, ' +
    'as fastify-auth-schemes was registered under the prefix "/v1"; register it where there is no prefix'
}

t.test('a prefix that the plugin is registered with fails the boot', async (t) => {
  const app = Fastify()
  await app.register(authSchemes, { prefix: '/v1' })
  t.throws(() => makeScheme(app), underPrefix)
})

t.test('a prefix of the context that the plugin is registered in fails the boot', async (t) => {
  const app = Fastify()
  await app.register(async (child) => {
    await child.register(authSchemes)
    t.throws(() => makeScheme(child), underPrefix)
    // A scheme of that name was not made.
    child.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: () => true })
  }, { prefix: '/v1' })
  await app.ready()
  t.equal((await app.inject(`/v1${PATH}`)).statusCode, 404)
})

t.test('a scheme of a child context with a prefix has its metadata at the root', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  await app.register(async (child) => {
    child.get('/mcp', { security: [{ scheme: makeScheme(child), scopes: ['a'] }] }, handler)
  }, { prefix: '/v1' })
  t.equal((await app.inject(PATH)).json().scopes_supported[0], 'a')
})

const taken = {
  name: 'TypeError',
  code: 'FST_AUTH_BAD_OPTION',
  message: `resource: the metadata of a protected resource is served at ${PATH}; remove the other route of that URL`
}

t.test('a route of the application at that URL fails the boot, before and after, of any method and constraint', async (t) => {
  const routes = [{ method: 'GET', url: PATH }, { method: 'POST', url: PATH }, { method: 'GET', url: PATH, constraints: { host: 'a.example' } }]
  for (const route of routes) {
    const before = Fastify()
    before.route({ ...route, handler })
    await before.register(authSchemes)
    t.throws(() => makeScheme(before), taken)
    const between = await createApp()
    between.route({ ...route, handler })
    t.throws(() => makeScheme(between), taken)
    const after = await createApp()
    makeScheme(after)
    t.throws(() => after.route({ ...route, handler }), taken)
    const child = await createApp()
    makeScheme(child)
    await t.rejects(Promise.resolve(child.register(async (context) => { context.route({ ...route, handler }) })), taken)
  }
})

const spellings: ReadonlyArray<readonly [rule: string, url: string, options: object, declare: (app: FastifyInstance) => unknown]> = [
  ['with a slash, by a context', `${resource.url}/`, {}, (app) => app.register(async (child) => { child.post('/', handler) }, { prefix: PATH })],
  ['by a router that ignores slashes', resource.url, { routerOptions: { ignoreTrailingSlash: true } },
    (app) => { app.get(`${PATH}/`, { constraints: { host: 'a.example' } }, handler) }],
  ['by a router that ignores case', resource.url, { routerOptions: { caseSensitive: false } },
    (app) => { app.get(PATH.toUpperCase(), { constraints: { host: 'a.example' } }, handler) }],
  ['by a parameter that may be left out', 'https://api.example', {},
    (app) => { app.get('/.well-known/oauth-protected-resource/:x?', { constraints: { host: 'a.example' } }, handler) }]
]
for (const [rule, url, server, declare] of spellings) {
  t.test(`another route of that URL fails the boot: ${rule}`, async (t) => {
    const app = await createApp({ server })
    makeScheme(app, { resource: { ...resource, url } })
    await declare(app)
    await t.rejects(Promise.resolve(app.ready()), { code: 'FST_AUTH_BAD_OPTION', message: /^resource: the metadata of a protected resource is served at/ })
  })
}

t.test('a route of that URL beside the registration fails the boot, as does an onRoute hook that moves the metadata', async (t) => {
  const beside = Fastify()
  await beside.register(async (child) => {
    await child.register(authSchemes)
    makeScheme(child)
  })
  beside.get(PATH, { constraints: { host: 'a.example' } }, handler)
  await t.rejects(Promise.resolve(beside.ready()), taken)
  const moved = Fastify()
  moved.addHook('onRoute', (route) => { if (route.url === PATH) route.constraints = { host: 'a.example' } })
  await moved.register(authSchemes)
  makeScheme(moved)
  await t.rejects(Promise.resolve(moved.ready()), taken)
})
