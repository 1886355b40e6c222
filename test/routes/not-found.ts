import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, challengesOf, createApp } from '../helpers'
import { handler, statuses, tokenScheme } from './helpers'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

for (const hook of HOOKS) {
  t.test(`an unknown URL is answered as the routes of its context are: ${hook}`, async (t) => {
    const app = await createApp({ hook })
    const scheme = tokenScheme(app)
    app.register(async (secured) => {
      secured.secure([{ scheme }])
      secured.get('/x', handler)
      secured.setNotFoundHandler(async (request, reply) => reply.code(404).send({ scheme: request.auth?.scheme }))
    }, { prefix: '/secured' })
    await app.ready()
    t.strictSame(await statuses(app, ['/secured/nothing', '/nothing']),
      { '/secured/nothing': '401 404', '/nothing': '404 404' })
    t.strictSame((await app.inject({ url: '/secured/nothing', headers: bearer('good') })).json(),
      { scheme: 'OpenIdConnect' })
    const refused = await app.inject({ url: '/secured/nothing', headers: bearer('bad') })
    t.strictSame(refused.json(), INVALID_CREDENTIALS)
    t.strictSame(challengesOf(refused), ['Bearer error="invalid_token"'])
  })

  t.test(`for an unknown URL each alternative is verified once: ${hook}`, async (t) => {
    const app = await createApp({ hook })
    const verified: string[] = []
    const first = app.authSchemes.apiKeyHeader({ name: 'k', verify: () => { verified.push('first') } })
    const second = app.authSchemes.httpBearer({ verify: () => verified.push('second') })
    const third = app.authSchemes.apiKeyQuery({ name: 'k', verify: () => verified.push('third') })
    app.secure([{ scheme: first }, { scheme: second }])
    app.addHook('preValidation', third.preHandler as any)
    t.equal((await app.inject({ url: '/nothing?k=x', headers: { k: 'x', ...bearer('x') } })).statusCode, 404)
    t.strictSame(verified.sort(), ['first', 'second', 'third'])
  })

  t.test(`a secured not-found handler is not reached by reply.callNotFound(): ${hook}`, async (t) => {
    const app = await createApp({ hook })
    let verified = 0
    const scheme = app.authSchemes.httpBearer({ verify: () => ++verified })
    let ran = 0
    app.secure([{ scheme }])
    app.setNotFoundHandler(async (request, reply) => {
      ran++
      return reply.code(200).send({ user: typeof request.auth?.user })
    })
    app.get('/public', { security: [] }, async (_request, reply) => { reply.callNotFound() })
    app.get('/secured', async (_request, reply) => { reply.callNotFound() })
    const urls = ['/public', '/secured', '/nowhere']
    for (const url of urls) {
      const refused = await app.inject(url)
      t.equal(refused.statusCode, 401, url)
      t.strictSame(refused.json(), NOT_AUTHENTICATED, url)
      t.strictSame(challengesOf(refused), ['Bearer'], url)
    }
    t.equal(ran, 0)
    for (const url of urls) {
      verified = 0
      t.strictSame((await app.inject({ url, headers: bearer('x') })).json(), { user: 'number' }, url)
      t.equal(verified, 1, `${url}: verify runs once`)
    }
    t.equal(ran, 3)
  })
}

// Instance hooks run in the order in which they are added, and no other hook follows preHandler.
for (const hook of ['onRequest', 'preParsing', 'preValidation'] as const) {
  t.test(`an unknown URL is guarded when a later plugin's hook has run, as a route is: ${hook}`, async (t) => {
    const app = await createApp({ hook })
    const sessions: unknown[] = []
    const scheme = app.authSchemes.httpBearer({ verify: (_credentials, { request }) => sessions.push((request as any).session) > 0 })
    app.secure([{ scheme }])
    app.addHook(hook as 'onRequest', async (request: any) => { request.session = 'session' })
    app.get('/x', handler)
    for (const url of ['/x', '/nothing']) await app.inject({ url, headers: bearer('x') })
    t.strictSame(sessions, ['session', 'session'])
  })
}

