/** The places from which /documentation is served, and `tokenUrl` for each: every row of docs/swagger-ui.md, tried. */

import { createServer, type AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import proxy from '@fastify/http-proxy'
import swagger from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui'
import authSchemes from 'fastify-auth-schemes'
import { Documentation, inBrowser, newPage, PLAIN_HOST } from '../swagger-ui'

interface Deployment {
  readonly name: string
  readonly tokenUrl: string
  /** The paths at which the page is opened. */
  readonly at: readonly string[]
  /** The prefix of the context that the route and the token endpoint are in. */
  readonly prefix?: string
  readonly servers?: Array<{ url: string }>
  /** The absolute URL in `servers`, by its path. The origin is that of the page. */
  readonly serverAt?: string
  readonly ui?: FastifySwaggerUiOptions
  readonly helmet?: FastifyHelmetOptions
  /** The path that a reverse proxy takes away. */
  readonly behind?: string
  readonly host?: string
}

// A slash at the end of the page changes where relative URLs lead.
const deployments: readonly Deployment[] = [
  { name: 'at the root', tokenUrl: '/token', at: ['/documentation', '/documentation/'] },
  { name: 'at the root, with a relative tokenUrl', tokenUrl: 'token', at: ['/documentation'] },
  { name: 'a route prefix', prefix: '/v1', tokenUrl: '/v1/token', at: ['/documentation'] },
  { name: 'a route prefix, with a relative tokenUrl', prefix: '/v1', tokenUrl: 'token', ui: { routePrefix: '/v1/documentation' }, at: ['/v1/documentation'] },
  { name: 'behind a proxy, with a relative tokenUrl', behind: '/api', tokenUrl: 'token', servers: [{ url: '/api' }], ui: { indexPrefix: '/api' }, at: ['/api/documentation'] },
  { name: 'behind a proxy', behind: '/api', tokenUrl: '/api/token', servers: [{ url: '/api' }], ui: { indexPrefix: '/api' }, at: ['/api/documentation'] },
  { name: 'behind a proxy, with an absolute URL in servers', behind: '/api', tokenUrl: '/api/token', serverAt: '/api', ui: { indexPrefix: '/api' }, at: ['/api/documentation'] },
  { name: 'behind a proxy, with an absolute URL in servers that ends in a slash, and a relative tokenUrl', behind: '/api', tokenUrl: 'token', serverAt: '/api/', ui: { indexPrefix: '/api' }, at: ['/api/documentation', '/api/documentation/'] },
  { name: 'under @fastify/helmet', helmet: {}, tokenUrl: '/token', at: ['/documentation'] },
  { name: 'under @fastify/helmet, with a relative tokenUrl', helmet: {}, tokenUrl: 'token', at: ['/documentation'] },
  { name: 'under @fastify/helmet, without TLS, on a host other than localhost', helmet: { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }, host: PLAIN_HOST, tokenUrl: 'token', at: ['/documentation'] }
]

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => { server.once('listening', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

async function build ({ tokenUrl, prefix = '', servers, ui = {}, helmet: headers }: Deployment): Promise<FastifyInstance> {
  const app = Fastify()
  if (headers !== undefined) await app.register(helmet, headers)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Deployment', version: '1.0.0' }, ...servers && { servers } } })
  await app.register(authSchemes)
  await app.register(swaggerUi, ui)
  const oauth2 = app.authSchemes.oauth2PasswordBearer({ tokenUrl, verify: (token) => token === 'token-of-alice' ? { name: 'alice' } : null })
  await app.register(async (context) => {
    context.tokenForm('/token', async ({ username, password }) => ({ access_token: password === 'wonderland' ? `token-of-${username}` : 'none', token_type: 'bearer' }))
    context.get('/me', { security: [{ scheme: oauth2 }] }, async (request) => request.auth.user)
  }, { prefix })
  return app
}

inBrowser('where the documentation is served', async (t, browser) => {
  for (const deployment of deployments) {
    await t.test(deployment.name, async (t) => {
      const port = await freePort()
      const servers = deployment.serverAt === undefined ? deployment.servers : [{ url: `http://127.0.0.1:${port}${deployment.serverAt}` }]
      const app = await build({ ...deployment, ...servers && { servers } })
      t.teardown(async () => { await app.close() })
      let address = await app.listen({ port: 0, host: '127.0.0.1' })
      if (deployment.behind !== undefined) {
        const front = Fastify()
        t.teardown(async () => { await front.close() })
        await front.register(proxy, { upstream: address, prefix: deployment.behind })
        address = await front.listen({ port, host: '127.0.0.1' })
      }
      const page = await newPage(browser)
      t.teardown(async () => { await page.close() })
      const documentation = new Documentation(page)
      const path = servers === undefined ? `${deployment.prefix ?? ''}/me` : '/me'
      for (const at of deployment.at) {
        await documentation.open(address.replace('127.0.0.1', deployment.host ?? '127.0.0.1') + at)
        t.equal((await documentation.execute('get', path)).status, '401', `${at}: Execute: 401`)
        await documentation.authorize('OAuth2PasswordBearer', { '#oauth_username': 'alice', '#oauth_password': 'wonderland' })
        const accepted = await documentation.execute('get', path)
        t.equal(accepted.status, '200', `${at}: Authorize, Execute: 200`)
        t.strictSame(JSON.parse(accepted.body), { name: 'alice' })
      }
    })
  }
})
