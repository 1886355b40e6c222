/** Habits of applications around a refusal: the handler never runs, and no refusal becomes a 200 unless an error handler sets that status itself. */

import t from 'tap'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { authSchemes, InvalidCredentialsError, type HookName } from '../../lib'
import { bearer, challengesOf } from '../helpers'

const HOOKS: HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

interface Habit {
  readonly name: string
  readonly use: (app: FastifyInstance) => void
  /** The status of a refusal. Default: that without the habit. */
  readonly status?: number
  /** The status where `verify` fails. Default: as for a refusal. */
  readonly failed?: number
  /** True where good credentials get no further, either. */
  readonly answersAll?: boolean
}

const habits: readonly Habit[] = [
  { name: 'nothing', use: () => {} },
  { name: 'an error handler that swallows', use: (app) => { app.setErrorHandler((_error, _request, reply) => { reply.send({ fine: true }) }) }, failed: 200 },
  { name: 'an error handler that returns', use: (app) => { app.setErrorHandler(async () => ({ fine: true })) }, failed: 200 },
  { name: 'an error handler that rethrows', use: (app) => { app.setErrorHandler((error) => { throw error }) } },
  { name: 'an error handler that fails', use: (app) => { app.setErrorHandler(async () => { throw new Error('handler') }) }, status: 500 },
  { name: 'an error handler that redirects to a login', use: (app) => { app.setErrorHandler(async (_error, _request, reply) => reply.redirect('/login')) }, status: 302 },
  { name: 'an error handler that says 200 itself', use: (app) => { app.setErrorHandler(async (_error, _request, reply) => reply.code(200).send({ fine: true })) }, status: 200 },
  { name: 'an error handler that looks for the route\'s answer', use: (app) => { app.setErrorHandler(async (_error, _request, reply) => { reply.callNotFound() }) }, status: 404 },
  { name: 'onError', use: (app) => { app.addHook('onError', async () => {}) } },
  { name: 'onSend that rewrites', use: (app) => { app.addHook('onSend', async () => JSON.stringify({ fine: true })) } },
  { name: 'onSend that fails', use: (app) => { app.addHook('onSend', async () => { throw Object.assign(new Error('send'), { statusCode: 503 }) }) }, answersAll: true },
  { name: 'preSerialization that rewrites', use: (app) => { app.addHook('preSerialization', async () => ({ fine: true })) } },
  { name: 'onRequest that goes on', use: (app) => { app.addHook('onRequest', (_request, _reply, done) => { setImmediate(done) }) } },
  { name: 'onRequest that answers first', use: (app) => { app.addHook('onRequest', async (_request, reply) => await reply.code(503).send({ closed: true })) }, status: 503, answersAll: true },
  { name: 'onRequest that hijacks', use: (app) => { app.addHook('onRequest', async (_request, reply) => { reply.hijack(); reply.raw.writeHead(503).end('{}') }) }, status: 503, answersAll: true }
]

const REFUSED = { absent: {}, malformed: bearer('a b'), refused: bearer('bad'), late: bearer('late'), described: bearer('described'), thrown: bearer('thrown'), insufficient: bearer('weak'), failed: bearer('failed') }
const STATUS: Record<keyof typeof REFUSED, number> = { absent: 401, malformed: 401, refused: 401, late: 401, described: 401, thrown: 401, insufficient: 403, failed: 500 }

function verify (token: string): unknown {
  switch (token) {
    case 'late': return new Promise((resolve) => { setTimeout(resolve, 1, null) })
    case 'described': throw new InvalidCredentialsError('old')
    case 'thrown': throw Object.assign(new Error('own'), { statusCode: 401, headers: { 'www-authenticate': 'Own' } })
    case 'failed': throw new Error('database')
    case 'weak': return { scopes: [] }
    case 'good': return { scopes: ['a'] }
    default: return null
  }
}

