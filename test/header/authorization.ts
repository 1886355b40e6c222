import t from 'tap'
import { ABSENT, MALFORMED, isBearerToken, isToken, isUsualBearer, readAuthorization, trimSpaces } from '../../lib/header/authorization'

t.test('the header is read for one scheme, and what follows the name is not judged', async (t) => {
  t.equal(readAuthorization(undefined, 'digest'), ABSENT)
  t.equal(readAuthorization('', 'digest'), ABSENT)
  t.equal(readAuthorization('Basic x', 'digest'), ABSENT)
  t.equal(readAuthorization('"', 'digest'), ABSENT)
  t.equal(readAuthorization('Digests x', 'digest'), ABSENT)
  t.equal(readAuthorization(['Digest x'], 'digest'), MALFORMED)
  t.equal(readAuthorization('Digest\tx', 'digest'), MALFORMED)
  t.equal(readAuthorization('\u212aey x', 'key'), ABSENT, 'the Kelvin sign is no K')
  t.equal(readAuthorization('@ey x', '`ey'), ABSENT)
  t.equal(readAuthorization('[ey x', '{ey'), ABSENT)
  t.match(readAuthorization('AZ x', 'az'), { scheme: 'AZ' })
  t.strictSame(readAuthorization('Digest', 'digest'), { scheme: 'Digest', credentials: '' })
  t.strictSame(readAuthorization(' DIGEST  a="b, c"  ', 'digest'), { scheme: 'DIGEST', credentials: 'a="b, c"' })
})

t.test('only spaces are trimmed', async (t) => {
  t.equal(trimSpaces('  a b  '), 'a b')
  t.equal(trimSpaces('\ta\t'), '\ta\t')
  t.equal(trimSpaces('a '), 'a')
  t.equal(trimSpaces(' a'), 'a')
  t.equal(trimSpaces('   '), '')
  t.equal(trimSpaces('a'), 'a')
})

t.test('a token has no separators', async (t) => {
  t.ok(isToken("!#$%&'*+.^_`|~0aZ-"))
  for (const text of ['', 'a b', 'a,b', 'a"', 'a=', 'a/b', 'a:b', 'é', 'a\n']) t.notOk(isToken(text), JSON.stringify(text))
})

t.test('a bearer token is visible ASCII without quotes and commas', async (t) => {
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code)
    t.equal(isBearerToken(`a${character}b`), code > 0x20 && code < 0x7f && character !== '"' && character !== ',', JSON.stringify(character))
  }
  t.notOk(isBearerToken(''))
})

t.test('the usual form of a bearer token is one that is read in general, too', async (t) => {
  for (const header of ['Bearer abc', 'Bearer a.b-c_d~e+f/g=', 'Bearer !']) {
    t.ok(isUsualBearer(header))
    t.strictSame(readAuthorization(header, 'bearer'), { scheme: 'Bearer', credentials: header.slice(7) })
  }
  for (const header of ['', 'Bearer', 'Bearer ', 'Bearer  abc', 'bearer abc', ' Bearer abc', 'Bearer abc ', 'Bearer a b', 'Bearer a,b', 'Bearer "a"', 'Bearer a\tb', 'Bearer é', 'Bearer a\n']) t.notOk(isUsualBearer(header), JSON.stringify(header))
})
