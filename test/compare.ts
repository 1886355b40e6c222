import t from 'tap'
import { constantTimeEqual, verifyPkce } from '../lib/compare'

t.test('secrets are compared whole, as text or as bytes', async (t) => {
  for (const [a, b] of [['', ''], ['a', 'a'], ['ü€😀', 'ü€😀'], ['x'.repeat(100000), 'x'.repeat(100000)]] as const) t.equal(constantTimeEqual(a, b), true)
  for (const [a, b] of [['', 'a'], ['a', 'b'], ['a', 'aa'], ['a', 'A'], ['é', 'e\u0301'], ['a\0', 'a'], ['x'.repeat(100000), 'x'.repeat(99999)]] as const) {
    t.equal(constantTimeEqual(a, b), false)
    t.equal(constantTimeEqual(b, a), false)
  }
  // Around the lengths up to which nothing is hashed, in bytes and not in characters.
  for (const length of [128, 256]) {
    const [text, bytes] = ['x'.repeat(length), Buffer.alloc(length, 'x')]
    for (const [a, b] of [[text, text], [text, bytes], [bytes, bytes], [`${text}x`, Buffer.alloc(length + 1, 'x')]] as const) t.equal(constantTimeEqual(a, b), true)
    for (const [a, b] of [[text, `${text}x`], [`${text}x`, `${text}y`], [text, `${text}\0`], [bytes, `${text}x`]] as const) t.equal(constantTimeEqual(a, b), false)
  }
  for (const secret of ['x'.repeat(127), 'x'.repeat(128), 'x'.repeat(129), '€'.repeat(42), `${'€'.repeat(42)}xy`, `${'€'.repeat(42)}xyz`, Buffer.alloc(128), Buffer.alloc(129)]) {
    t.equal(constantTimeEqual(secret, secret), true)
    t.equal(constantTimeEqual(secret, 'x'), false)
    t.equal(constantTimeEqual('', secret), false)
    t.equal(constantTimeEqual(secret, `${String(secret)}\0`), false)
  }
  t.equal(constantTimeEqual('', ''), true, 'nothing is left of what was compared before')
  t.equal(constantTimeEqual(Buffer.alloc(3), ''), false)
  t.equal(constantTimeEqual(new TextEncoder().encode('ü'), 'ü'), true)
  t.equal(constantTimeEqual(Buffer.from([0xff]), '\ufffd'), false)
})

t.test('nothing is equal that is different, where UTF-8 has one replacement for many', async (t) => {
  const replacement = Buffer.from('\ufffd')
  for (const length of [1, 200]) {
    const [high, other, low, replaced] = ['\ud800', '\ud801', '\udc00', '\ufffd'].map((unit) => unit.repeat(length)) as [string, string, string, string]
    for (const [a, b] of [[high, other], [high, low], [high, replaced], [`a${high}`, `a${other}`]] as const) {
      t.equal(constantTimeEqual(a, b), false)
      t.equal(constantTimeEqual(b, a), false)
    }
    t.equal(constantTimeEqual(high, high), true)
    t.equal(constantTimeEqual('😀'.repeat(length), Buffer.from('😀'.repeat(length))), true, 'a pair is not alone')
    for (const text of [high, other, low]) {
      t.equal(constantTimeEqual(text, Buffer.alloc(3 * length, replacement)), false)
      t.equal(constantTimeEqual(Buffer.alloc(3 * length, replacement), text), false)
    }
  }
})

t.test('anything but strings and bytes throws', async (t) => {
  for (const value of [undefined, null, 1, true, {}, ['a']]) {
    const expected = { name: 'TypeError', message: 'constantTimeEqual: both secrets must be strings or bytes' }
    t.throws(() => constantTimeEqual(value as any, 'a'), expected)
    t.throws(() => constantTimeEqual('a', value as any), expected)
  }
})

// RFC 7636 appendix B.
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

t.test('PKCE: S256, unless plain is asked for', async (t) => {
  t.equal(verifyPkce(verifier, challenge), true)
  t.equal(verifyPkce(verifier, challenge, 'S256'), true)
  t.equal(verifyPkce(verifier, verifier), false)
  t.equal(verifyPkce(verifier, verifier, 'plain'), true)
  t.equal(verifyPkce(verifier, challenge, 'plain'), false)
  t.equal(verifyPkce(verifier.replace('d', 'e'), challenge), false)
  t.equal(verifyPkce(verifier, `${challenge}=`), false)
})

t.test('PKCE: what is missing or no verifier does not belong to any challenge', async (t) => {
  t.equal(verifyPkce(undefined, undefined), false)
  t.equal(verifyPkce(undefined, challenge), false)
  t.equal(verifyPkce(verifier, undefined), false)
  for (const bad of ['', 'a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(42)} `, `${'a'.repeat(42)}=`, `${'a'.repeat(43)}\n`]) t.equal(verifyPkce(bad, bad, 'plain'), false, JSON.stringify(bad))
  for (const good of ['a'.repeat(43), 'a'.repeat(128), `${'a'.repeat(39)}-._~`]) t.equal(verifyPkce(good, good, 'plain'), true)
  t.equal(verifyPkce([verifier] as any, challenge), false)
})

t.test('PKCE: another method throws', async (t) => {
  for (const method of ['s256', 'none', null, '']) t.throws(() => verifyPkce(verifier, challenge, method as any), { name: 'TypeError', message: 'verifyPkce: the method must be S256 or plain' })
})
