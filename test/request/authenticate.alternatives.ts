/** Alternatives of several members, what was left out, and what runs once. */

import t from 'tap'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, basic, bearer, createApp } from '../helpers'
import { Attempt, authenticate } from '../../lib/request/authenticate'
import { ABSENT } from '../../lib/header/authorization'
import { toPlan } from '../../lib/requirement/plan'
import { readSecurity } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import { answer } from './helpers'

for (const time of ['at once', 'late']) {
  t.test(`a group is extracted whole before anything is verified ${time}`, async (t) => {
    const app = await createApp()
    const calls: string[] = []
    const verify = (name: string) => (credentials: unknown) => {
      calls.push(name)
      const accepts = JSON.stringify(credentials).includes('good')
      return time === 'late' ? Promise.resolve(accepts) : accepts
    }
    const token = app.authSchemes.httpBearer({ verify: verify('token') })
    const user = app.authSchemes.apiKeyQuery({ name: 'k', verify: verify('user') })
    app.get('/', { security: [[{ scheme: token }, { scheme: user }]] }, async (request) => ({ ran: true, first: request.auth.scheme, second: user.from(request)?.token }))
    const challenges = ['Bearer', 'APIKey']

    t.strictSame(await answer(app), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false })
    t.strictSame(await answer(app, bearer('good')), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'one is absent')
    t.strictSame(await answer(app, bearer('a b'), '/?k=good'), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'the first is malformed')
    t.strictSame(await answer(app, {}, '/?k=good&k=good'), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'the second is malformed')
    t.strictSame(await answer(app, bearer('a b'), '/'), { status: 401, body: NOT_AUTHENTICATED, challenges, ran: false }, 'malformed and absent')
    t.strictSame(calls.splice(0), [])
    t.strictSame(await answer(app, bearer('bad'), '/?k=good'),
      { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token"', 'APIKey'], ran: false })
    t.strictSame(calls.splice(0), ['token'], 'the first refusal ends it')
    t.strictSame(await answer(app, bearer('good'), '/?k=bad'), { status: 401, body: INVALID_CREDENTIALS, challenges, ran: false })
    t.strictSame((await answer(app, bearer('good'), '/?k=good')).body, { ran: true, first: 'HTTPBearer', second: 'good' })
  })
}

t.test('a member with autoError: false may be left out of a group', async (t) => {
  const app = await createApp()
  const maybe = app.authSchemes.httpBasic({ autoError: false, verify: ({ username }) => username === 'good' })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.get('/', { security: [[{ scheme: maybe }, { scheme: key }]] }, async (request) => ({ ran: true, scheme: request.auth?.scheme }))
  t.strictSame((await answer(app, { key: 'good' })).body, { ran: true, scheme: 'APIKeyHeader' })
  t.strictSame((await answer(app, { ...basic('good:x'), key: 'good' })).body, { ran: true, scheme: 'HTTPBasic' })
  t.strictSame(await answer(app, basic('good:x')), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Basic', 'APIKey'], ran: false })
  const malformed = { authorization: 'Basic ?', key: 'good' }
  t.strictSame(await answer(app, malformed), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Basic', 'APIKey'], ran: false })
  t.strictSame(await answer(app, { ...basic('bad:x'), key: 'good' }), { status: 401, body: INVALID_CREDENTIALS, challenges: ['Basic', 'APIKey'], ran: false })
})

t.test('across alternatives a verify runs again only where the scopes differ', async (t) => {
  const app = await createApp()
  const calls: string[] = []
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  const open = app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: async (_token, { scopeStr }) => {
      calls.push(scopeStr)
      return scopeStr === 'b' ? { scopes: ['b'] } : null
    }
  })
  app.get('/', {
    security: [[{ scheme: open, scopes: ['a'] }, { scheme: key }], { scheme: open, scopes: ['a'] }, { scheme: open, scopes: ['b'] }]
  }, async (request) => ({ ran: true, scopes: request.auth.scopes }))
  t.strictSame((await answer(app, { ...bearer('x'), key: 'good' })).body, { ran: true, scopes: ['b'] })
  t.strictSame(calls, ['a', 'b'])
})

t.test('where every verify is synchronous, no promise is made', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => ({ id: 1 }) })
  const order: string[] = []
  app.addHook('onRequest', (_request, _reply, done) => {
    queueMicrotask(() => order.push('microtask'))
    done()
  })
  app.get('/', { security: [{ scheme }], onRequest: (_request, _reply, done) => { order.push('next hook'); done() } }, async () => ({ ran: true }))
  t.equal((await answer(app, bearer('x'))).ran, true)
  t.strictSame(order, ['next hook', 'microtask'])
})

