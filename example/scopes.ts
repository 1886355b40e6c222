/**
 * Users, active users and scopes, in JWT access tokens: a chain of checks built by `derive`.
 * Run it with `npm run start:scopes`.
 */

import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import createError from '@fastify/error'
import { Type } from '@sinclair/typebox'
import authSchemes, { OAuth2Error } from 'fastify-auth-schemes'
import { jwtIssuer } from 'fastify-auth-schemes/jwt'
import { run } from './program'
import { Users } from './users'

const User = Type.Object({ username: Type.String(), fullName: Type.String(), disabled: Type.Boolean() })
const OwnItems = Type.Array(Type.Object({ item: Type.String(), owner: Type.String() }))
const Status = Type.Object({ status: Type.Literal('ok') })

const InactiveUser = createError('INACTIVE_USER', 'Inactive user', 400)

/** The users and their passwords. Alice's account is disabled. */
export const logins = { johndoe: 'secret', alice: 'secretalice' }

export interface ScopesOptions extends FastifyServerOptions {
  /** How long a token opens anything, in seconds. Default: 1800. */
  readonly tokenLifetime?: number
}

export async function build ({ tokenLifetime = 1800, ...options }: ScopesOptions = {}): Promise<FastifyInstance> {
  // What runs on several servers, or is started anew, has its secret from the environment.
  const tokens = jwtIssuer({ secret: randomBytes(32), issuer: 'item-store', expiresIn: tokenLifetime })
  const accounts = new Map([
    ['johndoe', { username: 'johndoe', fullName: 'John Doe', disabled: false }],
    ['alice', { username: 'alice', fullName: 'Alice Chains', disabled: true }]
  ])
  const users = new Users()
  for (const [username, { fullName }] of accounts) {
    await users.add({ username, fullName, allowed: ['me', 'items'] }, logins[username as keyof typeof logins])
  }

  const app = Fastify(options)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Scopes', version: '1.0.0' } } })
  await app.register(authSchemes)
  await app.register(swaggerUi)

  const bearer = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: '/token',
    scopes: { me: 'Read information about the current user', items: 'Read items' },
    verify: tokens.verify
  })
  // The account is looked up at each request, so that one that is closed is closed at once.
  const currentUser = bearer.derive({ verify: ({ sub }) => accounts.get(sub) })
  const activeUser = currentUser.derive({
    scopes: ['me'],
    verify (user) {
      if (user.disabled) throw new InactiveUser()
      return user
    }
  })

  app.tokenForm('/token', async ({ username, password, scopes }) => {
    const user = await users.login(username, password)
    if (user === null) throw new OAuth2Error('invalid_grant', 'Incorrect username or password')
    const granted = scopes.filter((name) => user.allowed.includes(name))
    const token = await tokens.sign({ sub: user.username, scopes: granted })
    return { access_token: token, token_type: 'bearer', expires_in: tokens.expiresIn, scopes: granted }
  })

  app.get('/users/me', {
    security: [{ scheme: activeUser }],
    schema: { summary: 'An active user, with the scope me', response: { 200: User } }
  }, async (request) => request.auth.user)

  app.get('/users/me/items', {
    security: [{ scheme: activeUser, scopes: ['items'] }],
    schema: { summary: 'An active user, with the scopes items and me', response: { 200: OwnItems } }
  }, async (request) => [{ item: 'Foo', owner: request.auth.user.username }])

  app.get('/status', {
    security: [{ scheme: currentUser }],
    schema: { summary: 'Any user', response: { 200: Status } }
  }, async () => ({ status: 'ok' }))

  return app
}

/** Returns commands to try on a server that listens at `address`. */
export function usage (address: string): string {
  return `
Listening at ${address}, documented at ${address}/documentation.
Log in as johndoe with the password ${logins.johndoe}, or as alice, whose account is disabled, with ${logins.alice}:

  TOKEN=$(curl -s ${address}/token -d 'username=johndoe&password=${logins.johndoe}&scope=me items' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i ${address}/users/me/items -H "Authorization: Bearer $TOKEN"
  curl -i ${address}/status
`
}

async function main (): Promise<void> {
  const app = await build({ logger: { level: 'warn' } })
  console.log(usage(await app.listen({ port: Number(process.env.PORT ?? 3000) })))
}

if (require.main === module) run(main)
