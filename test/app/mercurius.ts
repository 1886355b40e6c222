/** GraphQL by mercurius: `security` guards its URL, resolvers require more by `scheme.require`. */

import t, { type Test } from 'tap'
import mercurius, { type MercuriusOptions } from 'mercurius'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { InvalidCredentialsError, authSchemes, type AuthSchemesOptions, type HookName } from '../../lib'
import { NOT_AUTHENTICATED, bearer, challengesOf, documentOf, openapi31 } from '../helpers'
import { listen, openSocket, type Connection, type Refused } from './helpers'

const schema = `
  type Query { me: String, orders: String, invoices: String!, keys: String }
  type Mutation { say (text: String!): String }
  type Subscription { said: String, watched: String }`

interface Created {
  readonly app: FastifyInstance
  readonly token: ReturnType<typeof schemesOf>['token']
  /** The resolvers that ran, in order. */
  readonly ran: string[]
  /** `request.auth` in each call of `context`. */
  readonly contexts: unknown[]
  readonly verified: () => number
}

function schemesOf (app: FastifyInstance, count: () => void) {
  const token = app.authSchemes.httpBearer({
    verify: ({ credentials }) => {
      count()
      if (credentials === 'expired') throw new InvalidCredentialsError('The token has expired')
      return credentials === 'good' ? { name: 'alice', scopes: ['orders'] } : null
    }
  })
  return { token, key: app.authSchemes.apiKeyHeader({ name: 'X-API-Key', verify: (key) => key === 'k3y' }) }
}

interface Options {
  readonly plugin?: AuthSchemesOptions
  readonly secured?: boolean
  readonly mercurius?: (schemes: ReturnType<typeof schemesOf>) => Partial<MercuriusOptions>
}

async function create ({ plugin = {}, secured = true, mercurius: own = () => ({}) }: Options = {}): Promise<Created> {
  const app = Fastify()
  // mercurius registers it in a context of its own, where it does not close what is refused outside of that context.
  await app.register(websocket)
  await app.register(swagger, openapi31)
  await app.register(authSchemes, plugin)
  let verified = 0
  const schemes = schemesOf(app, () => { verified++ })
  const { token, key } = schemes
  if (secured) app.secure([{ scheme: token }])
  const ran: string[] = []
  const contexts: unknown[] = []
  const run = (name: string, value: any): any => {
    ran.push(name)
    return value
  }
  // In subscriptions, too, mercurius has the request there; not for queries over the socket.
  const requestOf = (context: any): FastifyRequest => context.reply?.request ?? context.request
  await app.register(mercurius, {
    schema,
    resolvers: {
      Query: {
        me: (_root, _args, context) => run('me', token.from(requestOf(context))?.user.name),
        orders: (_root, _args, context) => {
          return run('orders', token.require(requestOf(context), { scopes: ['orders'] }).user.name)
        },
        invoices: (_root, _args, context) => {
          return run('invoices', token.require(requestOf(context), { scopes: ['invoices'] }).user.name)
        },
        keys: (_root, _args, context) => run('keys', key.require(requestOf(context)).token)
      },
      Mutation: {
        say: async (_root, { text }, { pubsub }) => {
          await pubsub.publish({ topic: 'said', payload: { said: text } })
          return run('say', text)
        }
      },
      Subscription: {
        said: {
          subscribe: async (_root: any, _args: any, { pubsub }: any) => run('said', await pubsub.subscribe('said'))
        },
        watched: {
          subscribe: async (_root: any, _args: any, context: any) => {
            token.require(requestOf(context), { scopes: ['watch'] })
            return run('watched', await context.pubsub.subscribe('said'))
          }
        }
      }
    },
    context: (request) => {
      contexts.push(request.auth)
      return {}
    },
    ...own(schemes)
  } as MercuriusOptions)
  return { app, token, ran, contexts, verified: () => verified }
}

const post = (query: string | object, headers: Record<string, string> = {}) => ({
  method: 'POST', url: '/graphql', headers, payload: typeof query === 'string' ? { query } : query
} as const)
const inGraphQl = (message: string) => ({ data: null, errors: [{ message }] })