t.test('what an earlier hook verified for the same scopes is not verified again', async (t) => {
  const app = await createApp()
  const calls: string[] = []
  const scheme = app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: (_token, { scopeStr }) => {
      calls.push(scopeStr)
      return { scopes: ['a'] }
    }
  })
  const key = app.authSchemes.apiKeyHeader({ name: 'key' })
  const scoped = scheme.derive({ scopes: ['a'] })
  app.get('/', { security: [{ scheme }], preHandler: [key.preHandler, scheme.preHandler, scoped.preHandler, scoped.preHandler] }, async (request) => ({
    ran: true,
    scopes: [request.auth.scopeStr, scheme.from(request)?.scopeStr, scoped.from(request)?.scopeStr]
  }))
  t.strictSame((await answer(app, { ...bearer('x'), key: 'k' })).body, { ran: true, scopes: ['', 'a', 'a'] })
  t.strictSame(calls, ['', 'a'])
})

t.test('an overridden scheme gives the user that was set, and calls no verify', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: (): { name: string } => { throw new Error('called') } })
  app.authSchemes.override(scheme, { user: { name: 'given' } })
  app.get('/', { security: [{ scheme }] }, async (request) => ({ ran: true, user: request.auth.user }))
  t.strictSame((await answer(app)).body, { ran: true, user: { name: 'given' } })
})

t.test('credentials are extracted once for each scheme, in however many alternatives it stands', async (t) => {
  const registration = { explicit: false, errorSchema: undefined, warnOnce: () => {} }
  let extracted = 0
  const members = Array.from({ length: 7 }, (_, i) => {
    const definition = apiKeyHeader({ name: `x-${i}`, schemeName: `x${i}`, autoError: false })
    function extract (): typeof ABSENT {
      extracted++
      return ABSENT
    }
    return { scheme: createScheme({ ...definition, extract }, registration), scopes: ['a'] }
  })
  const plan = toPlan(readSecurity('x', [members], registration))
  t.equal(plan.alternatives.length, 128)
  const request = {} as any
  const attempt = await authenticate(new Attempt(request, plan, request, 'always', null))
  t.equal(attempt.accepted, plan.alternatives.at(-1), 'nobody')
  t.equal(extracted, 7)
})

t.test('an alternative that left a group out passes where a member of it is absent, and none is malformed', async (t) => {
  const app = await createApp()
  const basicAuth = app.authSchemes.httpBasic({ verify: ({ username }) => username === 'good' })
  const key = app.authSchemes.apiKeyQuery({ name: 'k', verify: (value) => value === 'good' })
  app.get('/', { security: [[{ scheme: basicAuth }, { scheme: key }], {}] }, async (request) => ({ ran: true, scheme: request.auth?.scheme ?? null }))
  const nobody = { status: 200, body: { ran: true, scheme: null }, challenges: [], ran: true }
  const refused = (body: object): object => ({ status: 401, body, challenges: ['Basic', 'APIKey'], ran: false })
  t.strictSame(await answer(app), nobody, 'both absent')
  t.strictSame(await answer(app, basic('good:x')), nobody, 'one is absent')
  t.strictSame(await answer(app, {}, '/?k=bad'), nobody, 'one is absent, the other is not verified')
  t.strictSame(await answer(app, {}, '/?k=a&k=b'), refused(NOT_AUTHENTICATED), 'absent and malformed')
  t.strictSame(await answer(app, basic('good:x'), '/?k=bad'), refused(INVALID_CREDENTIALS), 'both are there')
  t.strictSame((await answer(app, basic('good:x'), '/?k=good')).body, { ran: true, scheme: 'HTTPBasic' })
})

