/** Granted scopes, and derived schemes. */

import t from 'tap'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, bearer, createApp } from '../helpers'
import { answer, refusing, verifying, type Answer } from './helpers'

t.test('granted scopes are the user\'s scopes, an array, else its scope, a string', async (t) => {
  const table: ReadonlyArray<readonly [user: unknown, granted: boolean]> = [
    [{ scopes: ['b', 'a'] }, true],
    [{ scope: 'b a' }, true],
    [{ scopes: ['a', 'b'], scope: '' }, true],
    [{ scopes: ['a'], scope: 'a b' }, false],
    [{ scopes: 'a b' }, false],
    [{ scopes: 'ab' }, false],
    [{ scope: ['a', 'b'] }, false],
    [{ scope: 'ab' }, false],
    [{ scope: 'aa bb' }, false],
    [{ scopes: [['a', 'b']] }, false],
    [{ scopes: [] }, false],
    [{ scopes: null, scope: null }, false],
    [{}, false],
    [true, false],
    ['a b', false],
    [0, false]
  ]
  for (const [user, granted] of table) {
    for (const verify of [() => user, async () => user]) {
      const expected = granted
        ? { status: 200, ran: true }
        : { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="a b"'], ran: false }
      t.match(await answer(await verifying(verify), bearer('x'), '/ab'), expected, JSON.stringify(user))
    }
  }
})

t.test('grantedScopes comes before what the user carries, and must give an array', async (t) => {
  const user = { scopes: ['a', 'b'], roles: ['a'] }
  const ask = async (grantedScopes: (user: any) => any): Promise<Answer> => await answer(await verifying(() => user, { grantedScopes }), bearer('x'), '/a')
  t.match(await ask(({ roles }) => roles), { status: 200, ran: true })
  for (const none of [null, undefined, [], ['b']]) t.match(await ask(() => none), { status: 403, body: INSUFFICIENT_SCOPE, ran: false })
  for (const bad of ['a', new Set(['a']), { includes: () => true }, Promise.resolve(['a']), true]) {
    t.match(await ask(() => bad), { status: 500, body: { code: 'FST_AUTH_VERIFY_FAILED', message: /`grantedScopes` must return an array of strings$/ }, ran: false })
  }
  t.match(await ask(() => { throw new Error('boom') }), { status: 500, body: { message: 'boom' }, ran: false })
})

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
