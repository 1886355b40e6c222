import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { nodeOf, nodeOfHook } from '../lib/requirement/node'
import { createScheme, overrideScheme, routeHookOf } from '../lib/scheme'
import { httpBearer } from '../lib/schemes/http'
import { oauth2PasswordBearer } from '../lib/schemes/oauth2'
import {
  INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, challengesOf, createApp, documentOf
} from './helpers'
import { registration } from './requirement/helpers'

const UNDEFINED = (option: string): string =>
  `the option \`${option}\` is undefined: leave it out, or import it from a module that does not import this one (a circular import)`

t.test('a scheme cannot be changed, and its hooks lead back to it', async (t) => {
  const definition = httpBearer()
  const scheme = createScheme(definition, registration)
  const node = nodeOf(scheme)
  t.ok(Object.isFrozen(scheme))
  t.equal(node?.definition, definition)
  t.equal(node?.registration, registration)
  t.equal(node?.base, node)
  t.equal(node?.parent, null)
  for (const hook of [scheme.preHandler, node === undefined ? null : routeHookOf(node)]) t.equal(nodeOfHook(hook), node)
  t.equal(scheme.from({ auth: null }), null, 'a request that no hook has run on')
})

t.test('the options of derive are checked', async (t) => {
  const scheme = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A' } }), registration)
  const bad: ReadonlyArray<readonly [options: any, message: string]> = [
    [undefined, 'the options must be an object'],
    [null, 'the options must be an object'],
    [[], 'the options must be an object'],
    [{ scope: ['a'] }, 'there is no option `scope`: it takes scopes, verify'],
    [{ verify: 'x' }, 'the option `verify` must be a function'],
    [{ scopes: 'a' }, 'the option `scopes` must be an array of scope names'],
    [{ scopes: undefined }, UNDEFINED('scopes')],
    [{ verify: undefined }, UNDEFINED('verify')],
    [{ verify: null }, 'the option `verify` must be a function'],
    [{ scopes: null }, 'the option `scopes` must be an array of scope names']
  ]
  for (const [options, message] of bad) {
    t.throws(() => scheme.derive(options),
      { name: 'TypeError', message: `OAuth2PasswordBearer.derive: ${message}` })
  }
  t.throws(() => scheme.derive({ scopes: ['b'] }), {
    code: 'FST_AUTH_UNKNOWN_SCOPE',
    message: 'OAuth2PasswordBearer.derive: the scheme "OAuth2PasswordBearer" does not declare the scope "b" (declared: "a"); correct it, or add it to the `scopes` of the scheme'
  })
  const scopes = ['a']
  const derived = nodeOf(scheme.derive({ scopes }))
  scopes.push('b')
  t.strictSame(derived?.scopes, ['a'])
  t.equal(derived?.parent, nodeOf(scheme))
})

t.test('preHandler guards a route where it stands, and is documented', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' && { name: 'me' } })
  const maybe = app.authSchemes.httpBearer({ schemeName: 'Maybe', autoError: false })
  for (const hook of ['onRequest', 'preValidation', 'preHandler'] as const) {
    app.get(`/${hook}`, { [hook]: scheme.preHandler }, async (request) => scheme.from(request)?.user)
    app.get(`/${hook}/array`, { [hook]: [async () => {}, scheme.preHandler] }, async (request) => request.auth?.user)
  }
  app.get('/maybe', { preHandler: maybe.preHandler }, async (request) => ({ auth: request.auth }))
  await app.ready()
  const { paths } = documentOf(app)
  for (const hook of ['onRequest', 'preValidation', 'preHandler', 'onRequest/array', 'preValidation/array',
    'preHandler/array']) {
    const absent = await app.inject(`/${hook}`)
    t.strictSame(absent.json(), NOT_AUTHENTICATED)
    t.equal(absent.headers['www-authenticate'], 'Bearer')
    t.strictSame((await app.inject({ url: `/${hook}`, headers: bearer('good') })).json(), { name: 'me' })
    t.strictSame(paths[`/${hook}`].get.security, [{ HTTPBearer: [] }])
    t.strictSame(Object.keys(paths[`/${hook}`].get.responses), ['200', '401', '403'])
  }
  t.strictSame((await app.inject('/maybe')).json(), { auth: null })
  t.strictSame(paths['/maybe'].get.security, [{ Maybe: [] }, {}])
})

