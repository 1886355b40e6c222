import t from 'tap'
import { httpBearer } from '../lib/schemes/http'
import { oauth2PasswordBearer } from '../lib/schemes/oauth2'
import { createScheme, isScopeList, nodeOf, nodeOfHook, overrideScheme, undeclaredScope } from '../lib/scheme'
import { NOT_AUTHENTICATED, bearer, createApp, documentOf } from './helpers'

t.test('a scheme leads back to what it stands for, and nothing else does', async (t) => {
  const owner = {}
  const definition = httpBearer()
  const scheme = createScheme(definition, owner)
  t.ok(Object.isFrozen(scheme))
  t.match(nodeOf(scheme), { definition, owner, parent: null, scopes: [] })
  t.equal(nodeOfHook(scheme.preHandler), nodeOf(scheme))
  for (const other of [undefined, null, 'HTTPBearer', 1, {}, { ...scheme }, Object.create(scheme), () => {}]) {
    t.equal(nodeOf(other), undefined)
    t.equal(nodeOfHook(other), undefined)
  }
  t.equal(scheme.from({ auth: null }), null, 'a request that nobody has asked')
})

t.test('the options of derive are checked', async (t) => {
  const scheme = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A' } }), {})
  const bad: ReadonlyArray<readonly [options: any, message: string]> = [
    [undefined, 'the options must be an object'],
    [null, 'the options must be an object'],
    [[], 'the options must be an object'],
    [{ scope: ['a'] }, 'there is no option `scope`: it takes scopes, verify'],
    [{ verify: 'x' }, 'the option `verify` must be a function'],
    [{ scopes: 'a' }, 'the option `scopes` must be an array of scope names'],
    [{ scopes: null }, 'the option `scopes` must be an array of scope names']
  ]
  for (const [options, message] of bad) t.throws(() => scheme.derive(options), { name: 'TypeError', message: `OAuth2PasswordBearer.derive: ${message}` })
  t.throws(() => scheme.derive({ scopes: ['b'] }), {
    code: 'FST_AUTH_UNKNOWN_SCOPE',
    message: 'OAuth2PasswordBearer.derive: the scheme "OAuth2PasswordBearer" does not declare the scope "b": add it to the `scopes` of the scheme'
  })
  const scopes = ['a']
  const derived = nodeOf(scheme.derive({ scopes }))
  scopes.push('b')
  t.strictSame(derived?.scopes, ['a'])
  t.equal(derived?.parent, nodeOf(scheme))
})

t.test('scope lists', async (t) => {
  t.ok(isScopeList([]))
  t.ok(isScopeList(['a', 'b:c']))
  // eslint-disable-next-line no-sparse-arrays
  for (const value of ['a', undefined, null, {}, [1], ['a b'], [''], [,], [['a']], new Set(['a'])]) t.notOk(isScopeList(value))
  t.equal(undeclaredScope(oauth2PasswordBearer({ tokenUrl: 't', scopes: { a: '' } }), ['a', 'toString']), 'toString')
  t.equal(undeclaredScope(httpBearer(), ['anything']), undefined)
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
  const { paths } = (await app.ready(), documentOf(app))
  for (const hook of ['onRequest', 'preValidation', 'preHandler', 'onRequest/array', 'preValidation/array', 'preHandler/array']) {
    const absent = await app.inject(`/${hook}`)
    t.strictSame(absent.json(), NOT_AUTHENTICATED)
    t.equal(absent.headers['www-authenticate'], 'Bearer')
    t.strictSame((await app.inject({ url: `/${hook}`, headers: bearer('good') })).json(), { name: 'me' })
    t.strictSame(paths[`/${hook}`].get.security, [{ HTTPBearer: [] }])
    t.strictSame(Object.keys(paths[`/${hook}`].get.responses), ['200', '401'])
  }
  t.strictSame((await app.inject('/maybe')).json(), { auth: null })
  t.strictSame(paths['/maybe'].get.security, [{ Maybe: [] }, {}])
})

t.test('override: every request is accepted as the given user, and scopes are still enforced', async (t) => {
  const warnings: string[] = []
  const app = await createApp({ server: { logger: { level: 'warn', stream: { write: (line: string) => { warnings.push(JSON.parse(line).msg) } } } } })
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify: (): { name: string, scopes: string[] } | null => null })
  const key = app.authSchemes.httpBearer()
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
  t.throws(() => { app.authSchemes.override(scheme, { user: { name: 'late', scopes: [] } }) }, {
    code: 'FST_AUTH_OVERRIDE',
    message: 'A scheme cannot be overridden once the application is ready'
  })
})

t.test('override: it is checked, and fails the boot in production', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => true })
  const foreign = (await createApp()).authSchemes.httpBearer()
  const override = app.authSchemes.override as (...args: any[]) => void
  for (const other of [undefined, {}, foreign]) t.throws(() => { override(other, { user: 1 }) }, { name: 'TypeError', message: 'override: the first argument must be a scheme of this application' })
  for (const auth of [undefined, null, 'me']) t.throws(() => { override(scheme, auth) }, { message: 'override: the second argument must be an object with the user' })
  for (const user of [undefined, null, false]) t.throws(() => { override(scheme, { user }) }, { message: 'override: the second argument must have the `user` that "HTTPBearer" is to accept' })
  const checked = app.authSchemes.httpBearer({ schemeName: 'Other' }).derive({ verify: () => true })
  t.throws(() => { override(checked, { user: null }) }, { message: 'override: the second argument must have the `user` that "Other" is to accept' }, 'a check that was derived counts')
  const { NODE_ENV } = process.env
  t.teardown(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })
  process.env.NODE_ENV = 'production'
  t.throws(() => { override(scheme, { user: 1 }) }, { code: 'FST_AUTH_OVERRIDE', message: 'A scheme cannot be overridden where NODE_ENV is production: it is for tests' })
  t.equal(nodeOf(scheme)?.override, null)
})

t.test('override: an earlier one of the base stays', async (t) => {
  const owner = {}
  const base = createScheme(httpBearer({ verify: () => true }), owner)
  const derived = base.derive({ verify: () => true })
  overrideScheme(base, owner, { user: 'base' })
  overrideScheme(derived, owner, { user: 'derived' })
  t.strictSame([nodeOf(base)?.override?.user, nodeOf(derived)?.override?.user], ['base', 'derived'])
})
