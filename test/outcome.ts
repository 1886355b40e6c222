import t from 'tap'
import vm from 'node:vm'
import { Outcome, isError, isRefusal, statusOf, toError } from '../lib/outcome'
import { bearer, createApp } from './helpers'

t.test('outcomes ascend by how far an alternative got', async (t) => {
  const { ABSENT, MALFORMED, REFUSED, CROSS_SITE, INSUFFICIENT, ACCEPTED } = Outcome
  t.strictSame([ABSENT, MALFORMED, REFUSED, CROSS_SITE, INSUFFICIENT, ACCEPTED], [0, 1, 2, 3, 4, 5])
})

t.test('null, undefined and false refuse, and nothing else does', async (t) => {
  for (const value of [null, undefined, false]) t.equal(isRefusal(value), true)
  for (const value of [true, 0, -0, NaN, '', 0n, [], {}, new Error('x')]) t.equal(isRefusal(value), false)
})

t.test('errors are told by what they are, those of another realm included', async (t) => {
  class Own extends Error {}
  for (const value of [new Error('x'), new Own(), new TypeError('x'), vm.runInNewContext('new Error("x")'),
    new DOMException('x')]) t.equal(isError(value), true)
  for (const value of [undefined, null, 'Error', { name: 'Error', message: 'x' }, { statusCode: 401 },
    {}]) t.equal(isError(value), false)
})

const statuses: ReadonlyArray<readonly [fields: object, status: number]> = [
  [{}, 500],
  [{ statusCode: 401 }, 401],
  [{ statusCode: '401' }, 401],
  [{ status: 403 }, 403],
  [{ statusCode: 401, status: 403 }, 401],
  [{ statusCode: 200, status: 403 }, 403],
  [{ statusCode: 399 }, 500],
  [{ statusCode: 400 }, 400],
  [{ statusCode: 599 }, 599],
  [{ statusCode: 600 }, 500],
  [{ statusCode: null }, 500],
  [{ statusCode: 'x' }, 500],
  [{ statusCode: NaN }, 500]
]
for (const [fields, status] of statuses) {
  const label = JSON.stringify(fields)
  t.test(`the status of an error is that which Fastify sends: ${label}`, async (t) => {
    const error = Object.assign(new Error('x'), fields)
    t.equal(statusOf(error), status)
    const app = await createApp()
    app.get('/', async () => { throw error })
    t.equal((await app.inject('/')).statusCode, status)
  })
}

t.test('an error that is thrown stays as it is', async (t) => {
  for (const error of [new Error('x'), vm.runInNewContext('new Error("x")'),
    Object.assign(new Error('x'), { statusCode: 401 })]) t.equal(toError('S', error), error)
})

t.test('a thrown value that is no error fails the request with one, which shows nothing of it', async (t) => {
  const unreadable = Object.defineProperty(new Error('secret'), 'statusCode', { get () { throw new Error('secret') } })
  const notConvertible = Object.assign(new Error('secret'), { statusCode: Symbol('secret') })
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const thrown of [undefined, null, false, 0, '', 'secret', { statusCode: 401, message: 'secret' }, unreadable,
    notConvertible, revoked]) {
    const error = toError('S', thrown)
    t.ok(isError(error))
    t.equal(statusOf(error), 500)
    const message = 'The security scheme "S" failed: it threw something that is not an error'
    t.strictSame({ ...error }, { code: 'FST_AUTH_VERIFY_FAILED', name: 'FastifyError', statusCode: 500, message })
  }
})

t.test('a verify that throws nothing at all lets no request pass', async (t) => {
  const app = await createApp()
  let ran = 0
  const thrown: unknown[] = [undefined, null, false, 0, '']
  for (const late of [false, true]) {
    const scheme = app.authSchemes.httpBearer({
      verify: ({ credentials }) => {
        if (late) return Promise.reject(thrown[Number(credentials)])
        throw thrown[Number(credentials)]
      }
    })
    app.get(`/${late}`, { security: [{ scheme }] }, async () => ++ran)
  }
  for (const url of ['/false', '/true']) {
    for (const i of thrown.keys()) {
      const response = await app.inject({ url, headers: bearer(String(i)) })
      t.equal(response.statusCode, 500)
      t.equal(response.json().code, 'FST_AUTH_VERIFY_FAILED')
    }
  }
  t.equal(ran, 0)
})