/** An application whose route `/` steps up by `require`, and counts. */
async function stepUp (security: (schemes: any) => any[], options: object = {}, own: object = {}) {
  const app = await createApp()
  let verified = 0
  const scheme = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: 'token',
    scopes: { a: 'A', b: 'B', c: 'C' },
    verify: (token: string) => {
      verified++
      return token.startsWith('good') && { name: 'me', scopes: token.split('.').slice(1) }
    }
  })
  const derived = scheme.derive({ scopes: ['b'], verify: (user) => ({ derived: user.name }) })
  const key = app.authSchemes.apiKeyHeader({ name: 'k', verify: (value) => value === 'good' })
  const ran: unknown[] = []
  const add = (url: string, required: any): void => {
    app.get(url, { security: security({ scheme, derived, key }), ...own }, async (request) => {
      const auth = required.require(request, options)
      ran.push(auth)
      return { auth, verified }
    })
  }
  add('/', scheme)
  add('/derived', derived)
  return { app, ran, counted: () => verified }
}

t.test('require: the `Auth` of the scheme, synchronously, without a second verify', async (t) => {
  const { app, counted } = await stepUp(({ scheme }) => [{ scheme, scopes: ['a'] }], { scopes: ['c'] })
  t.strictSame((await app.inject({ url: '/', headers: bearer('good.a.c') })).json(), {
    auth: { scheme: 'OAuth2PasswordBearer', credentials: 'good.a.c', token: 'good.a.c', user: { name: 'me', scopes: ['a', 'c'] }, scopes: ['a'], scopeStr: 'a' },
    verified: 1
  })
  t.equal(counted(), 1)
})

t.test('require: 403 with all scopes, the route\'s and its own, each once', async (t) => {
  const { app, ran } = await stepUp(({ scheme }) => [{ scheme, scopes: ['a'] }], { scopes: ['a', 'c'] })
  const response = await app.inject({ url: '/', headers: bearer('good.a') })
  t.equal(response.statusCode, 403)
  t.strictSame(response.json(), INSUFFICIENT_SCOPE)
  t.strictSame(challengesOf(response), ['Bearer error="insufficient_scope", scope="a c"'])
  t.strictSame(ran, [])
})

t.test('require: 403 with all scopes, also where the context, the route and hooks require the scheme', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: ({ credentials }) => ({ scopes: credentials.split('.') }) })
  const [first, second] = [scheme.derive({ scopes: ['first'] }), scheme.derive({ scopes: ['second'] })]
  const ran: unknown[] = []
  await app.register(async (child) => {
    child.secure([{ scheme, scopes: ['context'] }])
    for (const [url, required] of [['/scheme', scheme], ['/first', first]] as const) {
      child.get(url, { security: [{ scheme, scopes: ['route'] }], preHandler: [first.preHandler, second.preHandler] },
        async (request) => { ran.push(required.require(request, { scopes: ['own', 'route'] })) })
    }
  })
  for (const url of ['/scheme', '/first']) {
    const response = await app.inject({ url, headers: bearer('context.route.first.second') })
    t.equal(response.statusCode, 403, url)
    t.strictSame(challengesOf(response), ['Bearer error="insufficient_scope", scope="context route first second own"'], url)
  }
  t.strictSame(ran, [])
})

