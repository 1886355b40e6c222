import t from 'tap'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import cookie from '@fastify/cookie'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { authSchemes } from '../../lib'
import { asSent } from '../../lib/request/sent'
import { exchange, listen, request } from '../hostile/raw'
import { createApp } from '../helpers'

// Names that Node.js knows, and one that it does not.
const NAMES = [
  'Accept-Charset', 'Age', 'Authorization', 'Cookie', 'Date', 'ETag', 'Expires', 'From', 'If-Modified-Since', 'If-Unmodified-Since', 'Last-Modified', 'Location',
  'Max-Forwards', 'Origin', 'Proxy-Authorization', 'Referer', 'Retry-After', 'Server', 'User-Agent', 'X-Key'
]

async function echo (server: FastifyServerOptions): Promise<FastifyInstance> {
  const app = Fastify(server)
  app.get('/', async (request) => {
    const { headers, host, protocol } = asSent(request)
    return { received: request.raw.headers, read: headers, place: [host, protocol], hasPrototype: Object.getPrototypeOf(headers) !== null }
  })
  return app
}

for (const joinDuplicateHeaders of [false, true]) {
  t.test(`repeated headers are read by the rules of Node.js, joinDuplicateHeaders: ${joinDuplicateHeaders}`, async (t) => {
    const app = await echo({ http: { joinDuplicateHeaders } } as FastifyServerOptions)
    t.teardown(async () => { await app.close() })
    const lines = [...NAMES.flatMap((name) => [`${name}: first`, `${name.toUpperCase()}: second`, `${name}:`]), '__proto__: own']
    const { body } = await exchange(await listen(app), request('GET / HTTP/1.1', 'Host: x', 'Host: y', ...lines))
    const { received, read, hasPrototype } = JSON.parse(body)
    // Node.js drops a header of this name.
    t.strictSame(Object.entries(read).sort(), [...Object.entries(received), ['__proto__', 'own']].sort())
    t.equal(read.authorization, joinDuplicateHeaders ? 'first, second, ' : 'first')
    t.equal(read['x-key'], 'first, second, ')
    t.equal(read.cookie, 'first; second; ')
    t.equal(hasPrototype, false)
  })
}

t.test('over HTTP/2, too', async (t) => {
  const app = await echo({ http2: true } as object)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = http2.connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.teardown(async () => {
    client.destroy()
    await app.close()
  })
  const stream = client.request({ ':path': '/', ':authority': 'App.example:3000', authorization: 'Bearer x', cookie: ['a=1', 'b=2'], 'x-key': ['first', 'second'] })
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  const { received, read, place } = JSON.parse(body)
  t.strictSame(read, received)
  t.strictSame(place, ['App.example:3000', 'http'])
  t.strictSame([read.authorization, read.cookie, read['x-key']], ['Bearer x', 'a=1; b=2', 'first, second'])
})

const ROUTERS: readonly FastifyServerOptions[] = [
  {}, { useSemicolonDelimiter: true }, { routerOptions: { useSemicolonDelimiter: true } as object }, { routerOptions: {} }
]
for (const server of ROUTERS) {
  t.test(`the query is read of the URL as Fastify reads it: ${JSON.stringify(server)}`, async (t) => {
    const app = Fastify(server)
    t.teardown(async () => { await app.close() })
    app.get('/*', async (request) => [request.query, asSent(request).query])
    const urls = [
      '/', '/?', '/?k=a', '/?k=a&k=b', '/?k', '/?k=', '/?k=a+b%20c', '/?%6B=%C3%A9', '/?__proto__=a', '/?k=a?b=c', `/?${'x&'.repeat(1500)}k=a`,
      '/;k=a', '/x;k=a?k=b', '/x?k=a;k=b', '/x#k=a', '/x#?k=a', '/x?k=a#b', '/a-long-path/of-more-than-twelve#k=a', '/a-long-path/of-more-than-twelve;k=a'
    ]
    const port = await listen(app)
    for (const url of urls) {
      const [parsed, read] = JSON.parse((await exchange(port, request(`GET ${url} HTTP/1.1`, 'Host: x'))).body)
      t.strictSame(Object.entries(read), Object.entries(parsed), url)
    }
  })
}

