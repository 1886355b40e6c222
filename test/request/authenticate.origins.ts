/** Credentials that a page of another origin made the browser send. */

import t from 'tap'
import type { FastifyInstance, FastifyRequest, InjectOptions } from 'fastify'
import type { HookName, Scheme } from '../../lib'
import { CROSS_SITE, INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, basic, bearer, challengesOf, createApp } from '../helpers'

const OWN = { origin: 'http://app.example', 'sec-fetch-site': 'same-origin' }
const FOREIGN = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
/** As of browsers without Sec-Fetch-Site, and of websockets in Chromium. */
const WITHOUT_SITE = { origin: 'https://evil.example' }
const SIBLING = { origin: 'http://www.app.example', 'sec-fetch-site': 'same-site' }
const TRUSTED = { origin: 'https://web.example', 'sec-fetch-site': 'cross-site' }

type Headers = Readonly<Record<string, string>>
const cookie = (key: string): Headers => ({ cookie: `sid=${key}` })

const factories: Readonly<Record<string, { readonly options: object, readonly send: (secret: string) => Headers, readonly malformed: Headers, readonly challenge: string }>> = {
  apiKeyCookie: { options: { name: 'sid' }, send: cookie, malformed: cookie('%00'), challenge: 'APIKey' },
  httpBasic: { options: {}, send: (secret) => basic(`${secret}:x`), malformed: { authorization: 'Basic ?' }, challenge: 'Basic' },
  httpDigest: { options: {}, send: (secret) => ({ authorization: `Digest ${secret}` }), malformed: { authorization: 'Digest,' }, challenge: 'Digest' }
}

interface Answer { readonly status: number, readonly body: any, readonly challenges: string[] }

async function ask (app: FastifyInstance, headers: Headers, options: InjectOptions = {}): Promise<Answer> {
  const response = await app.inject({ method: 'POST', url: '/', ...options, headers: { host: 'app.example', ...headers } })
  return { status: response.statusCode, body: response.json(), challenges: challengesOf(response) }
}

const refused = { status: 403, body: CROSS_SITE, challenges: [] }
const accepted = (scheme: string | null): Answer => ({ status: 200, body: { scheme }, challenges: [] })
const unauthorized = (...challenges: string[]): Answer => ({ status: 401, body: NOT_AUTHENTICATED, challenges })

/** A handler that counts its calls, and a `verify` that does. */
function counters (): { readonly ran: () => string[], readonly verify: (name?: string) => (credentials: unknown) => unknown, readonly handler: (request: FastifyRequest) => Promise<unknown> } {
  const calls: string[] = []
  return {
    ran: () => calls.splice(0),
    verify: (name = 'verify') => (credentials) => {
      calls.push(name)
      const text = JSON.stringify(credentials)
      return text.includes('bad') ? null : { scopes: text.includes('weak') ? [] : ['a'] }
    },
    handler: async (request) => {
      calls.push('handler')
      return { scheme: request.auth?.scheme ?? null }
    }
  }
}

