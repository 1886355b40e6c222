import t from 'tap'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes } from '../lib/plugin'
import { createApp, documentOf, openapi31 } from './helpers'

const handler = async (): Promise<string> => 'ran'

t.test('it decorates the instance and the request', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  for (const name of ['authSchemes', 'tokenForm', 'secure', 'printSecurity']) t.ok(app.hasDecorator(name), name)
  t.ok(app.hasRequestDecorator('auth'))
  t.ok(app.hasPlugin('fastify-auth-schemes'))
  t.ok(Object.isFrozen(app.authSchemes))
  app.get('/', async (request) => ({ auth: request.auth }))
  t.strictSame((await app.inject('/')).json(), { auth: null })
  t.equal(app.printSecurity(), 'GET,HEAD  /  -  public: no security declared\n')
})

t.test('it is registered once in a context', async (t) => {
  const app = await createApp()
  await t.rejects(async () => { await app.register(authSchemes) }, { name: 'TypeError', message: 'authSchemes: the plugin is already registered in this context, or in a parent of it' })
})

t.test('a scheme that is handed out of its context must not pass for enforced', async (t) => {
  const app = Fastify()
  let scheme: any
  await app.register(async (child) => {
    await child.register(async (inner) => {
      await inner.register(authSchemes)
      scheme = inner.authSchemes.httpBearer()
      inner.get('/inner', { security: [{ scheme }] }, handler)
    })
    t.throws(() => child.get('/child', { security: [{ scheme }] }, handler), { code: 'FST_AUTH_UNGUARDED_ROUTE' })
  })
  t.throws(() => app.get('/outside', { security: [{ scheme }] }, handler), {
    code: 'FST_AUTH_UNGUARDED_ROUTE',
    message: 'Cannot enforce `security` on GET /outside: register fastify-auth-schemes in the context of the route, or in a parent of it (with fastify-plugin, where a plugin of your own registers it)'
  })
  app.get('/plain', handler)
  t.equal((await app.inject('/inner')).statusCode, 401)
  t.equal((await app.inject('/plain')).statusCode, 200)
})

t.test('override and the warnings are logged', async (t) => {
  const lines: string[] = []
  const app = await createApp({
    server: { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(JSON.parse(line).msg) } } } },
    swagger: { swagger: {} }
  })
  const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x' })
  app.authSchemes.override(scheme, {})
  app.get('/', { security: [{ scheme, scopes: ['a'] }] }, handler)
  await app.ready()
  app.swagger()
  t.equal(lines.length, 3)
  t.match(lines, [/^SECURITY IS OVERRIDDEN/, /^routes require "OpenIdConnect", whose credentials are not verified/, /Swagger 2\.0/])
  const { NODE_ENV } = process.env
  process.env.NODE_ENV = 'production'
  t.throws(() => { app.authSchemes.override(scheme, {}) }, { code: 'FST_AUTH_OVERRIDE', message: /NODE_ENV is production/ })
  if (NODE_ENV === undefined) delete process.env.NODE_ENV
  else process.env.NODE_ENV = NODE_ENV
})

t.test('a route of every kind goes through it', async (t) => {
  const app = Fastify()
  await app.register(authSchemes, { realm: 'R', hook: 'preParsing' })
  await app.register(swagger, openapi31)
  const scheme = app.authSchemes.httpBearer()
  app.tokenForm('/token', async () => ({ access_token: 'x', token_type: 'bearer' }))
  app.register(async (child) => {
    child.secure([{ scheme }])
    child.get('/x', handler)
  }, { prefix: '/child' })
  t.equal((await app.inject('/child/x')).statusCode, 401)
  t.equal((await app.inject({ method: 'POST', url: '/token' })).statusCode, 400)
  t.strictSame(app.authSchemes.routes().map(({ method, url }) => `${method} ${url}`), ['POST /token', 'GET /child/x', 'HEAD /child/x'])
  t.strictSame(documentOf(app).paths['/child/x'].get.security, [{ HTTPBearer: [] }])
})

t.test('a route that names a scheme where the plugin does not reach it fails the boot', async (t) => {
  const build = (names: string[]): FastifyInstance => {
    const app = Fastify()
    app.register(async (encapsulated) => {
      await encapsulated.register(authSchemes)
      const scheme = encapsulated.authSchemes.httpBearer({ verify: () => null })
      encapsulated.get('/inside', { security: [{ scheme }] }, handler)
    })
    app.register(async (sibling) => {
      for (const name of names) sibling.get(`/${name}`, { schema: { security: [{ [name]: [] }] } }, handler)
      sibling.get('/free', handler)
    })
    app.register(async (other) => {
      other.get('/own', { schema: { security: [{ HTTPBearer: [] }] } }, handler)
      await other.register(authSchemes)
      const scheme = other.authSchemes.httpBearer({ verify: () => null })
      other.get('/late', { security: [{ scheme }] }, handler)
    })
    return app
  }
  await t.rejects(async () => { await build(['Another', 'HTTPBearer']).ready() },
    { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /^Cannot enforce `security` on GET \/HTTPBearer: register fastify-auth-schemes in the context of the route/ })
  const app = build(['Another'])
  await app.ready()
  for (const url of ['/inside', '/late']) t.equal((await app.inject(url)).statusCode, 401, url)
  t.equal((await app.inject('/free')).body, 'ran')
  t.equal((await app.inject('/own')).statusCode, 500, 'its own registration cannot guard it')
})

t.test('a check that fails when all is loaded fails the boot for good', async (t) => {
  const app = await createApp({ explicit: true })
  app.get('/undeclared', async () => 'ran')
  for (let i = 0; i < 2; i++) await t.rejects(Promise.resolve(app.inject('/undeclared')), { code: 'FST_AUTH_UNDECLARED_ROUTE' })
})
