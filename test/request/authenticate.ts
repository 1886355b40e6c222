import t from 'tap'
import vm from 'node:vm'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, createApp } from '../helpers'
import { InvalidCredentialsError } from '../../lib'
import { statusOf } from '../../lib/request/authenticate'
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

t.test('statuses are read as Fastify reads them', async (t) => {
  const status = (members: object): number => statusOf(Object.assign(new Error('x'), members))
  t.equal(status({}), 500)
  t.equal(status({ statusCode: 401 }), 401)
  t.equal(status({ statusCode: '401' }), 401)
  t.equal(status({ statusCode: 200, status: 403 }), 403)
  t.equal(status({ statusCode: 600 }), 500)
})
