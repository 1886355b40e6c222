import t from 'tap'
import { INSUFFICIENT_SCOPE, bearer } from '../helpers'
import { answer, verifying, type Answer } from './helpers'

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
