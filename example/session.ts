/**
 * A web application whose users log in at an OpenID provider, and are then known by the cookie of a session. Run it
 * with `npm run start:session`.
 */

import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import session from '@fastify/session'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type } from '@sinclair/typebox'
import authSchemes from 'fastify-auth-schemes'
import { connect, isLocal, type Login, type User } from './oidc'
import { run } from './program'
import { startProvider } from './provider'

declare module 'fastify' {
  interface Session {
    /** Who is logged in. */
    user?: User
    /** A login that has begun, and where it leads to. */
    login?: Login & { readonly returnTo: string }
  }
}

export interface SessionOptions extends FastifyServerOptions {
  /** The origin of the application in browsers, such as `https://shop.example`. Only localhost may do without TLS. */
  readonly origin: string
  readonly issuer: string
  /** Signs the cookie, 32 characters or more. Default: random, so that sessions end when the server stops. */
  readonly secret?: string
}

/** How long a session lasts after its login, however much it is used. */
const LIFETIME = 8 * 3600

const Items = Type.Array(Type.Object({ name: Type.String(), readBy: Type.String() }))
const itemsOf = (user: User) => [{ name: 'Looking-glass', readBy: user.name }]

// Nothing was sent, or the cookie of a session that has ended.
const NEEDS_LOGIN = ['FST_AUTH_NOT_AUTHENTICATED', 'FST_AUTH_INVALID_CREDENTIALS']

