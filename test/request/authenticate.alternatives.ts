/** Groups, alternatives, and what is asked only once. */

import t from 'tap'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, basic, bearer, createApp } from '../helpers'
import { Attempt, authenticate } from '../../lib/request/authenticate'
import { ABSENT } from '../../lib/header/authorization'
import { toRequirement } from '../../lib/requirement/plan'
import { createScheme } from '../../lib/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import { normalize } from '../../lib/requirement/read'
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
    t.match((await answer(app, bearer('good'), '/?k=good')).body, { ran: true, first: 'HTTPBearer', second: 'good' })
  })
}

t.test('a member with autoError: false may be left out of a group', async (t) => {
  const app = await createApp()
  const maybe = app.authSchemes.httpBasic({ autoError: false, verify: ({ username }) => username === 'good' })
  const key = app.authSchemes.apiKeyHeader({ name: 'key', verify: (value) => value === 'good' })
  app.get('/', { security: [[{ scheme: maybe }, { scheme: key }]] }, async (request) => ({ ran: true, scheme: request.auth?.scheme }))
  t.match((await answer(app, { key: 'good' })).body, { ran: true, scheme: 'APIKeyHeader' })
  t.match((await answer(app, { ...basic('good:x'), key: 'good' })).body, { ran: true, scheme: 'HTTPBasic' })
  t.match(await answer(app, basic('good:x')), { status: 401, body: NOT_AUTHENTICATED, challenges: ['Basic', 'APIKey'], ran: false })
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
  t.match((await answer(app, { ...bearer('x'), key: 'good' })).body, { ran: true, scopes: ['b'] })
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
  const owner = {}
  const group = Array.from({ length: 7 }, (_, i) => ({ scheme: createScheme(apiKeyHeader({ name: `x-${i}`, schemeName: `x${i}`, autoError: false }), owner) }))
  const requirement = toRequirement(normalize('x', [group], owner))
  t.equal(requirement.alternatives.length, 127)
  let extracted = 0
  const attempt = await authenticate(new Attempt({} as any, requirement, null), () => {
    extracted++
    return ABSENT
  })
  t.equal(attempt.accepted, null)
  t.equal(extracted, 7)
})
