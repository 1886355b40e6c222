import t, { type Test } from 'tap'
import dns from 'node:dns'
import http2 from 'node:http2'
import https from 'node:https'
import tls from 'node:tls'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { authSchemes } from '../../lib'
import { asNode, makeIdentity } from '../tls/helpers'

const ca = makeIdentity('ca', { ca: true })
const { key, cert } = makeIdentity('localhost', { issuer: ca, hosts: ['localhost', '127.0.0.1'] })
const client = makeIdentity('alice', { issuer: ca, usage: 'clientAuth' })
const header = { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' } as const
const asking = { key, cert, ca: ca.pem, requestCert: true, rejectUnauthorized: false }

interface Built { readonly app: FastifyInstance, readonly warnings: string[] }

/** An application with a route for a certificate, unless `requires` is false. The scheme is that of the connection, unless another option is given. */
async function build (server: object, { options = {}, requires = true }: { options?: object, requires?: boolean } = {}): Promise<Built> {
  const warnings: string[] = []
  const stream = { write: (line: string) => { warnings.push(JSON.parse(line).msg) } }
  const app = Fastify({ logger: { level: 'warn', stream }, ...server } as FastifyServerOptions)
  await app.register(authSchemes)
  const scheme = asNode('22.0.0', () => app.authSchemes.mutualTLS({ verify: ({ subject }) => subject, ...options }))
  app.get('/', requires ? { security: [{ scheme }] } : {}, async (request) => ({ user: request.auth?.user }))
  return { app, warnings }
}

const HTTPS = '`https: { key, cert, ca, requestCert: true, rejectUnauthorized: false }`'
const NO_TLS = 'this server has no TLS, so "MutualTLS" finds no certificate, and each request that needs one gets 401: ' +
  `give Fastify ${HTTPS} or, where a proxy ends TLS, give the scheme its option \`header\``
const NO_CA = 'the option `https` has no `ca`, so a certificate of any public authority counts as verified: ' +
  'give it the authority that issues the certificates of your clients'
const NOT_ASKING = {
  name: 'TypeError',
  code: 'FST_AUTH_BAD_OPTION',
  message: `mutualTLS: the server does not ask clients for certificates: give Fastify ${HTTPS}, where \`ca\` is the authority that issues them; ` +
    'without `rejectUnauthorized: false` a client that has no good certificate gets no response at all'
}

for (const requires of [true, false]) {
  for (const http2 of [true, false]) {
    const title = `${http2 ? 'HTTP/2, ' : ''}${requires ? 'required by a route' : 'required by no route'}`
    t.test(`without TLS one warning is logged, and nobody has a certificate: ${title}`, async (t) => {
      const { app, warnings } = await build({ http2 }, { requires })
      asNode('22.0.0', () => app.authSchemes.mutualTLS({ verify: () => true }))
      await app.ready()
      t.strictSame(warnings, [NO_TLS])
      const response = await app.inject('/')
      t.equal(response.statusCode, requires ? 401 : 200)
      if (requires) t.equal(response.headers['www-authenticate'], 'ClientCertificate')
    })

    t.test(`a server with TLS that does not ask for certificates fails the boot: ${title}`, async (t) => {
      for (const options of [{}, { requestCert: false }, { requestCert: undefined }, { requestCert: 'true' }, { requestCert: 1 }]) {
        const { app } = await build({ http2, https: { key, cert, ca: ca.pem, ...options } }, { requires })
        await t.rejects(async () => { await app.ready() }, NOT_ASKING, JSON.stringify(options))
        await t.rejects(Promise.resolve(app.inject('/')), NOT_ASKING, 'it is never served')
      }
    })
  }
}

t.test('a server of the application\'s own is looked at, too', async (t) => {
  const { app } = await build({ serverFactory: (handler: any) => https.createServer({ key, cert }, handler) })
  await t.rejects(async () => { await app.ready() }, NOT_ASKING)
  const other = await build({ serverFactory: (handler: any) => http2.createSecureServer({ ...asking, ca: undefined }, handler) })
  await other.app.ready()
  t.strictSame(other.warnings, [NO_CA])
})

t.test('a certificate in a header asks nothing of the server', async (t) => {
  for (const server of [{}, { https: { key, cert } }]) {
    const { app, warnings } = await build(server, { options: { header } })
    await app.ready()
    t.strictSame(warnings, [])
    t.equal(app.server.listenerCount('secureConnection'), 'https' in server ? 1 : 0, 'nothing was added')
  }
})

t.test('without `ca` a warning is logged, whether a route requires a certificate or not', async (t) => {
  for (const requires of [true, false]) {
    for (const ca of [undefined, '', null]) {
      const { app, warnings } = await build({ https: { ...asking, ca } }, { requires })
      await app.ready()
      t.strictSame(warnings, [NO_CA])
    }
  }
  for (const none of [[], [ca.pem]]) {
    const { app, warnings } = await build({ https: { ...asking, ca: none } })
    await app.ready()
    t.strictSame(warnings, [], 'an empty list trusts nobody')
  }
})

/** The status of a request to the route, and what its handler saw. */
async function ask (port: number, host: string, options: object): Promise<unknown[]> {
  return await new Promise((resolve, reject) => {
    const request = https.get({ host, port, servername: 'localhost', ca: ca.pem, agent: false, ...options }, async (response) => {
      let body = ''
      for await (const chunk of response) body += String(chunk)
      resolve([response.statusCode, JSON.parse(body).user])
    })
    request.on('error', reject)
  })
}

/** Lets `localhost` have two addresses, wherever the test runs. */
function withTwoAddresses (t: Test): void {
  const { lookup } = dns
  dns.lookup = ((host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
    if (host !== 'localhost' || options.all !== true) return lookup(host, options as object, callback)
    callback(null, ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })))
  }) as typeof dns.lookup
  t.teardown(() => { dns.lookup = lookup })
}

t.test('every server of `localhost` keeps the certificates of its connections, in a plugin of the application, too', async (t) => {
  withTwoAddresses(t)
  const app = Fastify({ https: asking })
  await app.register(async (child) => {
    await child.register(authSchemes)
    const scheme = asNode('22.0.0', () => child.authSchemes.mutualTLS({ verify: ({ subject }) => subject }))
    child.get('/', { security: [{ scheme }] }, async (request) => ({ user: request.auth.user }))
  })
  await app.listen({ port: 0, host: 'localhost' })
  t.teardown(async () => { await app.close() })
  const { port } = app.server.address() as AddressInfo
  const addresses = (app.addresses() as AddressInfo[]).map(({ address }) => address)
  t.strictSame(addresses.sort(), ['127.0.0.1', '127.0.0.2'])
  for (const address of addresses) {
    t.strictSame(await ask(port, address, client), [200, 'CN=alice'], address)
    t.strictSame(await ask(port, address, {}), [401, undefined], address)
  }
})

t.test('a connection to a server that is not the application\'s has no certificate', async (t) => {
  const { app } = await build({ https: asking })
  await app.ready()
  const other = https.createServer(asking, (request, response) => { app.routing(request, response) })
  await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { other.close() })
  t.strictSame(await ask((other.address() as AddressInfo).port, '127.0.0.1', client), [401, undefined])
})

t.test('a server that asks for certificates without such a scheme is left alone', async (t) => {
  const app = Fastify({ https: asking })
  await app.register(authSchemes)
  app.authSchemes.httpBearer({ verify: () => true })
  await app.listen({ port: 0, host: 'localhost' })
  t.teardown(async () => { await app.close() })
  t.equal(app.server.listenerCount('secureConnection'), 1)
  t.ok(app.server instanceof tls.Server)
})
