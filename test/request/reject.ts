import t from 'tap'
import auth from '@fastify/auth'
import type { FastifyInstance } from 'fastify'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, basic, challengesOf, createApp } from '../helpers'
import { InvalidCredentialsError } from '../../lib'

/** Alternatives of a bearer token with a scope, and of a user name and a key. */
async function create (): Promise<FastifyInstance> {
  const app = await createApp({ realm: 'R' })
  const judge = (secret: string): any => {
    if (secret.includes('described')) throw new InvalidCredentialsError('The token is "old"')
    if (secret.includes('coded')) throw Object.assign(new Error('Own message'), { statusCode: 401, code: 'OWN', headers: { 'x-own': '1' } })
    if (secret.includes('forbidden')) throw Object.assign(new Error('Own message'), { statusCode: 403 })
    if (secret.includes('refused')) return null
    return { scopes: secret.includes('weak') ? [] : ['a'] }
  }
  const token = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: judge })
  const user = app.authSchemes.httpBasic({ verify: ({ username }) => judge(username) })
  const key = app.authSchemes.apiKeyQuery({ name: 'k', verify: judge })
  app.get('/', { security: [{ scheme: key, scopes: ['a'] }, [{ scheme: user }, { scheme: token, scopes: ['a'] }], { scheme: token }] }, async () => ({ ran: true }))
  app.get('/or', { security: [{ scheme: token, scopes: ['a'] }, { scheme: key, scopes: ['a'] }, { scheme: user, scopes: ['a'] }] }, async () => ({ ran: true }))
  return app
}

const plain = ['APIKey', 'Basic realm="R"', 'Bearer realm="R", scope="a"', 'Bearer realm="R"']

t.test('absent and malformed credentials get the plain challenge of every scheme, one for each set of scopes', async (t) => {
  const app = await create()
  for (const headers of [{}, { authorization: 'Bearer a b' }, { authorization: 'Basic ?' }]) {
    const response = await app.inject({ url: '/', headers })
    t.equal(response.statusCode, 401)
    t.strictSame(response.json(), NOT_AUTHENTICATED)
    t.strictSame(challengesOf(response), plain)
  }
})

t.test('the challenge of what was refused has the error, that of what was not verified has none', async (t) => {
  const app = await create()
  const response = await app.inject({ url: '/', headers: { authorization: 'Bearer refused' } })
  t.strictSame(response.json(), INVALID_CREDENTIALS)
  t.strictSame(challengesOf(response), ['APIKey', 'Basic realm="R"', 'Bearer realm="R", scope="a"', 'Bearer realm="R", error="invalid_token"'])
})

t.test('missing scopes come before a refusal, a refusal before what is malformed', async (t) => {
  const app = await create()
  const ask = async (key: string, authorization: string) => await app.inject({ url: `/or?${key}`, headers: { authorization } })
  const insufficient = await ask('k=weak', 'Bearer refused')
  t.strictSame(insufficient.json(), INSUFFICIENT_SCOPE)
  t.strictSame(challengesOf(insufficient), ['APIKey'], 'only the insufficient one')
  const both = await ask('k=weak', 'Bearer weak')
  t.strictSame(challengesOf(both), ['Bearer realm="R", error="insufficient_scope", scope="a"', 'APIKey'])
  const described = await ask('k=weak', 'Bearer described')
  t.strictSame(described.json(), INSUFFICIENT_SCOPE, 'an error of verify does not come before missing scopes')
  const refused = await ask('k=a&k=b', 'Bearer refused')
  t.strictSame(refused.json(), INVALID_CREDENTIALS)
  t.strictSame(challengesOf(refused), ['Bearer realm="R", error="invalid_token", scope="a"', 'APIKey', 'Basic realm="R"'])
})

t.test('a description is the message, and the error_description of the bearer family', async (t) => {
  const app = await create()
  const response = await app.inject({ url: '/or', headers: { authorization: 'Bearer described' } })
  t.strictSame(response.json(), { ...INVALID_CREDENTIALS, message: 'The token is "old"' })
  t.strictSame(challengesOf(response),
    ['Bearer realm="R", error="invalid_token", scope="a", error_description="The token is \'old\'"', 'APIKey', 'Basic realm="R"'])
  const basicResponse = await app.inject({ url: '/or', headers: basic('described:x') })
  t.strictSame(challengesOf(basicResponse), plain.slice(2, 3).concat('APIKey', 'Basic realm="R"'))
})