t.test('require: 401 with its challenge where nothing was accepted for it', async (t) => {
  const rows: ReadonlyArray<readonly [rule: string, security: (schemes: any) => any[], headers: Record<string,
    string>]> = [
      ['nobody', ({ scheme }) => [{ scheme, scopes: ['a'] }, {}], {}],
      ['another scheme', ({ scheme, key }) => [{ scheme, scopes: ['a'] }, { scheme: key }], { k: 'good' }]
    ]
  for (const [rule, security, headers] of rows) {
    const { app, ran } = await stepUp(security, { scopes: ['c'] })
    const response = await app.inject({ url: '/', headers })
    t.equal(response.statusCode, 401, rule)
    t.strictSame(response.json(), NOT_AUTHENTICATED, rule)
    t.strictSame(challengesOf(response), ['Bearer scope="a c"'], rule)
    t.strictSame(ran, [], rule)
  }
})

const lacking: ReadonlyArray<readonly [rule: string, security: (schemes: any) => any[], own: object, url: string]> = [
  ['another scheme', ({ key }) => [{ scheme: key }], {}, '/'],
  ['security: []', () => [], {}, '/'],
  ['a derived scheme, where only its base is required', ({ scheme }) => [{ scheme }], {}, '/derived']
]
for (const [rule, security, own, url] of lacking) {
  t.test(`require: 500 naming route and scheme, where the route does not require it: ${rule}`, async (t) => {
    const { app, ran } = await stepUp(security, {}, own)
    const response = await app.inject({ url, headers: { ...bearer('good'), k: 'good' } })
    t.equal(response.statusCode, 500)
    t.strictSame(response.json(), {
      statusCode: 500,
      code: 'FST_AUTH_UNKNOWN_SCHEME',
      error: 'Internal Server Error',
      message: `GET ${url}: the handler requires ${url === '/derived' ? 'a scheme derived from' : 'the scheme'} "OAuth2PasswordBearer", which is not in the \`security\` of the route; add it there`
    })
    t.strictSame(challengesOf(response), [])
    t.strictSame(ran, [])
  })
}

t.test('require: 500 on a URL without a route, and on a request that no hook has run on', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer()
  app.setNotFoundHandler(async (request) => scheme.require(request))
  for (const query of ['', '?k=secret', ';k=secret', ';k=secret?k=secret']) {
    t.match((await app.inject(`/unknown${query}`)).json(),
      { statusCode: 500, message: /^GET \/unknown: the handler requires the scheme "HTTPBearer"/ })
  }
})

t.test('require: a derived scheme has its own user, and the scopes granted to its base\'s', async (t) => {
  const security = ({ derived }: any): any[] => [{ scheme: derived, scopes: ['a'] }]
  const { app } = await stepUp(security, { scopes: ['c'] })
  const granted = await app.inject({ url: '/derived', headers: bearer('good.a.b.c') })
  t.strictSame(granted.json().auth.user, { derived: 'me' })
  t.strictSame(granted.json().auth.scopes, ['a', 'b'])
  t.strictSame((await app.inject({ url: '/', headers: bearer('good.a.b.c') })).json().auth.user,
    { name: 'me', scopes: ['a', 'b', 'c'] }, 'the base is there, too')
  const response = await app.inject({ url: '/derived', headers: bearer('good.a.b') })
  t.equal(response.statusCode, 403)
  t.strictSame(challengesOf(response), ['Bearer error="insufficient_scope", scope="a b c"'])
})

t.test('require: scopes are those of the first check that verifies; without one, none are granted', async (t) => {
  const app = await createApp()
  const base = app.authSchemes.httpBearer()
  const checked = base.derive({ verify: (_user, { credentials }) => ({ scope: credentials.credentials }) })
  app.get('/checked', { security: [{ scheme: checked }] },
    async (request) => checked.require(request, { scopes: ['a'] }).user)
  app.get('/unverified', { security: [{ scheme: base }] }, async (request) => base.require(request, { scopes: ['a'] }))
  app.get('/extracted', { security: [{ scheme: base }] }, async (request) => base.require(request).token)
  t.strictSame((await app.inject({ url: '/checked', headers: bearer('a') })).json(), { scope: 'a' })
  for (const [url, token] of [['/checked', 'b'], ['/unverified', 'a']] as const) {
    const response = await app.inject({ url, headers: bearer(token) })
    t.equal(response.statusCode, 403, url)
    t.strictSame(challengesOf(response), ['Bearer error="insufficient_scope", scope="a"'], url)
  }
  t.equal((await app.inject({ url: '/extracted', headers: bearer('a') })).body, 'a')
})

