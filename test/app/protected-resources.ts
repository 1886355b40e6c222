/** Protected resources as clients meet them: the official client of the Model Context Protocol and oauth4webapi, against a live oidc-provider. */

import t, { type Test } from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import cors from '@fastify/cors'
import proxy from '@fastify/http-proxy'
import swagger from '@fastify/swagger'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { bridge } from '../../example/mcp'
import { authSchemes, InvalidCredentialsError, type AuthSchemesOptions } from '../../lib'
import { jwtVerifier } from '../../lib/jwt'
import { bearer, documentOf, INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, openapi31 } from '../helpers'
import { CLIENT, PUBLIC_CLIENT, privateJwk, REDIRECT_URI, startOidc } from '../oidc/helpers'
import { listenFirst, mcpClient } from '../mcp/helpers'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const user = { clientId: PUBLIC_CLIENT, redirectUrl: REDIRECT_URI, mode: 'auto' } as const

async function startProvider (t: Test) {
  const provider = await startOidc(t)
  provider.serve(await privateJwk('k1'))
  return provider
}

async function createApp (options: AuthSchemesOptions = { explicit: true }): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(swagger, openapi31)
  await app.register(authSchemes, options)
  return app
}

function createScheme (app: FastifyInstance, issuer: string, url: string, schemeName = 'OpenIdConnect') {
  return app.authSchemes.openIdConnect({
    schemeName,
    openIdConnectUrl: `${issuer}/.well-known/openid-configuration`,
    resource: { url, authorizationServers: [issuer] },
    verify: jwtVerifier({ issuer, audience: url.endsWith('/') ? [url, url.slice(0, -1)] : url })
  })
}

interface Api {
  readonly app: FastifyInstance
  readonly issuer: string
  readonly url: string
  /** The path of the route. Default: that of the URL. */
  readonly path?: string
  readonly scopes?: readonly string[]
  readonly schemeName?: string
}

/** An MCP server whose only tool shows what tools see. */
function addTools ({ app, issuer, url, path = new URL(url).pathname, scopes = ['items:read'], schemeName }: Api) {
  const scheme = createScheme(app, issuer, url, schemeName)
  const mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    server.registerTool('seen', { description: 'What a tool sees' }, async ({ http }) =>
      ({ content: [{ type: 'text', text: JSON.stringify({ authInfo: http?.authInfo, headers: [...http?.req?.headers.keys() ?? []] }) }] }))
    return server
  })
  app.route({ method: ['GET', 'POST', 'DELETE'], url: path, security: [{ scheme, scopes }], handler: bridge(scheme, url, mcp) })
  return scheme
}

t.test('a tool sees who calls it, and no token', async (t) => {
  const { issuer } = await startProvider(t)
  const { origin, serve } = await listenFirst(t)
  const url = `${origin}/mcp`
  const app = await createApp()
  addTools({ app, issuer, url })
  await serve(app)
  for (const mode of ['legacy', 'auto'] as const) {
    const { call, asked } = await mcpClient(t, url, { ...user, mode })
    const { authInfo, headers } = JSON.parse(await call('seen'))
    t.match(authInfo, { token: '', clientId: PUBLIC_CLIENT, scopes: ['items:read'], extra: { sub: 'alice' } })
    t.notOk(headers.includes('authorization'))
    t.ok(headers.includes('content-type'))
    t.strictSame(asked(), [{ scope: 'items:read', resource: url, pkce: 'S256' }])
  }
})

t.test('a token that a client has already is stepped up by the scopes of a route', async (t) => {
  const { issuer, login } = await startProvider(t)
  const { origin, serve } = await listenFirst(t)
  const url = `${origin}/mcp`
  const app = await createApp()
  addTools({ app, issuer, url, scopes: ['items:read', 'items:write'] })
  await serve(app)
  const { access_token: token } = await login(url)
  const { call, asked, exchanges } = await mcpClient(t, url, { ...user, tokens: { access_token: token, token_type: 'Bearer', scope: 'items:read' } })
  t.strictSame(exchanges[0], {
    method: 'POST', url, status: 403, challenge: `Bearer resource_metadata="${origin}${WELL_KNOWN}/mcp", error="insufficient_scope", scope="items:read items:write"`
  })
  t.strictSame(asked(), [{ scope: 'items:read items:write', resource: url, pkce: 'S256' }])
  t.strictSame(JSON.parse(await call('seen')).authInfo.scopes, ['items:read', 'items:write'])
})

