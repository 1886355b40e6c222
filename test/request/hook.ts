import t from 'tap'
import cookie from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { authSchemes, type HookName } from '../../lib'
import { enforce } from '../../lib/request/hook'
import { toPlan } from '../../lib/requirement/plan'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, challengesOf, createApp } from '../helpers'

const NO_CALLBACK = 'preHandler: it was called without a callback, or in a hook in which it guards nothing; put it into `onRequest`, `preValidation` or `preHandler` of a route'

const HOOKS: HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

for (const hook of HOOKS) {
  t.test(`enforced in ${hook}: in its place, in front of the route's own hooks`, async (t) => {
    const app = await createApp({ hook })
    await app.register(cookie)
    const order: string[] = []
    const verify = (secret: string): boolean => {
      order.push('security')
      return secret === 'good'
    }
    const byHeader = app.authSchemes.apiKeyHeader({ name: 'key', verify })
    const byQuery = app.authSchemes.apiKeyQuery({ name: 'key', verify })
    const byCookie = app.authSchemes.apiKeyCookie({ name: 'key', verify })
    const byBody = app.authSchemes.apiKeyHeader({ name: 'signed', schemeName: 'Signed', verify: (_key, { request }) => (request.body as any)?.sign === 'good' })
    const own = Object.fromEntries(HOOKS.map((name) => [name, [async () => { order.push(name) }]]))
    const handler = async (request: FastifyRequest): Promise<unknown> => ({ token: request.auth?.token })
    for (const [url, scheme] of Object.entries({ '/header': byHeader, '/query': byQuery, '/cookie': byCookie })) {
      app.get(url, { ...own, security: [{ scheme }] }, handler)
    }
    app.post('/body', { security: [{ scheme: byBody }], schema: { body: { type: 'object', properties: { sign: { type: 'string' } } } } }, handler)

    const sent: Record<string, (key: string) => object> = {
      '/header': (key) => ({ url: '/header', headers: { key } }),
      '/query': (key) => ({ url: `/query?key=${key}` }),
      '/cookie': (key) => ({ url: '/cookie', headers: { cookie: `key=${key}` } })
    }
    for (const [url, send] of Object.entries(sent)) {
      order.length = 0
      t.strictSame((await app.inject(send('good'))).json(), { token: 'good' }, url)
      t.strictSame(order, HOOKS.flatMap((name) => name === hook ? ['security', name] : [name]))
      t.equal((await app.inject(send('bad'))).statusCode, 401)
      t.equal((await app.inject(url)).statusCode, 401)
    }
    const bodyKnown = hook === 'preValidation' || hook === 'preHandler'
    const posted = { method: 'POST', url: '/body', headers: { signed: 'k' } } as const
    t.equal((await app.inject({ ...posted, payload: { sign: 'good' } })).statusCode, bodyKnown ? 200 : 401)
    t.equal((await app.inject({ ...posted, payload: { sign: 'bad' } })).statusCode, 401)
    const invalid = await app.inject({ ...posted, headers: {}, payload: { sign: [] } })
    t.equal(invalid.statusCode, hook === 'preHandler' ? 400 : 401, '401 comes before 400 where it can')
  })
}

