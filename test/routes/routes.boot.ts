/** Applications that fail the boot. */

import t from 'tap'
import middie from '@fastify/middie'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { authSchemes } from '../../lib'
import { bearer, createApp } from '../helpers'
import { handler, tokenScheme } from './helpers'

t.test('mistakes fail the boot and name the route', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A' } })
  const foreign = (await createApp()).authSchemes.httpBearer()
  const bad: ReadonlyArray<readonly [rule: string, options: object, code: string, message: string]> = [
    ['security that is undefined', { security: undefined }, 'FST_AUTH_BAD_SECURITY',
      '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public'],
    ['schema.security that is undefined', { schema: { security: undefined } }, 'FST_AUTH_BAD_SECURITY',
      '`schema.security` must be an array of OpenAPI security requirements, such as [{ OAuth2PasswordBearer: [] }]'],
    ['both forms', { security: [{ scheme }], schema: { security: [] } }, 'FST_AUTH_BAD_SECURITY',
      'the route has both `security` and `schema.security`; keep one of them'],
    ['an unknown name', { schema: { security: [{ Nobody: [] }] } }, 'FST_AUTH_UNKNOWN_SCHEME',
      '`schema.security` names the scheme "Nobody", which no factory of `app.authSchemes` has made (made so far: "OAuth2PasswordBearer"); make it before the route, or correct the name; scheme objects belong into the option `security`'],
    ['an undeclared scope by name', { schema: { security: [{ OAuth2PasswordBearer: ['b'] }] } },
      'FST_AUTH_UNKNOWN_SCOPE',
      'the scheme "OAuth2PasswordBearer" does not declare the scope "b" (declared: "a"); correct it, or add it to the `scopes` of the scheme'],
    ['scopes by name as a string', { schema: { security: [{ OAuth2PasswordBearer: 'a' }] } }, 'FST_AUTH_BAD_SECURITY',
      'the `scopes` required of "OAuth2PasswordBearer" must be an array of scope names'],
    ['a scheme in preParsing', { preParsing: scheme.preHandler }, 'FST_AUTH_BAD_SECURITY',
      'the `preHandler` of "OAuth2PasswordBearer" cannot stand in `preParsing`; put it into onRequest, preValidation or preHandler'],
    ...['preSerialization', 'onSend', 'onResponse', 'onError', 'onTimeout',
      'onRequestAbort'].map((hook) => [`a scheme in ${hook}`, { [hook]: [scheme.preHandler] }, 'FST_AUTH_BAD_SECURITY',
      `the \`preHandler\` of "OAuth2PasswordBearer" cannot stand in \`${hook}\`; put it into onRequest, preValidation or preHandler`] as [string, object, string, string]),
    ['a foreign scheme in a hook', { preHandler: [foreign.preHandler] }, 'FST_AUTH_UNKNOWN_SCHEME',
      'the scheme "HTTPBearer" belongs to another application or to another registration of the plugin']
  ]
  for (const [rule, options, code, message] of bad) {
    t.throws(() => app.get('/bad', options as Partial<RouteOptions>, handler),
      { code, message: `GET /bad: ${message}` }, rule)
  }
  t.throws(() => app.route({ method: ['GET', 'PUT'], url: '/bad', security: [bearer] as any, handler }),
    { message: /^GET,PUT \/bad: / })
})

t.test('optional authentication beside a scheme in a hook fails the boot: it cannot be documented', async (t) => {
  const message = /^GET \/a: authentication that is optional cannot be combined with a scheme in a hook of the route; require both in one `security`$/
  const declare = async (add: (app: FastifyInstance, needed: any, optional: any) => void): Promise<void> => {
    const app = await createApp()
    add(app, tokenScheme(app), app.authSchemes.apiKeyHeader({ name: 'k', autoError: false }))
    await app.ready()
  }
  const bad: Array<Parameters<typeof declare>[0]> = [
    (app, needed, optional) => { app.get('/a', { exposeHeadRoute: false, security: [{ scheme: needed }], preHandler: optional.preHandler }, handler) },
    (app, needed, optional) => { app.get('/a', { exposeHeadRoute: false, security: [{ scheme: optional }], preHandler: needed.preHandler }, handler) },
    (app, needed, optional) => { app.get('/a', { exposeHeadRoute: false, onRequest: [needed.preHandler, optional.preHandler] }, handler) },
    (app, needed) => {
      app.secure([{ scheme: needed }, {}])
      app.get('/a', { exposeHeadRoute: false, preHandler: needed.preHandler }, handler)
    }
  ]
  for (const add of bad) await t.rejects(declare(add), { code: 'FST_AUTH_BAD_SECURITY', message })
  await declare((app, needed, optional) => {
    app.get('/a', { security: [], preHandler: optional.preHandler }, handler)
    app.get('/b', { security: [[{ scheme: needed }, { scheme: optional }]] }, handler)
    app.get('/c', { preHandler: optional.preHandler }, handler)
    app.get('/d', { security: [{ scheme: needed }], preHandler: needed.preHandler }, handler)
  })
})

