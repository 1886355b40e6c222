/** The rest of an application changes nothing in the responses of a token endpoint. */

import t, { type Test } from 'tap'
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import { gzipSync, gunzipSync } from 'node:zlib'
import { OAuth2Error, authSchemes, type TokenFormOptions } from '../lib'
import { basic } from './helpers'
import { FORM, assertNotStored, post, token } from './token/helpers'

const LOGIN = 'username=a&password=b'
const refused = { error: 'invalid_grant', error_description: 'No' }
const failed = { error: 'server_error' }

/** An application that shapes what it sends, by `shape`, with a token endpoint that grants a token unless the user name is wrong. */
async function shaped (shape: (app: FastifyInstance) => void, options: TokenFormOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  shape(app)
  await app.register(authSchemes, { realm: 'R' })
  app.tokenForm('/token', options, async ({ username }) => {
    if (username === 'wrong') throw new OAuth2Error('invalid_grant', 'No')
    if (username === 'client') throw new OAuth2Error('invalid_client', 'No')
    return token
  })
  return app
}

const sent: ReadonlyArray<readonly [payload: string, status: number, body: object, headers?: Record<string, string>]> = [
  [LOGIN, 200, token],
  ['username=wrong&password=b', 400, refused],
  ['username=client&password=b', 401, { error: 'invalid_client', error_description: 'No' }],
  ['username=a', 400, { error: 'invalid_request', error_description: 'The field password is missing' }],
  ['{}', 415, { error: 'invalid_request', error_description: `The Content-Type must be ${FORM}` }, { 'content-type': 'application/json' }],
  ['x'.repeat(20000), 413, { error: 'invalid_request', error_description: 'Request body is too large' }]
]

const wrap = (payload: unknown): string => JSON.stringify({ ok: true, data: payload })
const shapes: Readonly<Record<string, (app: FastifyInstance) => void>> = {
  'a preSerialization hook that wraps': (app) => { app.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload })) },
  'a preSerialization hook that fails': (app) => { app.addHook('preSerialization', async () => { throw new Error('secret') }) },
  'a serializer of the application': (app) => { app.setReplySerializer(wrap) },
  'a serializer of the reply': (app) => { app.addHook('onRequest', async (_request, reply) => { reply.serializer(wrap) }) },
  'compilers that fail': (app) => {
    app.setSerializerCompiler(() => () => { throw new Error('secret') })
    app.setValidatorCompiler(() => () => { throw new Error('secret') })
  },
  'an error handler': (app) => { app.setErrorHandler((error, _request, reply) => { reply.code(418).header('x-own', 'error').send({ own: String(error) }) }) },
  'an onSend hook that wraps': (app) => { app.addHook('onSend', async (_request, _reply, payload) => wrap(payload)) },
  'an onSend hook of each route that wraps': (app) => {
    app.addHook('onRoute', (route) => { route.onSend = [...[route.onSend ?? []].flat(), async (_request: unknown, _reply: unknown, payload: unknown) => wrap(payload)] })
  },
  'an onSend hook that changes status and headers': (app) => {
    app.addHook('onSend', async (_request, reply) => {
      reply.code(202).headers({ 'cache-control': 'public, max-age=60', pragma: 'x', 'content-type': 'text/plain' }).removeHeader('www-authenticate')
    })
  }
}

function assertSent (t: Test, response: LightMyRequestResponse, status: number, body: object): void {
  t.equal(response.statusCode, status, response.body)
  t.strictSame(response.json(), body)
  t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  t.equal(response.headers['content-length'], String(Buffer.byteLength(response.body)))
  t.equal(response.headers['www-authenticate'], status === 401 ? 'Basic realm="R"' : undefined)
  assertNotStored(t, response)
}

for (const [name, shape] of Object.entries(shapes)) {
  t.test(`left alone: ${name}`, async (t) => {
    const app = await shaped(shape)
    for (const [payload, status, body, headers] of sent) assertSent(t, await post(app, payload, headers), status, body)
  })
}

t.test('headers that hooks add are sent', async (t) => {
  const app = await shaped((app) => { app.addHook('onSend', async (_request, reply) => { reply.header('set-cookie', 'a=b').header('x-request-id', '1') }) })
  for (const [payload, status, body, headers] of sent) {
    const response = await post(app, payload, headers)
    assertSent(t, response, status, body)
    t.strictSame([response.headers['set-cookie'], response.headers['x-request-id']], ['a=b', '1'])
  }
})

t.test('a compressed answer stays compressed', async (t) => {
  const app = await shaped((app) => {
    app.addHook('onSend', async (_request, reply, payload) => {
      reply.header('content-encoding', 'gzip')
      return gzipSync(payload as Buffer)
    })
  })
  const response = await post(app, LOGIN)
  t.strictSame(JSON.parse(String(gunzipSync(response.rawPayload))), token)
  assertNotStored(t, response)
})

