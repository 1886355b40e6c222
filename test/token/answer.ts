import t from 'tap'
import Fastify from 'fastify'
import { OAuth2Error } from '../../lib/errors'
import { answerError, noStore, responses, toResponse } from '../../lib/token/answer'

const token = { access_token: 'x', token_type: 'bearer' }

t.test('scope is told where what was granted differs from what was asked for', async (t) => {
  t.strictSame(toResponse(token, ['a']), token)
  t.strictSame(toResponse({ ...token, scope: 'own', id_token: 'i' }, []), { ...token, scope: 'own', id_token: 'i' })
  t.strictSame(toResponse({ ...token, scopes: ['b', 'a', 'a'] }, ['a', 'b']), token)
  t.strictSame(toResponse({ ...token, scopes: [] }, []), token)
  t.strictSame(toResponse({ ...token, scopes: ['a'] }, ['a', 'b']), { ...token, scope: 'a' })
  t.strictSame(toResponse({ ...token, scopes: ['a', 'c'] }, ['a', 'b']), { ...token, scope: 'a c' })
  t.strictSame(toResponse({ ...token, scopes: ['a'] }, []), { ...token, scope: 'a' })
  t.strictSame(toResponse({ ...token, scopes: [] }, ['a']), { ...token, scope: '' })
  t.strictSame(toResponse({ ...token, scopes: ['a'], scope: 'own' }, []), { ...token, scope: 'own' })
})

t.test('anything but a token response is server_error', async (t) => {
  for (const given of [null, 'x', 1, [], {}, { access_token: 'x' }, { ...token, expires_in: 1.5 }, { ...token, scope: ['a'] }, { ...token, scopes: 'a' }, { ...token, scopes: [1] }]) {
    t.throws(() => toResponse(given, []), { name: 'OAuth2Error', code: 'server_error', statusCode: 500 })
  }
})

t.test('errors', async (t) => {
  const thrown: ReadonlyArray<readonly [error: unknown, status: number, body: object, challenge?: string]> = [
    [new OAuth2Error('invalid_grant', 'No "x"'), 400, { error: 'invalid_grant', error_description: "No 'x'" }],
    [new OAuth2Error('invalid_scope'), 400, { error: 'invalid_scope' }],
    [new OAuth2Error('invalid_client'), 401, { error: 'invalid_client' }, 'Basic realm="R"'],
    [new OAuth2Error('server_error', 'secret'), 500, { error: 'server_error' }],
    [new Error('secret'), 500, { error: 'server_error' }],
    [Object.assign(new Error('x'), { statusCode: 415 }), 415, { error: 'invalid_request', error_description: 'The Content-Type must be application/x-www-form-urlencoded' }],
    [Object.assign(new Error('Slow down'), { statusCode: 429 }), 429, { error: 'invalid_request', error_description: 'Slow down' }],
    ['secret', 500, { error: 'server_error' }]
  ]
  for (const [error, status, body, challenge] of thrown) {
    const app = Fastify()
    app.get('/', { errorHandler: answerError('R') as any, onSend: noStore }, async () => { throw error })
    const response = await app.inject('/')
    t.equal(response.statusCode, status)
    t.strictSame(response.json(), body)
    t.equal(response.headers['www-authenticate'], challenge)
    t.strictSame([response.headers['cache-control'], response.headers.pragma], ['no-store', 'no-cache'])
  }
})

t.test('the document tells each answer', async (t) => {
  t.strictSame(Object.keys(responses()), ['200', '400', '401', '413', '415'])
})
