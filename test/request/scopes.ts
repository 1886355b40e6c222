import t from 'tap'
import { INSUFFICIENT_SCOPE, bearer } from '../helpers'
import { answer, verifying, type Answer } from './helpers'

t.test('granted scopes are the user\'s scopes, else its scope: an array, or a string of names separated by spaces', async (t) => {
  const table: ReadonlyArray<readonly [user: unknown, granted: boolean]> = [
    [{ scopes: ['b', 'a'] }, true],
    [{ scope: 'b a' }, true],
    [{ scopes: ['a', 'b'], scope: '' }, true],
    [{ scopes: ['a'], scope: 'a b' }, false],
    [{ scopes: 'a b' }, true],
    [{ scopes: 'a', scope: 'a b' }, false],
    [{ scopes: new Set(['a', 'b']), scope: 'a b' }, true],
    [{ scopes: 'ab' }, false],
    [{ scope: ['a', 'b'] }, true],
    [{ scope: ['a b'] }, false],
    [{ scope: 'a\tb' }, false],
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
        ? { status: 200, body: { ran: true }, challenges: [], ran: true }
        : { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="a b"'], ran: false }
      t.strictSame(await answer(await verifying(verify), bearer('x'), '/ab'), expected, JSON.stringify(user))
    }
  }
})

t.test('grantedScopes comes before what the user carries: an array, or a string of names separated by spaces', async (t) => {
  const user = { scopes: ['a', 'b'], roles: ['a'] }
  const ask = async (grantedScopes: (user: any) => any): Promise<Answer> => await answer(await verifying(() => user, { grantedScopes }), bearer('x'), '/a')
  const accepted = { status: 200, body: { ran: true }, challenges: [], ran: true }
  const insufficient = { status: 403, body: INSUFFICIENT_SCOPE, challenges: ['Bearer error="insufficient_scope", scope="a"'], ran: false }
  t.strictSame(await ask(({ roles }) => roles), accepted)
  t.strictSame(await ask(() => 'b a'), accepted)
  for (const none of [null, undefined, [], ['b'], '', 'aa']) t.strictSame(await ask(() => none), insufficient)
  for (const bad of [new Set(['a']), { includes: () => true }, Promise.resolve(['a']), true]) {
    t.strictSame(await ask(() => bad), failed('The security scheme "OAuth2PasswordBearer" failed: `grantedScopes` must return an array of strings, or a string of scopes separated by spaces', 'FST_AUTH_VERIFY_FAILED'))
  }
  t.strictSame(await ask(() => { throw new Error('boom') }), failed('boom'))
})

const failed = (message: string, code?: string): object => ({
  status: 500,
  body: { statusCode: 500, ...code === undefined ? {} : { code }, error: 'Internal Server Error', message },
  challenges: [],
  ran: false
})