const failures: Readonly<Record<string, (app: FastifyInstance) => void>> = {
  'each time': (app) => { app.addHook('onSend', async () => { throw new Error('secret') }) },
  'by a callback': (app) => { app.addHook('onSend', (_request, _reply, _payload, done) => { done(Object.assign(new Error('secret'), { statusCode: 400 })) }) },
  'with what is no error': (app) => { app.addHook('onSend', async () => { throw 'secret' }) }, // eslint-disable-line no-throw-literal
  once: (app) => {
    let times = 0
    app.addHook('onSend', async () => { if (times++ === 0) throw Object.assign(new Error('secret'), { statusCode: 400 }) })
  }
}

for (const [name, fail] of Object.entries(failures)) {
  t.test(`an onSend hook that fails ${name} makes a server_error without details`, async (t) => {
    for (const [payload, , , headers] of sent) {
      const app = await shaped((app) => {
        app.setErrorHandler((error, _request, reply) => { reply.send({ own: String(error) }) })
        fail(app)
      })
      const address = await app.listen({ port: 0, host: '127.0.0.1' })
      t.teardown(async () => { await app.close() })
      const response = await fetch(`${address}/token`, { method: 'POST', body: payload, headers: { 'content-type': FORM, ...headers } })
      t.equal(response.status, 500)
      t.strictSame(await response.json(), failed)
      t.strictSame([response.headers.get('cache-control'), response.headers.get('pragma')], ['no-store', 'no-cache'])
      t.match(response.headers.get('content-type'), /^application\/json/)
    }
  })
}

t.test('a hook before the handler that answers, or fails, is not stored either', async (t) => {
  const answering = await shaped((app) => { app.addHook('onRequest', async (_request, reply) => await reply.code(503).send({ own: true })) })
  const own = await post(answering, LOGIN)
  t.strictSame([own.statusCode, own.json()], [503, { own: true }])
  assertNotStored(t, own)
  const failing = await shaped((app) => { app.addHook('onRequest', async () => { throw Object.assign(new Error('Slow down'), { statusCode: 429 }) }) })
  assertSent(t, await post(failing, LOGIN), 429, { error: 'invalid_request', error_description: 'Slow down' })
})

t.test('a handler that answers by itself with an error, or returns one, is answered as if it had thrown it', async (t) => {
  for (const answer of [(reply: any) => reply.send(new OAuth2Error('invalid_grant', 'No')), () => new OAuth2Error('invalid_grant', 'No')]) {
    const app = Fastify()
    await app.register(authSchemes)
    app.tokenForm('/token', (async (_form: unknown, _request: unknown, reply: any) => answer(reply)) as any)
    assertSent(t, await post(app, LOGIN), 400, refused)
  }
})

t.test('what cannot be written as JSON is server_error', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  app.tokenForm('/token', async () => ({ ...token, id: 1n }))
  assertSent(t, await post(app, LOGIN), 500, failed)
})

t.test('an error handler of the endpoint answers what it wants, and no token comes back', async (t) => {
  const answerOwn = (error: unknown, _request: unknown, reply: any): void => { reply.code(418).send({ own: (error as Error).message }) }
  for (const times of [0, 1, Infinity]) {
    let failures = 0
    const app = await shaped((app) => { app.addHook('onSend', async () => { if (failures++ < times) throw new Error('broken') }) }, { errorHandler: answerOwn })
    const response = await post(app, LOGIN)
    if (times === 0) assertSent(t, response, 200, token)
    else if (times === 1) t.strictSame([response.statusCode, response.json()], [418, { own: 'broken' }])
    else t.strictSame([response.statusCode, response.json()], [500, failed])
    assertNotStored(t, response)
  }
  const app = await shaped(() => {}, { errorHandler: answerOwn })
  const response = await post(app, 'username=wrong&password=b')
  t.strictSame([response.statusCode, response.json()], [418, { own: 'No' }])
  assertNotStored(t, response)
  const throwing = await shaped(() => {}, { errorHandler: () => { throw new OAuth2Error('invalid_grant', 'No') } })
  assertSent(t, await post(throwing, LOGIN.replace('a&', 'wrong&')), 400, refused)
})

t.test('a Basic header means nothing without authenticateClient', async (t) => {
  const app = await shaped(() => {})
  for (const authorization of [basic('site:proxy').authorization, 'Basic !', 'Basic\tx', basic('id:%zz').authorization, basic(':').authorization]) {
    assertSent(t, await post(app, `${LOGIN}&client_id=other&client_secret=s`, { authorization }), 200, token)
  }
})

t.test('a timeout while a hook holds the answer back is one server_error', async (t) => {
  const app = await shaped((app) => {
    app.addHook('onSend', async (_request, reply) => { if (reply.statusCode === 200) await new Promise((resolve) => { setTimeout(resolve, 60) }) })
  }, { handlerTimeout: 20 } as TokenFormOptions)
  const response = await post(app, LOGIN)
  t.equal(response.statusCode, 500)
  t.strictSame(response.json(), failed)
  await new Promise((resolve) => { setTimeout(resolve, 80) })
  assertNotStored(t, response)
})
