/** An item store: one route for each kind of scheme, a login, and /documentation. Run it with `npm start`. */

import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type, type Static } from '@sinclair/typebox'
import authSchemes, { OAuth2Error, type GrantedToken } from 'fastify-auth-schemes'
import { Clients, Codes } from './clients'
import { Keys, Tokens, Users, type User } from './users'

/** What to log in with. A real application would keep none of this in its source. */
export const demo = {
  username: 'alice',
  password: 'wonderland',
  apiKey: 'demo-key',
  feedKey: 'demo-feed-key',
  deployToken: 'demo-deploy-token',
  clientId: 'nightly-job',
  clientSecret: 'demo-client-secret',
  webClientId: 'web-app',
  redirectUri: 'http://localhost:3000/documentation/static/oauth2-redirect.html'
}

const SCOPES = { 'items:read': 'Read the items', 'items:write': 'Add items' }

const Item = Type.Object({ name: Type.String({ minLength: 1 }), owner: Type.String() })
const NewItem = Type.Object({ name: Type.String({ minLength: 1 }) })
const Items = Type.Array(Item)
const Profile = Type.Object({ username: Type.String(), fullName: Type.String() })
const Greeting = Type.Object({ hello: Type.String() })
const Report = Type.Object({ requestedBy: Type.String(), items: Type.Integer() })
const Feed = Type.Object({ version: Type.Literal('https://jsonfeed.org/version/1.1'), title: Type.String(), items: Type.Array(Type.Object({ id: Type.String(), content_text: Type.String() })) })
const Deployment = Type.Object({ deployedBy: Type.String() })
const Authorization = Type.Object({
  response_type: Type.Literal('code'),
  client_id: Type.String(),
  redirect_uri: Type.String(),
  code_challenge: Type.String(),
  code_challenge_method: Type.Literal('S256'),
  scope: Type.Optional(Type.String()),
  state: Type.Optional(Type.String())
})
const Health = Type.Object({ status: Type.Literal('ok') })

export interface ExampleOptions extends FastifyServerOptions {
  /** How long an access token opens anything, in seconds. Default: 1800. */
  readonly tokenLifetime?: number
  /** How many requests a minute one address may send to the token endpoint. Default: 60. */
  readonly loginsPerMinute?: number
}