t.test('require: the alternative that was accepted counts, and hooks of the route do, too', async (t) => {
  const { app } = await stepUp(({ scheme, key }) => [[{ scheme, scopes: ['a'] }, { scheme: key }],
    { scheme, scopes: ['b'] }], { scopes: ['c'] })
  const response = await app.inject({ url: '/', headers: bearer('good.b') })
  t.strictSame(challengesOf(response), ['Bearer error="insufficient_scope", scope="b c"'])
  const hooked = await createApp()
  const scheme = hooked.authSchemes.httpBearer({ verify: () => ({ scopes: ['a'] }) })
  const key = hooked.authSchemes.apiKeyHeader({ name: 'k' })
  hooked.get('/', { security: [{ scheme: key }], preHandler: scheme.preHandler },
    async (request) => [scheme.require(request, { scopes: ['a'] }).scheme, key.require(request).scheme])
  t.strictSame((await hooked.inject({ url: '/', headers: { ...bearer('x'), k: 'k' } })).json(),
    ['HTTPBearer', 'APIKeyHeader'])
})

t.test('require: status and challenge hold through a custom error handler, and leave nothing where the handler catches them', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => ({ scopes: ['a'] }) })
  app.setErrorHandler((error: any, _request, reply) => { reply.send({ own: error.code }) })
  app.get('/thrown', { security: [{ scheme }] }, async (request) => scheme.require(request, { scopes: ['b'] }))
  app.get('/caught', { security: [{ scheme }] }, async (request) => {
    try {
      return scheme.require(request, { scopes: ['b'] })
    } catch (error: any) {
      return { caught: error.code }
    }
  })
  const thrown = await app.inject({ url: '/thrown', headers: bearer('x') })
  t.equal(thrown.statusCode, 403)
  t.strictSame(thrown.json(), { own: 'FST_AUTH_INSUFFICIENT_SCOPE' })
  t.strictSame(challengesOf(thrown), ['Bearer error="insufficient_scope", scope="b"'])
  const caught = await app.inject({ url: '/caught', headers: bearer('x') })
  t.equal(caught.statusCode, 200)
  t.strictSame(caught.json(), { caught: 'FST_AUTH_INSUFFICIENT_SCOPE' })
  t.strictSame(challengesOf(caught), [])
})

t.test('require: in an error handler, the refusal of the request, if it is one of the scheme', async (t) => {
  const app = await createApp()
  const token = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' && { scopes: ['a'] } })
  const derived = token.derive({ verify: () => null })
  const key = app.authSchemes.apiKeyHeader({ name: 'k', verify: () => true })
  const ran: unknown[] = []
  app.setErrorHandler((_error, request) => {
    const required = { token, derived, key }[(request.query as { required: 'token' | 'derived' | 'key' }).required]
    ran.push(required.require(request))
  })
  const security = [{ scheme: token, scopes: ['b'] }, { scheme: derived }]
  app.get('/', { security }, async () => { ran.push('handler') })
  app.get('/thrown', { security: [{ scheme: token }] }, async (request) => token.require(request, { scopes: ['b'] }))
  const rows = [
    ['token', {}, NOT_AUTHENTICATED, ['Bearer scope="b"', 'Bearer']],
    ['derived', {}, NOT_AUTHENTICATED, ['Bearer scope="b"', 'Bearer']],
    ['token', bearer('bad'), INVALID_CREDENTIALS,
      ['Bearer error="invalid_token", scope="b"', 'Bearer error="invalid_token"']],
    ['token', bearer('good'), INSUFFICIENT_SCOPE, ['Bearer error="insufficient_scope", scope="b"']]
  ] as const
  for (const [required, headers, body, challenges] of rows) {
    const response = await app.inject({ url: `/?required=${required}`, headers })
    t.equal(response.statusCode, body.statusCode)
    t.strictSame(response.json(), body)
    t.strictSame(challengesOf(response), challenges)
  }
  const other = await app.inject('/?required=key')
  t.equal(other.statusCode, 500)
  t.match(other.json(), { code: 'FST_AUTH_UNKNOWN_SCHEME', message: /the scheme "APIKeyHeader", which is not in/ })
  const thrown = await app.inject({ url: '/thrown?required=key', headers: bearer('good') })
  t.match(thrown.json(), { code: 'FST_AUTH_UNKNOWN_SCHEME' }, 'a refusal by `require` is of no hook')
  t.strictSame(ran, [])
})

