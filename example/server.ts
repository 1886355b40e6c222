/** An item store: one route for each kind of scheme, a login, and /documentation. Run it with `npm start`. */

import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type, type Static } from '@sinclair/typebox'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import authSchemes, { OAuth2Error, verifyPkce, type GrantedToken } from 'fastify-auth-schemes'
import { Clients, type Consent, type Login } from './clients'
import { Guesses, setRetryAfter, type Limits } from './guesses'
import { run } from './program'
import {
  Authorization, Deployment, Feed, Greeting, Health, Item, Items, NewItem, Profile, Refused, Report
} from './schemas'
import { Keys, Tokens, Users, type User } from './users'

/** The users, their passwords and keys. A real application would keep none of this in its source. */
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

export interface ExampleOptions extends FastifyServerOptions {
  /** How long an access token opens anything, in seconds. Default: 1800. */
  readonly tokenLifetime?: number
  /** How many wrong passwords and client secrets are looked at in an hour. Default: those of `Guesses`. */
  readonly guessLimits?: Limits
}

export async function build (
  { tokenLifetime = 1800, guessLimits, ...options }: ExampleOptions = {}
): Promise<FastifyInstance> {
  const users = new Users()
  const alice = { username: demo.username, fullName: 'Alice Liddell', allowed: ['items:read', 'items:write'] }
  await users.add(alice, demo.password)
  const accessTokens = new Tokens<User>(tokenLifetime)
  const refreshTokens = new Tokens<Login>(30 * 24 * 3600)
  const clients = new Clients()
  clients.add(demo.clientId, { secret: demo.clientSecret })
  clients.add(demo.webClientId, { redirectUris: [demo.redirectUri] })
  const codes = new Tokens<Consent>(60)
  const apiKeys = new Keys(demo.apiKey, { program: 'reporting' })
  const deployTokens = new Keys(demo.deployToken, { program: 'deployment' })
  const feedKeys = new Keys(demo.feedKey, { program: 'feed reader' })
  const items: Array<Static<typeof Item>> = [{ name: 'Looking-glass', owner: demo.username }]

  // With several processes the counters belong into a store that all of them share: see several-processes.ts.
  const passwords = new Guesses((counter) => new RateLimiterMemory(counter), guessLimits)
  const secrets = new Guesses((counter) => new RateLimiterMemory(counter), guessLimits)

  const app = Fastify(options)
  app.addHook('onError', setRetryAfter)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Item store', version: '1.0.0' } } })
  await app.register(authSchemes, { realm: 'Item store' })
  await app.register(swaggerUi)

  const { oauth2PasswordBearer, apiKeyHeader, apiKeyQuery, httpBasic, httpBearer } = app.authSchemes
  const oauth2 = oauth2PasswordBearer({
    tokenUrl: '/token',
    refreshUrl: '/token',
    scopes: SCOPES,
    verify: (token) => accessTokens.find(token)
  })
  const apiKey = apiKeyHeader({ name: 'X-API-Key', verify: (key) => apiKeys.find(key) })
  // A feed reader is given nothing but an address. Keys in addresses end up in logs and histories: let them open
  // little.
  const feedKey = apiKeyQuery({ name: 'key', verify: (key) => feedKeys.find(key) })
  const basic = httpBasic({
    async verify ({ username, password }, { request }) {
      return await passwords.check(username, request.ip, () => users.login(username, password))
    }
  })
  const bearer = httpBearer({ verify: ({ credentials }) => deployTokens.find(credentials) })

  const grant = (user: User, scopes: readonly string[], family: symbol): GrantedToken =>
    ({
      access_token: accessTokens.issue(user, scopes, family), token_type: 'bearer', expires_in: tokenLifetime, scopes
    })

  const login = (login: Login, granted: readonly string[], family: symbol, wanted = granted): GrantedToken =>
    ({ ...grant(login.user, wanted, family), refresh_token: refreshTokens.issue(login, granted, family) })

  // A code or a refresh token is used again, by its owner or by a thief.
  const revoke = (family: symbol): void => { for (const tokens of [accessTokens, refreshTokens]) tokens.revoke(family) }

  app.tokenForm('/token', {
    schema: { summary: 'Log in, refresh, or act as a program' },
    authenticateClient: (id, secret, request) =>
      secrets.check(id, request.ip, () => clients.authenticate(id, secret)),
    grants: {
      async password ({ username, password, scopes, client_id: clientId }, request) {
        const user = await passwords.check(username, request.ip, () => users.login(username, password))
        if (user === null) throw new OAuth2Error('invalid_grant', 'Incorrect username or password')
        return login({ user, clientId }, scopes.filter((scope) => user.allowed.includes(scope)), Symbol('login'))
      },
      authorization_code ({ code, client_id: clientId, redirect_uri: redirectUri, code_verifier: verifier }) {
        const found = codes.read(code)
        if (found?.used === true) revoke(found.family)
        const consent = found?.used === false ? found.owner : null
        if (found !== null) found.used = true
        if (found === null || consent?.clientId !== clientId || consent.redirectUri !== redirectUri ||
          !verifyPkce(verifier, consent.codeChallenge)) {
          throw new OAuth2Error('invalid_grant', 'The code is not valid for this client')
        }
        return login({ user: consent.user, clientId }, consent.scopes, found.family)
      },
      refresh_token ({ refresh_token: token, client_id: clientId, scopes }) {
        const found = refreshTokens.read(token)
        if (found === null || found.owner.clientId !== clientId) {
          throw new OAuth2Error('invalid_grant', 'The refresh token is unknown or has expired')
        }
        const { owner, family } = found
        if (found.used) {
          revoke(family)
          throw new OAuth2Error('invalid_grant', 'The refresh token was used before')
        }
        if (!scopes.every((scope) => owner.scopes.includes(scope))) {
          throw new OAuth2Error('invalid_scope', 'The refresh token was issued for fewer scopes')
        }
        found.used = true
        return login({ user: owner.user, clientId }, owner.scopes, family, scopes.length === 0 ? owner.scopes : scopes)
      },
      client_credentials ({ client_id: id, scopes }) {
        const allowed = Object.keys(SCOPES)
        const granted = scopes.filter((scope) => allowed.includes(scope))
        return grant({ username: id, fullName: id, allowed }, granted, Symbol('program'))
      }
    }
  })

  app.get('/authorize', {
    security: [{ scheme: basic }],
    schema: {
      summary: 'Give a client a code',
      querystring: Authorization,
      response: { 302: Type.Null(), 400: Refused }
    }
  }, async (request, reply) => {
    const query = request.query as Static<typeof Authorization>
    const { client_id: clientId, redirect_uri: redirectUri, code_challenge: codeChallenge, scope = '', state } = query
    if (!clients.mayRedirect(clientId, redirectUri)) {
      return reply.code(400).send({ error: 'The client is unknown, or the redirect URI is not its own' })
    }
    const { user } = request.auth
    const scopes = scope.split(' ').filter((name) => user.allowed.includes(name))
    const code = codes.issue({ user, clientId, redirectUri, codeChallenge }, scopes, Symbol('login'))
    const answer = new URLSearchParams({ code, ...state === undefined ? {} : { state } })
    return reply.redirect(`${redirectUri}?${answer.toString()}`)
  })

  app.get('/', { security: [], schema: { hide: true } }, async (_request, reply) => reply.redirect('/documentation'))

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

/** The text that says what to try on a server that listens at `address`. */
export function usage (address: string): string {
  const { username, password, apiKey, feedKey, deployToken, clientId, clientSecret, webClientId } = demo
  const form = `'username=${username}&password=${password}&scope=items:read'`
  const login = `curl -s ${address}/token -d ${form} | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/'`
  return `
The item store listens at ${address}, its documentation is at ${address}/documentation
Authorize there, or log in with curl and use the token:

  curl -s ${address}/items -H "Authorization: Bearer $(${login})"

  OAuth2, HTTP Basic  user ${username}, password ${password}
  API keys            X-API-Key: ${apiKey} for /report and /export, key=${feedKey} for /feed
  bearer token        ${deployToken} for /deployment
  clients of /token   ${clientId} with the secret ${clientSecret}; ${webClientId} without one
`
}

async function main (): Promise<void> {
  const app = await build({ logger: { level: 'warn' } })
  const address = await app.listen({ port: Number(process.env.PORT ?? 3000) })
  console.log(usage(address))
}

if (require.main === module) run(main)
