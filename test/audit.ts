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
  app.register(async function outer (outer) {
    outer.secure([{ scheme: oauth2, scopes: ['read'] }])
    outer.register(async function inner (inner) {
      inner.secure([{ scheme: key }])
      inner.get('/', handler)
    }, { prefix: '/inner' })
    outer.register(async function open (open) {
      open.secure([])
      open.get('/open', handler)
    })
  }, { prefix: '/outer' })
  await app.ready()
  return app
}

t.test('every route is listed with what it requires, what makes it public, and what its contexts added', async (t) => {
  const app = await create()
  const read = { prefix: '/outer', plugin: 'outer', security: [{ OAuth2PasswordBearer: ['read'] }] }
  const several = { url: '/several', security: [{ APIKeyHeader: ['role'], OAuth2PasswordBearer: [] }, { OAuth2PasswordBearer: ['read', 'write'] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], derived: [], contexts: [] }
  const inner = { method: 'GET', security: [{ OAuth2PasswordBearer: ['read'], APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], derived: [], contexts: [read, { prefix: '/outer/inner', plugin: 'inner', security: [{ APIKeyHeader: [] }] }] }
  t.strictSame(app.authSchemes.routes(), [
    { method: 'GET', url: '/early', security: null, public: true, hidden: false, publicBy: 'before-plugin', unverified: [], derived: [], contexts: [] },
    { method: 'GET', url: '/undeclared', security: null, public: true, hidden: false, publicBy: 'undeclared', unverified: [], derived: [], contexts: [] },
    { method: 'GET', url: '/public', security: [], public: true, hidden: false, publicBy: 'security', unverified: [], derived: [], contexts: [] },
    { method: 'GET', url: '/optional', security: [{ APIKeyHeader: [] }, {}], public: true, hidden: false, publicBy: 'optional', unverified: ['APIKeyHeader'], derived: [], contexts: [] },
    { method: 'GET', url: '/with-head', security: [{ APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], derived: [], contexts: [] },
    { method: 'HEAD', url: '/with-head', security: [{ APIKeyHeader: [] }], public: false, hidden: false, publicBy: null, unverified: ['APIKeyHeader'], derived: [], contexts: [] },
    { method: 'PUT', ...several },
    { method: 'PATCH', ...several },
    { method: 'GET', url: '/hook', security: [{ APIKeyHeader: [] }], public: false, hidden: true, publicBy: null, unverified: ['APIKeyHeader'], derived: [], contexts: [] },
    { method: 'POST', url: '/token', security: [], public: true, hidden: false, publicBy: 'security', unverified: [], derived: [], contexts: [] },
    { ...inner, url: '/outer/inner' },
    { ...inner, url: '/outer/inner/' },
    { method: 'GET', url: '/outer/open', security: [], public: true, hidden: false, publicBy: 'context', unverified: [], derived: [], contexts: [read, { prefix: '/outer', plugin: 'open', security: [] }] }
  ])
})

t.test('it prints as an aligned table', async (t) => {
  const lines = (await create()).printSecurity().split('\n')
  t.equal(lines.pop(), '')
  t.ok(lines.every((line) => /^(?:GET|POST|GET,HEAD|PATCH,PUT) +\/\S* +\S/.test(line)))
  t.strictSame([...new Set(lines.map((line) => line.indexOf('/')))], ['PATCH,PUT  '.length], 'its columns are aligned')
  t.strictSame(lines.map((line) => line.split(/ {2,}/)), [
    ['GET', '/early', '-', 'public: declared before the plugin was loaded'],
    ['GET', '/undeclared', '-', 'public: no security declared'],
    ['GET', '/public', '[]', 'public: security: []'],
    ['GET', '/optional', 'APIKeyHeader | {}', 'public: authentication is optional, not verified: APIKeyHeader'],
    ['GET,HEAD', '/with-head', 'APIKeyHeader', 'not verified: APIKeyHeader'],
    ['PATCH,PUT', '/several', 'APIKeyHeader(role) & OAuth2PasswordBearer | OAuth2PasswordBearer(read write)',
      'not verified: APIKeyHeader'],
    ['GET', '/hook', 'APIKeyHeader', 'not verified: APIKeyHeader, hidden'],
    ['POST', '/token', '[]', 'public: security: []'],
    ['GET', '/outer/inner[/]', 'OAuth2PasswordBearer(read) & APIKeyHeader',
      'not verified: APIKeyHeader, secure at /outer: OAuth2PasswordBearer(read), secure at /outer/inner: APIKeyHeader'],
    ['GET', '/outer/open', '[]',
      'public: secure([]) of its context, secure at /outer: OAuth2PasswordBearer(read), secure at /outer: []']
  ])
  t.equal(printSecurity([]), '\n')
})

t.test('the root is /', async (t) => {
  const app = await createApp()
  app.secure([{ scheme: app.authSchemes.httpBearer() }])
  app.get('/a', handler)
  await app.ready()
  t.strictSame(app.authSchemes.routes()[0]?.contexts,
    [{ prefix: '/', plugin: 'fastify', security: [{ HTTPBearer: [] }] }])
})

t.test('the list is refused before the application is ready', async (t) => {
  const app = await createApp()
  const expected = { code: 'FST_AUTH_NOT_READY', message: 'The list of routes is complete only once the application is ready; call `await app.ready()` before' }
  t.throws(() => app.authSchemes.routes(), expected)
  t.throws(() => app.printSecurity(), expected)
  t.throws(() => auditRoutes(new Routes(registration, 'onRequest', Fastify(), { unseen: [], unseenHere: [] })), expected)
})

t.test('alternatives that contradict themselves are not listed', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => true })
  app.secure([{ scheme }])
  app.get('/a', { security: [{ scheme, scopes: ['a'] }, {}] }, handler)
  await app.ready()
  t.strictSame(app.authSchemes.routes().map(({ security, public: open }) => [security, open]),
    Array(2).fill([[{ HTTPBearer: ['a'] }], false]))
})