t.test('a key is the text that was sent, whatever validation makes of it', async (t) => {
  const app = await createApp({ hook: 'preHandler' })
  const query = app.authSchemes.apiKeyQuery({ name: 'key', verify: (key) => ({ key }) })
  const header = app.authSchemes.apiKeyHeader({ name: 'x-key', verify: (key) => ({ key }) })
  const schema = {
    querystring: { type: 'object', properties: { key: { type: 'integer', default: 7 } } },
    headers: { type: 'object', properties: { 'x-key': { type: 'integer', default: 7 } } }
  }
  app.get('/query', { schema, security: [{ scheme: query }] }, async (request) => ({ user: request.auth.user, query: request.query }))
  app.get('/header', { schema, security: [{ scheme: header }] }, async (request) => ({ user: request.auth.user, header: request.headers['x-key'] }))
  app.get('/hook', { schema, preHandler: query.preHandler }, async (request) => ({ user: request.auth?.user }))
  t.strictSame((await app.inject('/query?key=007')).json(), { user: { key: '007' }, query: { key: 7 } })
  t.strictSame((await app.inject({ url: '/header', headers: { 'x-key': '007' } })).json(), { user: { key: '007' }, header: 7 })
  t.strictSame((await app.inject('/hook?key=007')).json(), { user: { key: '007' } })
  for (const url of ['/query', '/header', '/hook']) t.equal((await app.inject(url)).statusCode, 401, 'a default is no key')
})

t.test('cookies that are parsed late are taken as they were parsed', async (t) => {
  const app = await createApp({ hook: 'preHandler' })
  await app.register(cookie, { hook: 'preValidation', parseOptions: { decode: (value: string) => `${value}!` } as object })
  app.get('/', { security: [{ scheme: app.authSchemes.apiKeyCookie({ name: 'k' }) }] }, async (request) => request.auth.token)
  t.equal((await app.inject({ url: '/', headers: { cookie: 'k=a' } })).body, 'a!')
})

t.test('a failure that is nothing at all still fails the request', async (t) => {
  const done: unknown[] = []
  const own = new Error('own')
  const ways = [
    (value: unknown) => enforce(() => { throw value }, false, () => 'always'),
    (value: unknown) => enforce(() => toPlan(null), false, () => { throw value })
  ]
  for (const failing of ways) {
    for (const value of [undefined, null, false, 0, '', { statusCode: 401 }, own]) {
      failing(value)({} as FastifyRequest, {} as FastifyReply, (error: unknown) => { done.push(error) })
    }
  }
  const codes = done.map((error) => error === own ? 'own' : (error as { code: string }).code)
  t.strictSame(codes, Array.from({ length: 14 }, (_, i) => i % 7 === 6 ? 'own' : 'FST_AUTH_VERIFY_FAILED'))
})

t.test('called by hand without a callback it throws: the outcome would be lost', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: async () => null })
  app.get('/', { onRequest: async (request, reply) => { await (scheme.preHandler as any)(request, reply) } }, async () => 'ran')
  const response = await app.inject({ url: '/', headers: bearer('bad') })
  t.equal(response.statusCode, 500)
  t.equal(response.json().message, NO_CALLBACK)
})

t.test('in a hook that runs behind the handler it throws: it guards nothing there', async (t) => {
  const hook = enforce(() => toPlan(null), false, () => 'always')
  const done = (): void => { t.fail('the hook went on') }
  for (const payload of [undefined, null, 'text', {}, Buffer.from('x')]) {
    t.throws(() => { hook({} as FastifyRequest, {} as FastifyReply, payload, done) }, { name: 'TypeError', message: NO_CALLBACK })
  }
})

t.test('a failure while a promise is settled fails the request', async (t) => {
  for (const [failure, code] of [[new Error('frozen'), undefined], ['text', 'FST_AUTH_VERIFY_FAILED']] as const) {
    const app = await createApp()
    const scheme = app.authSchemes.httpBearer({ verify: async () => ({ id: 1 }) })
    let ran = false
    app.addHook('onRequest', async (request) => {
      Object.defineProperty(request, 'auth', { get: () => null, set () { throw failure } })
    })
    app.get('/', { security: [{ scheme }] }, async () => { ran = true })
    const response = await app.inject({ url: '/', headers: bearer('x') })
    t.equal(response.statusCode, 500)
    t.equal(response.json().code, code)
    t.equal(ran, false)
  }
})

