/** The examples of the RFCs, typed in: signatures that hold, and tokens that are refused all the same where they are no access tokens. */

import t from 'tap'
import { createPrivateKey, createHmac, sign } from 'node:crypto'
import { importSecret, publicKeys, secretKeys } from '../../lib/jwt/keys'
import { parseToken } from '../../lib/jwt/parse'
import { createJwtVerifier } from '../../lib/jwt/provider'
import { recordingLog } from '../provider/helpers'

// The claims of RFC 7515 appendices A.1 to A.3: {"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}
const JOE = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'

// RFC 7515 appendix A.1, HS256.
const A1_KEY = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'
const A1 = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`

// RFC 7515 appendix A.2, RS256.
const A2_KEY = {
  kty: 'RSA',
  n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
  e: 'AQAB'
}
const A2 = `eyJhbGciOiJSUzI1NiJ9.${JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`

// RFC 7515 appendix A.3, ES256.
const A3_KEY = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' }
const A3 = `eyJhbGciOiJFUzI1NiJ9.${JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`

// RFC 7515 appendix A.4, ES512; its payload is no JSON.
const A4_KEY = {
  kty: 'EC',
  crv: 'P-521',
  x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
  y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2'
}
const A4 = 'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn'

// RFC 7515 appendix A.5, without a signature.
const A5 = `eyJhbGciOiJub25lIn0.${JOE}.`

// RFC 8037 appendix A: the key, and the signature of A.4 that A.5 verifies.
const EDDSA_PRIVATE = { kty: 'OKP', crv: 'Ed25519', d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
const EDDSA_KEY = { kty: 'OKP', crv: 'Ed25519', x: EDDSA_PRIVATE.x }
const EDDSA = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'

const ALL = ['RS256', 'ES256', 'ES512', 'EdDSA']

t.test('the signatures of RFC 7515 appendix A and of RFC 8037 appendix A hold', async (t) => {
  const rows: ReadonlyArray<[name: string, token: string, key: object]> = [['A.2', A2, A2_KEY], ['A.3', A3, A3_KEY], ['A.4', A4, A4_KEY], ['RFC 8037', EDDSA, EDDSA_KEY]]
  for (const [name, token, key] of rows) {
    const set = await publicKeys([key], ALL)
    t.equal(await set.verify(token), 'good', name)
    t.equal(await set.verify(token.replace(/.\./, (end) => end === 'A.' ? 'B.' : 'A.')), 'bad', `${name}, changed`)
  }
  t.equal(await (await secretKeys([await importSecret(Buffer.from(A1_KEY, 'base64url'))])).verify(A1), 'good')
  t.equal(await (await secretKeys([await importSecret(Buffer.alloc(64))])).verify(A1), 'bad')
  t.equal(await (await publicKeys([A2_KEY, A3_KEY, A4_KEY, EDDSA_KEY], ALL)).verify(A1), 'bad', 'a secret is no matter of a provider')
})

t.test('what is read of them', async (t) => {
  const claims = { iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true }
  t.strictSame(parseToken(A1), { header: { typ: 'JWT', alg: 'HS256' }, claims })
  for (const token of [A2, A3]) t.strictSame(parseToken(token)?.claims, claims)
  for (const token of [A4, A5, EDDSA]) t.equal(parseToken(token), null)
})

t.test('none of them opens an API', async (t) => {
  const { context } = recordingLog()
  t.intercept(process, 'emitWarning', { value () {} })
  const verify = createJwtVerifier({ issuer: 'https://joe.example', audience: null, typ: 'JWT', keys: { keys: [A2_KEY, A3_KEY, A4_KEY, EDDSA_KEY] } }, () => 1300819379_000)
  for (const token of [A1, A2, A3, A4, A5, EDDSA]) t.equal(await verify(token, context), null)
})

t.test('the key of RFC 8037 signs an access token as RFC 9068 section 2 has it', async (t) => {
  const { context } = recordingLog()
  const claims = {
    iss: 'https://authorization-server.example.com/',
    sub: '5ba552d67',
    aud: 'https://rs.example.com/',
    exp: 1639528912,
    iat: 1618354090,
    jti: 'dbe39bf3a3ba4238a513f51d6e1691c4',
    client_id: 's6BhdRkqt3',
    scope: 'openid profile reademail'
  }
  const verify = createJwtVerifier({ issuer: claims.iss, audience: claims.aud, keys: { keys: [EDDSA_KEY] } }, () => 1618354090_000)
  const input = [{ typ: 'at+JWT', alg: 'EdDSA' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const token = `${input}.${sign(null, Buffer.from(input), createPrivateKey({ key: EDDSA_PRIVATE, format: 'jwk' })).toString('base64url')}`
  t.strictSame(await verify(token, context), { ...claims, scopes: ['openid', 'profile', 'reademail'] })
  const hmac = `${Buffer.from('{"typ":"at+jwt","alg":"HS256"}').toString('base64url')}.${input.split('.')[1]}`
  t.equal(await verify(`${hmac}.${createHmac('sha256', Buffer.from(EDDSA_KEY.x, 'base64url')).update(hmac).digest('base64url')}`, context), null)
})