export async function build ({ tokenLifetime = 1800, loginsPerMinute = 60, ...options }: ExampleOptions = {}): Promise<FastifyInstance> {
  const users = new Users()
  await users.add({ username: demo.username, fullName: 'Alice Liddell', allowed: ['items:read', 'items:write'] }, demo.password)
  const accessTokens = new Tokens<User>(tokenLifetime)
  const refreshTokens = new Tokens<User>(30 * 24 * 3600)
  const clients = new Clients()
  clients.add(demo.clientId, { secret: demo.clientSecret })
  clients.add(demo.webClientId, { redirectUris: [demo.redirectUri] })
  const codes = new Codes<User>()
  const apiKeys = new Keys<{ program: string }>()
  apiKeys.add(demo.apiKey, { program: 'reporting' })
  const deployTokens = new Keys<{ program: string }>()
  deployTokens.add(demo.deployToken, { program: 'deployment' })
  const feedKeys = new Keys<{ program: string }>()
  feedKeys.add(demo.feedKey, { program: 'feed reader' })
  const items: Array<Static<typeof Item>> = [{ name: 'Looking-glass', owner: demo.username }]

  const app = Fastify(options)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Item store', version: '1.0.0' } } })
  await app.register(authSchemes, { realm: 'Item store' })
  await app.register(swaggerUi)
  await app.register(rateLimit, { global: false })

  const { oauth2PasswordBearer, apiKeyHeader, apiKeyQuery, httpBasic, httpBearer } = app.authSchemes
  const oauth2 = oauth2PasswordBearer({
    tokenUrl: '/token',
    scopes: SCOPES,
    verify: (token) => accessTokens.find(token)
  })
  const apiKey = apiKeyHeader({ name: 'X-API-Key', verify: (key) => apiKeys.find(key) })
  // A feed reader is given nothing but an address. Keys in addresses end up in logs and histories: let them open little.
  const feedKey = apiKeyQuery({ name: 'key', verify: (key) => feedKeys.find(key) })
  const basic = httpBasic({ verify: ({ username, password }) => users.login(username, password) })
  const bearer = httpBearer({ verify: ({ credentials }) => deployTokens.find(credentials) })

  const grant = (user: User, scopes: readonly string[], family: symbol): GrantedToken =>
    ({ access_token: accessTokens.issue(user, scopes, family), token_type: 'bearer', expires_in: tokenLifetime, scopes })

  const login = (user: User, granted: readonly string[]): GrantedToken => {
    const family = Symbol('login')
    return { ...grant(user, granted, family), refresh_token: refreshTokens.issue(user, granted, family) }
  }

  app.tokenForm('/token', {
    schema: { summary: 'Log in, refresh, or act as a program' },
    config: { rateLimit: { max: loginsPerMinute, timeWindow: '1 minute' } },
    authenticateClient: (id, secret) => clients.authenticate(id, secret),
    grants: {
      async password ({ username, password, scopes }) {
        const user = await users.login(username, password)
        if (user === null) throw new OAuth2Error('invalid_grant', 'Incorrect username or password')
        return login(user, scopes.filter((scope) => user.allowed.includes(scope)))
      },
      authorization_code ({ code, client_id: id, redirect_uri: redirectUri, code_verifier: verifier }) {
        const consent = codes.exchange(code, id, redirectUri, verifier)
        if (consent === null) throw new OAuth2Error('invalid_grant', 'The code is not valid for this client')
        return login(consent.owner, consent.scopes)
      },
      refresh_token ({ refresh_token: token, scopes }) {
        const found = refreshTokens.use(token)
        if (found === null) throw new OAuth2Error('invalid_grant', 'The refresh token is unknown or has expired')
        const { owner: { scopes: granted, ...user }, family, reused } = found
        if (reused) {
          accessTokens.revoke(family)
          refreshTokens.revoke(family)
          throw new OAuth2Error('invalid_grant', 'The refresh token was used before')
        }
        if (!scopes.every((scope) => granted.includes(scope))) throw new OAuth2Error('invalid_scope', 'The refresh token was issued for fewer scopes')
        const wanted = scopes.length === 0 ? granted : scopes
        return { ...grant(user, wanted, family), refresh_token: refreshTokens.issue(user, granted, family) }
      },
      client_credentials ({ client_id: id, scopes }) {
        const allowed = Object.keys(SCOPES)
        return grant({ username: id, fullName: id, allowed }, scopes.filter((scope) => allowed.includes(scope)), Symbol('program'))
      }
    }
  })

  app.get('/authorize', {
    security: [{ scheme: basic }],
    schema: { summary: 'Give a web application a code', querystring: Authorization, response: { 302: Type.Null(), 400: Type.Object({ error: Type.String() }) } }
  }, async (request, reply) => {
    const { client_id: clientId, redirect_uri: redirectUri, code_challenge: codeChallenge, scope = '', state } = request.query as Static<typeof Authorization>
    if (!clients.mayRedirect(clientId, redirectUri)) return reply.code(400).send({ error: 'The client is unknown, or the redirect URI is not its own' })
    const { user } = request.auth
    const code = codes.issue({ owner: user, scopes: scope.split(' ').filter((name) => user.allowed.includes(name)), clientId, redirectUri, codeChallenge })
    return reply.redirect(`${redirectUri}?${new URLSearchParams({ code, ...state === undefined ? {} : { state } }).toString()}`)
  })

  app.get('/health', {
    security: [],
    schema: { summary: 'Public', response: { 200: Health } }
  }, async () => ({ status: 'ok' }))

  app.get('/items', {
    security: [{ scheme: oauth2, scopes: ['items:read'] }],
    schema: { summary: 'OAuth2 with the scope items:read', response: { 200: Items } }
  }, async () => items)

  app.post('/items', {
    security: [{ scheme: oauth2, scopes: ['items:write'] }],
    schema: { summary: 'OAuth2 with the scope items:write', body: NewItem, response: { 201: Item } }
  }, async (request, reply) => {
    const { name } = request.body as Static<typeof NewItem>
    const item = { name, owner: request.auth.user.username }
    items.push(item)
    return reply.code(201).send(item)
  })

  app.get('/me', {
    security: [{ scheme: oauth2 }],
    schema: { summary: 'OAuth2 without a scope', response: { 200: Profile } }
  }, async (request) => request.auth.user)

  app.get('/report', {
    security: [{ scheme: apiKey }],
    schema: { summary: 'API key in a header', response: { 200: Report } }
  }, async (request) => ({ requestedBy: request.auth.user.program, items: items.length }))

  app.get('/feed', {
    security: [{ scheme: feedKey }],
    schema: { summary: 'API key in the query', response: { 200: Feed } }
  }, async () => ({
    version: 'https://jsonfeed.org/version/1.1',
    title: 'Item store',
    items: items.map(({ name, owner }, index) => ({ id: String(index), content_text: `${name}, by ${owner}` }))
  }))

  app.get('/account', {
    security: [{ scheme: basic }],
    schema: { summary: 'HTTP Basic', response: { 200: Profile } }
  }, async (request) => request.auth.user)

  app.get('/deployment', {
    security: [{ scheme: bearer }],
    schema: { summary: 'A bearer token that is no login', response: { 200: Deployment } }
  }, async (request) => ({ deployedBy: request.auth.user.program }))

  app.get('/greeting', {
    security: [{ scheme: oauth2 }, {}],
    schema: { summary: 'Optional', response: { 200: Greeting } }
  }, async (request) => ({ hello: request.auth?.user.fullName ?? 'stranger' }))

  app.get('/export', {
    security: [{ scheme: apiKey }, { scheme: oauth2, scopes: ['items:read'] }],
    schema: { summary: 'API key, or OAuth2 with the scope items:read', response: { 200: Items } }
  }, async () => items)

  return app
}

/** What to try on a server that listens at `address`. */
export function usage (address: string): string {
  const { username, password, apiKey } = demo
  return `
The item store listens at ${address}, its documentation is at ${address}/documentation
Authorize there, or log in with curl, as ${username} with the password ${password}:

  curl -i ${address}/items
  curl -s ${address}/token -d 'username=${username}&password=${password}&scope=items:read'
  curl -i ${address}/report -H 'X-API-Key: ${apiKey}'
`
}

async function main (): Promise<void> {
  const app = await build({ logger: { level: 'warn' } })
  const address = await app.listen({ port: Number(process.env.PORT ?? 3000) })
  console.log(usage(address))
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
}