t.test('an overridden scheme extracts nothing', async (t) => {
  const app = await createApp({ hook: 'preHandler' })
  const scheme = app.authSchemes.apiKeyHeader({ name: 'k', verify: (key) => ({ key }) })
  app.authSchemes.override(scheme, { user: { key: 'given' } })
  app.get('/', { security: [{ scheme }] }, async (request) => request.auth.user)
  t.strictSame((await app.inject({ url: '/', headers: { k: 'sent' } })).json(), { key: 'given' })
})

t.test('the first that was accepted is request.auth; what is verified already is not verified again', async (t) => {
  const app = await createApp()
  let calls = 0
  const scheme = app.authSchemes.httpBearer({
    verify: ({ credentials }) => {
      calls++
      return { name: credentials }
    }
  })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.get('/', { security: [{ scheme }], preHandler: [key.preHandler, scheme.preHandler] }, async (request) => ({
    auth: request.auth.scheme,
    user: scheme.from(request)?.user,
    key: key.from(request)?.token
  }))
  app.get('/scoped', { security: [{ scheme: key }], onRequest: scheme.preHandler, preHandler: scheme.derive({ verify: ({ name }) => name === 'good' }).preHandler }, async (request) => request.auth.scheme)
  t.strictSame((await app.inject({ url: '/', headers: { ...bearer('me'), key: 'good' } })).json(), { auth: 'HTTPBearer', user: { name: 'me' }, key: 'good' })
  t.equal(calls, 1)
  const refused = await app.inject({ url: '/', headers: { ...bearer('me'), key: 'bad' } })
  t.equal(refused.statusCode, 401)
  t.strictSame(challengesOf(refused), ['APIKey'])
  t.equal((await app.inject({ url: '/scoped', headers: { ...bearer('good'), key: 'good' } })).body, 'APIKeyHeader')
  t.equal((await app.inject({ url: '/scoped', headers: { ...bearer('other'), key: 'good' } })).statusCode, 401)
})

t.test('1,000 requests in flight each see their own', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({
    verify: async ({ credentials }) => {
      await new Promise((resolve) => { setTimeout(resolve, Number(credentials.slice(1)) * 7 % 20) })
      return { name: credentials }
    }
  })
  app.get('/', { security: [{ scheme }] }, async (request) => [request.headers['x-expected'], request.auth.user.name, scheme.from(request)?.user.name])
  const answers = await Promise.all(Array.from({ length: 1000 }, async (_, i) => (await app.inject({ url: '/', headers: { ...bearer(`u${i}`), 'x-expected': `u${i}` } })).json()))
  t.strictSame(answers, Array.from({ length: 1000 }, (_, i) => [`u${i}`, `u${i}`, `u${i}`]))
})

t.test('the plugin\'s hook option is checked', async (t) => {
  const { default: fastify } = await import('fastify')
  await t.rejects(async () => { await fastify().register(authSchemes, { hook: 'onSend' as HookName }) }, {
    name: 'TypeError',
    message: 'authSchemes: the option `hook` must be one of onRequest, preParsing, preValidation, preHandler'
  })
})

for (const hook of HOOKS) {
  t.test(`request.auth is of what the route declares, whatever other hooks accepted before: ${hook}`, async (t) => {
    const app = await createApp({ hook })
    const tenant = app.authSchemes.apiKeyHeader({ name: 'x-tenant', verify: (id) => ({ id }) })
    for (const late of [false, true]) {
      const user = app.authSchemes.httpBearer({ verify: ({ credentials }) => late ? Promise.resolve({ id: credentials }) : { id: credentials } })
      await app.register(async (context) => {
        context.addHook('onRequest', tenant.preHandler)
        context.get(`/instance/${late}`, { security: [{ scheme: user }] }, async (request) => [request.auth.user, tenant.from(request)?.user])
      })
      app.get(`/route/${late}`, { security: [{ scheme: user }], onRequest: tenant.preHandler }, async (request) => [request.auth?.user, tenant.from(request)?.user])
    }
    for (const url of ['/instance/false', '/instance/true', '/route/false', '/route/true']) {
      t.strictSame((await app.inject({ url, headers: { 'x-tenant': 'tenant', ...bearer('user') } })).json(), [{ id: 'user' }, { id: 'tenant' }], url)
    }
  })
}

