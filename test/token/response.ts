import t from 'tap'
import Fastify from 'fastify'
import { OAuth2Error } from '../../lib/errors'
import {
  respondToError, noStore, givenErrorHandler, requestBody, responses, seal, sendResponse, TokenResponse, toResponse
} from '../../lib/token/response'

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
    ['secret', 500, { error: 'server_error' }],
    [Object.defineProperty(new OAuth2Error('invalid_grant'), Symbol.for('fastify-auth-schemes.OAuth2Error'), { get () { throw new Error('secret') } }), 500, { error: 'server_error' }]
  ]
  for (const [error, status, body, challenge] of thrown) {
    const app = Fastify()
    app.get('/', { errorHandler: respondToError('R') as any }, async () => { throw error })
    const response = await app.inject('/')
    t.equal(response.statusCode, status)
    t.strictSame(response.json(), body)
    t.equal(response.headers['www-authenticate'], challenge)
    t.strictSame([response.headers['cache-control'], response.headers.pragma], ['no-store', 'no-cache'])
  }
})

t.test('an OAuth2Error of another copy of the package is one', async (t) => {
  const path = require.resolve('../../lib/errors')
  const own = require.cache[path]
  delete require.cache[path]
  const copy: { OAuth2Error: typeof OAuth2Error } = require('../../lib/errors')
  require.cache[path] = own
  t.not(copy.OAuth2Error, OAuth2Error)
  const app = Fastify()
  app.get('/', { errorHandler: respondToError(undefined) as any }, async () => { throw new copy.OAuth2Error('invalid_client', 'No') })
  const response = await app.inject('/')
  t.equal(response.statusCode, 401)
  t.equal(response.headers['www-authenticate'], 'Basic')
  t.strictSame(response.json(), { error: 'invalid_client', error_description: 'No' })
})

t.test('an answer is put back, unless an onSend hook failed on it', async (t) => {
  let times = 0
  const app = Fastify()
  app.addHook('onSend', async (_request, _reply, payload) => {
    if (times++ === 1) throw new Error('broken')
    return times > 2 ? payload : 'other'
  })
  const errorHandler = givenErrorHandler((error, _request, reply) => { reply.code(418).send({ own: (error as Error).message }) })
  app.get('/', { errorHandler, onRequest: noStore, onSend: seal }, async (_request, reply) => sendResponse(reply, 200, token))
  app.get('/own', { errorHandler, onSend: seal }, async () => { throw new Error('own') })
  app.get('/compressed', { onSend: seal }, async (_request, reply) => sendResponse(reply.header('content-encoding', 'x'), 200, token))
  app.get('/by-itself', { onRequest: noStore, onSend: seal }, async (_request, reply) => await reply.header('cache-control', 'public').send('own'))
  t.strictSame((await app.inject('/')).json(), token)
  const broken = await app.inject('/')
  times = 0
  t.equal((await app.inject('/compressed')).body, 'other', 'what was made of it by a compressing hook stays')
  times = 3
  t.strictSame([broken.statusCode, broken.json()], [418, { own: 'broken' }])
  t.strictSame((await app.inject('/own')).json(), { own: 'own' })
  const byItself = await app.inject('/by-itself')
  t.strictSame([byItself.body, byItself.headers['cache-control'], byItself.headers.pragma], ['own', 'no-store', 'no-cache'])
})

t.test('after an answer an error passes by all hooks', async (t) => {
  const app = Fastify()
  app.addHook('onSend', async () => { throw new Error('secret') })
  const errorHandler = respondToError('R') as any
  app.setErrorHandler(errorHandler)
  app.get('/', { errorHandler, onSend: seal }, async (_request, reply) => sendResponse(reply, 200, token))
  app.get('/sent', async (request, reply) => {
    sendResponse(reply, 200, token)
    reply.hijack()
    reply.raw.writeHead(202).write('own')
    errorHandler(new Error('secret'), request, reply)
    reply.raw.end()
  })
  const response = await app.inject('/')
  t.strictSame([response.statusCode, response.json()], [500, { error: 'server_error' }])
  const sent = await app.inject('/sent')
  t.strictSame([sent.statusCode, sent.body], [202, 'own'], 'what is on its way stays')
})

t.test('each answer is documented', async (t) => {
  t.strictSame(Object.keys(responses()), ['200', '400', '401', '413', '415'])
  t.strictSame(requestBody(TokenResponse), { required: true, content: { 'application/x-www-form-urlencoded': { schema: TokenResponse } } })
})
