import t from 'tap'
import type { FastifyInstance } from 'fastify'
import vm from 'node:vm'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, basic, bearer, challengesOf, createApp } from '../helpers'
import { InvalidCredentialsError } from '../../lib'
import { Attempt, authenticate, statusOf } from '../../lib/request/authenticate'
import { ABSENT } from '../../lib/header/authorization'
import { toRequirement } from '../../lib/request/requirement'
import { createScheme } from '../../lib/request/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import { normalize } from '../../lib/security/normalize'

interface Answer { status: number, body: any, challenges: string[], ran: boolean }

async function answer (app: FastifyInstance, headers: Record<string, string> = {}, url = '/'): Promise<Answer> {
  const response = await app.inject({ url, headers })
  const body = response.json()
  return { status: response.statusCode, body, challenges: challengesOf(response), ran: body.ran === true }
}

async function verifying (verify: (token: string) => any, options: object = {}): Promise<FastifyInstance> {
  const app = await createApp()
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify, ...options })
  app.get('/', { security: [{ scheme }] }, async (request) => ({ ran: true, user: request.auth.user }))
  app.get('/a', { security: [{ scheme, scopes: ['a'] }] }, async () => ({ ran: true }))
  app.get('/ab', { security: [{ scheme, scopes: ['a', 'b'] }] }, async () => ({ ran: true }))
  return app
}

