import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { auditRoutes, printSecurity } from '../lib/audit'
import { Routes } from '../lib/routes/routes'
import { authSchemes } from '../lib'
import { createApp } from './helpers'

const handler = async (): Promise<void> => {}

async function create (): Promise<FastifyInstance> {
  const app = Fastify({ exposeHeadRoutes: false })
  app.get('/early', handler)
  await app.register(authSchemes)
  const oauth2 = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { read: 'Read', write: 'Write' }, verify: () => null })
  const key = app.authSchemes.apiKeyHeader({ name: 'k' })
  app.get('/silent', handler)
  app.get('/public', { security: [] }, handler)
  app.get('/optional', { security: [{ scheme: key }, {}] }, handler)
  app.get('/twin', { security: [{ scheme: key }], exposeHeadRoute: true }, handler)
  app.route({ method: ['PUT', 'PATCH'], url: '/several', security: [[{ scheme: key, scopes: ['role'] }, { scheme: oauth2 }], { scheme: oauth2, scopes: ['read', 'write'] }], handler })
  app.get('/hook', { preHandler: key.preHandler, schema: { hide: true } }, handler)
  app.tokenForm('/token', async () => ({ access_token: 'x', token_type: 'bearer' }))
  app.register(async (outer) => {
    outer.secure([{ scheme: oauth2, scopes: ['read'] }])
    outer.register(async (inner) => {
      inner.secure([{ scheme: key }])
      inner.get('/', handler)
    }, { prefix: '/inner' })
    outer.register(async (open) => {
      open.secure([])
      open.get('/open', handler)
    })
  }, { prefix: '/outer' })
  await app.ready()
  return app
}

t.test('every route is listed with what it requires, what makes it public, and what its contexts added', async (t) => {
  const app = await create()
  const read = { prefix: '/outer', security: [{ OAuth2PasswordBearer: ['read'] }] }
  const several = { url: '/several', security: [{ APIKeyHeader: ['role'], OAuth2PasswordBearer: [] }, { OAuth2PasswordBearer: ['read', 'write'] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] }
  const inner = { method: 'GET', security: [{ OAuth2PasswordBearer: ['read'], APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], contexts: [read, { prefix: '/outer/inner', security: [{ APIKeyHeader: [] }] }] }
  t.strictSame(app.authSchemes.routes(), [
    { method: 'GET', url: '/early', security: null, public: true, hidden: false, publicBy: 'unseen', unverified: [], contexts: [] },
    { method: 'GET', url: '/silent', security: null, public: true, hidden: false, publicBy: 'nothing', unverified: [], contexts: [] },
    { method: 'GET', url: '/public', security: [], public: true, hidden: false, publicBy: 'route', unverified: [], contexts: [] },
    { method: 'GET', url: '/optional', security: [{ APIKeyHeader: [] }, {}], public: true, hidden: false, publicBy: 'optional', unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'GET', url: '/twin', security: [{ APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'HEAD', url: '/twin', security: [{ APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'PUT', ...several },
    { method: 'PATCH', ...several },
    { method: 'GET', url: '/hook', security: [{ APIKeyHeader: [] }], public: false, hidden: true, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'POST', url: '/token', security: [], public: true, hidden: false, publicBy: 'route', unverified: [], contexts: [] },
    { ...inner, url: '/outer/inner' },
    { ...inner, url: '/outer/inner/' },
    { method: 'GET', url: '/outer/open', security: [], public: true, hidden: false, publicBy: 'context', unverified: [], contexts: [read, { prefix: '/outer', security: [] }] }
  ])
})

t.test('it prints as an aligned table', async (t) => {
  t.equal((await create()).printSecurity(), `\
GET    /early         -                                                                             public: declared before the plugin was loaded
GET    /silent        -                                                                             public: says nothing
GET    /public        []                                                                            public: says so
GET    /optional      APIKeyHeader | {}                                                             public: optional authentication, without verify: APIKeyHeader
GET    /twin          APIKeyHeader                                                                  without verify: APIKeyHeader
HEAD   /twin          APIKeyHeader                                                                  without verify: APIKeyHeader
PUT    /several       APIKeyHeader(role) & OAuth2PasswordBearer | OAuth2PasswordBearer(read write)  without verify: APIKeyHeader
PATCH  /several       APIKeyHeader(role) & OAuth2PasswordBearer | OAuth2PasswordBearer(read write)  without verify: APIKeyHeader
GET    /hook          APIKeyHeader                                                                  without verify: APIKeyHeader, hidden
POST   /token         []                                                                            public: says so
GET    /outer/inner   OAuth2PasswordBearer(read) & APIKeyHeader                                     without verify: APIKeyHeader, secure at /outer: OAuth2PasswordBearer(read), secure at /outer/inner: APIKeyHeader
GET    /outer/inner/  OAuth2PasswordBearer(read) & APIKeyHeader                                     without verify: APIKeyHeader, secure at /outer: OAuth2PasswordBearer(read), secure at /outer/inner: APIKeyHeader
GET    /outer/open    []                                                                            public: its context says so, secure at /outer: OAuth2PasswordBearer(read), secure at /outer: []
`)
  t.equal(printSecurity([]), '\n')
})

t.test('a context without a prefix is /', async (t) => {
  const app = await createApp()
  app.secure([{ scheme: app.authSchemes.httpBearer() }])
  app.get('/a', handler)
  await app.ready()
  t.match(app.authSchemes.routes()[0]?.contexts, [{ prefix: '/', security: [{ HTTPBearer: [] }] }])
})

t.test('the list is refused before the application is ready', async (t) => {
  const app = await createApp()
  const expected = { code: 'FST_AUTH_NOT_READY', message: 'The list of routes is complete only once the application is ready; call `await app.ready()` before' }
  t.throws(() => app.authSchemes.routes(), expected)
  t.throws(() => app.printSecurity(), expected)
  t.throws(() => auditRoutes(new Routes({}, 'onRequest', {}, [], false)), expected)
})