t.test('an API key that stands first in `security` does not hide the metadata', async (t) => {
  const { issuer } = await startProvider(t)
  const { origin, serve } = await listenFirst(t)
  const url = `${origin}/mcp`
  const app = await createApp()
  const key = app.authSchemes.apiKeyHeader({ name: 'X-API-Key', verify: () => null })
  const scheme = createScheme(app, issuer, url)
  const mcp = createMcpHandler(() => new McpServer({ name: 'test', version: '1.0.0' }))
  app.post('/mcp', { security: [{ scheme: key }, { scheme, scopes: ['items:read'] }] }, bridge(scheme, url, mcp))
  await serve(app)
  const { exchanges, client } = await mcpClient(t, url, user)
  t.equal(exchanges[0]?.challenge, `Bearer resource_metadata="${origin}${WELL_KNOWN}/mcp", scope="items:read", APIKey`)
  t.strictSame(client.getServerVersion(), { name: 'test', version: '1.0.0' })
})

for (const end of ['', '/']) {
  t.test(`a resource at the root, written ${end === '' ? 'without' : 'with'} its slash`, async (t) => {
    const { oauth, http } = await insecure()
    const { issuer } = await startProvider(t)
    const { origin, serve } = await listenFirst(t)
    const url = origin + end
    const app = await createApp()
    addTools({ app, issuer, url, path: '/' })
    await serve(app)
    const { call, exchanges, asked } = await mcpClient(t, url, user)
    t.equal(exchanges[0]?.challenge, `Bearer resource_metadata="${origin}${WELL_KNOWN}", scope="items:read"`)
    t.equal(asked()[0]?.resource, url)
    t.equal(JSON.parse(await call('seen')).authInfo.token, '')
    const found = await oauth.processResourceDiscoveryResponse(new URL(origin), await oauth.resourceDiscoveryRequest(new URL(origin), http))
    t.equal(found.resource, url)
    t.equal((await fetch(`${origin}${WELL_KNOWN}/`)).status, 404, 'another spelling would be the metadata of another resource')
  })
}

const insecure = async () => {
  const oauth = await import('oauth4webapi')
  // The servers listen on this machine, without TLS.
  return { oauth, http: { [oauth.allowInsecureRequests]: true } as const }
}

t.test('two resources in one application, told apart by oauth4webapi, and their tokens by the server', async (t) => {
  const { oauth, http } = await insecure()
  const { issuer, login } = await startProvider(t)
  const { origin, serve } = await listenFirst(t)
  const app = await createApp()
  const ran: string[] = []
  for (const name of ['first', 'second']) {
    const scheme = createScheme(app, issuer, `${origin}/${name}`, name)
    app.get(`/${name}`, { security: [{ scheme, scopes: ['items:read'] }] }, async (request) => {
      ran.push(name)
      return request.auth.user.sub
    })
    app.get(`/${name}/all`, { security: [{ scheme, scopes: ['items:read', 'items:write'] }] }, async () => { ran.push(name) })
  }
  await serve(app)

  async function tokenFor (url: URL): Promise<string> {
    const challenged = await fetch(url)
    t.equal(challenged.status, 401)
    t.strictSame(await challenged.json(), NOT_AUTHENTICATED)
    const resource = await oauth.processResourceDiscoveryResponse(url, await oauth.resourceDiscoveryRequest(url, http))
    t.strictSame(resource, { resource: url.href, authorization_servers: [issuer], bearer_methods_supported: ['header'], scopes_supported: ['items:read', 'items:write'] })
    const server = new URL(resource.authorization_servers?.[0] as string)
    const as = await oauth.processDiscoveryResponse(server, await oauth.discoveryRequest(server, http))
    const client = { client_id: CLIENT.id }
    const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic(CLIENT.secret), { resource: resource.resource, scope: 'items:read' }, http)
    return (await oauth.processClientCredentialsResponse(as, client, response)).access_token
  }
  const ask = async (token: string, url: string) => await fetch(url, { headers: bearer(token) })

  const [first, second] = [new URL(`${origin}/first`), new URL(`${origin}/second`)]
  const token = await tokenFor(first)
  t.equal(await (await ask(token, first.href)).text(), CLIENT.id)
  t.equal(await (await ask(await tokenFor(second), second.href)).text(), CLIENT.id)
  t.strictSame(ran.splice(0), ['first', 'second'])

  const foreign = await ask(token, second.href)
  t.equal(foreign.status, 401)
  t.strictSame(await foreign.json(), { ...INVALID_CREDENTIALS, message: 'The token is not meant for this API' })
  t.equal(foreign.headers.get('www-authenticate'), `Bearer resource_metadata="${origin}${WELL_KNOWN}/second", error="invalid_token", scope="items:read", error_description="The token is not meant for this API"`)
  t.equal((await ask((await login(`${origin}/second/`)).access_token, second.href)).status, 401, 'an audience with a further slash')

  const insufficient = await ask(token, `${first}/all`)
  t.equal(insufficient.status, 403)
  t.strictSame(await insufficient.json(), INSUFFICIENT_SCOPE)
  t.equal(insufficient.headers.get('www-authenticate'), `Bearer resource_metadata="${origin}${WELL_KNOWN}/first", error="insufficient_scope", scope="items:read items:write"`)
  t.strictSame(ran, [])
  t.equal((await fetch(`${origin}${WELL_KNOWN}`)).status, 404, 'neither has the URL of the root')

  await t.rejects(async () => await oauth.processResourceDiscoveryResponse(first, await oauth.resourceDiscoveryRequest(second, http)), { code: oauth.JSON_ATTRIBUTE_COMPARISON })
  const refused = await oauth.protectedResourceRequest(token, 'GET', second, undefined, undefined, http).catch((error) => error)
  t.equal(refused.constructor, oauth.WWWAuthenticateChallengeError)
  t.match(refused.cause[0], { scheme: 'bearer', parameters: { error: 'invalid_token', resource_metadata: `${origin}${WELL_KNOWN}/second` } })
})

