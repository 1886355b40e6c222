/** Tokens that strangers make: through every factory none is accepted, none makes a 5xx, and none stands in a response or in the log. */

import t from 'tap'
import { createHmac, createPublicKey, createSign, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { createJwtVerifier } from '../../lib/jwt/provider'
import { createApp } from '../helpers'
import { recordingLog } from '../provider/helpers'
import { AUDIENCE, claimsFor, createKey, seconds, signRaw, startIssuer, type FakeIssuer, type TestKey } from './helpers'

const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Every factory that gives a token, by the headers, or the URL, in which it is sent. */
const SENT: Record<string, (token: string) => { url?: string, headers?: Record<string, string> }> = {
  httpBearer: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  httpBase: (token) => ({ headers: { authorization: `Token ${token}` } }),
  httpDigest: (token) => ({ headers: { authorization: `Digest ${token}` } }),
  oauth2: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  oauth2PasswordBearer: (token) => ({ headers: { authorization: `bearer  ${token}` } }),
  oauth2AuthorizationCodeBearer: (token) => ({ headers: { authorization: `BEARER ${token}` } }),
  oauth2ClientCredentialsBearer: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  openIdConnect: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  apiKeyHeader: (token) => ({ headers: { 'x-key': token } }),
  apiKeyCookie: (token) => ({ headers: { cookie: `key=${token}` } }),
  apiKeyQuery: (token) => ({ url: `/apiKeyQuery?key=${encodeURIComponent(token)}` })
}

async function appFor (issuer: FakeIssuer, log: string[]): Promise<{ app: FastifyInstance, handled: () => number }> {
  const app = await createApp({ server: { disableRequestLogging: true, routerOptions: { maxParamLength: 1e6 }, logger: { level: 'trace', stream: { write (line: string) { log.push(line) } } } } })
  const verify = createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE }, Date.now)
  const { authSchemes: make } = app
  const schemes: Record<string, any> = {
    httpBearer: make.httpBearer({ verify }),
    httpBase: make.httpBase({ scheme: 'token', verify }),
    httpDigest: make.httpDigest({ verify }),
    oauth2: make.oauth2({ flows: { password: { tokenUrl: '/token' } }, verify }),
    oauth2PasswordBearer: make.oauth2PasswordBearer({ tokenUrl: '/token', verify }),
    oauth2AuthorizationCodeBearer: make.oauth2AuthorizationCodeBearer({ authorizationUrl: '/auth', tokenUrl: '/token', verify }),
    oauth2ClientCredentialsBearer: make.oauth2ClientCredentialsBearer({ tokenUrl: '/token', verify }),
    openIdConnect: make.openIdConnect({ openIdConnectUrl: '/.well-known/openid-configuration', verify }),
    apiKeyHeader: make.apiKeyHeader({ name: 'x-key', verify }),
    apiKeyCookie: make.apiKeyCookie({ name: 'key', verify }),
    apiKeyQuery: make.apiKeyQuery({ name: 'key', verify })
  }
  let handled = 0
  for (const [name, scheme] of Object.entries(schemes)) app.get(`/${name}`, { security: [{ scheme }] }, async () => { handled++; return 'opened' })
  return { app, handled: () => handled }
}

// The order of the base point of Ed25519, RFC 8032 section 5.1.
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const toBytes = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse()

