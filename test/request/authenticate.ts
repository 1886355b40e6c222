import t from 'tap'
import vm from 'node:vm'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, createApp } from '../helpers'
import { InvalidCredentialsError } from '../../lib'
import { registration } from '../requirement/helpers'
import { Attempt, authenticate } from '../../lib/request/authenticate'
import { nodeOf, type SchemeNode } from '../../lib/requirement/node'
import { toPlan, type PlannedAlternative } from '../../lib/requirement/plan'
import { soleRequirement } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import { answer, refusing, verifying } from './helpers'

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
const FAILED = {
  statusCode: 500,
  code: 'FST_AUTH_VERIFY_FAILED',
  error: 'Internal Server Error',
  message: 'The security scheme "OAuth2PasswordBearer" failed: it threw something that is not an error'
}
const serverError = (message: string): object => ({ statusCode: 500, error: 'Internal Server Error', message })
const unauthorized = (message: string): object => ({ statusCode: 401, error: 'Unauthorized', message })
const teapot = { statusCode: 418, code: 'TEA', error: "I'm a Teapot", message: 'teapot' }

const errors: ReadonlyArray<readonly [rule: string, error: Error, status: number, body: object]> = [
  ['an error without a status fails with 500', new Error('boom'), 500, serverError('boom')],
  ['an error with another status keeps it', Object.assign(new Error('teapot'), { statusCode: 418, code: 'TEA' }), 418, teapot],
  ['an error whose status is called status keeps it', Object.assign(new Error('gone'), { status: 410 }), 410, { statusCode: 410, error: 'Gone', message: 'gone' }],
  ['an error with status 200 fails with 500', Object.assign(new Error('fine'), { statusCode: 200 }), 500, serverError('fine')],
  ['an error whose status is a symbol fails with 500', Object.assign(new Error('x'), { statusCode: Symbol('401') }), 500, FAILED],
  ['an error whose status throws nothing at all fails with 500', Object.defineProperty(new Error('x'), 'statusCode', { get: () => raise(undefined) }), 500, FAILED],
  ['an error with statusCode 401 refuses', Object.assign(new Error('Old'), { statusCode: 401, code: 'OLD' }), 401, { ...unauthorized('Old'), code: 'OLD' }],
  ['an error with status 401 refuses', Object.assign(new Error('Old'), { status: 401 }), 401, unauthorized('Old')],
  // Fastify sends such an error as any other object.
  ['an error of another realm refuses', foreign, 401, { statusCode: 401 }],
  ['a frozen error refuses', Object.freeze(Object.assign(new Error('Cold'), { statusCode: 401 })), 401, unauthorized('Cold')],
  ['an error with statusCode 403 refuses without a challenge', Object.assign(new Error('No'), { statusCode: 403 }), 403, { statusCode: 403, error: 'Forbidden', message: 'No' }],
  ['InvalidCredentialsError(null) refuses', new InvalidCredentialsError(null), 401, INVALID_CREDENTIALS],
  ['InvalidCredentialsError refuses', new InvalidCredentialsError(), 401, INVALID_CREDENTIALS]
]

const others: ReadonlyArray<readonly [rule: string, thrown: unknown]> = [
  ['undefined', undefined],
  ['null', null],
  ['false', false],
  ['a string', 'secret'],
  ['a symbol', Symbol('secret')],
  ['a function', () => {}],
  ['an object', { message: 'secret' }],
  ['an object with a status', { statusCode: 418, message: 'secret' }],
  ['an object with statusCode 401', { statusCode: 401, code: 'SECRET', message: 'secret', headers: { 'x-secret': 'secret' } }],
  ['an object with statusCode 403', { statusCode: 403, message: 'secret' }],
  ['a proxy that throws null', new Proxy({}, { get: () => raise(null) })]
]

async function later (value: unknown): Promise<never> {
  await new Promise((resolve) => { setImmediate(resolve) })
  throw value
}

for (const [rule, error, status, body] of errors) {
  t.test(`an error of verify: ${rule}`, async (t) => {
    const expected = { status, body, challenges: status === 401 ? ['Bearer error="invalid_token"'] : [], ran: false }
    const ways: Record<string, () => unknown> = {
      thrown: () => { throw error },
      rejected: () => Promise.reject(error),
      'rejected later': async () => await later(error),
      returned: () => error,
      resolved: async () => error
    }
    for (const [way, verify] of Object.entries(ways)) t.strictSame(await answer(await verifying(verify), bearer('x')), expected, way)
  })
}

for (const [rule, thrown] of others) {
  t.test(`thrown by verify: ${rule} fails with 500, and nothing of it is sent`, async (t) => {
    const expected = { status: 500, body: FAILED, challenges: [], ran: false }
    t.strictSame(await answer(await verifying(() => { throw thrown }), bearer('x')), expected, 'thrown')
    t.strictSame(await answer(await verifying(() => Promise.reject(thrown)), bearer('x')), expected, 'rejected')
    const app = await verifying(async () => await later(thrown))
    t.strictSame(await answer(app, bearer('x')), expected, 'rejected later')
    t.notMatch(JSON.stringify((await app.inject({ url: '/', headers: bearer('x') })).headers), /secret/)
  })
}

t.test('without a verify an error is no user: nothing returned it', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer()
  app.authSchemes.override(scheme, { user: new Error('a test may say so') as never })
  app.get('/', { security: [{ scheme }] }, async (request) => ({ ran: true, isError: (request.auth.user as unknown) instanceof Error }))
  t.strictSame(await answer(app), { status: 200, body: { ran: true, isError: true }, challenges: [], ran: true })
})