t.test('a `verify` that leaves out `aud`, and one that gives that of another API', async (t) => {
  const { origin, serve } = await listenFirst(t)
  const app = await createApp()
  const users: Record<string, object> = { without: { name: 'alice' }, foreign: { name: 'alice', aud: 'https://other.example' }, ours: { name: 'alice', aud: ['x', origin] } }
  const scheme = app.authSchemes.httpBearer({ resource: { url: origin, authorizationServers: ['https://login.example.com'] }, verify: ({ credentials }) => users[credentials] })
  let ran = 0
  app.get('/', { security: [{ scheme }] }, async () => ++ran)
  await serve(app)
  const ask = async (token: string) => await fetch(origin, { headers: bearer(token) })
  const failed = await ask('without')
  t.equal(failed.status, 500)
  t.match(await failed.json(), { code: 'FST_AUTH_VERIFY_FAILED', message: /"HTTPBearer".*has no `aud`/ })
  t.equal(failed.headers.get('www-authenticate'), null, 'no client is sent to a login that would not help')
  t.equal((await ask('foreign')).status, 401)
  t.equal(ran, 0)
  t.equal((await ask('ours')).status, 200)
})

t.test('pages of every origin read the metadata under a strict @fastify/cors, which goes on to guard the API', async (t) => {
  const { origin, serve } = await listenFirst(t)
  const app = await createApp()
  await app.register(cors, { origin: 'https://app.example', strictPreflight: true, exposedHeaders: ['WWW-Authenticate'] })
  const scheme = createScheme(app, 'https://login.example.com', `${origin}/mcp`)
  app.get('/mcp', { security: [{ scheme }] }, async () => 'in')
  await serve(app)
  const preflight = async (path: string, from: string, headers: Record<string, string> = {}) =>
    await fetch(origin + path, { method: 'OPTIONS', headers: { origin: from, 'access-control-request-method': 'GET', ...headers } })

  const asked = await preflight(`${WELL_KNOWN}/mcp`, 'https://elsewhere.example', { 'access-control-request-headers': 'mcp-protocol-version' })
  t.strictSame([asked.status, asked.headers.get('access-control-allow-origin'), asked.headers.get('access-control-allow-headers')], [204, '*', 'mcp-protocol-version'])
  const read = await fetch(`${origin}${WELL_KNOWN}/mcp`, { headers: { origin: 'https://elsewhere.example' } })
  t.strictSame([read.status, read.headers.get('access-control-allow-origin')], [200, '*'])

  t.equal((await preflight('/mcp', 'https://app.example')).headers.get('access-control-allow-origin'), 'https://app.example')
  const refused = await fetch(`${origin}/mcp`, { headers: { origin: 'https://elsewhere.example' } })
  t.strictSame([refused.status, refused.headers.get('access-control-allow-origin')], [401, 'https://app.example'])
})