async function hostile (issuer: FakeIssuer, key: TestKey, ed: TestKey, jkuServer: string): Promise<Record<string, string>> {
  const claims = claimsFor(issuer.issuer)
  const forged = (header: object, signature: string | ((input: string) => string) = 'AA', body: unknown = claims): string => {
    const input = `${encode({ typ: 'at+jwt', kid: key.kid, ...header })}.${encode(body)}`
    return `${input}.${typeof signature === 'string' ? signature : signature(input)}`
  }
  const hmac = (secret: string | Buffer, algorithm = 'sha256') => (input: string): string => createHmac(algorithm, secret).update(input).digest('base64url')
  const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' })
  const good = await issuer.token(key)
  const goodEd = await issuer.token(ed)
  const resign = (token: string, change: (signature: Buffer) => Buffer): string => token.replace(/[^.]+$/, (signature) => change(Buffer.from(signature, 'base64url')).toString('base64url'))
  const stranger = await createKey('stranger')
  const other = { ...stranger, kid: key.kid }
  const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const tokens: Record<string, string> = {
    'zero signature': resign(good, (signature) => Buffer.alloc(signature.length)),
    'zero signature, Ed25519': resign(goodEd, (signature) => Buffer.alloc(signature.length)),
    'zero r': resign(good, (signature) => Buffer.concat([Buffer.alloc(32), signature.subarray(32)])),
    'malleable signature, Ed25519': resign(goodEd, (signature) => Buffer.concat([signature.subarray(0, 32), toBytes(toNumber(signature.subarray(32)) + L)])),
    'small-order point, Ed25519': resign(goodEd, () => Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])),
    'DER signature': forged({ alg: 'ES256' }, (input) => createSign('sha256').update(input).sign({ key: stranger.privateKey, dsaEncoding: 'der' } as any).toString('base64url')),
    'longer signature': resign(good, (signature) => Buffer.concat([signature, Buffer.alloc(1)])),
    'signature of another key': await issuer.token(other),
    'signature of another algorithm': resign(await issuer.token(key, {}, {}), (signature) => signature.subarray(1)),
    'claims of another token': `${good.split('.')[0]}.${encode({ ...claims, sub: 'root' })}.${good.split('.')[2]}`,
    'header of another token': `${encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, x: 1 })}.${good.split('.').slice(1).join('.')}`,
    'HS256 with the PEM as secret': forged({ alg: 'HS256' }, hmac(spki)),
    'HS256 with the PEM without its end': forged({ alg: 'HS256' }, hmac(spki.trimEnd())),
    'HS256 with the DER as secret': forged({ alg: 'HS256' }, hmac(publicKey.export({ type: 'spki', format: 'der' }) as Buffer)),
    'HS256 with the JWK as secret': forged({ alg: 'HS256' }, hmac(JSON.stringify(key.jwk))),
    'HS256 with an empty secret': forged({ alg: 'HS256' }, hmac('')),
    'HS512 with the PEM as secret': forged({ alg: 'HS512' }, hmac(spki, 'sha512')),
    'two segments': good.split('.').slice(0, 2).join('.'),
    'no signature': `${good.split('.').slice(0, 2).join('.')}.`,
    'five segments': [...good.split('.'), 'AA', 'AA'].join('.'),
    '8000 dots': '.'.repeat(8000),
    '64 KiB': forged({ alg: 'ES256' }, 'AA', { ...claims, a: 'x'.repeat(48 * 1024) }),
    'padded signature': `${good}==`,
    'surplus bits': `${good.slice(0, -1)}${String.fromCharCode(good.charCodeAt(good.length - 1) + 1)}`,
    nested: await signRaw(other, good, { cty: 'JWT' }),
    'nested by the provider': await signRaw(key, good, { cty: 'JWT' }),
    'deep claims': await signRaw(key, `${JSON.stringify(claims).slice(0, -1)},"a":${'['.repeat(3000)}${']'.repeat(3000)}}`),
    'deep header': `${encode(`{"alg":"ES256","a":${'['.repeat(3000)}${']'.repeat(3000)}}`)}.${good.split('.').slice(1).join('.')}`,
    'bad UTF-8': await signRaw(key, Buffer.from(JSON.stringify({ ...claims, sub: 'r\xf6ot' }), 'latin1')),
    'a byte order mark': await signRaw(key, `\ufeff${JSON.stringify(claims)}`),
    'claims twice': await signRaw(key, `${JSON.stringify(claims).slice(0, -1)},"sub":"root"}`),
    'claims twice, one escaped': await signRaw(key, `${JSON.stringify(claims).slice(0, -1)},"su\\u0062":"root"}`),
    '__proto__ claims': await signRaw(key, `{"__proto__":${JSON.stringify(claims)}}`),
    '__proto__ beside claims': await signRaw(key, `${JSON.stringify(claims).slice(0, -1)},"__proto__":{"admin":true}}`),
    'claims in a list': await signRaw(key, JSON.stringify([claims])),
    'no claims': await signRaw(key, 'null'),
    'exp 1e400': await signRaw(key, JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e400')),
    'nbf -1e400': await signRaw(key, JSON.stringify({ ...claims, nbf: 0 }).replace('"nbf":0', '"nbf":-1e400')),
    'kid twice': `${encode(`{"alg":"ES256","typ":"at+jwt","kid":"x","kid":${JSON.stringify(key.kid)}}`)}.${good.split('.').slice(1).join('.')}`,
    'cnf, DPoP': await issuer.token(key, { cnf: { jkt: 'x' } }),
    'cnf, mTLS': await issuer.token(key, { cnf: { 'x5t#S256': 'x' } })
  }
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', ' none', 'none\0', 5, null, true, [], ['ES256'], {}, '__proto__', 'constructor', 'toString', 'ES256K', 'es256', 'ECDH-ES', 'dir', 'RSA-OAEP', 'RS256', 'ES384']) {
    for (const signature of ['AA', good.split('.')[2] as string]) tokens[`alg ${JSON.stringify(alg)}, ${signature.length}`] = forged({ alg }, signature)
    tokens[`alg ${JSON.stringify(alg)}, none`] = forged({ alg }, '')
  }
  const jwk = { ...stranger.jwk, kid: undefined }
  for (const [name, header] of Object.entries({
    jku: { jku: `${jkuServer}/jwks` },
    x5u: { x5u: `${jkuServer}/cert` },
    jwk: { jwk },
    x5c: { x5c: ['MIIB'] },
    'kid that is a path': { kid: '../../../../dev/null' },
    'kid that is SQL': { kid: "x' UNION SELECT 'AA" },
    'kid that is a URL': { kid: `${jkuServer}/jwks` },
    'kid that is long': { kid: 'k'.repeat(5000) },
    'kid __proto__': { kid: '__proto__' },
    'kid missing': { kid: undefined },
    'all at once': { kid: `${jkuServer}/jwks`, jku: `${jkuServer}/jwks`, jwk, x5u: `${jkuServer}/cert` }
  })) tokens[name] = await issuer.token(other, {}, header)
  for (const kid of [{}, [key.kid], 1, null]) tokens[`kid ${JSON.stringify(kid)}`] = `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${good.split('.').slice(1).join('.')}`
  for (const header of [{ crit: ['exp'], exp: 1 }, { crit: [] }, { crit: ['b64'], b64: true }, { crit: ['b64'], b64: false }, { b64: true }, { crit: 'b64' }, { crit: ['http://example.com/x'], 'http://example.com/x': 1 }]) {
    tokens[`header ${JSON.stringify(header)}`] = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })}.${good.split('.').slice(1).join('.')}`
  }
  for (const b64 of [true]) tokens['b64 in a good token'] = await signRaw(key, JSON.stringify(claims), { b64, crit: ['b64'] })

  const wrong: Record<string, readonly unknown[]> = {
    aud: [undefined, null, '', 'other', AUDIENCE.toUpperCase(), `${AUDIENCE}/`, ` ${AUDIENCE}`, [], ['other'], [[AUDIENCE]], { 0: AUDIENCE }, 5, true, [AUDIENCE, 5]],
    iss: [undefined, null, '', 'other', issuer.issuer.toUpperCase(), `${issuer.issuer}/`, ` ${issuer.issuer}`, [], [issuer.issuer], { 0: issuer.issuer }, 5, true],
    exp: [undefined, null, '', String(seconds() + 60), 0, -1, seconds() - 60, [seconds() + 60], {}, true],
    nbf: [null, '0', seconds() + 60, [], {}, true, 1e300],
    iat: [null, '0', [], {}, true],
    sub: [undefined, null, '', 5, [], ['alice'], {}, true]
  }
  for (const [name, values] of Object.entries(wrong)) for (const value of values) tokens[`${name} ${JSON.stringify(value)}`] = await issuer.token(key, { [name]: value })
  for (const typ of [undefined, 'JWT', 'ID', 'logout+jwt', 'dpop+jwt', 5, null, ['at+jwt']]) tokens[`typ ${JSON.stringify(typ)}`] = await issuer.token(key, {}, { typ })
  return tokens
}

t.test('through every factory', async (t) => {
  let jkuAsked = 0
  const jku = createServer((_request, response) => { jkuAsked++; response.end('{}') }).listen(0, '127.0.0.1')
  await new Promise((resolve) => { jku.once('listening', resolve) })
  t.teardown(() => { jku.close() })
  const [key, ed] = [await createKey('key'), await createKey('ed', 'Ed25519')]
  const issuer = await startIssuer(t, key, ed)
  const log: string[] = []
  const { app, handled } = await appFor(issuer, log)
  t.teardown(async () => { await app.close() })
  const send = async (name: string, token: string) => await app.inject({ url: `/${name}`, ...SENT[name]?.(token) })

  for (const good of [await issuer.token(key), await issuer.token(ed)]) {
    for (const name of Object.keys(SENT)) t.equal((await send(name, good)).body, 'opened', `${name} takes a good token`)
  }
  const opened = handled()
  const tokens = await hostile(issuer, key, ed, `http://127.0.0.1:${(jku.address() as AddressInfo).port}`)
  t.ok(Object.keys(tokens).length > 150)
  for (const [what, token] of Object.entries(tokens)) {
    for (const name of Object.keys(SENT)) {
      const response = await send(name, token)
      const all = JSON.stringify(response.headers) + response.body
      if (response.statusCode !== 401 || (token.length > 9 && all.includes(token))) t.fail(`${what}, ${name}: ${response.statusCode} ${response.body}`)
      if (token.length > 9 && log.some((line) => line.includes(token))) t.fail(`${what}, ${name}: it is logged`)
    }
    log.length = 0
  }
  t.equal(handled(), opened, 'no handler ran')
  t.equal(jkuAsked, 0, 'nothing that a token names is asked')
  t.ok(issuer.asked.length <= 3)
  t.equal((await send('httpBearer', await issuer.token(key))).statusCode, 200, 'good ones still pass')
})