for (const [factory, { options, send, malformed, challenge }] of Object.entries(factories)) {
  for (const time of ['at once', 'late']) {
    t.test(`${factory}: a request of another page is refused before it is verified ${time}`, async (t) => {
      const app = await createApp()
      const { ran, verify, handler } = counters()
      const judge = time === 'late' ? async (credentials: unknown) => verify()(credentials) : verify()
      const scheme: Scheme = (app.authSchemes as any)[factory]({ ...options, verify: judge })
      app.route({ method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], url: '/', security: [{ scheme }], handler })
      for (const page of [FOREIGN, WITHOUT_SITE, SIBLING, TRUSTED, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) t.strictSame(await ask(app, { ...send('good'), ...page }, { method }), refused, `${method} ${JSON.stringify(page)}`)
        t.strictSame(await ask(app, { ...send('good'), ...page, upgrade: 'websocket' }, { method: 'GET' }), refused, 'an upgrade')
        t.strictSame(await ask(app, { ...send('bad'), ...page }), refused, 'bad credentials')
        t.strictSame(ran(), [], 'nothing ran')
        t.strictSame(await ask(app, page), unauthorized(challenge), 'no credentials')
        t.strictSame(await ask(app, { ...malformed, ...page }), unauthorized(challenge), 'malformed credentials')
        t.strictSame(ran(), [])
        for (const method of ['GET', 'OPTIONS'] as const) t.strictSame(await ask(app, { ...send('good'), ...page }, { method }), accepted(scheme.name), method)
        t.strictSame(ran(), ['verify', 'handler', 'verify', 'handler'])
      }
      for (const page of [{}, OWN, { origin: OWN.origin }, { 'sec-fetch-site': 'none' }]) {
        t.strictSame(await ask(app, { ...send('good'), ...page } as Headers), accepted(scheme.name), JSON.stringify(page))
        t.strictSame(await ask(app, { ...send('bad'), ...page } as Headers), { status: 401, body: INVALID_CREDENTIALS, challenges: [challenge] })
      }
    })
  }

  t.test(`${factory}: trusted origins pass, and no other; '*' is every page`, async (t) => {
    const app = await createApp()
    const { ran, verify, handler } = counters()
    for (const [url, trustedOrigins] of [['/listed', ['https://web.example', 'capacitor://localhost']], ['/none', []], ['/all', '*']] as const) {
      app.post(url, { security: [{ scheme: (app.authSchemes as any)[factory]({ ...options, trustedOrigins, verify: verify() }) }] }, handler)
    }
    const statuses = async (page: Headers): Promise<number[]> =>
      await Promise.all(['/listed', '/none', '/all'].map(async (url) => (await ask(app, { ...send('good'), ...page }, { url })).status))
    t.strictSame(await statuses(TRUSTED), [200, 403, 200])
    t.strictSame(await statuses({ origin: 'capacitor://localhost' }), [200, 403, 200])
    t.strictSame(await statuses(FOREIGN), [403, 403, 200])
    t.strictSame(await statuses({ 'sec-fetch-site': 'cross-site' }), [403, 403, 200])
    t.strictSame(await statuses(OWN), [200, 200, 200])
    t.equal(ran().length, 2 * 9)
  })

  t.test(`${factory}: credentials that are not verified are refused, too`, async (t) => {
    const app = await createApp()
    const { ran, handler } = counters()
    app.post('/', { security: [{ scheme: (app.authSchemes as any)[factory](options) }] }, handler)
    app.post('/false', { security: [{ scheme: (app.authSchemes as any)[factory]({ ...options, verify: false }) }] }, handler)
    for (const url of ['/', '/false']) t.strictSame(await ask(app, { ...send('good'), ...FOREIGN }, { url }), refused)
    t.strictSame(ran(), [])
    for (const url of ['/', '/false']) t.equal((await ask(app, { ...send('good'), ...OWN }, { url })).status, 200)
    t.strictSame(ran(), ['handler', 'handler'])
  })
}

t.test('httpBase: what browsers send by themselves is refused from another page, in any case of its name, unless it is listed', async (t) => {
  for (const name of ['basic', 'Digest', 'NEGOTIATE', 'ntlm']) {
    const app = await createApp()
    const { ran, verify, handler } = counters()
    const scheme = app.authSchemes.httpBase({ scheme: name, schemeName: name, verify: verify() })
    const listed = app.authSchemes.httpBase({ scheme: name, schemeName: name, trustedOrigins: [TRUSTED.origin], verify: verify() })
    app.post('/', { security: [{ scheme }] }, handler)
    app.post('/listed', { security: [{ scheme: listed }] }, handler)
    const headers = { authorization: `${name} good` }
    for (const page of [FOREIGN, TRUSTED]) t.strictSame(await ask(app, { ...headers, ...page }, { url: '/' }), refused)
    t.strictSame(await ask(app, { ...headers, ...FOREIGN }, { url: '/listed' }), refused)
    t.strictSame(ran(), [])
    t.strictSame(await ask(app, { ...headers, ...TRUSTED }, { url: '/listed' }), accepted(name))
    t.strictSame(await ask(app, { ...headers, ...OWN }, { url: '/' }), accepted(name))
    t.strictSame(ran(), ['verify', 'handler', 'verify', 'handler'])
  }
})