t.test('the metadata is public under `secure` at the root and under `explicit`, and in no document', async (t) => {
  const { issuer, token } = await startProvider(t)
  const { origin, serve } = await listenFirst(t)
  const url = `${origin}/mcp`
  const app = await createApp()
  const scheme = createScheme(app, issuer, url)
  app.secure([{ scheme, scopes: ['items:read'] }])
  app.get('/mcp', async () => 'in')
  await serve(app)
  t.equal((await fetch(url)).status, 401)
  t.equal((await fetch(`${origin}/unknown`)).status, 401)
  const metadata = await fetch(`${origin}${WELL_KNOWN}/mcp`)
  t.equal(metadata.status, 200)
  t.match(await metadata.json(), { resource: url, scopes_supported: ['items:read'] })
  t.equal((await fetch(url, { headers: bearer(await token(url)) })).status, 200)
  t.strictSame(Object.keys(documentOf(app).paths), ['/mcp'])
  t.match(app.printSecurity(), `${WELL_KNOWN}/mcp`)
})

t.test('behind a proxy that rewrites paths, the public URL is the only one that counts', async (t) => {
  const { issuer } = await startProvider(t)
  const { origin, serve } = await listenFirst(t)
  const app = await createApp()
  addTools({ app, issuer, url: `${origin}/api/mcp`, path: '/mcp' })
  t.teardown(async () => { await app.close() })
  const upstream = await app.listen({ port: 0, host: '127.0.0.1' })
  const front = Fastify()
  await front.register(proxy, { upstream, prefix: '/api', rewritePrefix: '' })
  // The metadata is at the root of the public host, whatever is in front of the API's own path.
  const metadata = `${WELL_KNOWN}/api`
  await front.register(proxy, { upstream, prefix: metadata, rewritePrefix: metadata })
  await serve(front)

  const { call, exchanges, asked } = await mcpClient(t, `${origin}/api/mcp`, user)
  t.equal(exchanges[0]?.challenge, `Bearer resource_metadata="${origin}${WELL_KNOWN}/api/mcp", scope="items:read"`)
  t.equal(asked()[0]?.resource, `${origin}/api/mcp`)
  t.equal(JSON.parse(await call('seen')).authInfo.clientId, PUBLIC_CLIENT)
  const spoofed = await fetch(`${upstream}/mcp`, { headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' } })
  t.equal(spoofed.headers.get('www-authenticate'), exchanges[0]?.challenge)
})

t.test("the official client's own parser reads our challenges, whatever stands in a description or a realm", async (t) => {
  const { extractWWWAuthenticateParams } = await import('@modelcontextprotocol/client')
  const url = 'https://api.example.com/mcp'
  const metadata = `https://api.example.com${WELL_KNOWN}/mcp`
  const hostile = [
    'resource_metadata="https://evil.example"', 'resource_metadata=https://evil.example', "resource_metadata='https://evil.example'",
    'x", resource_metadata="https://evil.example', '\\", resource_metadata="https://evil.example', 'a, Bearer resource_metadata=https://evil.example',
    'scope=admin', 'scope="admin"', 'x", scope="admin', 'error=insufficient_scope', 'error="insufficient_scope", scope="admin"', '\r\nWWW-Authenticate: Bearer scope=admin'
  ]
  async function challenge (description: string, scopes: readonly string[], realm?: string): Promise<Response> {
    const app = await createApp(realm === undefined ? {} : { realm })
    const oauth2 = app.authSchemes.oauth2ClientCredentialsBearer({
      tokenUrl: '/token',
      scopes: { read: 'Read' },
      resource: { url, authorizationServers: ['https://login.example.com'] },
      verify: () => { throw new InvalidCredentialsError(description) }
    })
    app.get('/mcp', { security: [{ scheme: oauth2, scopes }] }, async () => { t.fail('it ran') })
    const { statusCode, headers } = await app.inject({ url: '/mcp', headers: bearer('x') })
    return new Response(null, { status: statusCode, headers: { 'www-authenticate': headers['www-authenticate'] as string } })
  }
  for (const text of hostile) {
    for (const scopes of [[], ['read']]) {
      const read = extractWWWAuthenticateParams(await challenge(text, scopes))
      t.strictSame({ ...read, resourceMetadataUrl: String(read.resourceMetadataUrl), errorDescription: typeof read.errorDescription }, {
        resourceMetadataUrl: metadata, scope: scopes[0], error: 'invalid_token', errorDescription: 'string'
      }, `${text}, scopes ${scopes.join()}`)
    }
  }
  // A realm is the text of who runs the server. Its quotes are escaped, so that this client reads no other metadata from it.
  for (const realm of hostile.filter((text) => text.includes('="https') && !text.includes('\r'))) {
    t.notMatch(String(extractWWWAuthenticateParams(await challenge('x', [], realm)).resourceMetadataUrl), 'evil', realm)
  }
  t.equal(String(extractWWWAuthenticateParams(await challenge('x', [], 'Items, "all" of them')).resourceMetadataUrl), metadata)
})