const places: ReadonlyArray<readonly [place: string, options: Options]> = [
  ['app.secure', {}],
  ['additionalRouteOptions.security', {
    secured: false,
    mercurius: ({ token }) => ({ additionalRouteOptions: { security: [{ scheme: token }] } as object })
  }],
  ['additionalRouteOptions.preHandler', {
    secured: false,
    mercurius: ({ token }) => ({ additionalRouteOptions: { preHandler: token.preHandler } })
  }]
]
for (const [place, options] of places) {
  t.test(`queries by GET and POST are guarded, listed and documented, required by ${place}`, async (t) => {
    const { app, ran, contexts } = await create({ plugin: { explicit: true }, ...options })
    for (const request of [post('{ me }'), { method: 'GET', url: '/graphql?query={me}' } as const]) {
      const absent = await app.inject(request)
      t.equal(absent.statusCode, 401)
      t.strictSame(absent.json(), inGraphQl('Not authenticated'))
      t.strictSame(challengesOf(absent), ['Bearer'])
      const expired = await app.inject({ ...request, headers: bearer('expired') })
      t.equal(expired.statusCode, 401)
      t.strictSame(expired.json(), inGraphQl('The token has expired'))
      t.strictSame(challengesOf(expired),
        ['Bearer error="invalid_token", error_description="The token has expired"'])
      t.strictSame(ran, [])
      const accepted = await app.inject({ ...request, headers: bearer('good') })
      t.equal(accepted.statusCode, 200)
      t.strictSame(accepted.json(), { data: { me: 'alice' } })
      t.strictSame(ran.splice(0), ['me'])
    }
    t.equal((await app.inject({ method: 'HEAD', url: '/graphql?query={me}' })).statusCode, 401)
    t.strictSame(contexts.map((auth: any) => auth?.user.name ?? null),
      [null, null, 'alice', null, null, 'alice', null], 'it is called for refused requests, too')
    const { paths } = documentOf(app)
    for (const method of ['get', 'post']) t.strictSame(paths['/graphql'][method].security, [{ HTTPBearer: [] }])
    t.ok(app.authSchemes.routes().every((route) => !route.public))
  })
}

t.test('unknown URLs of a secured application are 401 before they are 404', async (t) => {
  const { app } = await create()
  for (const url of ['/graphql/', '/graphql/more', '/graphiql', '/unknown']) {
    t.strictSame((await app.inject(url)).json(), NOT_AUTHENTICATED, url)
    t.equal((await app.inject({ url, headers: bearer('good') })).statusCode, 404, url)
  }
})

t.test('mercurius drops an `onRequest` among additionalRouteOptions: with `explicit` the boot fails', async (t) => {
  const options: Options = {
    secured: false,
    mercurius: ({ token }) => ({ additionalRouteOptions: { onRequest: token.preHandler } })
  }
  const open = await create(options)
  await open.app.ready()
  t.ok(open.app.authSchemes.routes().every((route) => route.public), 'without it the list says so')
  const { app, ran } = await create({ ...options, plugin: { explicit: true } })
  await t.rejects(Promise.resolve(app.inject(post('{ me }'))),
    { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /GET \/graphql, HEAD \/graphql, POST \/graphql/ })
  t.strictSame(ran, [])
})

t.test('mercurius before the plugin fails the boot of a secured or an explicit application', async (t) => {
  for (const explicit of [true, false]) {
    const app = Fastify()
    await app.register(mercurius, { schema })
    await app.register(authSchemes, { explicit })
    const { token } = schemesOf(app, () => {})
    const code = explicit ? 'FST_AUTH_UNDECLARED_ROUTE' : 'FST_AUTH_UNGUARDED_ROUTE'
    if (!explicit) t.throws(() => { app.secure([{ scheme: token }]) }, { code })
    await t.rejects(Promise.resolve(app.inject(post('{ __typename }', bearer('good')))),
      { code, message: /\/graphql/ })
  }
})