t.test('require: the request must be that of Fastify', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => true })
  app.get('/', { security: [{ scheme }] }, async (request) => scheme.require(request.raw as any))
  const response = await app.inject({ url: '/', headers: bearer('x') })
  t.equal(response.statusCode, 500)
  t.strictSame(response.json().message,
    'HTTPBearer.require: the first argument must be the request of Fastify, not its `raw`')
})

t.test('require: its options are checked', async (t) => {
  const bad: ReadonlyArray<readonly [options: any, message: string]> = [
    [null, 'the options must be an object'],
    [['a'], 'the options must be an object'],
    [{ scope: ['a'] }, 'there is no option `scope`: it takes scopes'],
    [{ scopes: 'a' }, 'the option `scopes` must be an array of scope names'],
    [{ scopes: undefined }, UNDEFINED('scopes')],
    [{ verify: () => true }, 'there is no option `verify`: it takes scopes']
  ]
  for (const [options, message] of bad) {
    const { app, ran } = await stepUp(({ scheme }) => [{ scheme }], options)
    const response = await app.inject({ url: '/', headers: bearer('good') })
    t.equal(response.statusCode, 500)
    t.equal(response.json().message, `OAuth2PasswordBearer.require: ${message}`)
    t.strictSame(ran, [])
  }
  const { app } = await stepUp(({ scheme }) => [{ scheme }], { scopes: ['unknown'] })
  t.equal((await app.inject({ url: '/', headers: bearer('good') })).json().code, 'FST_AUTH_UNKNOWN_SCOPE')
})

/** An application in which a scheme's hook runs where no route declares it. */
async function undeclared (run: (app: FastifyInstance, key: any) => void) {
  const lines: string[] = []
  const app = await createApp({ server: { exposeHeadRoutes: false, logger: { level: 'warn', stream: { write: (line: string) => { lines.push(JSON.parse(line).msg) } } } } })
  const key = app.authSchemes.apiKeyHeader({ name: 'k', verify: (value) => value === 'good' })
  const admin = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })
  let ran = 0
  const handler = async (request: any): Promise<object> => ({ ran: ++ran, auth: request.auth?.scheme ?? request.auth })
  run(app, key)
  app.get('/undeclared', handler)
  app.get('/public', { security: [] }, handler)
  app.get('/optional', { security: [{ scheme: admin }, {}] }, handler)
  app.get('/admin', { security: [{ scheme: admin }] }, handler)
  app.get('/either', { security: [{ scheme: key }, { scheme: admin }] }, handler)
  app.get('/declared', { security: [{ scheme: key }] }, handler)
  return { app, lines, ran: () => ran }
}

const ways: ReadonlyArray<readonly [rule: string, run: (app: FastifyInstance, key: any) => void]> = [
  ['an instance hook', (app, key) => { app.addHook('preHandler', key.preHandler) }],
  ['an early instance hook', (app, key) => { app.addHook('onRequest', key.preHandler) }],
  ['called by hand', (app,
    key) => { app.addHook('preValidation', (request, reply, done) => { key.preHandler(request, reply, done) }) }]
]
const cure = (url: string): string => `GET ${url} enforces more than it documents: a hook of the scheme "APIKeyHeader" runs there, but the route does not declare this scheme; ` +
  'require the scheme by `security` or `app.secure`'