/** Calls back with the first value, and with the second where `then` is read again. */
function changing (first: unknown, second: unknown): object {
  let reads = 0
  return { get then () { return reads++ === 0 ? (resolve: (value: unknown) => void) => { resolve(first) } : second } }
}

t.test('a thenable whose then getter changes its mind gets nobody in', async (t) => {
  const user = { id: 1 }
  const seconds = [undefined, user, (resolve: (value: unknown) => void) => { resolve(user) }, () => raise(new Error('read again'))]
  for (const second of seconds) {
    t.strictSame(await answer(await verifying(() => changing(null, second)), bearer('x')), refusing, 'it refused when it was read')
  }
  t.strictSame(await answer(await verifying(() => changing(changing(false, user), user)), bearer('x')), refusing, 'one within another')
  t.strictSame((await answer(await verifying(() => changing(user, null)), bearer('x'))).body, { ran: true, user })
})

t.test('a thenable whose then throws fails with 500', async (t) => {
  const app = await verifying(() => Object.defineProperty({}, 'then', { get () { throw new Error('trap') } }))
  t.strictSame(await answer(app, bearer('x')), { status: 500, body: serverError('trap'), challenges: [], ran: false })
})

t.test('any other error stops the alternatives', async (t) => {
  const app = await createApp()
  const asked: string[] = []
  const first = app.authSchemes.httpBearer({ verify: () => { throw new Error('boom') } })
  const second = app.authSchemes.apiKeyHeader({ name: 'key', verify: () => asked.push('second') })
  app.get('/', { security: [{ scheme: first }, { scheme: second }] }, async () => ({ ran: true }))
  t.strictSame(await answer(app, { ...bearer('x'), key: 'k' }), { status: 500, body: serverError('boom'), challenges: [], ran: false })
  t.strictSame(asked, [])
})

t.test('a scheme without verify only extracts, and does not check scopes', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x' })
  app.get('/', { security: [{ scheme, scopes: ['a'] }] }, async (request) => ({ ran: true, auth: request.auth }))
  const auth = { scheme: 'OpenIdConnect', credentials: 'x', token: 'x', scopes: ['a'], scopeStr: 'a' }
  t.strictSame(await answer(app, bearer('x')), { status: 200, body: { ran: true, auth }, challenges: [], ran: true })
  t.strictSame(await answer(app), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Bearer scope="a"'], ran: false })
})

t.test('verify is called with the credentials, the request and the scopes', async (t) => {
  const app = await createApp()
  const calls: unknown[] = []
  const scheme = app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: (token, { request, scopes, scopeStr }) => {
      calls.push([token, request.url, scopes, scopeStr])
      return { scopes }
    }
  })
  app.get('/', { security: [{ scheme, scopes: ['b', 'a', 'b'] }] }, async () => ({ ran: true }))
  t.equal((await answer(app, bearer('x'))).ran, true)
  t.strictSame(calls, [['x', '/', ['b', 'a'], 'b a']])
})

t.test('a derived check whose base did not run fails the request', async (t) => {
  const scheme = createScheme(apiKeyHeader({ name: 'k', verify: () => true }), registration).derive({ verify: () => true })
  const plan = toPlan(soleRequirement('x', nodeOf(scheme) as SchemeNode))
  const [alternative] = plan.alternatives as [PlannedAlternative]
  const broken = { ...plan, alternatives: [{ ...alternative, checks: alternative.checks.slice(1) }] }
  const request = { headers: { k: 'x' }, query: {}, raw: {}, server: {} } as any
  t.throws(() => { authenticate(new Attempt(request, broken, request, 'always', null)) },
    { code: 'FST_AUTH_VERIFY_FAILED', message: 'The security scheme "APIKeyHeader" failed: its base was not verified' })
})

t.test('an attempt is guarded where the guard of a route that is not public accepted, here or before', async (t) => {
  const plan = toPlan(soleRequirement('x', nodeOf(createScheme(apiKeyHeader({ name: 'k' }), registration)) as SchemeNode))
  const attempt = (setAuth: any, previous: Attempt | null, own = plan): Attempt => new Attempt({} as any, own, {} as any, setAuth, previous)
  const rows: ReadonlyArray<readonly [guarded: boolean, Attempt]> = [
    [true, attempt('always', null)], [true, attempt('accepted', null)], [false, attempt('first', null)], [false, attempt('never', null)],
    [false, attempt('always', null, toPlan(null))], [true, attempt('first', attempt('always', null))], [false, attempt('first', attempt('first', null))]
  ]
  for (const [guarded, each] of rows) t.equal(each.isGuarded, guarded)
})

t.test('the scopes of a base are those that were accepted, of earlier hooks first, and none of an attempt that did not accept', async (t) => {
  const node = (name: string): SchemeNode => nodeOf(createScheme(apiKeyHeader({ name, verify: () => ({ scopes: ['a', 'b', 'c'] }) }), registration)) as SchemeNode
  const [base, other] = [node('k'), node('other')]
  const attempt = (own: SchemeNode, scopes: readonly string[], previous: Attempt | null): Attempt => {
    const request = { headers: { k: 'x' }, query: {}, raw: {}, server: {} } as any
    const plan = toPlan([{ entries: [{ node: own, scopes }], leftOut: [], subject: own }])
    return authenticate(new Attempt(request, plan, request, 'always', previous)) as Attempt
  }
  const before = attempt(base, ['c'], null)
  t.strictSame(before.scopesOf(base), ['c'])
  t.strictSame(attempt(base, ['a', 'b'], before).scopesOf(base), ['c', 'a', 'b'])
  t.strictSame(attempt(base, ['d'], before).scopesOf(base), ['c'])
  t.strictSame(attempt(other, [], before).scopesOf(base), ['c'])
  t.strictSame(attempt(base, ['a'], null).scopesOf(other), [])
})
