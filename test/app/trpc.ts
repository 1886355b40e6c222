/** tRPC by its Fastify adapter: `security` guards its URLs, procedures require more by a middleware. */

import t, { type Test } from 'tap'
import { TRPCError, initTRPC } from '@trpc/server'
import { fastifyTRPCPlugin, type CreateFastifyContextOptions } from '@trpc/server/adapters/fastify'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { InvalidCredentialsError, authSchemes, type AuthSchemesOptions, type HookName } from '../../lib'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, challengesOf, documentOf, openapi31 } from '../helpers'
import { listen, openSocket, type Connection } from './helpers'

interface Options {
  readonly plugin?: AuthSchemesOptions
  /** `root` and `context`: `secure` in one of the two; `none`: nowhere. */
  readonly secured?: 'root' | 'context' | 'none'
  /** Beside the scheme, `{}`. */
  readonly optional?: boolean
  readonly sockets?: boolean
  /** False: the context has the `req` of the adapter as it is. */
  readonly finds?: boolean
}

async function create ({ plugin, secured = 'context', optional = false, sockets = false, finds = true }: Options = {}) {
  const app = Fastify()
  if (sockets) await app.register(websocket)
  await app.register(swagger, openapi31)
  await app.register(authSchemes, plugin ?? {})
  let verified = 0
  const token = app.authSchemes.httpBearer({
    verify: ({ credentials }) => {
      verified++
      if (credentials === 'expired') throw new InvalidCredentialsError('The token has expired')
      return credentials === 'good' ? { name: 'alice', scopes: ['orders'] } : null
    }
  })
  const ran: string[] = []
  const run = <T>(name: string, value: T): T => {
    ran.push(name)
    return value
  }
  const requests = new WeakMap<object, FastifyRequest>()
  const createContext = ({ req }: CreateFastifyContextOptions) => {
    const request = finds ? requests.get(req) ?? req : req
    ran.push('createContext')
    return { request, user: token.from(request)?.user }
  }
  const trpc = initTRPC.context<typeof createContext>().create()
  const CODES: Record<number, TRPCError['code']> = { 401: 'UNAUTHORIZED', 403: 'FORBIDDEN' }
  const requires = (scopes: readonly string[], maps: boolean) => trpc.procedure.use(async ({ ctx, next }) => {
    const userOf = () => {
      try {
        return token.require(ctx.request, { scopes }).user
      } catch (cause: any) {
        throw maps ? new TRPCError({ code: CODES[cause.statusCode] ?? 'INTERNAL_SERVER_ERROR', cause }) : cause
      }
    }
    return await next({ ctx: { user: userOf() } })
  })
  const router = trpc.router({
    me: trpc.procedure.query(({ ctx }) => run('me', ctx.user?.name ?? 'nobody')),
    orders: requires(['orders'], true).query(({ ctx }) => run('orders', ctx.user.name)),
    invoices: requires(['invoices'], true).query(({ ctx }) => run('invoices', ctx.user.name)),
    unmapped: requires(['invoices'], false).query(({ ctx }) => run('unmapped', ctx.user.name)),
    say: trpc.procedure.mutation(() => run('say', 'said')),
    count: trpc.procedure.subscription(async function * () { yield run('count', 1) })
  })
  const security = optional ? [{ scheme: token }, {}] : [{ scheme: token }]
  if (secured === 'root') app.secure(security)
  await app.register(async (rpc: FastifyInstance) => {
    if (secured === 'context') rpc.secure(security)
    // Behind `security`, and in front of the upgrade to a websocket.
    if (finds) rpc.addHook('preHandler', async (request) => { requests.set(request.raw, request) })
    await rpc.register(fastifyTRPCPlugin, {
      prefix: '/trpc',
      useWSS: sockets,
      trpcOptions: { router, createContext }
    })
  })
  return { app, token, ran, verified: () => verified }
}

for (const secured of ['root', 'context'] as const) {
  t.test(`calls are refused before \`createContext\`, and are documented: secured in the ${secured}`, async (t) => {
    const { app, ran } = await create({ plugin: { explicit: true }, secured })
    const calls = [
      { method: 'GET', url: '/trpc/me' }, { method: 'GET', url: '/trpc/me,orders?batch=1' },
      { method: 'POST', url: '/trpc/say', payload: {} }, { method: 'GET', url: '/trpc/count' },
      { method: 'GET', url: '/trpc/unknown' }
    ] as const
    for (const call of calls) {
      const absent = await app.inject(call)
      t.equal(absent.statusCode, 401, call.url)
      t.strictSame(absent.json(), NOT_AUTHENTICATED, call.url)
      t.strictSame(challengesOf(absent), ['Bearer'], call.url)
      const expired = await app.inject({ ...call, headers: bearer('expired') })
      t.strictSame(expired.json(), { ...INVALID_CREDENTIALS, message: 'The token has expired' }, call.url)
      t.strictSame(challengesOf(expired), ['Bearer error="invalid_token", error_description="The token has expired"'])
    }
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE'] as const) {
      t.equal((await app.inject({ method, url: '/trpc/me' })).statusCode, 401, method)
    }
    t.strictSame(ran, [])
    const me = await app.inject({ url: '/trpc/me', headers: bearer('good') })
    t.strictSame(me.json(), { result: { data: 'alice' } })
    const said = await app.inject({ method: 'POST', url: '/trpc/say', payload: {}, headers: bearer('good') })
    t.strictSame(said.json(), { result: { data: 'said' } })
    const counted = await app.inject({ url: '/trpc/count', headers: bearer('good') })
    t.match(counted.body, /^data: 1$/m)
    t.strictSame(ran, ['createContext', 'me', 'createContext', 'say', 'createContext', 'count'])
    t.equal((await app.inject({ url: '/trpc/unknown', headers: bearer('good') })).statusCode, 404)
    t.strictSame(documentOf(app).paths['/trpc/{path}'].get.security, [{ HTTPBearer: [] }])
    t.ok(app.authSchemes.routes().every((route) => !route.public))
    const unknown = await app.inject('/trpc/a/b')
    t.equal(unknown.statusCode, secured === 'root' ? 401 : 404, 'URLs without a route belong to the root')
  })
}