t.test('a verify may wait where the application has another Promise', async (t) => {
  const { Promise: native } = globalThis
  t.teardown(() => { globalThis.Promise = native })
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: async ({ credentials }) => credentials === 'good' })
  app.get('/', { security: [{ scheme }] }, async () => ({ ran: true }))
  await app.ready()
  globalThis.Promise = class extends (native as any) {} as unknown as PromiseConstructor
  t.equal((await app.inject({ url: '/', headers: bearer('good') })).statusCode, 200)
  t.equal((await app.inject({ url: '/', headers: bearer('bad') })).statusCode, 401)
})

t.test('request.auth is never of a scheme that the route did not name', async (t) => {
  const app = await createApp()
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  const admin = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'admin' })
  app.addHook('onRequest', key.preHandler)
  const handler = async (request: FastifyRequest): Promise<object> => ({ auth: request.auth?.scheme ?? request.auth, key: key.from(request)?.token })
  app.get('/optional', { security: [{ scheme: admin }, {}] }, handler)
  app.get('/public', { security: [] }, handler)
  app.get('/undeclared', handler)
  const headers = { key: 'good' }
  for (const url of ['/optional', '/public']) t.strictSame((await app.inject({ url, headers })).json(), { auth: null, key: 'good' }, url)
  t.strictSame((await app.inject({ url: '/undeclared', headers })).json(), { auth: 'APIKeyHeader', key: 'good' })
  t.strictSame((await app.inject({ url: '/optional', headers: { ...headers, ...bearer('admin') } })).json(), { auth: 'HTTPBearer', key: 'good' })
  for (const url of ['/optional', '/public', '/undeclared']) t.strictSame((await app.inject(url)).json(), NOT_AUTHENTICATED, url)
})

t.test('request.auth is null where a request passes as nobody, whatever an earlier hook accepted', async (t) => {
  for (const hook of HOOKS) {
    const app = await createApp({ hook })
    const user = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })
    app.get('/', { security: [{ scheme: user }, {}] }, async (request) => ({ auth: request.auth?.scheme ?? request.auth }))
    t.strictSame((await app.inject('/')).json(), { auth: null }, hook)
    t.strictSame((await app.inject({ url: '/', headers: bearer('good') })).json(), { auth: 'HTTPBearer' }, hook)
    t.strictSame((await app.inject({ url: '/', headers: bearer('bad') })).json(), INVALID_CREDENTIALS, hook)
  }
})

t.test('where the guard accepts nobody, request.auth is of the scheme in the route\'s own hook, whichever runs first', async (t) => {
  for (const hook of HOOKS) {
    const app = await createApp({ hook })
    const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
    const user = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })
    await app.register(async (context) => {
      context.secure([{ scheme: user }])
      const own = { onRequest: key.preHandler }
      const handler = async (request: FastifyRequest): Promise<unknown> => request.auth?.scheme ?? 'nobody'
      context.get('/public', { security: [], ...own }, handler)
      context.get('/silent', own, handler)
      context.get('/optional', { security: [{ scheme: key }, {}], ...own }, handler)
      context.get('/named', { security: [{ scheme: user }], ...own }, handler)
    })
    const headers = { ...bearer('good'), key: 'good' }
    for (const url of ['/public', '/silent', '/optional']) t.equal((await app.inject({ url, headers })).body, 'APIKeyHeader', `${hook} ${url}`)
    t.equal((await app.inject({ url: '/named', headers })).body, 'HTTPBearer', hook)
    for (const url of ['/public', '/silent', '/optional', '/named']) t.equal((await app.inject({ url, headers: bearer('good') })).statusCode, 401, `${hook} ${url}`)
  }
})