for (const [rule, run] of ways) {
  t.test(`a hook that a route does not declare is enforced, logged once a route, and sets no foreign request.auth: ${rule}`, async (t) => {
    const { app, lines, ran } = await undeclared(run)
    const expected = { '/undeclared': 'APIKeyHeader', '/public': null, '/optional': null, '/admin': 'HTTPBearer', '/either': 'APIKeyHeader', '/declared': 'APIKeyHeader' }
    for (const [url, auth] of Object.entries(expected)) {
      const token = url === '/admin' ? bearer('good') : {}
      t.equal((await app.inject({ url, headers: token })).statusCode, 401, url)
      const before = ran()
      for (let i = 0; i < 2; i++) t.strictSame((await app.inject({ url, headers: { k: 'good', ...token } })).json().auth, auth, url)
      t.equal((await app.inject({ url, headers: { k: 'bad', ...token } })).statusCode, 401, url)
      t.equal(ran(), before + 2, url)
    }
    t.strictSame(lines, ['/undeclared', '/public', '/optional', '/admin', '/either'].map(cure))
    t.equal((await app.inject('/unknown')).statusCode, 401, 'a URL without a route cannot declare anything')
    t.equal(lines.length, 5)
  })

  t.test(`\`explicit\` refuses a hook that a route does not declare: ${rule}`, async (t) => {
    const explicit = await createApp({ explicit: true, server: { exposeHeadRoutes: false } })
    const key = explicit.authSchemes.apiKeyHeader({ name: 'k', verify: (value) => value === 'good' })
    run(explicit, key)
    let handled = 0
    explicit.get('/public', { security: [] }, async () => ++handled)
    explicit.get('/declared', { security: [{ scheme: key }] }, async () => ++handled)
    for (const headers of [{}, { k: 'good' }]) {
      const response = await explicit.inject({ url: '/public', headers })
      t.equal(response.statusCode, 500)
      t.strictSame(response.json(), {
        statusCode: 500,
        code: 'FST_AUTH_UNGUARDED_ROUTE',
        error: 'Internal Server Error',
        message: `Cannot enforce \`security\` on GET /public: ${cure('').split(': ')[1]}`
      })
    }
    t.equal(handled, 0)
    t.equal((await explicit.inject({ url: '/declared', headers: { k: 'good' } })).statusCode, 200)
  })
}

for (const hook of ['onRequest', 'preHandler'] as const) {
  t.test(`on an unknown URL request.auth is of the context, whatever another hook accepted: ${hook}`, async (t) => {
    const app = await createApp()
    const scheme = app.authSchemes.httpBearer({ verify: () => true })
    const key = app.authSchemes.apiKeyHeader({ name: 'k', verify: () => true })
    app.secure([{ scheme }, {}])
    app.addHook(hook, key.preHandler as any)
    app.setNotFoundHandler(async (request, reply) =>
      reply.code(404).send([request.auth?.scheme, key.from(request)?.scheme]))
    const ask = async (headers: object): Promise<unknown> =>
      (await app.inject({ url: '/unknown', headers: { ...headers, k: 'k' } })).json()
    t.strictSame(await ask(bearer('x')), ['HTTPBearer', 'APIKeyHeader'])
    t.strictSame(await ask({}), [null, 'APIKeyHeader'])
  })
}

t.test('a scheme in a hook that another plugin has wrapped is enforced, and logged', async (t) => {
  const { app, lines, ran } = await undeclared((app, key) => {
    app.addHook('onRoute', (route) => {
      if (route.url === '/undeclared') {
        route.preHandler = [(request, reply,
          done) => { key.preHandler(request, reply, done) }]
      }
    })
  })
  t.equal((await app.inject('/undeclared')).statusCode, 401)
  t.equal(ran(), 0)
  t.strictSame((await app.inject({ url: '/undeclared', headers: { k: 'good' } })).json(),
    { ran: 1, auth: 'APIKeyHeader' })
  t.strictSame(lines, [cure('/undeclared')])
})