t.test('an endpoint for which nothing is declared fails an explicit boot', async (t) => {
  const { app, ran } = await create({ plugin: { explicit: true }, secured: 'none' })
  await t.rejects(Promise.resolve(app.inject('/trpc/me')),
    { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /GET \/trpc\/:path/ })
  t.strictSame(ran, [])
})

t.test('a procedure requires scopes: 403 where its middleware maps the error, and no challenge', async (t) => {
  const { app, ran, verified } = await create()
  const granted = await app.inject({ url: '/trpc/orders', headers: bearer('good') })
  t.strictSame(granted.json(), { result: { data: 'alice' } })
  t.equal(verified(), 1)
  ran.splice(0)
  for (const [path, status, code] of [['invoices', 403, 'FORBIDDEN'], ['unmapped', 500, 'INTERNAL_SERVER_ERROR']]) {
    const response = await app.inject({ url: `/trpc/${path}`, headers: bearer('good') })
    t.equal(response.statusCode, status)
    t.match(response.json().error, { message: 'Not enough permissions', data: { code, path } })
    t.strictSame(challengesOf(response), [])
  }
  const batch = await app.inject({ url: '/trpc/me,invoices?batch=1', headers: bearer('good') })
  t.equal(batch.statusCode, 207)
  t.strictSame(batch.json()[0], { result: { data: 'alice' } })
  t.match(batch.json()[1].error, { data: { code: 'FORBIDDEN', httpStatus: 403 } })
  t.strictSame(ran.filter((name) => name !== 'createContext'), ['me'])
})

t.test('public and protected procedures at one endpoint: only absence is forgiven', async (t) => {
  const { app, ran } = await create({ optional: true })
  t.strictSame((await app.inject('/trpc/me')).json(), { result: { data: 'nobody' } })
  const orders = await app.inject('/trpc/orders')
  t.equal(orders.statusCode, 401)
  t.match(orders.json().error, { message: 'Not authenticated', data: { code: 'UNAUTHORIZED' } })
  t.strictSame(challengesOf(orders), [])
  t.strictSame(ran.splice(0), ['createContext', 'me', 'createContext'])
  const refused = await app.inject({ url: '/trpc/me', headers: bearer('bad') })
  t.equal(refused.statusCode, 401)
  t.strictSame(challengesOf(refused), ['Bearer error="invalid_token"'])
  t.strictSame(ran, [])
})

async function connected (t: Test, port: number): Promise<Connection> {
  return await openSocket(t, port, '/trpc', bearer('good')) as Connection
}

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as HookName[]) {
  t.test(`the upgrade to a websocket is refused, and its context has the request: in ${hook}`, async (t) => {
    const { app, ran, verified } = await create({ plugin: { explicit: true, hook }, sockets: true })
    const port = await listen(t, app)
    for (const path of ['/trpc', '/trpc?connectionParams=1']) {
      t.strictSame(await openSocket(t, port, path), { status: 401, challenge: 'Bearer', body: NOT_AUTHENTICATED })
    }
    t.strictSame(await openSocket(t, port, '/trpc', bearer('bad')),
      { status: 401, challenge: 'Bearer error="invalid_token"', body: INVALID_CREDENTIALS })
    t.equal(verified(), 1)
    t.strictSame(ran, [])
    const connection = await connected(t, port)
    for (const [id, path] of ['me', 'orders', 'invoices'].entries()) {
      connection.send({ id, method: 'query', params: { path } })
    }
    const received = (await connection.received(3)).sort((a, b) => a.id - b.id)
    t.match(received[0], { id: 0, result: { data: 'alice' } })
    t.match(received[1], { id: 1, result: { data: 'alice' } })
    t.match(received[2], { id: 2, error: { message: 'Not enough permissions', data: { code: 'FORBIDDEN' } } })
    t.strictSame(ran, ['createContext', 'me', 'orders'])
    t.equal(verified(), 2, 'the token is verified once, at the upgrade')
  })
}

t.test('the `req` of a websocket is the raw one: nobody is found on it, and `require` fails', async (t) => {
  const { app, ran } = await create({ sockets: true, finds: false })
  const connection = await connected(t, await listen(t, app))
  connection.send({ id: 1, method: 'query', params: { path: 'me' } })
  t.match((await connection.received(1))[0], { id: 1, result: { data: 'nobody' } })
  connection.send({ id: 2, method: 'query', params: { path: 'orders' } })
  t.match((await connection.received(2))[1].error, {
    message: 'HTTPBearer.require: the first argument must be the request of Fastify, not its `raw`',
    data: { code: 'INTERNAL_SERVER_ERROR' }
  })
  t.strictSame(ran, ['createContext', 'me'])
})