t.test('an error of verify keeps its status, code, message and headers', async (t) => {
  const app = await create()
  const response = await app.inject({ url: '/or', headers: { authorization: 'Bearer coded' } })
  t.strictSame(response.json(), { statusCode: 401, code: 'OWN', error: 'Unauthorized', message: 'Own message' })
  t.equal(response.headers['x-own'], '1')
  t.strictSame(challengesOf(response), ['Bearer realm="R", error="invalid_token", scope="a"', 'APIKey', 'Basic realm="R"'])
  const forbidden = await app.inject({ url: '/or?k=refused', headers: { authorization: 'Bearer forbidden' } })
  t.strictSame(forbidden.json(), { statusCode: 403, error: 'Forbidden', message: 'Own message' }, 'an error comes before a refusal without one')
  t.strictSame(challengesOf(forbidden), [])
})

t.test('the first error, in the order of the alternatives, is sent', async (t) => {
  const app = await create()
  const own = { statusCode: 401, code: 'OWN', error: 'Unauthorized', message: 'Own message' }
  const response = await app.inject({ url: '/or?k=forbidden', headers: { authorization: 'Bearer coded' } })
  t.strictSame(response.json(), own)
  const later = await app.inject({ url: '/or?k=coded', headers: { authorization: 'Bearer refused' } })
  t.strictSame(later.json(), own, 'one behind a refusal without an error, too')
})

t.test('one challenge for a scheme and a set of scopes, in whatever order and with whatever is derived', async (t) => {
  const app = await createApp()
  const base = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: () => ({ scopes: ['a', 'b'] }) })
  const derived = base.derive({ verify: () => null })
  const key = app.authSchemes.apiKeyHeader({ name: 'k' })
  app.get('/first', { security: [{ scheme: derived, scopes: ['a', 'b'] }, [{ scheme: base, scopes: ['b', 'a'] }, { scheme: key }]] }, async () => ({ ran: true }))
  app.get('/last', { security: [[{ scheme: base, scopes: ['b', 'a'] }, { scheme: key }], { scheme: derived, scopes: ['a', 'b'] }] }, async () => ({ ran: true }))
  const headers = { authorization: 'Bearer x' }
  t.strictSame(challengesOf(await app.inject({ url: '/first', headers })), ['Bearer error="invalid_token", scope="a b"', 'APIKey'])
  t.strictSame(challengesOf(await app.inject({ url: '/last', headers })), ['Bearer error="invalid_token", scope="b a"', 'APIKey'])
})

t.test('the challenge survives a custom error handler', async (t) => {
  const app = await create()
  app.setErrorHandler((error: any, _request, reply) => { reply.code(error.statusCode).send({ own: error.code }) })
  app.get('/late', { security: [{ scheme: app.authSchemes.httpBasic({ realm: 'Late', schemeName: 'Late' }) }] }, async () => ({ ran: true }))
  const response = await app.inject('/late')
  t.equal(response.statusCode, 401)
  t.strictSame(response.json(), { own: 'FST_AUTH_NOT_AUTHENTICATED' })
  t.strictSame(challengesOf(response), ['Basic realm="Late"'])
})

t.test('one challenge is one string, so that it reads the same as any other header', async (t) => {
  const app = await createApp()
  app.get('/', { security: [{ scheme: app.authSchemes.httpBearer() }] }, async () => ({ ran: true }))
  t.equal((await app.inject('/')).headers['www-authenticate'], 'Bearer')
})

t.test('status and challenge stay where an error handler sets none, and the handler may set others', async (t) => {
  for (const time of ['at once', 'late']) {
    const app = await createApp()
    const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: (token) => time === 'late' ? Promise.resolve(judge(token)) : judge(token) })
    const judge = (token: string): object | null => token === 'weak' ? { scopes: [] } : null
    let ran = false
    app.get('/', { security: [{ scheme, scopes: ['a'] }] }, async () => { ran = true })
    app.get('/own', { security: [{ scheme }], errorHandler: (_error, _request, reply) => { reply.code(418).header('www-authenticate', 'Own').send({}) } }, async () => { ran = true })
    app.get('/login', { security: [{ scheme }], errorHandler: (_error, _request, reply) => { reply.redirect('/login') } }, async () => { ran = true })
    app.setErrorHandler((_error, _request, reply) => { reply.send({ own: true }) })
    const ask = async (url: string, token?: string): Promise<unknown[]> => {
      const response = await app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
      return [response.statusCode, response.body, challengesOf(response)]
    }
    const body = '{"own":true}'
    t.strictSame(await ask('/'), [401, body, ['Bearer scope="a"']])
    t.strictSame(await ask('/', 'bad'), [401, body, ['Bearer error="invalid_token", scope="a"']])
    t.strictSame(await ask('/', 'weak'), [403, body, ['Bearer error="insufficient_scope", scope="a"']])
    t.strictSame(await ask('/own'), [418, '{}', ['Own']])
    t.strictSame(await ask('/login'), [302, '', ['Bearer']])
    t.equal(ran, false)
  }
})