t.test('override: every request is accepted as the given user, and scopes are still enforced', async (t) => {
  const warnings: string[] = []
  const app = await createApp({ server: { logger: { level: 'warn', stream: { write: (line: string) => { warnings.push(JSON.parse(line).msg) } } } } })
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify: (): { name: string, scopes: string[] } | null => null })
  const key = app.authSchemes.httpBearer({ verify: false })
  const derived = app.authSchemes.httpBasic({ verify: ({ username }) => ({ username, base: true }) }).derive({ verify: (user) => ({ name: user.username }) })
  app.authSchemes.override(scheme, { user: { name: 'tester', scopes: ['a'] } })
  app.authSchemes.override(key, { credentials: { scheme: 'Bearer', credentials: 'test' } })
  app.authSchemes.override(derived, { user: { name: 'derived' } })
  app.get('/a', { security: [{ scheme, scopes: ['a'] }] }, async (request) => request.auth)
  app.get('/b', { security: [{ scheme, scopes: ['b'] }] }, async () => 'ran')
  app.get('/key', { security: [{ scheme: key }] }, async (request) => request.auth.token)
  app.get('/derived', { security: [{ scheme: derived }] }, async (request) => request.auth.user)
  t.strictSame((await app.inject('/a')).json(),
    { scheme: 'OAuth2PasswordBearer', credentials: '', token: '', user: { name: 'tester', scopes: ['a'] }, scopes: ['a'], scopeStr: 'a' })
  t.equal((await app.inject('/b')).statusCode, 403)
  t.equal((await app.inject('/key')).body, 'test')
  t.strictSame((await app.inject({ url: '/derived', headers: bearer('whatever') })).json(), { name: 'derived' })
  t.strictSame(warnings, ['OAuth2PasswordBearer', 'HTTPBearer', 'HTTPBasic']
    .map((name) => `SECURITY IS OVERRIDDEN: the scheme "${name}" accepts every request, whatever its credentials`))
})

t.test('override: its arguments are checked, and it fails the boot in production', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => true })
  const foreign = (await createApp()).authSchemes.httpBearer()
  const override = app.authSchemes.override as (...args: any[]) => void
  for (const other of [undefined, {}, foreign]) {
    t.throws(() => { override(other, { user: 1 }) },
      { name: 'TypeError', message: 'override: the first argument must be a scheme of this application' })
  }
  for (const auth of [undefined, null, 'me']) {
    t.throws(() => { override(scheme, auth) },
      { message: 'override: the second argument must be an object with the user' })
  }
  for (const user of [undefined, null, false]) {
    t.throws(() => { override(scheme, { user }) },
      { message: 'override: the second argument must have the `user` that "HTTPBearer" is to accept' })
  }
  const checked = app.authSchemes.httpBearer({ schemeName: 'Other' }).derive({ verify: () => true })
  t.throws(() => { override(checked, { user: null }) },
    { message: 'override: the second argument must have the `user` that "Other" is to accept' }, 'a check that was derived counts')
  const { NODE_ENV } = process.env
  t.teardown(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })
  process.env.NODE_ENV = 'production'
  t.throws(() => { override(scheme, { user: 1 }) },
    { code: 'FST_AUTH_OVERRIDE', message: 'A scheme cannot be overridden where NODE_ENV is production: it is for tests' })
  t.equal(nodeOf(scheme)?.override, null)
})

t.test('override: at any time, until it is taken back', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' && { name: 'real' } })
  app.get('/', { security: [{ scheme }] }, async (request) => request.auth.user)
  await app.ready()
  t.equal((await app.inject('/')).statusCode, 401)
  const restore = app.authSchemes.override(scheme, { user: { name: 'test' } })
  t.strictSame((await app.inject('/')).json(), { name: 'test' })
  restore()
  restore()
  t.equal((await app.inject('/')).statusCode, 401)
  t.strictSame((await app.inject({ url: '/', headers: bearer('good') })).json(), { name: 'real' })
})

