import t from 'tap'
import { judgeIntrospected } from '../../lib/introspection/claims'

const NOW = 1_000_000_000
const judge = (claims: object, issuer: string | null = null) => judgeIntrospected({ aud: 'a', ...claims }, { audience: ['a'], tolerance: 0, claims: undefined, issuer }, NOW)

t.test('a bearer access token', async (t) => {
  for (const type of ['Bearer', 'bearer', 'BEARER', undefined]) t.equal(judge({ token_type: type }), null, String(type))
  for (const type of ['DPoP', 'refresh_token', 'access_token', '', null, 5, ['Bearer']]) {
    t.strictSame(judge({ token_type: type }), { reason: `its \`token_type\` is ${JSON.stringify(type)}`, cure: 'only bearer access tokens are accepted' })
  }
  for (const typ of ['Refresh', 'Offline', 'ID']) t.strictSame(judge({ typ }), { reason: `its \`typ\` is "${typ}"`, cure: 'let the client send its access token' })
  for (const typ of ['Bearer', 'at+jwt', undefined]) t.equal(judge({ typ }), null)
})

t.test('members that are texts', async (t) => {
  for (const name of ['sub', 'client_id', 'iss']) {
    t.equal(judge({ [name]: 'x' }), null)
    for (const value of [null, 5, ['x'], {}]) t.strictSame(judge({ [name]: value }), { reason: `its \`${name}\` is no string` })
  }
})

t.test('with an issuer, an iss must be the same', async (t) => {
  for (const iss of ['https://a.example', undefined]) t.equal(judge({ iss }, 'https://a.example'), null)
  t.strictSame(judge({ iss: 'https://a.example/' }, 'https://a.example'), { reason: 'its `iss` is "https://a.example/"', cure: 'change the option `issuer`, which must be the same letter by letter' })
})

t.test('then the claims are judged as all are', async (t) => {
  t.match(judge({ aud: 'b' }), { description: 'The token is not meant for this API' })
  t.match(judge({ aud: undefined }), { description: 'The token is not meant for this API' })
  t.match(judge({ exp: NOW / 1000 }), { description: 'The token has expired' })
  t.match(judge({ nbf: NOW }), { reason: 'its `nbf` is not reached' })
  t.match(judge({ cnf: {} }), { reason: /^it is bound/ })
})