const hidings: ReadonlyArray<readonly [rule: string, swagger: object, schema: object | null | undefined,
  hidden: boolean]> = [
    ['shown', {}, { summary: 'x' }, false],
    ['without a schema', {}, undefined, false],
    ['schema.hide', {}, { hide: true }, true],
    ['schema.hide of any true value', {}, { hide: 'false' }, true],
    ['hiddenTag', { hiddenTag: 'X-HIDDEN' }, { tags: ['X-HIDDEN'] }, true],
    ['hideUntagged', { hideUntagged: true }, { summary: 'x' }, true],
    ['transform', { transform: ({ schema, url }: any) => ({ schema: { ...schema, hide: true }, url }) }, { summary: 'x' },
      true]
  ]
for (const [rule, swagger, schema, hidden] of hidings) {
  t.test(`a route and its HEAD route are hidden where the document does not show the route: ${rule}`, async (t) => {
    const app = await createApp({ swagger: { ...openapi31, ...swagger } as any, server: { exposeHeadRoutes: true } })
    const options = schema === undefined ? {} : { schema }
    app.get('/a', { ...options as object, security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
    await app.ready()
    app.swagger()
    t.strictSame(app.authSchemes.routes().map((route) => [route.method, route.hidden]),
      [['GET', hidden], ['HEAD', hidden]])
  })
}

t.test('a HEAD route without a GET route is not hidden', async (t) => {
  const app = await createApp()
  app.head('/a', handler)
  await app.ready()
  app.swagger()
  t.strictSame(app.authSchemes.routes().map((route) => route.hidden), [false])
})

t.test('a context without a prefix is named by its plugin', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: false } })
  app.register(async function admin (admin) {
    admin.secure([{ scheme: app.authSchemes.httpBearer({ verify: () => true }) }])
    admin.get('/a', handler)
  })
  await app.ready()
  t.strictSame(app.authSchemes.routes()[0]?.contexts,
    [{ prefix: '/', plugin: 'admin', security: [{ HTTPBearer: [] }] }])
  t.equal(app.printSecurity(), 'GET  /a  HTTPBearer  secure in admin: HTTPBearer\n')
})

t.test('further checks are listed by the names of their functions', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: false } })
  const base = app.authSchemes.httpBearer({ verify: () => true })
  const isAdmin = (): boolean => true
  const scheme = base.derive({ verify: isAdmin }).derive({ scopes: ['a'] }).derive({ verify: (() => () => true)() })
  app.get('/a', { security: [{ scheme }, { scheme: base }] }, handler)
  await app.ready()
  t.strictSame(app.authSchemes.routes()[0]?.derived, ['HTTPBearer isAdmin', 'HTTPBearer a further check'])
  t.equal(app.printSecurity(), 'GET  /a  HTTPBearer(a) | HTTPBearer  with HTTPBearer isAdmin, with HTTPBearer a further check\n')
})

t.test('hidden routes of one kind share a line, and routes that are shown do not', async (t) => {
  const app = await createApp({ server: { exposeHeadRoutes: false } })
  for (const url of ['/files/a', '/files/b', '/files/bc']) {
    app.get(url, { security: [], schema: { hide: true } },
      handler)
  }
  for (const url of ['/shown/a', '/shown/b']) app.get(url, { security: [] }, handler)
  app.get('/secret', { security: [{ scheme: app.authSchemes.httpBearer({ verify: () => true }) }], schema: { hide: true } }, handler)
  await app.ready()
  t.strictSame(app.printSecurity().split('\n').map((line) => line.split(/ {2,}/)), [
    ['GET', '/files/… (3 routes)', '[]', 'public: security: [], hidden'],
    ['GET', '/shown/a', '[]', 'public: security: []'],
    ['GET', '/shown/b', '[]', 'public: security: []'],
    ['GET', '/secret', 'HTTPBearer', 'hidden'],
    ['']
  ])
})

t.test('a path whose routes all begin alike', async (t) => {
  const route = { method: 'GET', security: [], public: true, hidden: true, publicBy: 'security', unverified: [], derived: [], contexts: [] } as const
  t.equal(printSecurity([{ ...route, url: '/a' }, { ...route, url: '/ab' }]),
    'GET  /a… (2 routes)  []  public: security: [], hidden\n')
})

t.test('a route that the plugin option `public` names is listed so', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  await app.register(authSchemes, { public: ['/health'] } as object)
  app.get('/health', handler)
  await app.ready()
  t.equal(app.printSecurity(), 'GET  /health  []  public: plugin option `public`\n')
})
