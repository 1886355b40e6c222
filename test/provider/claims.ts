import t from 'tap'
import { judgeClaims, type Asked } from '../../lib/provider/claims'

const NOW = 1_000_000_000
const asked: Asked = { audience: ['a', 'b'], tolerance: 5000, claims: undefined }
const judge = (claims: object, more: Partial<Asked> = {}) => judgeClaims({ aud: 'a', ...claims }, { ...asked, ...more }, NOW)

t.test('an audience is one of those asked for', async (t) => {
  for (const aud of ['a', 'b', ['a'], ['x', 'b']]) t.equal(judge({ aud }), null, JSON.stringify(aud))
  for (const aud of ['', 'A', 'a ', 'ab', 'x', [], ['x'], ['']]) {
    t.strictSame(judge({ aud }), {
      reason: `its \`aud\` is ${JSON.stringify(aud)}`,
      cure: 'let the provider name this API in `aud`, or change the option `audience`',
      description: 'The token is not meant for this API'
    })
  }
  t.equal(judge({ aud: undefined })?.reason, 'its `aud` is undefined')
  for (const aud of [null, 1, true, {}, { 0: 'a', length: 1 }, [['a']], ['a', 1], ['a', null]]) {
    for (const audience of [['a'], null]) t.strictSame(judge({ aud }, { audience }), { reason: 'its `aud` is neither a string nor a list of strings' })
  }
  for (const aud of [undefined, 'x', []]) t.equal(judge({ aud }, { audience: null }), null)
})

t.test('a token that is bound to a key is no bearer token', async (t) => {
  for (const cnf of [{ jkt: 'x' }, {}, null, undefined, '']) t.match(judge({ cnf }), { reason: 'it is bound to a key of its client (`cnf`)', cure: /^let the provider issue bearer tokens/ })
})

t.test('exp and nbf, with a tolerance on both sides', async (t) => {
  const now = NOW / 1000
  const EXPIRED = { reason: 'it has expired', description: 'The token has expired' }
  for (const exp of [now - 4.999, now, 1e300, undefined]) t.equal(judge({ exp }), null, String(exp))
  for (const exp of [now - 5, 0, -1e300]) t.strictSame(judge({ exp }), EXPIRED, String(exp))
  for (const exp of [Infinity, -Infinity, String(now + 5), null, [now + 5], {}, true]) t.strictSame(judge({ exp }), { reason: 'its `exp` is no finite number' }, String(exp))
  for (const nbf of [now + 5, 0, -1, undefined]) t.equal(judge({ nbf }), null, String(nbf))
  for (const nbf of [now + 5.001, Infinity, -Infinity, '0', null, [0], false]) t.strictSame(judge({ nbf }), { reason: 'its `nbf` is not reached' }, String(nbf))
})

t.test('scopes come from scope, else from scp; what is neither a text nor a list of texts grants nothing', async (t) => {
  const scopesOf = (claims: Record<string, unknown>) => {
    const all = { aud: 'a', ...claims }
    t.equal(judgeClaims(all, asked, NOW), null)
    return (all as { scopes?: unknown }).scopes
  }
  t.strictSame(scopesOf({ scope: 'a  b ' }), ['a', 'b'])
  t.strictSame(scopesOf({ scope: ['a', 'b c'] }), ['a', 'b c'])
  t.strictSame(scopesOf({ scp: 'a' }), ['a'])
  t.strictSame(scopesOf({ scp: ['a'] }), ['a'])
  t.strictSame(scopesOf({ scope: '', scp: 'admin' }), [])
  t.strictSame(scopesOf({ scopes: ['admin'] }), [], 'a claim of that name is replaced')
  for (const scope of [5, {}, ['a', 5], [['a']], true]) t.strictSame(scopesOf({ scope }), [])
})

t.test('claims are frozen to their depth, before the check sees them', async (t) => {
  const claims: any = { aud: ['a'], a: { b: [{ c: 1 }] }, d: null }
  t.equal(judgeClaims(claims, { ...asked, claims: (seen) => { t.throws(() => { seen.sub = 'root' }); return seen === claims && seen.scopes.length === 0 } }, NOW), null)
  for (const part of [claims, claims.aud, claims.scopes, claims.a, claims.a.b, claims.a.b[0]]) t.ok(Object.isFrozen(part))
})

t.test('only true passes the check', async (t) => {
  const REFUSED = { reason: 'the option `claims` did not return true', cure: 'change the option `claims`, which must return true or false, or the claims that the provider sets' }
  t.equal(judge({}, { claims: () => true }), null)
  const results = [false, undefined, null, 0, 1, 'true', {}, [], Promise.resolve(true), Promise.reject(new Error('not unhandled'))]
  for (const result of results) t.strictSame(judge({}, { claims: () => result }), REFUSED)
  t.strictSame(judge({}, { claims: ({ realm_access: { roles } }) => roles.includes('a') }), REFUSED, 'one that throws refuses')
  await new Promise((resolve) => { setImmediate(resolve) })
})