export async function build (
  { origin, issuer, secret = randomBytes(32).toString('hex'), ...options }: SessionOptions
): Promise<FastifyInstance> {
  const secure = new URL(origin).protocol === 'https:'
  if (new URL(origin).origin !== origin || !(secure || isLocal(origin))) {
    throw new TypeError('`origin` must be one like https://shop.example, without a path; only localhost may be http')
  }
  const logins = await connect(issuer, origin)

  const app = Fastify(options)
  // The form that logs out leads on to the provider.
  const formAction = ["'self'", logins.logoutUrl.origin]
  await app.register(helmet, { contentSecurityPolicy: { directives: { formAction } } })
  await app.register(cookie)
  // With this prefix, browsers take the cookie from this host alone, and not from its neighbours under one domain.
  const cookieName = secure ? '__Host-session' : 'session'
  const cookieOptions = { path: '/', httpOnly: true, secure, sameSite: 'lax' } as const
  await app.register(session, {
    secret,
    cookieName,
    cookie: { ...cookieOptions, maxAge: LIFETIME * 1000 },
    // Only sessions that a request has changed are written: a slow request brings none back that has ended meanwhile.
    saveUninitialized: false,
    rolling: false
  })
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Item store', version: '1.0.0' } } })
  await app.register(authSchemes, { explicit: true })
  await app.register(async (documentation) => {
    documentation.secure([])
    await documentation.register(swaggerUi)
  })
  // The browser's Back button shows nothing of a user who has logged out.
  app.addHook('onRequest', async (_request, reply) => { reply.header('cache-control', 'no-store') })

  const loggedIn = app.authSchemes.apiKeyCookie({
    name: cookieName,
    schemeName: 'Session',
    description: 'The cookie of a session. Open /login to get one.',
    // Of this cookie, `id.signature`, @fastify/session has verified the signature, and loaded the session of that id.
    verify: (value, { request: { session } }) => value.startsWith(`${session.sessionId}.`) ? session.user : null
  })

  // For scripts and programs: a refused request gets 401.
  app.get('/api/items', {
    security: [{ scheme: loggedIn }],
    schema: { summary: 'The items, as JSON', response: { 200: Items } }
  }, async (request) => itemsOf(request.auth.user))

  /** Returns the URL of a page of this application; in place of any other, such as `//evil.example`, the front page. */
  function ownPage (wanted: string): string {
    const url = URL.canParse(wanted, origin) ? new URL(wanted, origin).href : ''
    return url.startsWith(`${origin}/`) ? url : `${origin}/`
  }

  // For people: a refused request leads to the login.
  await app.register(async (pages) => {
    await pages.register(formbody)
    pages.addHook('onRequest', async (_request, reply) => { reply.type('text/html; charset=utf-8') })
    pages.setErrorHandler<FastifyError>((error, request, reply) => {
      if (!NEEDS_LOGIN.includes(error.code)) return reply.send(error)
      const returnTo = request.method === 'GET' ? request.url : '/'
      return reply.redirect(`/login?returnTo=${encodeURIComponent(returnTo)}`, 303)
    })

    pages.get('/', {
      security: [], schema: { summary: 'The front page' }
    }, async () => page('Item store', '<p><a href="/items">Your items</a></p>'))

    pages.get('/items', {
      security: [{ scheme: loggedIn }], schema: { summary: 'The items, as a page' }
    }, async ({ auth: { user } }) => page('Your items', `<p>You are ${escape(user.name)}.</p>
<ul>${itemsOf(user).map(({ name }) => `<li>${escape(name)}</li>`).join('')}</ul>
<form method="post" action="/logout"><button>Log out</button></form>`))

    pages.get<{ Querystring: { returnTo: string } }>('/login', {
      security: [],
      schema: { summary: 'Log in', querystring: Type.Object({ returnTo: Type.String({ default: '/' }) }) }
    }, async (request, reply) => {
      const returnTo = ownPage(request.query.returnTo)
      if (request.session.user !== undefined) return reply.redirect(returnTo, 303)
      const { login, url } = await logins.begin()
      request.session.login = { ...login, returnTo }
      return reply.redirect(url, 303)
    })

    pages.get<{ Querystring: { state?: string } }>('/callback', {
      security: [],
      schema: { summary: 'Back from the provider', querystring: Type.Object({ state: Type.Optional(Type.String()) }) }
    }, async (request, reply) => {
      const { login } = request.session
      if (login === undefined || login.state !== request.query.state) return reply.code(400).send(notCompleted)
      delete request.session.login   // It can be completed once.
      let user: User
      try {
        user = await logins.complete(login, request.url.replace(/^[^?]*\?/, ''))
      } catch (error) {
        // Such as a network that is down. All refusals are errors of other kinds.
        if (error instanceof TypeError) throw error
        request.log.warn({ err: error }, 'a login was refused')
        return reply.code(400).send(notCompleted)
      }
      // Somebody may have placed the id that the browser had until now. It ends here.
      await request.session.regenerate()
      request.session.user = user
      return reply.redirect(login.returnTo, 303)
    })

    pages.post('/logout', {
      security: [{ scheme: loggedIn }], schema: { summary: 'Log out, here and at the provider' }
    }, async (request, reply) => {
      await request.session.destroy()
      return reply.clearCookie(cookieName, cookieOptions).redirect(logins.logoutUrl.href, 303)
    })
  })

  return app
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }</style>
<h1>${title}</h1>
${content}
</html>
`

const notCompleted = page('The login was not completed', `
<p>It was refused, or it began in another window, or too long ago.</p>
<p><a href="/login">Log in again</a></p>`)

export interface Started {
  readonly address: string
  readonly issuer: string
  close: () => Promise<void>
}

/** Runs both, the application and the provider. The provider's port may be 0, any that is free. */
export async function start (
  port: number, providerPort: number, options: Partial<SessionOptions> = {}
): Promise<Started> {
  const address = `http://localhost:${port}`
  const provider = await startProvider(providerPort)
  let app: FastifyInstance | undefined
  const close = async (): Promise<void> => {
    await app?.close()
    await provider.close()
  }
  try {
    await provider.serve(address)
    app = await build({ logger: { level: 'warn' }, ...options, origin: address, issuer: provider.issuer })
    await app.listen({ port, host: 'localhost' })
    return { address, issuer: provider.issuer, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function main (): Promise<void> {
  const { PORT = 3000, PROVIDER_PORT = 3001, SESSION_SECRET: secret } = process.env
  const { address, issuer } = await start(Number(PORT), Number(PROVIDER_PORT), { secret })
  console.log(`
The application listens at ${address}, the provider at ${issuer}.
Open ${address}, and follow the link. The provider takes any name and password, and then asks for consent.
The documentation is at ${address}/documentation. It sends the cookie of the session, too.
`)
}

if (require.main === module) run(main, 'PORT or PROVIDER_PORT')