t.test('override: what is taken back is gone, in whatever order', async (t) => {
  const users = (...schemes: object[]): unknown[] => schemes.map((scheme) => nodeOf(scheme)?.override?.user ?? null)
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]]) {
    const base = createScheme(httpBearer({ verify: () => true }), registration)
    const derived = base.derive({ verify: () => true })
    const restores = [[base, 'first'], [derived, 'derived'],
      [base, 'second']].map(([scheme, user]) => overrideScheme(scheme, registration, { user }).restore)
    t.strictSame(users(base, derived), ['second', 'derived'])
    restores[order[0] as number]?.()
    t.strictSame(users(base, derived),
      [['second', 'derived'], ['second', null], ['first', 'derived']][order[0] as number])
    restores[order[1] as number]?.()
    restores[order[2] as number]?.()
    t.strictSame(users(base, derived), [null, null], order.join())
  }
})

t.test('override: an earlier one of the base stays', async (t) => {
  const base = createScheme(httpBearer({ verify: () => true }), registration)
  const derived = base.derive({ verify: () => true })
  overrideScheme(base, registration, { user: 'base' })
  overrideScheme(derived, registration, { user: 'derived' })
  t.strictSame([base, derived].map((scheme) => nodeOf(scheme)?.override?.user), ['base', 'derived'])
})

t.test('resource is frozen, that of what is derived the same, and null without the option', async (t) => {
  const app = await createApp()
  const resource = { url: 'https://api.example/mcp', authorizationServers: ['https://as.example'] }
  const scheme = app.authSchemes.httpBearer({ resource, verify: () => ({ aud: resource.url, scopes: ['a'] }) })
  t.strictSame(scheme.resource, {
    url: resource.url, metadataUrl: 'https://api.example/.well-known/oauth-protected-resource/mcp', audiences: [resource.url]
  })
  t.ok(Object.isFrozen(scheme.resource))
  t.equal(scheme.derive({}).resource, scheme.resource)
  t.equal(app.authSchemes.apiKeyHeader({ name: 'x' }).resource, null)
  app.get('/', { security: [{ scheme, scopes: ['a'] }] }, async (request) => scheme.require(request, { scopes: ['b'] }).user)
  app.get('/optional', { security: [{ scheme }, {}] }, async (request) => scheme.require(request).user)
  const stepUp = await app.inject({ url: '/', headers: bearer('x') })
  t.equal(stepUp.statusCode, 403)
  t.strictSame(challengesOf(stepUp), [`Bearer resource_metadata="${scheme.resource?.metadataUrl}", error="insufficient_scope", scope="a b"`])
  t.strictSame(challengesOf(await app.inject('/optional')), [`Bearer resource_metadata="${scheme.resource?.metadataUrl}"`])
})

t.test('require in an error handler, for a request that failed before the scheme was checked, is 401', async (t) => {
  const app = await createApp({ hook: 'preValidation' })
  const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: () => { throw new Error('down') } })
  const other = app.authSchemes.apiKeyHeader({ name: 'x', verify: () => true })
  app.setErrorHandler(async (_error, request, reply) => {
    try {
      (request.url === '/other' ? other : scheme).require(request)
    } catch (error: any) {
      return await reply.code(error.statusCode).send({ code: error.code })
    }
  })
  let ran = 0
  app.post('/', { security: [{ scheme: other }, { scheme, scopes: ['a'] }] }, async () => ++ran)
  app.post('/other', { security: [{ scheme }] }, async () => ++ran)
  for (const request of [{ payload: '{', headers: { 'content-type': 'application/json' } }, { headers: bearer('x') }]) {
    const response = await app.inject({ method: 'POST', url: '/', ...request })
    t.strictSame([response.statusCode, response.json()], [401, { code: 'FST_AUTH_NOT_AUTHENTICATED' }])
    const foreign = await app.inject({ method: 'POST', url: '/other', ...request })
    t.strictSame([foreign.statusCode, foreign.json()], [500, { code: 'FST_AUTH_UNKNOWN_SCHEME' }])
  }
  t.equal(ran, 0)
})
