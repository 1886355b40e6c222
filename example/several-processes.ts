/**
 * An API in several processes that keep nothing: their logins and counters are in Redis. Start a redis-server, and run
 * `npm run start:several-processes` twice.
 */

import Fastify, { type FastifyError, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import authSchemes, { OAuth2Error, type GrantedToken } from 'fastify-auth-schemes'
import { Guesses, setRetryAfter } from './guesses'
import { Logins, type Tokens } from './logins'
import { run } from './program'
import { Users } from './users'

const SCOPES = { 'items:read': 'Read the items' }

export interface SeveralProcessesOptions extends FastifyServerOptions {
  /** The URL of Redis, or the path of its socket. */
  readonly redis: string
  /** How long an access token opens anything, in seconds. Default: that of `Logins`. */
  readonly accessLifetime?: number
  /** How long a refresh token can be used, in seconds. Default: that of `Logins`. */
  readonly refreshLifetime?: number
}

/** A client whose commands fail soon where Redis is down, and are never sent a second time. */
function newClient (redis: string): Redis {
  return new Redis(redis, {
    lazyConnect: true,
    // Without a connection a command fails at once. By default it waits for one.
    enableOfflineQueue: false,
    // If the connection is lost, what was sent fails. By default it is sent again, and a refresh token used twice.
    maxRetriesPerRequest: 0,
    // If there is no answer, a command fails, and the connection is made anew. By default both wait.
    commandTimeout: 1000,
    socketTimeout: 2000,
    connectTimeout: 1000,
    retryStrategy: () => 500
  })
}

export async function build (
  { redis: url, accessLifetime, refreshLifetime, ...options }: SeveralProcessesOptions
): Promise<FastifyInstance> {
  const app = Fastify(options)
  const redis = newClient(url)
  redis.on('error', (error) => { app.log.error(error) })
  app.addHook('onClose', async () => { redis.disconnect() })
  await redis.connect().catch((cause) => {
    redis.disconnect()
    throw new Error('Redis was not reached: start redis-server, or name another one by REDIS_URL', { cause })
  })

  const logins = new Logins(redis, accessLifetime, refreshLifetime)
  const guesses = new Guesses((counter) => new RateLimiterRedis({ ...counter, storeClient: redis }))
  // Accounts belong into a database. Here each process has the same one.
  const users = new Users()
  await users.add({ username: 'alice', fullName: 'Alice Liddell', allowed: Object.keys(SCOPES) }, 'wonderland')

  app.addHook('onError', setRetryAfter)
  // The errors of Redis name hosts and commands: they are for the log.
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if ((error.statusCode ?? 500) < 500) return reply.send(error)
    request.log.error(error)
    return reply.code(503).send({ statusCode: 503, error: 'Service Unavailable', message: 'Try again later' })
  })
  await app.register(authSchemes)

  const oauth2 = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: '/token',
    refreshUrl: '/token',
    scopes: SCOPES,
    verify: (token) => logins.find(token)
  })

  const toResponse = ({ accessToken, refreshToken }: Tokens, scopes: readonly string[]): GrantedToken => ({
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: logins.accessLifetime,
    refresh_token: refreshToken,
    scopes
  })

  app.tokenForm('/token', {
    grants: {
      async password ({ username, password, scopes }, request) {
        const user = await guesses.check(username, request.ip, () => users.login(username, password))
        if (user === null) throw new OAuth2Error('invalid_grant', 'Incorrect username or password')
        const granted = scopes.filter((scope) => user.allowed.includes(scope))
        return toResponse(await logins.begin(user.username, granted), granted)
      },
      async refresh_token ({ refresh_token: token }) {
        const next = await logins.refresh(token)
        if (next === null) throw new OAuth2Error('invalid_grant', 'The refresh token is not valid, or was used before')
        return toResponse(next.tokens, next.login.scopes)
      }
    }
  })

  app.get('/me', { security: [{ scheme: oauth2 }] }, async (request) => {
    return { username: request.auth.user.username, process: process.pid }
  })

  app.get('/items', { security: [{ scheme: oauth2, scopes: ['items:read'] }] }, async () => ['Looking-glass'])

  app.post('/logout', { security: [{ scheme: oauth2 }] }, async (request, reply) => {
    await logins.revoke(request.auth.user.id)
    return reply.code(204).send()
  })

  return app
}

/** The text that says what to try on a server that listens at `address`. */
export function usage (address: string): string {
  return `
This process listens at ${address}. Start others beside it, each on a port of its own:

  PORT=3001 npm run start:several-processes

Log in at one of them, and use, refresh or end the login at another:

  curl -s ${address}/token -d 'username=alice&password=wonderland&scope=items:read'
  curl -s ${address}/me -H "Authorization: Bearer $ACCESS_TOKEN"
  curl -s ${address}/token -d "grant_type=refresh_token&refresh_token=$REFRESH_TOKEN"
  curl -s ${address}/logout -X POST -H "Authorization: Bearer $ACCESS_TOKEN"
`
}

async function main (): Promise<void> {
  const redis = process.env.REDIS_URL ?? 'redis://localhost:6379'
  const app = await build({ redis, logger: { level: 'warn' } })
  try {
    console.log(usage(await app.listen({ port: Number(process.env.PORT ?? 3000) })))
  } catch (error) {
    await app.close()
    throw error
  }
}

if (require.main === module) run(main)
