import t from 'tap'
import { parseToken } from '../../lib/jwt/parse'

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
const token = (header: string | Uint8Array, claims: string | Uint8Array = '{"a":1}', signature = 'c2ln'): string => `${encode(header)}.${encode(claims)}.${signature}`
const HEADER = '{"alg":"ES256"}'

t.test('three segments of base64url, written in the one way', async (t) => {
  const good = token(HEADER)
  t.strictSame(parseToken(good), { header: { alg: 'ES256' }, claims: { a: 1 } })
  const [header, claims, signature] = good.split('.') as [string, string, string]
  const odd = {
    'two segments': `${header}.${claims}`,
    'four segments': `${good}.c2ln`,
    'five segments': `${good}.c2ln.c2ln`,
    '8000 dots': '.'.repeat(8000),
    'an empty header': `.${claims}.${signature}`,
    'empty claims': `${header}..${signature}`,
    'no signature': `${header}.${claims}.`,
    padding: `${header}.${claims}.${signature}==`,
    'surplus bits': `${header}.${claims}.c2l`,
    'the other alphabet': `${header}.${claims}.+/+/`,
    'a space': `${header}.${claims}.c2 ln`,
    'a line feed at the end': `${good}\n`,
    'a leading space': ` ${good}`,
    'a rest of one character': `${header}.${claims}.c2lnc`,
    'no base64': `${header}.${claims}.%%%%`
  }
  t.equal(Buffer.from('c2l', 'base64url').toString('base64url'), 'c2k', 'c2l has surplus bits')
  for (const [name, text] of Object.entries(odd)) t.equal(parseToken(text), null, name)
})

t.test('a header and claims that are JSON objects, in UTF-8', async (t) => {
  const latin1 = Buffer.from('{"alg":"ES256","a":"\xe9"}', 'latin1')
  for (const odd of ['', ' ', '[]', 'null', '"a"', '1', '{', '{}}', '\ufeff{"alg":"ES256"}', latin1, '{"alg":"ES256","alg":"ES256"}', '{"alg":"ES256","__proto__":{}}']) {
    t.equal(parseToken(token(odd)), null, `as header: ${String(odd)}`)
    t.equal(parseToken(token(HEADER, odd)), null, `as claims: ${String(odd)}`)
  }
  t.equal(parseToken(token(HEADER, `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`)), null, 'deep claims')
  t.strictSame(parseToken(token(HEADER, '{"a":"\u00e9"}'))?.claims, { a: '\u00e9' })
})

t.test('a header without extensions', async (t) => {
  for (const header of ['{}', '{"alg":1}', '{"alg":null}', '{"alg":["ES256"]}', '{"alg":{}}', '{"alg":"ES256","kid":1}', '{"alg":"ES256","kid":{"a":1}}', '{"alg":"ES256","kid":null}',
    '{"alg":"ES256","crit":[]}', '{"alg":"ES256","crit":["exp"]}', '{"alg":"ES256","crit":["b64"],"b64":true}', '{"alg":"ES256","b64":true}', '{"alg":"ES256","b64":false}']) {
    t.equal(parseToken(token(header)), null, header)
  }
  t.strictSame(parseToken(token('{"alg":"none","kid":"../../etc/passwd","jku":"https://a.example"}'))?.header, { alg: 'none', kid: '../../etc/passwd', jku: 'https://a.example' }, 'what they are is for others to judge')
})