t.test('credentials that no browser sends by itself pass from every page', async (t) => {
  const app = await createApp()
  const { handler, verify } = counters()
  const { apiKeyHeader, apiKeyQuery, httpBase, httpBearer, oauth2PasswordBearer, openIdConnect } = app.authSchemes
  const schemes: ReadonlyArray<readonly [Scheme, InjectOptions]> = [
    [apiKeyHeader({ name: 'key', verify: verify() }), { headers: { key: 'good' } }],
    [apiKeyQuery({ name: 'key', verify: verify() }), { query: { key: 'good' } }],
    [httpBase({ scheme: 'own', verify: verify() }), { headers: { authorization: 'Own good' } }],
    [httpBearer({ verify: verify() }), { headers: bearer('good') }],
    [oauth2PasswordBearer({ tokenUrl: '/token', verify: verify() }), { headers: bearer('good') }],
    [openIdConnect({ openIdConnectUrl: '/', verify: verify() }), { headers: bearer('good') }]
  ]
  for (const [scheme] of schemes) app.post(`/${scheme.name}`, { security: [{ scheme }] }, handler)
  for (const [scheme, { headers, query }] of schemes) {
    const response = await app.inject({ method: 'POST', url: `/${scheme.name}`, query: query as Record<string, string>, headers: { ...headers, ...FOREIGN } })
    t.equal(response.statusCode, 200, scheme.name)
  }
})

t.test('where authentication is optional, only absence is forgiven', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  const scheme = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify() })
  const lenient = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify(), autoError: false })
  app.post('/{}', { security: [{ scheme }, {}] }, handler)
  app.post('/autoError', { security: [{ scheme: lenient }] }, handler)
  for (const url of ['/{}', '/autoError']) {
    t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }, { url }), refused)
    t.strictSame(ran(), [])
    t.strictSame(await ask(app, FOREIGN, { url }), accepted(null))
    t.strictSame(ran(), ['handler'])
  }
})

t.test('other alternatives are tried, and the one that got furthest is reported', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  const session = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify('session') })
  const token = app.authSchemes.openIdConnect({ openIdConnectUrl: '/', verify: verify('token') })
  app.post('/first', { security: [{ scheme: session, scopes: ['a'] }, { scheme: token, scopes: ['a'] }] }, handler)
  app.post('/last', { security: [{ scheme: token, scopes: ['a'] }, { scheme: session, scopes: ['a'] }] }, handler)
  const insufficient = { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="a"'] }
  for (const url of ['/first', '/last']) {
    const both = async (header: Headers): Promise<Answer> => await ask(app, { ...cookie('good'), ...header, ...FOREIGN }, { url })
    t.strictSame(await both(bearer('good')), accepted('OpenIdConnect'))
    t.strictSame(ran(), ['token', 'handler'])
    t.strictSame(await both(bearer('weak')), insufficient, 'insufficient gets further')
    t.strictSame(await both(bearer('bad')), refused, 'refused does not')
    t.strictSame(ran(), ['token', 'token'])
    t.strictSame(await both({ authorization: 'Bearer a b' }), refused, 'nor does malformed')
    t.strictSame(await both({}), refused, 'nor does absent')
    t.strictSame(ran(), [])
  }
})