t.test('a guard is there where a context or a parent of it is secured, whatever was declared first', async (t) => {
  const app = await createApp()
  const scheme = tokenScheme(app)
  const add = (prefix: string, secure: (context: FastifyInstance) => void): void => {
    app.register(async (context) => {
      secure(context)
      context.register(async (child) => { child.setNotFoundHandler(async (_request, reply) => reply.code(404).send({})) }, { prefix: '/child' })
    }, { prefix })
  }
  add('/before', (context) => { context.secure([{ scheme }]) })
  add('/after', (context) => { context.addHook('onReady', async () => {}) })
  add('/twice', (context) => {
    context.secure([{ scheme }])
    context.secure([{ scheme, scopes: ['a'] }])
  })
  await app.register(async (late) => {
    await late.register(async (child) => { child.setNotFoundHandler(async (_request, reply) => reply.code(404).send({})) }, { prefix: '/child' })
    late.secure([{ scheme }])
  }, { prefix: '/late' })
  await app.ready()
  t.strictSame(await statuses(app, ['/before/child/x', '/after/child/x', '/twice/child/x', '/late/child/x', '/x']),
    { '/before/child/x': '401 404', '/after/child/x': '404 404', '/twice/child/x': '401 403', '/late/child/x': '401 404', '/x': '404 404' })
})

t.test('an unknown URL of a public context is public', async (t) => {
  const app = await createApp()
  app.secure([{ scheme: tokenScheme(app) }])
  app.register(async (open) => {
    open.secure([])
    open.setNotFoundHandler(async (_request, reply) => reply.code(404).send({}))
  }, { prefix: '/open' })
  t.strictSame(await statuses(app, ['/open/x', '/x']), { '/open/x': '404 404', '/x': '401 404' })
})

t.test('the config of a not-found handler is not taken for a route\'s', async (t) => {
  const app = await createApp()
  let ran = 0
  app.secure([{ scheme: tokenScheme(app) }])
  app.get('/x', { config: { own: true } as object }, handler)
  app.setNotFoundHandler({ preHandler: async () => { ran++ } }, async (_request, reply) => reply.code(404).send({}))
  t.strictSame(await statuses(app, ['/y']), { '/y': '401 404' })
  t.equal(ran, 1)
})

t.test('a route is guarded by its own requirement alone', async (t) => {
  const app = await createApp()
  const verified: string[] = []
  const verify = (name: string) => () => verified.push(name) > 0
  const context = app.authSchemes.httpBearer({ verify: verify('context') })
  const key = app.authSchemes.apiKeyHeader({ name: 'k', verify: verify('route') })
  app.secure([{ scheme: context }])
  app.get('/public', { security: [] }, handler)
  app.get('/both', { security: [{ scheme: key }] }, handler)
  t.equal((await app.inject('/public')).statusCode, 200)
  t.equal((await app.inject({ url: '/both', headers: { k: 'k', ...bearer('x') } })).statusCode, 200)
  t.strictSame(verified, ['context', 'route'])
})

t.test('without a secured context unknown URLs have no guard', async (t) => {
  const app = await createApp()
  const hooks: string[] = []
  const { addHook } = app
  app.addHook = function (this: FastifyInstance, name: any, hook: any) {
    if (hook.name === 'authSchemesNotFound') hooks.push(name)
    return addHook.call(this, name, hook)
  } as typeof addHook
  app.get('/a', { security: [{ scheme: tokenScheme(app) }] }, handler)
  app.secure([])
  app.register(async (open) => { open.secure([]) })
  t.strictSame(hooks, [], 'a request for which nothing is declared pays nothing')
  await app.register(async (secured) => {
    await secured.register(async () => {})
    secured.secure([{ scheme: tokenScheme(app) }])
    secured.secure([{ scheme: tokenScheme(app) }])
    secured.register(async (child) => { child.secure([{ scheme: tokenScheme(app) }]) })
  })
  t.strictSame(hooks, ['preParsing', 'preHandler'], 'one guard holds for the children, too')
  await app.ready()
})