t.test('a refusal that another plugin caught leaves nothing behind', async (t) => {
  const app = await createApp()
  await app.register(auth)
  const first = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })
  const second = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.get('/', { preHandler: app.auth([first.preHandler as any, second.preHandler]) }, async (request) => ({ ran: true, scheme: request.auth?.scheme }))
  app.get('/fails', { preHandler: app.auth([first.preHandler as any, second.preHandler]) }, async () => { throw Object.assign(new Error('mine'), { statusCode: 409 }) })
  const accepted = await app.inject({ url: '/', headers: { authorization: 'Bearer bad', key: 'good' } })
  t.equal(accepted.statusCode, 200)
  t.strictSame(accepted.json(), { ran: true, scheme: 'APIKeyHeader' })
  t.strictSame(challengesOf(accepted), [])
  const failed = await app.inject({ url: '/fails', headers: { authorization: 'Bearer bad', key: 'good' } })
  t.equal(failed.statusCode, 409, 'nor does another error take its status')
  t.strictSame(challengesOf(failed), [])
  const refused = await app.inject({ url: '/', headers: { authorization: 'Bearer bad' } })
  t.equal(refused.statusCode, 401)
  t.strictSame(challengesOf(refused), ['APIKey'], 'the last one')
})

t.test('the parameters of a challenge stand in the order of realm, error, scope, error_description', async (t) => {
  const app = await createApp({ realm: 'R' })
  const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: () => { throw new InvalidCredentialsError('Old') } })
  app.get('/', { security: [{ scheme, scopes: ['a'] }] }, async () => ({ ran: true }))
  const response = await app.inject({ url: '/', headers: { authorization: 'Bearer x' } })
  t.strictSame(challengesOf(response), ['Bearer realm="R", error="invalid_token", scope="a", error_description="Old"'])
})

t.test('at debug, the outcome of each scheme is logged, and nothing of the credentials', async (t) => {
  const lines: any[] = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line)) } }
  for (const level of ['debug', 'info']) {
    const app = await createApp({ server: { logger: { level, stream }, disableRequestLogging: true } })
    const verify = (secret: string): object | null => secret === 'secret-weak' ? { scopes: [] } : secret === 'secret-good' ? { scopes: ['a'] } : null
    const token = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify })
    const query = app.authSchemes.apiKeyQuery({ name: 'q', verify })
    const header = app.authSchemes.apiKeyHeader({ name: 'k', verify })
    app.get('/', { security: [[{ scheme: query }, { scheme: token, scopes: ['a'] }], { scheme: header }] }, async () => ({ ran: true }))
    for (const [url, headers] of [
      ['/?q=secret-a&q=b', {}],
      ['/?q=secret-good', { authorization: 'Bearer secret-weak', k: 'secret-bad' }],
      ['/', { authorization: 'Bearer secret-good' }]
    ] as const) await app.inject({ url, headers })
    const later = await createApp({ server: { logger: { level, stream }, disableRequestLogging: true } })
    later.post('/', { security: [[{ scheme: later.authSchemes.apiKeyCookie({ name: 'sid', verify }) }, { scheme: later.authSchemes.httpBearer({ verify: () => null }) }]] }, async () => ({ ran: true }))
    await later.inject({ method: 'POST', url: '/', headers: { cookie: 'sid=secret-good', authorization: 'Bearer secret-good', origin: 'https://secret.example' } })
  }
  const refusals = lines.filter(({ msg }) => msg === 'the request is refused by `security`')
  t.strictSame(refusals.map(({ level, schemes }) => [level, schemes]), [
    [20, ['APIKeyQuery: malformed', 'OpenIdConnect (a): absent', 'APIKeyHeader: absent']],
    [20, ['APIKeyQuery: accepted, or not verified', 'OpenIdConnect (a): insufficient scope', 'APIKeyHeader: refused']],
    [20, ['APIKeyQuery: absent', 'OpenIdConnect (a): accepted, or not verified', 'APIKeyHeader: absent']],
    [20, ['APIKeyCookie: cross-site', 'HTTPBearer: accepted, or not verified']]
  ])
  t.notMatch(JSON.stringify(refusals), /secret/)
})