t.test('the second way to write an ECDSA signature gives the same claims, and no other', async (t) => {
  const key = await createKey('key')
  const issuer = await startIssuer(t, key)
  const verify = createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE }, Date.now)
  const { context } = recordingLog()
  const good = await issuer.token(key)
  // The order of P-256, SEC 2 section 2.4.2.
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const second = good.replace(/[^.]+$/, (signature) => {
    const bytes = Buffer.from(signature, 'base64url')
    const s = n - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    return Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]).toString('base64url')
  })
  t.not(second, good)
  t.strictSame(await verify(second, context), await verify(good, context), 'so that a deny list keeps `jti`, and not the token')
})

t.test('a key that jose cannot use makes no alarm', async (t) => {
  const key = await createKey('key')
  const issuer = await startIssuer(t, key)
  const short = { kty: 'RSA', kid: 'short', n: randomBytes(128).toString('base64url'), e: 'AQAB' }
  issuer.jwks.keys = [short, { ...key.jwk, kid: 'off', x: key.jwk.y }, { kty: 'OKP', crv: 'X25519', kid: 'x', x: randomBytes(32).toString('base64url') }, { ...key.jwk, kid: 'ext', ext: 'yes' }, key.jwk]
  const log: string[] = []
  const { app } = await appFor(issuer, log)
  t.teardown(async () => { await app.close() })
  for (const [alg, kid] of [['RS256', 'short'], ['PS512', 'short'], ['ES256', 'off'], ['EdDSA', 'x'], ['Ed25519', 'x'], ['ES256', 'ext']]) {
    const token = `${encode({ alg, kid, typ: 'at+jwt' })}.${encode(claimsFor(issuer.issuer))}.AAAA`
    t.equal((await app.inject({ url: '/httpBearer', headers: { authorization: `Bearer ${token}` } })).statusCode, 401, String(kid))
  }
  t.strictSame(log.filter((line) => line.includes('"level":40')).map((line) => JSON.parse(line).kid), ['short', 'off'])
})
