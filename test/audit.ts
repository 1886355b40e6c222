import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { auditRoutes, printSecurity } from '../lib/audit'
import { Routes } from '../lib/routes/routes'
import { authSchemes } from '../lib'
import { createApp, openapi31 } from './helpers'
import { registration } from './requirement/helpers'

const handler = async (): Promise<void> => {}

async function create (): Promise<FastifyInstance> {
  const app = Fastify({ exposeHeadRoutes: false })
  app.get('/early', handler)
  await app.register(authSchemes)
  const oauth2 = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { read: 'Read', write: 'Write' }, verify: () => null })
  const key = app.authSchemes.apiKeyHeader({ name: 'k' })
  app.get('/undeclared', handler)
  app.get('/public', { security: [] }, handler)
  app.get('/optional', { security: [{ scheme: key }, {}] }, handler)
  app.get('/with-head', { security: [{ scheme: key }], exposeHeadRoute: true }, handler)
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
    { method: 'GET', url: '/early', security: null, public: true, hidden: false, publicBy: 'before-plugin', unverified: [], contexts: [] },
    { method: 'GET', url: '/undeclared', security: null, public: true, hidden: false, publicBy: 'undeclared', unverified: [], contexts: [] },
    { method: 'GET', url: '/public', security: [], public: true, hidden: false, publicBy: 'security', unverified: [], contexts: [] },
    { method: 'GET', url: '/optional', security: [{ APIKeyHeader: [] }, {}], public: true, hidden: false, publicBy: 'optional', unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'GET', url: '/with-head', security: [{ APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'HEAD', url: '/with-head', security: [{ APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'PUT', ...several },
    { method: 'PATCH', ...several },
    { method: 'GET', url: '/hook', security: [{ APIKeyHeader: [] }], public: false, hidden: true, publicBy: null, unverified: ['APIKeyHeader'], contexts: [] },
    { method: 'POST', url: '/token', security: [], public: true, hidden: false, publicBy: 'security', unverified: [], contexts: [] },
    { ...inner, url: '/outer/inner' },
    { ...inner, url: '/outer/inner/' },
    { method: 'GET', url: '/outer/open', security: [], public: true, hidden: false, publicBy: 'context', unverified: [], contexts: [read, { prefix: '/outer', security: [] }] }
  ])
})

t.test('it prints as an aligned table', async (t) => {
  const lines = (await create()).printSecurity().split('\n')
  t.equal(lines.pop(), '')
  const starts = ['GET    /early         ', 'HEAD   /with-head     ', 'GET    /outer/inner/  ', 'PATCH  /several       ']
  for (const start of starts) t.ok(lines.some((line) => line.startsWith(start) && line[start.length] !== ' '), start)
  t.strictSame(lines.map((line) => line.split(/ {2,}/)), [
    ['GET', '/early', '-', 'public: declared before the plugin was loaded'],
    ['GET', '/undeclared', '-', 'public: no security declared'],
    ['GET', '/public', '[]', 'public: security: []'],
    ['GET', '/optional', 'APIKeyHeader | {}', 'public: authentication is optional, not verified: APIKeyHeader'],
    ['GET', '/with-head', 'APIKeyHeader', 'not verified: APIKeyHeader'],
    ['HEAD', '/with-head', 'APIKeyHeader', 'not verified: APIKeyHeader'],
    ['PUT', '/several', 'APIKeyHeader(role) & OAuth2PasswordBearer | OAuth2PasswordBearer(read write)', 'not verified: APIKeyHeader'],
    ['PATCH', '/several', 'APIKeyHeader(role) & OAuth2PasswordBearer | OAuth2PasswordBearer(read write)', 'not verified: APIKeyHeader'],
    ['GET', '/hook', 'APIKeyHeader', 'not verified: APIKeyHeader, hidden'],
    ['POST', '/token', '[]', 'public: security: []'],
    ['GET', '/outer/inner', 'OAuth2PasswordBearer(read) & APIKeyHeader',
      'not verified: APIKeyHeader, secure at /outer: OAuth2PasswordBearer(read), secure at /outer/inner: APIKeyHeader'],
    ['GET', '/outer/inner/', 'OAuth2PasswordBearer(read) & APIKeyHeader',
      'not verified: APIKeyHeader, secure at /outer: OAuth2PasswordBearer(read), secure at /outer/inner: APIKeyHeader'],
    ['GET', '/outer/open', '[]', 'public: secure([]) of its context, secure at /outer: OAuth2PasswordBearer(read), secure at /outer: []']
  ])
  t.equal(printSecurity([]), '\n')
})

t.test('a context without a prefix is /', async (t) => {
  const app = await createApp()
  app.secure([{ scheme: app.authSchemes.httpBearer() }])
  app.get('/a', handler)
  await app.ready()
  t.strictSame(app.authSchemes.routes()[0]?.contexts, [{ prefix: '/', security: [{ HTTPBearer: [] }] }])
})

t.test('the list is refused before the application is ready', async (t) => {
  const app = await createApp()
  const expected = { code: 'FST_AUTH_NOT_READY', message: 'The list of routes is complete only once the application is ready; call `await app.ready()` before' }
  t.throws(() => app.authSchemes.routes(), expected)
  t.throws(() => app.printSecurity(), expected)
  t.throws(() => auditRoutes(new Routes(registration, 'onRequest', Fastify(), { before: [], early: [] })), expected)
})

t.test('alternatives that contradict themselves are not listed', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => true })
  app.secure([{ scheme }])
  app.get('/a', { security: [{ scheme, scopes: ['a'] }, {}] }, handler)
  await app.ready()
  t.strictSame(app.authSchemes.routes().map(({ security, public: open }) => [security, open]), Array(2).fill([[{ HTTPBearer: ['a'] }], false]))
})

const hidings: ReadonlyArray<readonly [rule: string, swagger: object, schema: object | null | undefined, hidden: boolean]> = [
  ['shown', {}, { summary: 'x' }, false],
  ['without a schema', {}, undefined, false],
  ['schema.hide', {}, { hide: true }, true],
  ['schema.hide of any true value', {}, { hide: 'false' }, true],
  ['hiddenTag', { hiddenTag: 'X-HIDDEN' }, { tags: ['X-HIDDEN'] }, true],
  ['hideUntagged', { hideUntagged: true }, { summary: 'x' }, true],
  ['transform', { transform: ({ schema, url }: any) => ({ schema: { ...schema, hide: true }, url }) }, { summary: 'x' }, true]
]
for (const [rule, swagger, schema, hidden] of hidings) {
  t.test(`a route and its HEAD route are hidden where the document does not show the route: ${rule}`, async (t) => {
    const app = await createApp({ swagger: { ...openapi31, ...swagger } as any, server: { exposeHeadRoutes: true } })
    const options = schema === undefined ? {} : { schema }
    app.get('/a', { ...options as object, security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
    await app.ready()
    app.swagger()
    t.strictSame(app.authSchemes.routes().map((route) => [route.method, route.hidden]), [['GET', hidden], ['HEAD', hidden]])
  })
}

t.test('a HEAD route without a GET route is not hidden', async (t) => {
  const app = await createApp()
  app.head('/a', handler)
  await app.ready()
  app.swagger()
  t.strictSame(app.authSchemes.routes().map((route) => route.hidden), [false])
})