const refusing = { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token"'], ran: false }

for (const value of [null, undefined, false]) {
  t.test(`verify that gives ${value} refuses, in whatever way it gives it`, async (t) => {
    t.strictSame(await answer(await verifying(() => value), bearer('x')), refusing)
    t.strictSame(await answer(await verifying(async () => value), bearer('x')), refusing)
    const callable = new Proxy(() => {}, { get: (_, key) => key === 'then' ? (resolve: (value: unknown) => void) => { resolve(value) } : undefined })
    t.strictSame(await answer(await verifying(() => callable), bearer('x')), refusing, 'a thenable that is a function')
    t.strictSame(await answer(await verifying(() => ({ then: (resolve: (value: unknown) => void) => { resolve(value) } })), bearer('x')), refusing, 'a thenable')
  })
}

for (const value of [true, 0, '', 'text', {}, [], { id: 1 }]) {
  t.test(`verify that gives ${JSON.stringify(value)} accepts`, async (t) => {
    t.strictSame((await answer(await verifying(() => value), bearer('x'))).body, { ran: true, user: value })
    t.strictSame((await answer(await verifying(async () => value), bearer('x'))).body, { ran: true, user: value })
  })
}

function raise (value: unknown): never { throw value }

const foreign = vm.runInNewContext('Object.assign(new Error("other realm"), { statusCode: 401 })')
const failures: ReadonlyArray<readonly [rule: string, thrown: unknown, status: number, body: object, challenged: boolean]> = [
  ['an error without a status fails with 500', new Error('boom'), 500, { statusCode: 500, message: 'boom' }, false],
  ['an error with another status keeps it', Object.assign(new Error('teapot'), { statusCode: 418, code: 'TEA' }), 418, { code: 'TEA', message: 'teapot' }, false],
  ['an error whose status is called status keeps it', Object.assign(new Error('gone'), { status: 410 }), 410, { message: 'gone' }, false],
  ['an error with status 200 fails with 500', Object.assign(new Error('fine'), { statusCode: 200 }), 500, { message: 'fine' }, false],
  ['undefined fails with 500', undefined, 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['null fails with 500', null, 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['false fails with 500', false, 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['a string fails with 500 and is not repeated', 'secret', 500, {
    statusCode: 500,
    code: 'FST_AUTH_VERIFY_FAILED',
    error: 'Internal Server Error',
    message: 'The security scheme "OAuth2PasswordBearer" failed: `verify` threw something that is not an error'
  }, false],
  ['an object fails with 500', { message: 'object' }, 500, {}, false],
  ['an object with a status is an error like others', { statusCode: 418, message: 'tea' }, 418, {}, false],
  ['an object with statusCode 401 refuses', { statusCode: 401, message: 'object' }, 401, {}, true],
  ['a symbol fails with 500', Symbol('x'), 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['a function fails with 500', () => {}, 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['an error whose status is a symbol fails with 500', Object.assign(new Error('x'), { statusCode: Symbol('401') }), 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['an error whose status throws nothing at all fails with 500', Object.defineProperty(new Error('x'), 'statusCode', { get: () => raise(undefined) }), 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['a proxy that throws null fails with 500', new Proxy({}, { get: () => raise(null) }), 500, { code: 'FST_AUTH_VERIFY_FAILED' }, false],
  ['an error with statusCode 401 refuses', Object.assign(new Error('Old'), { statusCode: 401, code: 'OLD' }), 401, { code: 'OLD', message: 'Old' }, true],
  ['an error with status 401 refuses', Object.assign(new Error('Old'), { status: 401 }), 401, { message: 'Old' }, true],
  ['an error of another realm refuses', foreign, 401, {}, true],
  ['a frozen error refuses', Object.freeze(Object.assign(new Error('Cold'), { statusCode: 401 })), 401, { message: 'Cold' }, true],
  ['an error with statusCode 403 refuses without a challenge', Object.assign(new Error('No'), { statusCode: 403 }), 403, { message: 'No' }, false],
  ['InvalidCredentialsError(null) refuses', new InvalidCredentialsError(null), 401, INVALID_CREDENTIALS, true],
  ['InvalidCredentialsError refuses', new InvalidCredentialsError(), 401, INVALID_CREDENTIALS, true]
]

for (const [rule, thrown, status, body, challenged] of failures) {
  t.test(`thrown by verify: ${rule}`, async (t) => {
    const expected = { status, body, challenges: challenged ? ['Bearer error="invalid_token"'] : [], ran: false }
    t.match(await answer(await verifying(() => { throw thrown }), bearer('x')), expected, 'thrown')

    t.match(await answer(await verifying(() => Promise.reject(thrown)), bearer('x')), expected, 'rejected')
    const late = async (): Promise<never> => {
      await new Promise((resolve) => { setImmediate(resolve) })
      throw thrown
    }
    t.match(await answer(await verifying(late), bearer('x')), expected, 'rejected later')
  })
}

t.test('a thenable whose then throws fails with 500', async (t) => {
  const app = await verifying(() => Object.defineProperty({}, 'then', { get () { throw new Error('trap') } }))
  t.match(await answer(app, bearer('x')), { status: 500, body: { message: 'trap' }, ran: false })
})

t.test('any other error stops the alternatives', async (t) => {
  const app = await createApp()
  const asked: string[] = []
  const first = app.authSchemes.httpBearer({ verify: () => { throw new Error('boom') } })
  const second = app.authSchemes.apiKeyHeader({ name: 'key', verify: () => asked.push('second') })
  app.get('/', { security: [{ scheme: first }, { scheme: second }] }, async () => ({ ran: true }))
  t.match(await answer(app, { ...bearer('x'), key: 'k' }), { status: 500, ran: false })
  t.strictSame(asked, [])
})

t.test('granted scopes are the user\'s scopes, an array, else its scope, a string', async (t) => {
  const table: ReadonlyArray<readonly [user: unknown, granted: boolean]> = [
    [{ scopes: ['b', 'a'] }, true],
    [{ scope: 'b a' }, true],
    [{ scopes: ['a', 'b'], scope: '' }, true],
    [{ scopes: ['a'], scope: 'a b' }, false],
    [{ scopes: 'a b' }, false],
    [{ scopes: 'ab' }, false],
    [{ scope: ['a', 'b'] }, false],
    [{ scope: 'ab' }, false],
    [{ scope: 'aa bb' }, false],
    [{ scopes: [['a', 'b']] }, false],
    [{ scopes: [] }, false],
    [{ scopes: null, scope: null }, false],
    [{}, false],
    [true, false],
    ['a b', false],
    [0, false]
  ]
  for (const [user, granted] of table) {
    for (const verify of [() => user, async () => user]) {
      const expected = granted
        ? { status: 200, ran: true }
        : { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="a b"'], ran: false }
      t.match(await answer(await verifying(verify), bearer('x'), '/ab'), expected, JSON.stringify(user))
    }
  }
})

t.test('grantedScopes comes before what the user carries, and must give an array', async (t) => {
  const user = { scopes: ['a', 'b'], roles: ['a'] }
  const ask = async (grantedScopes: (user: any) => any): Promise<Answer> => await answer(await verifying(() => user, { grantedScopes }), bearer('x'), '/a')
  t.match(await ask(({ roles }) => roles), { status: 200, ran: true })
  for (const none of [null, undefined, [], ['b']]) t.match(await ask(() => none), { status: 403, body: INSUFFICIENT_SCOPE, ran: false })
  for (const bad of ['a', new Set(['a']), { includes: () => true }, Promise.resolve(['a']), true]) {
    t.match(await ask(() => bad), { status: 500, body: { code: 'FST_AUTH_VERIFY_FAILED', message: /`grantedScopes` must return an array of strings$/ }, ran: false })
  }
  t.match(await ask(() => { throw new Error('boom') }), { status: 500, body: { message: 'boom' }, ran: false })
})

t.test('a scheme without verify only extracts, and does not check scopes', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x' })
  app.get('/', { security: [{ scheme, scopes: ['a'] }] }, async (request) => ({ ran: true, auth: request.auth }))
  t.match(await answer(app, bearer('x')), { status: 200, ran: true, body: { auth: { token: 'x', scopes: ['a'], scopeStr: 'a' } } })
  t.match(await answer(app), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Bearer scope="a"'] })
})

t.test('verify is told the request and the scopes', async (t) => {
  const app = await createApp()
  const told: unknown[] = []
  const scheme = app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: (token, { request, scopes, scopeStr }) => {
      told.push([token, request.url, scopes, scopeStr])
      return { scopes }
    }
  })
  app.get('/', { security: [{ scheme, scopes: ['b', 'a', 'b'] }] }, async () => ({ ran: true }))
  t.equal((await answer(app, bearer('x'))).ran, true)
  t.strictSame(told, [['x', '/', ['b', 'a'], 'b a']])
})

t.test('a derived scheme checks the base\'s user, after the base\'s scopes were found to suffice', async (t) => {
  const app = await createApp()
  const calls: unknown[] = []
  const base = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: 'token',
    scopes: { me: 'Me', items: 'Items' },
    verify: async (token, { scopes }) => {
      calls.push(['base', token, scopes])
      return { name: token, scopes: token === 'weak' ? ['items'] : ['items', 'me'] }
    }
  })
  const active = base.derive({
    scopes: ['me'],
    verify: (user, { credentials, scopes, scopeStr, request }) => {
      calls.push(['active', user.name, credentials, scopes, scopeStr, request.url])
      if (user.name === 'disabled') throw Object.assign(new Error('Inactive user'), { statusCode: 400 })
      return user.name === 'refused' ? null : { active: user.name }
    }
  })
  const other = base.derive({ verify: (user) => user.name !== 'other' && { other: user.name } })
  const plain = active.derive({ scopes: ['items'] })
  app.get('/', { security: [{ scheme: active, scopes: ['items'] }] }, async (request) => ({
    ran: true,
    auth: request.auth,
    base: base.from(request),
    other: other.from(request)
  }))
  app.get('/both', { security: [[{ scheme: other }, { scheme: active, scopes: ['items'] }]] }, async (request) => ({ ran: true, user: request.auth.user }))
  app.get('/plain', { security: [{ scheme: plain }] }, async (request) => ({ ran: true, auth: request.auth }))

  t.match(await answer(app, bearer('x')), {
    status: 200,
    body: { auth: { user: { active: 'x' }, scopes: ['items', 'me'] }, base: { user: { name: 'x' }, scopeStr: 'items me' }, other: null }
  })
  t.strictSame(calls.splice(0), [['base', 'x', ['items', 'me']], ['active', 'x', 'x', ['items', 'me'], 'items me', '/']])
  t.match(await answer(app, bearer('weak')), { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="items me"'] })
  t.strictSame(calls.splice(0).length, 1, 'the further check did not run')
  t.strictSame(await answer(app, bearer('refused')),
    { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token", scope="items me"'], ran: false })
  t.match(await answer(app, bearer('disabled')), { status: 400, body: { message: 'Inactive user' }, challenges: [], ran: false })
  calls.length = 0
  t.match(await answer(app, bearer('x'), '/both'), { status: 200, body: { user: { other: 'x' } } })
  t.equal(calls.filter(([name]: any) => name === 'base').length, 1, 'the base ran once for both')
  t.match(await answer(app, bearer('other'), '/both'), { status: 401, body: INVALID_CREDENTIALS })
  t.match(await answer(app, bearer('x'), '/plain'), { status: 200, body: { auth: { user: { active: 'x' }, scopes: ['items', 'me'] } } })
})

t.test('a group is extracted whole before anything is verified', async (t) => {
  const app = await createApp()
  const calls: string[] = []
  const verify = (name: string) => (credentials: unknown) => {
    calls.push(name)
    return JSON.stringify(credentials).includes('good')
  }
  const token = app.authSchemes.httpBearer({ verify: verify('token') })
  const user = app.authSchemes.apiKeyQuery({ name: 'k', verify: verify('user') })
  app.get('/', { security: [[{ scheme: token }, { scheme: user }]] }, async (request) => ({ ran: true, first: request.auth.scheme, second: user.from(request)?.token }))
  const challenges = ['Bearer', 'APIKey']

  t.strictSame(await answer(app), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false })
  t.strictSame(await answer(app, bearer('good')), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'one is absent')
  t.strictSame(await answer(app, bearer('a b'), '/?k=good'), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'the first is malformed')
  t.strictSame(await answer(app, {}, '/?k=good&k=good'), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'the second is malformed')
  t.strictSame(await answer(app, bearer('a b'), '/'), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'malformed and absent')
  t.strictSame(calls.splice(0), [])
  t.strictSame(await answer(app, bearer('bad'), '/?k=good'),
    { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token"', 'APIKey'], ran: false })
  t.strictSame(calls.splice(0), ['token'], 'the first refusal ends it')
  t.strictSame(await answer(app, bearer('good'), '/?k=bad'), { status: 401, body: INVALID_CREDENTIALS, challenges, ran: false })
  t.match((await answer(app, bearer('good'), '/?k=good')).body, { ran: true, first: 'HTTPBearer', second: 'good' })
})

t.test('a member with autoError: false may be left out of a group', async (t) => {
  const app = await createApp()
  const maybe = app.authSchemes.httpBasic({ autoError: false, verify: ({ username }) => username === 'good' })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.get('/', { security: [[{ scheme: maybe }, { scheme: key }]] }, async (request) => ({ ran: true, scheme: request.auth?.scheme }))
  t.match((await answer(app, { key: 'good' })).body, { ran: true, scheme: 'APIKeyHeader' })
  t.match((await answer(app, { ...basic('good:x'), key: 'good' })).body, { ran: true, scheme: 'HTTPBasic' })
  t.match(await answer(app, basic('good:x')), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Basic', 'APIKey'], ran: false })
})

t.test('across alternatives a verify runs again only where the scopes differ', async (t) => {
  const app = await createApp()
  const calls: string[] = []
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  const open = app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: async (_token, { scopeStr }) => {
      calls.push(scopeStr)
      return scopeStr === 'b' ? { scopes: ['b'] } : null
    }
  })
  app.get('/', {
    security: [[{ scheme: open, scopes: ['a'] }, { scheme: key }], { scheme: open, scopes: ['a'] }, { scheme: open, scopes: ['b'] }]
  }, async (request) => ({ ran: true, scopes: request.auth.scopes }))
  t.match((await answer(app, { ...bearer('x'), key: 'good' })).body, { ran: true, scopes: ['b'] })
  t.strictSame(calls, ['a', 'b'])
})

t.test('where every verify is synchronous, no promise is made', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => ({ id: 1 }) })
  const order: string[] = []
  app.addHook('onRequest', (_request, _reply, done) => {
    queueMicrotask(() => order.push('microtask'))
    done()
  })
  app.get('/', { security: [{ scheme }], onRequest: (_request, _reply, done) => { order.push('next hook'); done() } }, async () => ({ ran: true }))
  t.equal((await answer(app, bearer('x'))).ran, true)
  t.strictSame(order, ['next hook', 'microtask'])
})

t.test('what an earlier hook verified for the same scopes is not verified again', async (t) => {
  const app = await createApp()
  const calls: string[] = []
  const scheme = app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: (_token, { scopeStr }) => {
      calls.push(scopeStr)
      return { scopes: ['a'] }
    }
  })
  const key = app.authSchemes.apiKeyHeader({ name: 'key' })
  const scoped = scheme.derive({ scopes: ['a'] })
  app.get('/', { security: [{ scheme }], preHandler: [key.preHandler, scheme.preHandler, scoped.preHandler, scoped.preHandler] }, async (request) => ({
    ran: true,
    scopes: [request.auth.scopeStr, scheme.from(request)?.scopeStr, scoped.from(request)?.scopeStr]
  }))
  t.strictSame((await answer(app, { ...bearer('x'), key: 'k' })).body, { ran: true, scopes: ['', 'a', 'a'] })
  t.strictSame(calls, ['', 'a'])
})

t.test('an overridden scheme gives the user that was set, and calls no verify', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: (): { name: string } => { throw new Error('called') } })
  app.authSchemes.override(scheme, { user: { name: 'given' } })
  app.get('/', { security: [{ scheme }] }, async (request) => ({ ran: true, user: request.auth.user }))
  t.strictSame((await answer(app)).body, { ran: true, user: { name: 'given' } })
})

t.test('statuses are read as Fastify reads them', async (t) => {
  const status = (members: object): number => statusOf(Object.assign(new Error('x'), members))
  t.equal(status({}), 500)
  t.equal(status({ statusCode: 401 }), 401)
  t.equal(status({ statusCode: '401' }), 401)
  t.equal(status({ statusCode: 200, status: 403 }), 403)
  t.equal(status({ statusCode: 600 }), 500)
})

t.test('credentials are extracted once for each scheme, in however many alternatives it stands', async (t) => {
  const owner = {}
  const group = Array.from({ length: 7 }, (_, i) => ({ scheme: createScheme(apiKeyHeader({ name: `x-${i}`, schemeName: `x${i}`, autoError: false }), owner) }))
  const requirement = toRequirement(normalize('x', [group], owner))
  t.equal(requirement.alternatives.length, 127)
  let extracted = 0
  const attempt = await authenticate(new Attempt({} as any, requirement, null), () => {
    extracted++
    return ABSENT
  })
  t.equal(attempt.accepted, null)
  t.equal(extracted, 7)
})

for (const value of [null, undefined, false]) {
  t.test(`a derived verify that gives ${value} refuses, in whatever way it gives it`, async (t) => {
    for (const give of [() => value, async () => value]) {
      const app = await createApp()
      const base = app.authSchemes.httpBearer({ verify: () => ({ id: 1 }) })
      app.get('/', { security: [{ scheme: base.derive({ verify: give }) }] }, async () => ({ ran: true }))
      t.strictSame(await answer(app, bearer('x')), refusing)
    }
  })
}