t.test('a group with a cross-site member is refused before any member is verified', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  const session = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify('session') })
  const token = app.authSchemes.httpBearer({ verify: verify('token') })
  app.post('/first', { security: [[{ scheme: session }, { scheme: token }]] }, handler)
  app.post('/last', { security: [[{ scheme: token }, { scheme: session }]] }, handler)
  for (const [url, challenges] of [['/first', ['APIKey', 'Bearer']], ['/last', ['Bearer', 'APIKey']]] as const) {
    t.strictSame(await ask(app, { ...cookie('good'), ...bearer('good'), ...FOREIGN }, { url }), refused)
    t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }, { url }), unauthorized(...challenges), 'the other is absent')
    t.strictSame(await ask(app, { ...cookie('good'), authorization: 'Bearer a b', ...FOREIGN }, { url }), unauthorized(...challenges), 'the other is malformed')
    t.strictSame(ran(), [])
    t.equal((await ask(app, { ...cookie('good'), ...bearer('good'), ...OWN }, { url })).status, 200)
    t.equal(ran().length, 3)
  }
})

t.test('a cross-site scheme is not as if it was absent, where a context requires more', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  const session = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify('session') })
  const token = app.authSchemes.httpBearer({ verify: verify('token') })
  await app.register(async (context) => {
    context.secure([{ scheme: token }])
    context.post('/', { security: [{ scheme: session }, {}] }, handler)
  })
  t.strictSame(await ask(app, { ...cookie('good'), ...bearer('good'), ...FOREIGN }), refused)
  t.strictSame(ran(), [])
  t.strictSame(await ask(app, { ...bearer('good'), ...FOREIGN }), accepted(null))
  t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }), unauthorized('Bearer', 'APIKey'))
})

t.test('a derived scheme is refused with its base, and neither is verified', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  const base = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify('base') })
  const bare = app.authSchemes.apiKeyCookie({ name: 'sid', verify: false })
  app.post('/', { security: [{ scheme: base.derive({ scopes: ['a'], verify: verify('derived') }) }] }, handler)
  app.post('/bare', { security: [{ scheme: bare.derive({ verify: verify('derived') }) }] }, handler)
  for (const url of ['/', '/bare']) t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }, { url }), refused)
  t.strictSame(ran(), [])
  t.equal((await ask(app, { ...cookie('good'), ...OWN })).status, 200)
  t.strictSame(ran(), ['base', 'derived', 'handler'])
})

t.test('an override accepts requests of every page, until it ends', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  const scheme = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify() })
  const derived = scheme.derive({ verify: verify('derived') })
  app.post('/', { security: [{ scheme }] }, handler)
  app.post('/derived', { security: [{ scheme: derived }] }, handler)
  for (const [overridden, url] of [[scheme, '/'], [derived, '/derived']] as const) {
    const restore = app.authSchemes.override(overridden as Scheme, { user: { scopes: [] } } as any)
    t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }, { url }), accepted('APIKeyCookie'))
    t.strictSame(await ask(app, FOREIGN, { url }), accepted('APIKeyCookie'))
    t.strictSame(ran(), ['handler', 'handler'])
    restore()
    t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }, { url }), refused)
  }
  t.strictSame(ran(), [])
})

// With a schema of headers that removes what it does not name, as Fastify's validation does, and one that fills in.
const schema = {
  headers: {
    type: 'object',
    additionalProperties: false,
    properties: { cookie: { type: 'string' }, 'sec-fetch-site': { type: 'string', default: 'same-origin' } }
  }
}

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] satisfies HookName[]) {
  t.test(`it holds in ${hook}, whatever validation makes of the headers`, async (t) => {
    const app = await createApp({ hook })
    const { ran, verify, handler } = counters()
    const scheme = app.authSchemes.apiKeyCookie({ name: 'sid', trustedOrigins: ['https://web.example'], verify: verify() })
    app.route({ method: ['GET', 'POST'], url: '/', security: [{ scheme }], schema, handler })
    for (const page of [FOREIGN, WITHOUT_SITE]) {
      t.strictSame(await ask(app, { ...cookie('good'), ...page }), refused)
      t.strictSame(await ask(app, { ...cookie('good'), ...page, upgrade: 'websocket' }, { method: 'GET' }), refused)
    }
    t.strictSame(ran(), [])
    for (const page of [OWN, { origin: OWN.origin }, TRUSTED, {}]) t.strictSame(await ask(app, { ...cookie('good'), ...page } as Headers), accepted('APIKeyCookie'))
    t.equal(ran().length, 8)
  })
}