t.test('challenges of a scheme with a resource come first, whatever the order of the alternatives', async (t) => {
  const app = await createApp()
  const resource = { url: 'https://api.example', authorizationServers: ['https://as.example'] }
  const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource"'
  const judge = (secret: string): any => secret.includes('refused') ? null : { aud: resource.url, scopes: [] }
  const key = app.authSchemes.apiKeyQuery({ name: 'k', verify: judge })
  const plain = app.authSchemes.httpBearer({ verify: ({ credentials }) => judge(credentials) })
  const bound = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', resource, verify: judge })
  const requirement = (scope: string) => [key, plain, bound].map((scheme) => ({ scheme, scopes: [scope] }))
  app.get('/', { security: requirement('a') }, async () => 'ran')
  app.get('/all', { security: [requirement('a')] }, async () => 'ran')
  for (const url of ['/', '/all']) {
    const absent = await app.inject(url)
    t.equal(absent.statusCode, 401)
    t.strictSame(challengesOf(absent), [`Bearer ${metadata}, scope="a"`, 'APIKey', 'Bearer scope="a"'])
  }
  const refused = await app.inject({ url: '/?k=refused', headers: { authorization: 'Bearer refused' } })
  t.strictSame(challengesOf(refused), [`Bearer ${metadata}, error="invalid_token", scope="a"`, 'APIKey', 'Bearer error="invalid_token", scope="a"'])
  const weak = await app.inject({ url: '/?k=weak', headers: { authorization: 'Bearer weak' } })
  t.equal(weak.statusCode, 403)
  t.strictSame(challengesOf(weak),
    [`Bearer ${metadata}, error="insufficient_scope", scope="a"`, 'APIKey', 'Bearer error="insufficient_scope", scope="a"'])
})

t.test('a hook that lacks scopes names those that an earlier hook has accepted, too: to ask for less would lead back there', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: ({ credentials }) => ({ scopes: credentials.split('.') }) })
  const key = app.authSchemes.apiKeyHeader({ name: 'k', verify: () => ({ scopes: [] }) })
  let ran = 0
  await app.register(async (child) => {
    child.secure([{ scheme, scopes: ['context'] }])
    child.get('/', { preHandler: scheme.derive({ scopes: ['hook'] }).preHandler }, async () => ++ran)
    child.get('/key', { preHandler: key.derive({ scopes: ['hook'] }).preHandler }, async () => ++ran)
  }, { prefix: '/child' })
  const ask = async (token: string, url = '/child'): Promise<unknown> => {
    const response = await app.inject({ url, headers: { authorization: `Bearer ${token}`, k: 'x' } })
    return [response.statusCode, ...challengesOf(response)]
  }
  t.strictSame(await ask('x'), [403, 'Bearer error="insufficient_scope", scope="context"'])
  t.strictSame(await ask('context'), [403, 'Bearer error="insufficient_scope", scope="context hook"'])
  t.strictSame(await ask('context', '/child/key'), [403, 'APIKey'])
  t.equal(ran, 0)
  t.strictSame(await ask('context.hook'), [200])
})

t.test('an error handler that requires a scheme of the refused request throws its refusal, and no other', async (t) => {
  const app = await createApp()
  const ran: string[] = []
  const token = app.authSchemes.httpBearer({ verify: () => null })
  const other = app.authSchemes.apiKeyQuery({ name: 'k', verify: () => null })
  app.get('/:required', {
    security: [{ scheme: token }],
    errorHandler: (_error, request) => {
      ran.push(((request.params as any).required === 'token' ? token : other).require(request).scheme)
    }
  }, async () => { ran.push('handler') })
  app.get('/public', { security: [] }, async (request) => { ran.push(token.require(request).scheme) })
  const headers = { authorization: 'Bearer refused' }
  const refused = await app.inject({ url: '/token', headers })
  t.strictSame([refused.statusCode, refused.json(), challengesOf(refused)], [401, INVALID_CREDENTIALS, ['Bearer error="invalid_token"']])
  const failed = await app.inject({ url: '/other', headers })
  t.match([failed.statusCode, failed.json().message], [500, /^GET \/:required: the handler requires the scheme "APIKeyQuery"/])
  t.match((await app.inject('/public')).json().message, /^GET \/public: the handler requires the scheme "HTTPBearer"/)
  t.strictSame(ran, [])
})