t.test('explicit: every route must declare `security`, or its context', async (t) => {
  const app = Fastify()
  app.get('/early', { exposeHeadRoute: false }, handler)
  await app.register(authSchemes, { explicit: true })
  const scheme = tokenScheme(app)
  app.get('/declared', { security: [{ scheme }] }, handler)
  app.get('/public', { security: [] }, handler)
  app.get('/hook', { preHandler: scheme.preHandler }, handler)
  app.get('/undeclared', { exposeHeadRoute: false }, handler)
  app.route({ method: ['PUT', 'POST'], url: '/undeclared', handler })
  app.register(async (child) => {
    child.secure([])
    child.get('/child', handler)
  })
  await t.rejects(async () => { await app.ready() }, {
    code: 'FST_AUTH_UNDECLARED_ROUTE',
    message: 'With the option `explicit` every route must be declared after the plugin was loaded, and carry `security` or stand in a context that declares it by `secure`. ' +
      'These do not: GET /early, GET /undeclared, PUT /undeclared, POST /undeclared. If they are public on purpose: `security: []` ' +
        'on a route, `secure([])` in a context for another plugin, or the plugin option `public`'
  })
  const old = Fastify()
  old.get('/early', { exposeHeadRoute: false }, handler)
  await old.register(authSchemes, { explicit: true })
  await t.rejects(async () => { await old.ready() },
    { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /These do not: GET \/early\./ })
  const good = await createApp({ explicit: true })
  good.get('/public', { security: [] }, handler)
  good.register(async (documentation) => {
    documentation.secure([])
    await documentation.register(swaggerUi)
  })
  await good.ready()
  t.equal((await good.inject('/documentation/json')).statusCode, 200)
})

t.test('middleware in a secured context is logged: what it answers is not guarded', async (t) => {
  for (const [secured, explicit] of [[true, false], [false, true], [false, false]] as const) {
    const lines: string[] = []
    const stream = { write: (line: string) => { lines.push(JSON.parse(line).msg) } }
    const app = await createApp({ explicit, server: { logger: { level: 'warn', stream } } })
    await app.register(middie)
    if (secured) app.secure([{ scheme: tokenScheme(app) }])
    await app.ready()
    t.strictSame(lines, secured
      ? ['a secured context has `use`, of @fastify/middie or @fastify/express: a middleware that responds by itself is not guarded. ' +
          'Register it in a context of its own, or let it run in a later hook (`hook: \'preHandler\'` of @fastify/middie, `expressHook` of @fastify/express)']
      : [])
  }
})

t.test('`explicit` and `public`: a route that the option names is declared by it, in a secured context, too', async (t) => {
  const app = await createApp({ explicit: true, public: ['/health'] })
  app.secure([{ scheme: tokenScheme(app) }])
  app.get('/health', handler)
  app.get('/a', handler)
  await app.ready()
  const [health, a] = [await app.inject('/health'), await app.inject('/a')]
  t.strictSame([health.statusCode, a.statusCode], [200, 401])
})

t.test('the summary at boot counts routes, without those of HEAD alone, open ones, and those that verify nothing', async (t) => {
  const lines: string[] = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line).msg) } }
  const app = await createApp({ server: { logger: { level: 'info', stream } } })
  app.get('/a', { security: [{ scheme: tokenScheme(app) }] }, handler)
  app.route({ method: ['GET', 'HEAD'], url: '/b', security: [], handler })
  app.get('/c', { security: [{ scheme: app.authSchemes.apiKeyQuery({ name: 'k', verify: false }) }] }, handler)
  await app.ready()
  t.strictSame(lines, ['fastify-auth-schemes: 3 routes, 1 public, 1 with credentials that are not verified'])
})

t.test('`explicit`: the hidden route of @fastify/cors for preflight requests need not declare anything; others must', async (t) => {
  const build = async (schema: object | undefined, route: Partial<RouteOptions> = {}): Promise<FastifyInstance> => {
    const app = await createApp({ explicit: true })
    app.route({ method: 'OPTIONS', url: '*', ...schema === undefined ? {} : { schema }, handler, ...route })
    return app
  }
  for (const url of ['*', '/*', '/v1/*']) await (await build({ hide: true }, { url })).ready()
  for (const route of [{ method: 'GET' }, { method: ['OPTIONS', 'POST'] }, { url: '/a*' }]) {
    await t.rejects(async () => { await (await build({ hide: true }, route)).ready() }, { code: 'FST_AUTH_UNDECLARED_ROUTE' })
  }
  for (const schema of [undefined, {}, { hide: false }]) {
    await t.rejects(async () => { await (await build(schema)).ready() },
      { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /These do not: OPTIONS \*\./ })
  }
})
