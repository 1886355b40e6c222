/** Derived schemes. */

import t from 'tap'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, bearer, createApp } from '../helpers'
import { answer, refusing } from './helpers'

t.test('a derived scheme checks the base\'s user, after the base\'s scopes were found to suffice', async (t) => {
  const app = await createApp()
  const calls: unknown[] = []
  const byPassword = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: 'token',
    scopes: { me: 'Me', items: 'Items' },
    verify: async (token, { scopes }) => {
      calls.push(['base', token, scopes])
      return { name: token, scopes: token === 'weak' ? ['items'] : ['items', 'me'] }
    }
  })
  const active = byPassword.derive({
    scopes: ['me'],
    verify: (user, { credentials, scopes, scopeStr, request }) => {
      calls.push(['active', user.name, credentials, scopes, scopeStr, request.url])
      if (user.name === 'disabled') throw Object.assign(new Error('Inactive user'), { statusCode: 400 })
      return user.name === 'refused' ? null : { active: user.name }
    }
  })
  const other = byPassword.derive({ verify: (user) => user.name !== 'other' && { other: user.name } })
  const plain = active.derive({ scopes: ['items'] })
  app.get('/', { security: [{ scheme: active, scopes: ['items'] }] }, async (request) => ({
    ran: true,
    auth: request.auth,
    base: byPassword.from(request),
    other: other.from(request)
  }))
  app.get('/both', { security: [[{ scheme: other }, { scheme: active, scopes: ['items'] }]] }, async (request) => ({ ran: true, user: request.auth.user }))
  app.get('/plain', { security: [{ scheme: plain }] }, async (request) => ({ ran: true, auth: request.auth }))

  const auth = { scheme: 'OAuth2PasswordBearer', credentials: 'x', token: 'x', user: { active: 'x' }, scopes: ['items', 'me'], scopeStr: 'items me' }
  const base = { ...auth, user: { name: 'x', scopes: ['items', 'me'] } }
  t.strictSame(await answer(app, bearer('x')), { status: 200, body: { ran: true, auth, base, other: null }, challenges: [], ran: true })
  t.strictSame(calls.splice(0), [['base', 'x', ['items', 'me']], ['active', 'x', 'x', ['items', 'me'], 'items me', '/']])
  t.strictSame(await answer(app, bearer('weak')),
    { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="items me"'], ran: false })
  t.strictSame(calls.splice(0).length, 1, 'the further check did not run')
  t.strictSame(await answer(app, bearer('refused')),
    { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token", scope="items me"'], ran: false })
  t.strictSame(await answer(app, bearer('disabled')),
    { status: 400, body: { statusCode: 400, error: 'Bad Request', message: 'Inactive user' }, challenges: [], ran: false })
  calls.length = 0
  t.strictSame((await answer(app, bearer('x'), '/both')).body, { ran: true, user: { other: 'x' } })
  t.equal(calls.filter(([name]: any) => name === 'base').length, 1, 'the base ran once for both')
  t.strictSame(await answer(app, bearer('other'), '/both'),
    { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token", scope="items me"'], ran: false })
  t.strictSame((await answer(app, bearer('x'), '/plain')).body, { ran: true, auth })
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

for (const time of ['at once', 'late']) {
  t.test(`scopes of a base without verify are compared with the user of the first derived check that verifies: ${time}`, async (t) => {
    const app = await createApp()
    const base = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { me: 'Me' } })
    const give = (user: unknown): any => time === 'late' ? Promise.resolve(user) : user
    const order: string[] = []
    const user = base.derive({
      verify: (_, { credentials }) => {
        order.push('user')
        return give(credentials === 'refused' ? null : { name: credentials, scopes: credentials === 'weak' ? [] : ['me'] })
      }
    })
    const active = user.derive({
      scopes: ['me'],
      verify: ({ name }) => {
        order.push('active')
        return give({ active: name })
      }
    })
    app.get('/', { security: [{ scheme: active }] }, async (request) => ({ ran: true, user: request.auth.user }))
    t.strictSame(await answer(app, bearer('x')), { status: 200, body: { ran: true, user: { active: 'x' } }, challenges: [], ran: true })
    t.strictSame(order.splice(0), ['user', 'active'])
    t.strictSame(await answer(app, bearer('weak')),
      { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="me"'], ran: false })
    t.strictSame(order.splice(0), ['user'], 'the further check did not run')
    t.strictSame(await answer(app, bearer('refused')),
      { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token", scope="me"'], ran: false })
  })
}

t.test('an error that a derived verify returns is handled as thrown', async (t) => {
  const app = await createApp()
  const base = app.authSchemes.httpBearer({ verify: ({ credentials }) => ({ name: credentials }) })
  const active = base.derive({ verify: ({ name }) => Object.assign(new Error('Inactive user'), { statusCode: name === 'disabled' ? 400 : 401 }) })
  const plain = active.derive({ scopes: ['a'] })
  app.get('/', { security: [{ scheme: active }] }, async () => ({ ran: true }))
  app.get('/plain', { security: [{ scheme: plain }] }, async () => ({ ran: true }))
  for (const url of ['/', '/plain']) {
    const disabled = await answer(app, bearer('disabled'), url)
    t.strictSame([disabled.status, disabled.challenges, disabled.ran], [url === '/' ? 400 : 403, url === '/' ? [] : ['Bearer error="insufficient_scope", scope="a"'], false])
  }
  const refused = await answer(app, bearer('x'))
  t.strictSame(refused, {
    status: 401,
    body: { statusCode: 401, error: 'Unauthorized', message: 'Inactive user' },
    challenges: ['Bearer error="invalid_token"'],
    ran: false
  })
})