for (const hook of HOOKS) {
  for (const { name, use, status, failed = status, answersAll = false } of habits) {
    t.test(`security in ${hook}, with ${name}`, async (t) => {
      const app = Fastify()
      await app.register(authSchemes, { hook })
      const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: '/token', scopes: { a: 'A' }, verify })
      let ran = 0
      const handler = async (): Promise<object> => ({ ran: ++ran })
      const route = (context: FastifyInstance, url: string): void => { context.route({ method: ['GET', 'POST'], url, security: [{ scheme, scopes: ['a'] }], handler }) }
      // In the application itself, and once more in a context within.
      use(app)
      route(app, '/root')
      await app.register(async (context) => {
        use(context)
        route(context, '/child')
      })
      const wrong: string[] = []
      for (const url of ['/root', '/child']) {
        for (const [kind, headers] of Object.entries(REFUSED)) {
          for (const method of ['GET', 'HEAD', 'POST'] as const) {
            const response = await app.inject({ method, url, headers, ...method === 'POST' ? { payload: { a: 1 } } : {} })
            const expected = STATUS[kind as keyof typeof REFUSED]
            if (response.statusCode !== ((kind === 'failed' ? failed : status) ?? expected)) wrong.push(`${method} ${url}, ${kind}: ${response.statusCode}`)
            if (status === undefined && expected === 401 && !(kind === 'thrown' ? /^(Bearer|Own)/ : /^Bearer/).test(challengesOf(response).join())) wrong.push(`${method} ${url}, ${kind}: the challenge is lost`)
          }
        }
      }
      t.strictSame(wrong, [])
      t.equal(ran, 0, 'the handler did not run')
      if (!answersAll) {
        t.equal((await app.inject({ url: '/root', headers: bearer('good') })).statusCode, 200)
        t.equal(ran, 1)
      }
      await app.close()
    })
  }
}

t.test('a verify that answers by itself', async (t) => {
  const answers: Record<string, (reply: FastifyReply) => unknown> = {
    'sends and accepts': (reply) => { reply.code(418).send({ own: true }); return true },
    'sends and refuses': (reply) => { reply.code(418).send({ own: true }); return null },
    'sends and throws': (reply) => { reply.code(418).send({ own: true }); throw new Error('after') },
    'sends and accepts late': async (reply) => { reply.code(418).send({ own: true }); await new Promise((resolve) => { setTimeout(resolve, 5) }); return true },
    'sends and refuses late': async (reply) => { reply.code(418).send({ own: true }); await new Promise((resolve) => { setTimeout(resolve, 5) }); return null },
    'sends and rejects late': async (reply) => { reply.code(418).send({ own: true }); await new Promise((resolve) => { setTimeout(resolve, 5) }); throw new Error('after') },
    'hijacks and accepts': (reply) => { reply.hijack(); reply.raw.writeHead(418).end('{}'); return true },
    'hijacks and refuses': (reply) => { reply.hijack(); reply.raw.writeHead(418).end('{}'); return null }
  }
  for (const hook of HOOKS) {
    for (const [name, own] of Object.entries(answers)) {
      const app = Fastify()
      await app.register(authSchemes, { hook })
      const replies = new WeakMap<FastifyRequest, FastifyReply>()
      app.addHook('onRequest', async (request, reply) => { replies.set(request, reply) })
      const scheme = app.authSchemes.httpBearer({ verify: (_credentials, { request }) => own(replies.get(request) as FastifyReply) })
      let ran = 0
      app.get('/', { security: [{ scheme }] }, async () => ({ ran: ++ran }))
      const address = await app.listen({ port: 0, host: '127.0.0.1' })
      const response = await fetch(address, { headers: bearer('x') })
      t.equal(response.status, 418, `${hook}: ${name}`)
      await new Promise((resolve) => { setTimeout(resolve, 10) })
      t.equal(ran, 0, `${hook}: ${name}: the handler did not run`)
      await app.close()
    }
  }
})