t.test('a key that begins behind a semicolon or a hash is refused in a late hook, too, and nobody passes with it', async (t) => {
  const app = await createApp({ hook: 'preHandler', server: { routerOptions: { useSemicolonDelimiter: true } as object } })
  t.teardown(async () => { await app.close() })
  const scheme = app.authSchemes.apiKeyQuery({ name: 'k', verify: (key) => key === 'good' })
  let ran = 0
  app.get('/', { security: [{ scheme }, {}] }, async () => ++ran)
  const port = await listen(app)
  for (const url of ['/?k=bad', '/;k=bad', '/#k=bad']) t.equal((await exchange(port, request(`GET ${url} HTTP/1.1`, 'Host: x'))).status, 401, url)
  t.equal(ran, 0)
})

// Each host and protocol, by what Fastify gives for the headers as they were sent.
const PLACES: ReadonlyArray<readonly [server: FastifyServerOptions, headers: Record<string, string>, host: string, protocol: string]> = [
  [{}, { host: 'app.example:3000' }, 'app.example:3000', 'http'],
  [{}, { host: 'app.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }, 'app.example', 'http'],
  [{ trustProxy: true }, { host: 'inside', 'x-forwarded-host': 'evil.example, app.example', 'x-forwarded-proto': 'https' }, 'app.example', 'https'],
  [{ trustProxy: '10.0.0.1' }, { host: 'inside', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }, 'inside', 'http']
]
for (const [server, headers, host, protocol] of PLACES) {
  t.test(`host and protocol are Fastify's of the headers that were sent: ${JSON.stringify([server, headers])}`, async (t) => {
    const app = Fastify(server)
    app.get('/', { schema: { headers: { type: 'object', additionalProperties: false, properties: {} } } }, async (request) => {
      t.strictSame(request.headers, {}, 'validation has removed them')
      Object.assign(request.headers, { host: 'filled', 'x-forwarded-host': 'filled', 'x-forwarded-proto': 'filled' })
      t.equal(request.host, 'filled')
      const { host, protocol, method } = asSent(request)
      return { host, protocol, method }
    })
    t.strictSame((await app.inject({ url: '/', headers })).json(), { host, protocol, method: 'GET' })
  })
}

t.test('a request of injectWS has headers, too, and no socket', async (t) => {
  const app = await createApp({ hook: 'preHandler' })
  await app.register(websocket)
  const scheme = app.authSchemes.apiKeyCookie({ name: 'sid', verify: (id) => id === 'good' })
  let opened = 0
  app.get('/', { websocket: true, security: [{ scheme }] }, (socket) => {
    opened++
    socket.terminate()
  })
  await app.ready()
  t.teardown(async () => { await app.close() })
  const open = async (headers: Record<string, string>): Promise<unknown> => await app.injectWS('/', { headers }).then((socket) => { socket.terminate() }, (error) => error.message)
  t.equal(await open({}), 'Unexpected server response: 401')
  t.equal(await open({ cookie: 'sid=good', host: 'app.example', origin: 'https://evil.example' }), 'Unexpected server response: 403')
  t.equal(opened, 0)
  t.equal(await open({ cookie: 'sid=good', host: 'app.example', origin: 'http://app.example' }), undefined)
  t.equal(await open({ cookie: 'sid=good' }), undefined)
  t.equal(opened, 2)
})

t.test('a raw request without a URL has no query', async (t) => {
  t.strictSame(asSent({ raw: { rawHeaders: [] }, server: { initialConfig: {} } } as any).query, {})
})

const FILLED = 'good'
const schema = {
  querystring: { type: 'object', properties: { key: { type: 'string', default: FILLED } } },
  headers: { type: 'object', properties: { 'x-key': { type: 'string', default: FILLED }, authorization: { type: 'string', default: `Bearer ${FILLED}` }, cookie: { type: 'string', default: `key=${FILLED}` } } }
}

const SENT: Record<string, (secret: string) => { readonly query: string, readonly headers: Record<string, string> }> = {
  apiKeyQuery: (secret) => ({ query: `?key=${secret}`, headers: {} }),
  apiKeyHeader: (secret) => ({ query: '', headers: { 'x-key': secret } }),
  apiKeyCookie: (secret) => ({ query: '', headers: { cookie: `key=${secret}` } }),
  httpBearer: (secret) => ({ query: '', headers: { authorization: `Bearer ${secret}` } })
}

const optionsOf = (factory: string): object => factory === 'httpBearer' ? {} : { name: factory === 'apiKeyHeader' ? 'x-key' : 'key' }
const verify = (credentials: any): boolean => (credentials.credentials ?? credentials) === FILLED

/** Runs a hook of the scheme behind validation, in a context of its own. */
const WAYS: Record<string, (context: FastifyInstance, hook: any, handler: (request: any) => Promise<object>) => void> = {
  'in an instance hook': (context, hook, handler) => {
    context.addHook('preHandler', hook)
    context.get('/', { schema }, handler)
  },
  'called by hand': (context, hook, handler) => {
    context.get('/', { schema, preHandler: (request, reply, done) => { hook(request, reply, done) } }, handler)
  },
  'in a hook that another plugin has wrapped': (context, hook, handler) => {
    context.addHook('onRoute', (route) => {
      const [own] = [route.preHandler].flat() as any[]
      route.preHandler = function wrapped (this: unknown, ...args: unknown[]) { return own.apply(this, args) }
    })
    context.get('/', { schema, preHandler: (request, reply, done) => { hook(request, reply, done) } }, handler)
  }
}

for (const [factory, send] of Object.entries(SENT)) {
  for (const [way, declare] of Object.entries(WAYS)) {
    for (const withCookies of factory === 'apiKeyCookie' ? [false, true] : [false]) {
      t.test(`what validation fills in lets nobody in: ${factory}, ${way}${withCookies ? ', beside @fastify/cookie' : ''}`, async (t) => {
        const app = await createApp()
        if (withCookies) await app.register(cookie)
        const make = (app.authSchemes as any)[factory] as (options: object) => any
        const scheme = make({ ...optionsOf(factory), verify })
        let ran = 0
        await app.register(async (context) => {
          declare(context, scheme.preHandler, async () => {
            ran++
            return {}
          })
        })
        t.equal((await app.inject('/')).statusCode, 401, 'nothing was sent')
        const { query, headers } = send('bad')
        t.equal((await app.inject({ url: `/${query}`, headers })).statusCode, 401, 'something else was sent')
        t.equal(ran, 0)
        const good = send(FILLED)
        t.equal((await app.inject({ url: `/${good.query}`, headers: good.headers })).statusCode, 200)
        t.equal(ran, 1)
      })
    }
  }

  t.test(`what validation fills in lets nobody in behind reply.callNotFound(): ${factory}`, async (t) => {
    const app = Fastify()
    await app.register(authSchemes)
    const make = (app.authSchemes as any)[factory] as (options: object) => any
    const scheme = make({ ...optionsOf(factory), verify })
    let ran = 0
    app.register(async (context) => {
      context.secure([{ scheme }])
      context.setNotFoundHandler(async (_request, reply) => {
        ran++
        return await reply.code(404).send({ secret: true })
      })
      context.get('/', { schema, security: [] }, async (_request, reply) => { reply.callNotFound() })
    }, { prefix: '/in' })
    t.equal((await app.inject('/in')).statusCode, 401)
    t.equal(ran, 0)
    const good = send(FILLED)
    t.equal((await app.inject({ url: `/in${good.query}`, headers: good.headers })).statusCode, 404)
    t.equal(ran, 1)
  })
}