const FORBIDDEN = 'Not enough permissions'
const thrown: ReadonlyArray<readonly [rule: string, query: string, status: number, data: unknown]> = [
  ['a field that may be null: 200, and the others are there', '{ me keys }', 200, { me: 'alice', keys: null }],
  ['a field that may not: the status of the only error, and no data', '{ me invoices }', 403, null],
  ['one of each: 200, and no data', '{ keys invoices }', 200, null]
]
for (const [rule, query, status, data] of thrown) {
  t.test(`a resolver that requires what is not there does not run, without a challenge: ${rule}`, async (t) => {
    const { app, ran } = await create({
      plugin: { explicit: true },
      secured: false,
      mercurius: ({ token, key }) => ({
        additionalRouteOptions: { security: [{ scheme: token }, { scheme: key }] } as object
      })
    })
    const response = await app.inject(post(query, bearer('good')))
    t.equal(response.statusCode, status)
    t.strictSame(response.json().data, data)
    const messages = response.json().errors.map(({ message }: { message: string }) => message)
    const expected = { keys: 'Not authenticated', invoices: FORBIDDEN }
    t.strictSame(messages, Object.entries(expected).filter(([name]) => query.includes(name)).map(([, each]) => each))
    t.strictSame(challengesOf(response), [])
    t.strictSame(ran.filter((name) => name !== 'me'), [])
  })
}

t.test('a resolver that requires what was granted runs, and so does a batch', async (t) => {
  const { app, ran, verified } = await create({ mercurius: () => ({ allowBatchedQueries: true }) })
  const batch = [{ query: '{ me orders }' }, { query: '{ invoices }' }]
  const response = await app.inject(post(batch, bearer('good')))
  t.equal(response.statusCode, 403, 'a batch has the status of its error')
  t.match(response.json(), [{ data: { me: 'alice', orders: 'alice' } }, { errors: [{ message: FORBIDDEN }] }])
  t.strictSame(response.json()[1].data, null)
  t.strictSame(ran, ['me', 'orders'])
  t.equal(verified(), 1)
  t.equal((await app.inject(post(batch))).statusCode, 401)
  t.strictSame(ran.length, 2)
})

t.test('a resolver that requires a scheme which the endpoint does not have fails', async (t) => {
  const { app, ran } = await create()
  const response = await app.inject(post('{ keys }', { ...bearer('good'), 'x-api-key': 'k3y' }))
  t.match(response.json().errors[0].message, /the scheme "APIKeyHeader", which is not in the `security` of the route/)
  t.strictSame(response.json().data, { keys: null })
  t.strictSame(ran, [])
})

t.test('`errorFormatter` gives clients the codes', async (t) => {
  const { app } = await create({
    mercurius: () => ({
      errorFormatter: (execution, context) => {
        for (const { extensions, originalError } of execution.errors ?? []) {
          extensions.code = (originalError as { code?: unknown } | undefined)?.code
        }
        return mercurius.defaultErrorFormatter(execution, context)
      }
    })
  })
  const codeOf = async (query: string, headers = {}): Promise<string> =>
    (await app.inject(post(query, headers))).json().errors[0].extensions.code
  t.equal(await codeOf('{ me }'), 'FST_AUTH_NOT_AUTHENTICATED')
  t.equal(await codeOf('{ me }', bearer('expired')), 'FST_AUTH_INVALID_CREDENTIALS')
  t.equal(await codeOf('{ invoices }', bearer('good')), 'FST_AUTH_INSUFFICIENT_SCOPE')
})

t.test('`require` in `context`: refused requests keep status and challenge, in the form of Fastify', async (t) => {
  for (const errorHandler of [true, false]) {
    const { app, ran } = await create({
      mercurius: ({ token }) => ({
        errorHandler,
        context: (request: FastifyRequest) => ({ user: token.require(request, { scopes: ['admin'] }).user })
      })
    })
    const absent = await app.inject(post('{ me }'))
    t.equal(absent.statusCode, 401)
    t.strictSame(absent.json(), NOT_AUTHENTICATED)
    t.strictSame(challengesOf(absent), ['Bearer'])
    const insufficient = await app.inject(post('{ me }', bearer('good')))
    t.equal(insufficient.statusCode, 403)
    t.strictSame(challengesOf(insufficient), ['Bearer error="insufficient_scope", scope="admin"'])
    t.strictSame(ran, [])
  }
})

