/** Contexts that `secure` requires something of. */

import t from 'tap'
import autoload from '@fastify/autoload'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { join } from 'node:path'
import { authSchemes } from '../../lib'
import { bearer, createApp, documentOf } from '../helpers'
import { statuses, handler, tokenScheme } from './helpers'

t.test('secure adds to the requirements of the routes there and below', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { read: 'Read', write: 'Write', admin: 'Administer' }, verify: (token) => ({ scopes: token.split('.') }) })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.register(async (read) => {
    read.secure([{ scheme, scopes: ['read'] }])
    read.get('/plain', handler)
    read.get('/both', { security: [{ scheme, scopes: ['write', 'read'] }] }, handler)
    read.get('/either', { security: [{ scheme, scopes: ['write'] }, { scheme: key }] },
      async (request) => ({ ran: true, scheme: request.auth.scheme, outer: scheme.from(request)?.scheme }))
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
  t.strictSame(Object.fromEntries(Object.entries<any>(paths).map(([path, item]) => [path,
    (item.get ?? item.post).security])), {
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
  t.strictSame(await statuses(app, ['/plain', '/both', '/open', '/nested', '/public', '/own', '/outside'], 'read'),
    { '/plain': '401 200', '/both': '401 403', '/open': '200 200', '/nested': '401 403', '/public': '200 200', '/own': '401 401', '/outside': '200 200' })
  t.equal((await app.inject({ url: '/own', headers: { key: 'good' } })).statusCode, 200)
  t.strictSame((await app.inject({ url: '/nested', headers: bearer('admin.read') })).json(),
    { ran: true, scopes: ['read', 'admin'] })
  t.strictSame((await app.inject({ url: '/either', headers: { ...bearer('read'), key: 'good' } })).json(),
    { ran: true, scheme: 'APIKeyHeader', outer: 'OAuth2PasswordBearer' })
  t.strictSame((await app.inject({ url: '/optional', headers: bearer('read') })).json(), { ran: true, auth: null },
    'the route\'s own is anonymous')
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
  const urls = ['/before', '/fastify-plugin', '/child', '/grandchild', '/autoloaded', '/loaded-before', '/after',
    '/child-after']
  t.strictSame(await statuses(app, urls), Object.fromEntries(urls.map((url) => [url, '401 200'])))
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
  t.strictSame(await statuses(app, ['/one', '/two']), { '/one': '401 200', '/two': '200 200' })
})

t.test('a plugin within a context takes no other routes for its own', async (t) => {
  const app = Fastify()
  app.get('/elsewhere', handler)
  app.register(async (api) => {
    await api.register(authSchemes)
    api.secure([{ scheme: tokenScheme(api) }])
    api.get('/x', handler)
  }, { prefix: '/api' })
  t.strictSame(await statuses(app, ['/elsewhere', '/api/x']), { '/elsewhere': '200 200', '/api/x': '401 200' })
})

t.test('secure refuses a value that is no requirement, and once the application is ready', async (t) => {
  const app = await createApp()
  const secure = app.secure as (security: unknown) => void
  t.throws(() => { secure(undefined) },
    { code: 'FST_AUTH_BAD_SECURITY', message: /^secure: `security` must be an array/ })
  t.throws(() => { secure([{ scheme: (tokenScheme(app) as any).name }]) }, { code: 'FST_AUTH_BAD_SECURITY' })
  await t.rejects(Promise.resolve(app.ready()), { code: 'FST_AUTH_BAD_SECURITY' }, 'and fails the boot')
  const loaded = await createApp()
  await loaded.ready()
  t.throws(() => { loaded.secure([{ scheme: tokenScheme(loaded) }]) },
    { code: 'FST_AUTH_BAD_SECURITY', message: /^secure: the application is loaded/ })
})

t.test('nested contexts that multiply too far fail the boot', async (t) => {
  const app = await createApp()
  const many = Array.from({ length: 20 }, (_, i) => ({ scheme: app.authSchemes.httpBearer({ schemeName: `S${i}` }) }))
  app.secure(many)
  app.get('/many', { security: many.map(({ scheme }) => ({ scheme, scopes: ['a'] })) }, handler)
  await t.rejects(async () => { await app.ready() },
    { code: 'FST_AUTH_BAD_SECURITY', message: /^GET \/many: `security` has more than 256 alternatives/ })
})