const WAYS: Readonly<Record<string, (context: FastifyInstance, scheme: Scheme, handler: (request: FastifyRequest) => Promise<unknown>) => void>> = {
  'security and its hook': (context, scheme, handler) => { context.post('/', { security: [{ scheme }], preHandler: scheme.preHandler, schema }, handler) },
  'its hook in onRequest': (context, scheme, handler) => { context.post('/', { onRequest: scheme.preHandler, schema }, handler) },
  'its hook in preValidation': (context, scheme, handler) => { context.post('/', { preValidation: [scheme.preHandler], schema }, handler) },
  'its hook in preHandler': (context, scheme, handler) => { context.post('/', { preHandler: scheme.preHandler, schema }, handler) },
  'an instance hook': (context, scheme, handler) => {
    context.addHook('preHandler', scheme.preHandler as any)
    context.post('/', { schema }, handler)
  },
  'an instance hook, and security': (context, scheme, handler) => {
    context.addHook('onRequest', scheme.preHandler as any)
    context.post('/', { security: [{ scheme }], schema }, handler)
  },
  'a hook that calls it': (context, scheme, handler) => { context.post('/', { schema, preHandler: (request, reply, done) => { scheme.preHandler(request, reply, done) } }, handler) },
  'the context': (context, scheme, handler) => {
    context.secure([{ scheme }])
    context.post('/', { schema }, handler)
  },
  'the context, for an unknown URL': (context, scheme, handler) => {
    context.secure([{ scheme }])
    context.setNotFoundHandler(async (request, reply) => await reply.code(200).send(await handler(request)))
  },
  'schema.security': (context, _scheme, handler) => { context.post('/', { schema: { ...schema, security: [{ APIKeyCookie: [] }] } }, handler) }
}
for (const [way, declare] of Object.entries(WAYS)) {
  t.test(`it holds in whatever way the scheme is required: ${way}`, async (t) => {
    const app = await createApp()
    const { ran, verify, handler } = counters()
    const scheme = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify() })
    await app.register(async (context) => { declare(context, scheme, handler) }, { prefix: '/in' })
    for (const page of [FOREIGN, WITHOUT_SITE]) t.strictSame(await ask(app, { ...cookie('good'), ...page }, { url: '/in' }), refused)
    t.strictSame(ran(), [])
    for (const page of [OWN, { origin: OWN.origin }]) t.strictSame(await ask(app, { ...cookie('good'), ...page } as Headers, { url: '/in' }), accepted('APIKeyCookie'))
    t.strictSame(ran(), ['verify', 'handler', 'verify', 'handler'])
  })
}

t.test('what a request is that another scheme let in, require does not accept for a cross-site one', async (t) => {
  const app = await createApp()
  const { ran, verify } = counters()
  const session = app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify('session') })
  const token = app.authSchemes.httpBearer({ verify: verify('token') })
  app.post('/', { security: [{ scheme: session }, { scheme: token }] }, async (request) => ({ session: session.from(request), required: session.require(request) }))
  t.strictSame(await ask(app, { ...cookie('good'), ...bearer('good'), ...FOREIGN }), unauthorized('APIKey'))
  t.strictSame(ran(), ['token'])
})

t.test('the status stays where an error handler sets none', async (t) => {
  const app = await createApp()
  const { ran, verify, handler } = counters()
  app.setErrorHandler((error: any, _request, reply) => { reply.send({ code: error.code }) })
  app.post('/', { security: [{ scheme: app.authSchemes.apiKeyCookie({ name: 'sid', verify: verify() }) }] }, handler)
  t.strictSame(await ask(app, { ...cookie('good'), ...FOREIGN }), { status: 403, body: { code: 'FST_AUTH_CROSS_SITE' }, challenges: [] })
  t.strictSame(ran(), [])
})