for (const time of ['at once', 'late']) {
  t.test(`{} of a route does not forgive what its context refuses, nor the other way round: ${time}`, async (t) => {
    const app = await createApp()
    const scheme = app.authSchemes.openIdConnect({
      openIdConnectUrl: 'x',
      verify: (token) => time === 'late' ? Promise.resolve({ scope: token }) : { scope: token }
    })
    const key = app.authSchemes.apiKeyQuery({ name: 'k', verify: (value) => value === 'good' })
    const ran = async (): Promise<object> => ({ ran: true })
    app.register(async (context) => {
      context.secure([{ scheme }])
      context.get('/strict', { security: [{ scheme, scopes: ['admin'] }, {}] }, ran)
    })
    app.register(async (context) => {
      context.secure([{ scheme, scopes: ['admin'] }, {}])
      context.get('/lenient', { security: [{ scheme }, { scheme: key }] }, ran)
    })
    for (const url of ['/strict', '/lenient']) {
      t.equal((await answer(app, bearer('admin'), url)).status, 200, url)
      const insufficient = await answer(app, bearer('user'), `${url}?k=good`)
      t.strictSame([insufficient.status, insufficient.ran], [403, false], url)
      t.equal((await answer(app, {}, url)).status, 401, url)
      t.equal((await answer(app, { authorization: 'Bearer a b' }, `${url}?k=good`)).status, 401, url)
    }
    t.equal((await answer(app, {}, '/lenient?k=good')).status, 200)
  })
}

t.test('an attempt knows whether a guard accepted, and which plans ran', async (t) => {
  const app = await createApp()
  const key = app.authSchemes.apiKeyHeader({ name: 'key' })
  const token = app.authSchemes.httpBearer({ autoError: false })
  app.secure([{ scheme: key }])
  app.get('/', { preHandler: key.preHandler }, async (_request, reply) => { reply.callNotFound() })
  app.get('/guarded', { preHandler: (request, reply, done) => { (token.preHandler as any)(request, reply, done) } }, async (_request, reply) => { reply.callNotFound() })
  app.setNotFoundHandler(async (request) => ({ ran: true, token: request.auth?.token }))
  const missing = (ran: boolean): object => ran ? { ran, token: 'k' } : NOT_AUTHENTICATED
  for (const url of ['/', '/guarded', '/unknown']) {
    t.strictSame(await answer(app, { key: 'k' }, url), { status: 200, body: missing(true), challenges: [], ran: true }, url)
    t.strictSame(await answer(app, {}, url), { status: 401, body: missing(false), challenges: ['APIKey'], ran: false }, url)
  }
})

t.test('require finds a scheme in any alternative that was run, of an earlier hook, too, and prefers one that accepted', async (t) => {
  const app = await createApp()
  const token = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: (token) => ({ scope: token }) })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.get('/', {
    security: [[{ scheme: token, scopes: ['a'] }, { scheme: key }], { scheme: token, scopes: ['b'] }, {}],
    preHandler: (request, reply, done) => { (key.preHandler as any)(request, reply, done) }
  }, async (request) => ({ ran: true, scopes: token.require(request).scopes, key: key.require(request).token }))
  const ran = { ran: true, scopes: ['b'], key: 'good' }
  t.strictSame(await answer(app, { ...bearer('b'), key: 'good' }), { status: 200, body: ran, challenges: [], ran: true })
  t.strictSame((await answer(app, { ...bearer('a'), key: 'good' })).body, { ...ran, scopes: ['a'] })
  t.strictSame(await answer(app, { key: 'good' }), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Bearer scope="a"'], ran: false })
})

t.test('of two instance hooks on a route that declares nothing, the first gives request.auth', async (t) => {
  const app = await createApp()
  const [key, token] = [app.authSchemes.apiKeyHeader({ name: 'key' }), app.authSchemes.httpBearer()]
  for (const hook of [key.preHandler, token.preHandler]) app.addHook('onRequest', hook)
  app.get('/', async (request) => ({ ran: true, scheme: request.auth?.scheme }))
  t.strictSame((await answer(app, { ...bearer('x'), key: 'k' })).body, { ran: true, scheme: 'APIKeyHeader' })
})