t.test('GraphiQL is guarded, and public by the option of the plugin; the endpoint stays guarded', async (t) => {
  const urls = ['/graphiql', '/graphiql/main.js', '/graphiql/sw.js', '/graphiql/config.js']
  for (const isPublic of [true, false]) {
    const { app, ran } = await create({
      plugin: { explicit: true, public: isPublic ? ['/graphiql', '/graphiql/*'] : [] },
      mercurius: () => ({ graphiql: true })
    })
    for (const url of urls) t.equal((await app.inject(url)).statusCode, isPublic ? 200 : 401, url)
    t.equal((await app.inject(post('{ me }'))).statusCode, 401)
    t.strictSame(app.authSchemes.routes().filter((route) => route.public).map(({ url }) => url),
      isPublic ? urls.flatMap((url) => [url, url]) : [])
    t.strictSame(ran, [])
  }
})

const PROTOCOL = ['graphql-transport-ws']
const subscribe = (id: string, query: string) => ({ id, type: 'subscribe', payload: { query } })
async function connected (t: Test, port: number): Promise<Connection> {
  const connection = await openSocket(t, port, '/graphql', bearer('good'), PROTOCOL) as Connection
  connection.send({ type: 'connection_init' })
  t.strictSame(await connection.received(1), [{ type: 'connection_ack' }])
  return connection
}

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as HookName[]) {
  t.test(`the upgrade for subscriptions is refused, whatever is sent over the socket later: in ${hook}`, async (t) => {
    const { app, ran } = await create({ plugin: { explicit: true, hook }, mercurius: () => ({ subscription: true }) })
    const port = await listen(t, app)
    for (const [headers, message, challenge] of [
      [{}, 'Not authenticated', 'Bearer'],
      [bearer('bad'), 'Invalid authentication credentials', 'Bearer error="invalid_token"']
    ] as const) {
      const refused = await openSocket(t, port, '/graphql', headers, PROTOCOL)
      t.strictSame(refused, { status: 401, challenge, body: inGraphQl(message) })
    }
    const unknown = await openSocket(t, port, '/unknown', {}, PROTOCOL) as Refused
    t.strictSame(unknown, { status: 401, challenge: 'Bearer', body: NOT_AUTHENTICATED })
    const connection = await connected(t, port)
    connection.send(subscribe('1', 'subscription { watched }'))
    const [, error] = await connection.received(2)
    t.match(error, { id: '1', type: 'error', payload: [{ message: FORBIDDEN, path: ['watched'] }] })
    t.strictSame(ran, [])
    connection.send(subscribe('2', 'subscription { said }'))
    connection.send(subscribe('3', '{ me }'))
    const [, , notThere] = await connection.received(3)
    t.match(notThere, { id: '3', type: 'error' }, 'queries need `fullWsTransport`')
    t.strictSame((await app.inject(post('mutation { say(text: "hello") }', bearer('good')))).json(),
      { data: { say: 'hello' } })
    const received = await connection.received(4)
    t.strictSame(received[3], { id: '2', type: 'next', payload: { data: { said: 'hello' } } })
    t.strictSame(ran, ['said', 'say'])
  })
}

t.test('over `fullWsTransport` the request is in the context of the socket, and `require` holds', async (t) => {
  const { app, ran, verified } = await create({ mercurius: () => ({ subscription: { fullWsTransport: true } }) })
  const connection = await connected(t, await listen(t, app))
  connection.send(subscribe('1', '{ me orders }'))
  const [, next, complete] = await connection.received(3)
  t.strictSame(next, { id: '1', type: 'next', payload: { data: { me: 'alice', orders: 'alice' } } })
  t.match(complete, { id: '1', type: 'complete' })
  connection.send(subscribe('2', '{ invoices }'))
  const refused = (await connection.received(5))[3]
  t.match(refused, { id: '2', type: 'next', payload: { errors: [{ message: FORBIDDEN }] } })
  t.strictSame(refused.payload.data, null)
  t.strictSame(ran, ['me', 'orders'])
  t.equal(verified(), 1, 'the token is verified once, at the upgrade')
})

t.test('`subscription.context` may close the socket when the token expires', async (t) => {
  const { app } = await create({
    mercurius: () => ({
      subscription: {
        context: (socket: any) => {
          setTimeout(() => { socket.close(4401, 'The token has expired') }, 50)
          return {}
        }
      }
    })
  })
  const connection = await connected(t, await listen(t, app))
  t.equal(await connection.closed, 4401)
})
