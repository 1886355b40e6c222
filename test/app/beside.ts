/** Beside plugins that put hooks, middleware or routes of their own into an application. */

import t from 'tap'
import awsLambda from '@fastify/aws-lambda'
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import express from '@fastify/express'
import middie from '@fastify/middie'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import session from '@fastify/session'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes, type AuthSchemesOptions, type HookName } from '../../lib'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer } from '../helpers'

const HOOKS: readonly HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']
const handler = async (): Promise<string> => 'ran'
const lines: Array<{ level: number, msg: string }> = []
const logger = { level: 'debug', stream: { write: (line: string) => { lines.push(JSON.parse(line)) } } }
const warnings = (): string[] => lines.splice(0).filter(({ level }) => level === 40).map(({ msg }) => msg)

async function create (options: AuthSchemesOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ logger })
  await app.register(authSchemes, options)
  return app
}
const tokenOf = (app: FastifyInstance) => app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })

for (const hook of HOOKS) {
  for (const first of ['session', 'plugin']) {
    t.test(`a session is there for verify, on routes and on unknown URLs: enforced in ${hook}, ${first} first`, async (t) => {
      const app = Fastify()
      const sessions = async (): Promise<void> => {
        await app.register(cookie)
        await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false } })
      }
      if (first === 'session') await sessions()
      await app.register(authSchemes, { hook })
      if (first === 'plugin') await sessions()
      const sid = app.authSchemes.apiKeyCookie({ name: 'sessionId', verify: (_id, { request }) => (request.session as any)?.user ?? null })
      app.post('/login', { security: [] }, async (request) => { (request.session as any).user = 'me' })
      app.secure([{ scheme: sid }])
      app.get('/', handler)
      await app.register(async (child) => {
        child.get('/', handler)
        child.setNotFoundHandler(async (request, reply) => reply.code(404).send({ auth: request.auth?.user }))
      }, { prefix: '/child' })
      const login = await app.inject({ method: 'POST', url: '/login' })
      const headers = { cookie: String(login.headers['set-cookie']).split(';')[0] as string }
      for (const method of ['GET', 'POST'] as const) {
        for (const url of ['/unknown', '/child/unknown']) {
          const found = await app.inject({ method, url, headers, ...method === 'POST' ? { payload: { a: 1 } } : {} })
          t.equal(found.statusCode, 404, `${method} ${url}`)
          if (url === '/child/unknown') t.strictSame(found.json(), { auth: 'me' })
          const absent = await app.inject({ method, url })
          t.equal(absent.statusCode, 401, `${method} ${url} of a stranger`)
          t.strictSame(absent.json(), NOT_AUTHENTICATED)
          t.equal(absent.headers['www-authenticate'], 'APIKey')
          const refused = await app.inject({ method, url, headers: { cookie: 'sessionId=other' } })
          t.strictSame(refused.json(), INVALID_CREDENTIALS)
        }
      }
      t.equal((await app.inject({ url: '/', headers })).body, 'ran')
      t.equal((await app.inject({ url: '/child', headers })).body, 'ran')
      t.equal((await app.inject('/')).statusCode, 401)
    })
  }
}

for (const hook of HOOKS) {
  t.test(`preflight requests of @fastify/cors pass a secured root, and its route counts as declared: enforced in ${hook}`, async (t) => {
    const app = await create({ hook, explicit: true })
    await app.register(cors, { origin: 'https://app.example' })
    app.secure([{ scheme: tokenOf(app) }])
    app.get('/', handler)
    const preflight = { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' } } as const
    for (const url of ['/', '/unknown']) {
      const response = await app.inject({ ...preflight, url })
      t.equal(response.statusCode, 204)
      t.equal(response.headers['access-control-allow-origin'], 'https://app.example')
    }
    t.equal((await app.inject({ method: 'OPTIONS', url: '/' })).statusCode >= 400, true, 'anything else is not let in')
    t.equal((await app.inject('/')).statusCode, 401)
  })
}

t.test('the route of @fastify/cors counts as declared without a secured context', async (t) => {
  const app = await create({ explicit: true })
  await app.register(cors)
  await t.resolves(Promise.resolve(app.ready()))
  const other = await create({ explicit: true })
  other.options('*', handler)
  await t.rejects(Promise.resolve(other.ready()), { code: 'FST_AUTH_UNDECLARED_ROUTE' }, 'one that is shown is like any other')
})

t.test('middleware that may answer by itself is logged once where a context is secured, with the cure', async (t) => {
  for (const [name, plugin] of Object.entries({ middie, express }) as Array<[string, any]>) {
    for (const secured of [true, false]) {
      const app = Fastify({ logger })
      await app.register(plugin)
      await app.register(authSchemes)
      if (secured) app.secure([{ scheme: tokenOf(app) }])
      app.get('/', handler)
      warnings()
      await app.ready()
      t.strictSame(warnings().filter((message) => message.includes('`use`')).length, secured ? 1 : 0, name)
    }
  }
})

t.test('middleware of a later hook runs behind the guard', async (t) => {
  const app = Fastify()
  await app.register(middie, { hook: 'preHandler' })
  await app.register(authSchemes)
  app.secure([{ scheme: tokenOf(app) }])
  app.use('/', (_request, response) => { response.end('middleware') })
  app.get('/', handler)
  t.equal((await app.inject('/')).statusCode, 401)
  t.equal((await app.inject({ url: '/', headers: bearer('good') })).body, 'middleware')
})

t.test('@fastify/otel before the plugin leaves all as it is; after it, the boot fails and names the cure', async (t) => {
  const add = (app: FastifyInstance): void => {
    const scheme = tokenOf(app)
    app.get('/', { security: [{ scheme }] }, async (request) => request.auth.scheme)
    app.get('/hook', { preHandler: scheme.preHandler }, handler)
  }
  const before = Fastify()
  await before.register(new FastifyOtelInstrumentation().plugin())
  await before.register(authSchemes)
  add(before)
  for (const url of ['/', '/hook']) {
    t.strictSame((await before.inject(url)).json(), NOT_AUTHENTICATED)
    t.equal((await before.inject({ url, headers: bearer('good') })).statusCode, 200)
  }

  const after = Fastify()
  await after.register(authSchemes)
  await after.register(new FastifyOtelInstrumentation().plugin())
  add(after)
  await t.rejects(Promise.resolve(after.inject('/')), { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /replaced or wrapped the `onRequest` hooks.*register that plugin before fastify-auth-schemes.*`instrumentHooks: false`/ })
})

t.test('a boot that failed is not served by @fastify/aws-lambda either', async (t) => {
  const app = await create({ explicit: true })
  app.get('/', handler)
  const proxy = awsLambda(app)
  const event = { httpMethod: 'GET', path: '/', headers: {} }
  for (let i = 0; i < 3; i++) {
    const status = await Promise.resolve(proxy(event as any, {} as any)).then((response: any) => response.statusCode, () => 500)
    t.equal(status, 500, `call ${i}`)
  }
})

t.test('the files of @fastify/static are public by an option, and keep its decorator', async (t) => {
  const app = await create({ explicit: true, public: ['/files/*'] })
  await app.register(fastifyStatic, { root: __dirname, prefix: '/files/' })
  app.secure([{ scheme: tokenOf(app) }])
  app.get('/own', async (_request, reply) => await reply.sendFile('beside.ts'))
  t.equal((await app.inject('/files/beside.ts')).statusCode, 200)
  t.equal((await app.inject('/own')).statusCode, 401)
  t.equal((await app.inject({ url: '/own', headers: bearer('good') })).statusCode, 200)
})
