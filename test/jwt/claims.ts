import t from 'tap'
import { judgeToken } from '../../lib/jwt/claims'

const NOW = 1_000_000_000
const GOOD = { sub: 'alice', aud: 'a', exp: NOW }

function judge (header: object, claims: object, typ: 'at+jwt' | 'JWT' = 'at+jwt') {
  return judgeToken({ header: { alg: 'ES256', ...header }, claims: { ...GOOD, ...claims } }, { audience: ['a'], tolerance: 0, claims: undefined, typ }, NOW)
}

t.test('typ at+jwt takes access tokens of RFC 9068 alone', async (t) => {
  for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'Application/AT+jwt']) {
    t.equal(judge({ typ }, {}), null, typ)
    t.equal(judge({ typ }, {}, 'JWT'), null, typ)
  }
  for (const typ of ['JWT', 'jwt', 'application/jwt', undefined]) {
    t.strictSame(judge({ typ }, {}), { reason: `the \`typ\` of its header is ${typ === undefined ? 'missing' : `"${typ}"`}`, cure: 'if the provider does not set at+jwt, set the option `typ` to \'JWT\'' }, String(typ))
    t.equal(judge({ typ }, {}, 'JWT'), null, String(typ))
  }
  for (const typ of ['', 'at', 'xat+jwt', 'at+jwt ', 'at jwt', 'text/at+jwt', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'JOSE', null, 1, ['at+jwt'], {}]) {
    t.match(judge({ typ }, {}), { reason: /^the `typ` of its header is / }, JSON.stringify(typ))
    t.strictSame(judge({ typ }, {}, 'JWT'), { reason: `the \`typ\` of its header is ${JSON.stringify(typ)}`, cure: 'it is no access token' }, JSON.stringify(typ))
  }
})

t.test('with typ JWT, what looks like an ID token is refused', async (t) => {
  for (const claims of [{ at_hash: 'x' }, { c_hash: 'x' }, { at_hash: undefined }, { typ: 'ID' }, { token_use: 'id' }]) {
    t.strictSame(judge({ typ: 'JWT' }, claims, 'JWT'), { reason: 'it is an ID token', cure: 'let the client send its access token; no value of the option `typ` allows ID tokens' })
    t.equal(judge({ typ: 'at+jwt' }, claims), null)
  }
  for (const claims of [{ typ: 'Bearer' }, { token_use: 'access' }]) t.equal(judge({}, claims, 'JWT'), null)
})

t.test('sub is a text, exp and iat are finite', async (t) => {
  for (const sub of [undefined, null, '', 1, ['alice'], {}]) t.strictSame(judge({ typ: 'at+jwt' }, { sub }), { reason: 'its `sub` is missing or no string', cure: 'let the provider set `sub`, which no option replaces' })
  for (const exp of [undefined, null, '1', Infinity, -Infinity, NaN, [NOW], true]) {
    t.strictSame(judge({ typ: 'at+jwt' }, { exp }), { reason: 'its `exp` is missing or no finite number', cure: 'let the provider set `exp`, which no option replaces' })
  }
  for (const iat of [null, '1', Infinity, [1]]) t.strictSame(judge({ typ: 'at+jwt' }, { iat }), { reason: 'its `iat` is no finite number' })
  t.equal(judge({ typ: 'at+jwt' }, { iat: 5 }), null)
})

t.test('then the claims are judged as all are', async (t) => {
  t.match(judge({ typ: 'at+jwt' }, { aud: 'b' }), { description: 'The token is not meant for this API' })
  t.match(judge({ typ: 'at+jwt' }, { exp: NOW / 1000 }), { description: 'The token has expired' })
})
