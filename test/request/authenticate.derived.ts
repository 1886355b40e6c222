/** Derived schemes. */

import t from 'tap'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, bearer, createApp } from '../helpers'
import { answer, refusing } from './helpers'

t.test('a derived scheme checks the base\'s user, after the base\'s scopes were found to suffice', async (t) => {
  const app = await createApp()
  const calls: unknown[] = []
  const base = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: 'token',
    scopes: { me: 'Me', items: 'Items' },
    verify: async (token, { scopes }) => {
      calls.push(['base', token, scopes])
      return { name: token, scopes: token === 'weak' ? ['items'] : ['items', 'me'] }
    }
  })
  const active = base.derive({
    scopes: ['me'],
    verify: (user, { credentials, scopes, scopeStr, request }) => {
      calls.push(['active', user.name, credentials, scopes, scopeStr, request.url])
      if (user.name === 'disabled') throw Object.assign(new Error('Inactive user'), { statusCode: 400 })
      return user.name === 'refused' ? null : { active: user.name }
    }
  })
  const other = base.derive({ verify: (user) => user.name !== 'other' && { other: user.name } })
  const plain = active.derive({ scopes: ['items'] })
  app.get('/', { security: [{ scheme: active, scopes: ['items'] }] }, async (request) => ({
    ran: true,
    auth: request.auth,
    base: base.from(request),
    other: other.from(request)
  }))
  app.get('/both', { security: [[{ scheme: other }, { scheme: active, scopes: ['items'] }]] }, async (request) => ({ ran: true, user: request.auth.user }))
  app.get('/plain', { security: [{ scheme: plain }] }, async (request) => ({ ran: true, auth: request.auth }))

  t.match(await answer(app, bearer('x')), {
    status: 200,
    body: { auth: { user: { active: 'x' }, scopes: ['items', 'me'] }, base: { user: { name: 'x' }, scopeStr: 'items me' }, other: null }
  })
  t.strictSame(calls.splice(0), [['base', 'x', ['items', 'me']], ['active', 'x', 'x', ['items', 'me'], 'items me', '/']])
  t.match(await answer(app, bearer('weak')), { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="items me"'] })
  t.strictSame(calls.splice(0).length, 1, 'the further check did not run')
  t.strictSame(await answer(app, bearer('refused')),
    { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token", scope="items me"'], ran: false })
  t.match(await answer(app, bearer('disabled')), { status: 400, body: { message: 'Inactive user' }, challenges: [], ran: false })
  calls.length = 0
  t.match(await answer(app, bearer('x'), '/both'), { status: 200, body: { user: { other: 'x' } } })
  t.equal(calls.filter(([name]: any) => name === 'base').length, 1, 'the base ran once for both')
  t.match(await answer(app, bearer('other'), '/both'), { status: 401, body: INVALID_CREDENTIALS })
  t.match(await answer(app, bearer('x'), '/plain'), { status: 200, body: { auth: { user: { active: 'x' }, scopes: ['items', 'me'] } } })
})

for (const value of [null, undefined, false]) {
  t.test(`a derived verify that gives ${value} refuses, in whatever way it gives it`, async (t) => {
    for (const give of [() => value, async () => value]) {
      const app = await createApp()
      const base = app.authSchemes.httpBearer({ verify: () => ({ id: 1 }) })
      app.get('/', { security: [{ scheme: base.derive({ verify: give }) }] }, async () => ({ ran: true }))
      t.strictSame(await answer(app, bearer('x')), refusing)
    }
  })
}
