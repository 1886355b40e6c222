import t from 'tap'
import crypto from 'node:crypto'
import { digestOf, tokenOf } from '../../lib/provider/token'

t.test('one word, alone, as credentials, or as the whole header', async (t) => {
  const most = 'x'.repeat(16 * 1024)
  const rows: ReadonlyArray<[credentials: unknown, token: string | null]> = [
    ['a.b', 'a.b'], [{ scheme: 'Bearer', credentials: 'a.b' }, 'a.b'], ['Bearer a.b', 'a.b'], ['bearer   a.b', 'a.b'], ['BEARER a.b', 'a.b'], [most, most],
    [`${most}x`, null], [{ scheme: 'Bearer', credentials: `${most}x` }, null], ['Basic YTpi', null], ['DPoP a.b', null], ['Bearer a b', null], ['a\n', null], ['a b', null], ['ä', null],
    ['', null], [' a', null], ['Bearer ', null], [null, null], [undefined, null], [5, null], [{}, null], [['a'], null], [{ credentials: ['a'] }, null], [{ token: 'a' }, null]
  ]
  for (const [credentials, token] of rows) t.equal(tokenOf(credentials), token, JSON.stringify(credentials)?.slice(0, 40))
})

t.test('a digest by which no token is found out', async (t) => {
  const ofAbc = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='
  t.equal(digestOf('abc'), ofAbc, 'SHA-256, FIPS 180-2 appendix B.1')
  const before = t.mockRequire<typeof import('../../lib/provider/token')>('../../lib/provider/token', { 'node:crypto': { ...crypto, hash: undefined } })
  t.equal(before.digestOf('abc'), ofAbc, 'before Node.js 20.12')
})
