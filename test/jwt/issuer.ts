import t from 'tap'
import { createHmac, randomBytes } from 'node:crypto'
import { createJwtIssuer } from '../../lib/jwt/issuer'
import { parseToken } from '../../lib/jwt/parse'
import { recordingLog, stoppedClock } from '../provider/helpers'

const SECRET = randomBytes(32).toString('hex')
const OPTIONS = { secret: SECRET, issuer: 'item-store', expiresIn: 1800 }
const { context } = recordingLog()
const BAD = (message: string) => ({ name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message })

t.test('what it signs, it verifies, until it expires to the second', async (t) => {
  const clock = stoppedClock()
  const tokens = createJwtIssuer(OPTIONS, clock)
  const now = Math.floor(clock() / 1000)
  t.equal(tokens.expiresIn, 1800)
  const token = await tokens.sign({ sub: 'alice', scopes: ['items:read', 'me'], tid: 'x' })
  const { header, claims } = parseToken(token) as any
  t.strictSame(header, { alg: 'HS256', typ: 'at+jwt' })
  t.match(claims.jti, /^[0-9a-f-]{36}$/)
  t.strictSame(claims, { sub: 'alice', tid: 'x', iss: 'item-store', aud: 'item-store', iat: now, exp: now + 1800, jti: claims.jti, scope: 'items:read me' })
  t.strictSame(await tokens.verify(token, context), { ...claims, scopes: ['items:read', 'me'] })
  t.notOk(tokens.verify(token, context) instanceof Promise)
  t.not(await tokens.sign({ sub: 'alice' }), await tokens.sign({ sub: 'alice' }), 'each has a jti of its own')
  const user: any = await tokens.verify(await tokens.sign({ sub: 'alice', scp: 'admin' }), context)
  t.strictSame(user.scopes, [], 'scp grants nothing')
  clock.move((now + 1800) * 1000 - clock() - 1)
  t.match(await tokens.verify(token, context), { sub: 'alice' })
  clock.move(1)
  await t.rejects(async () => await tokens.verify(token, context), { message: 'The token has expired' })
  await t.resolves(tokens.verify.prepare())
})

t.test('a secret is rotated by putting a new one in front', async (t) => {
  const [old, young] = [randomBytes(32), randomBytes(64)]
  const before = createJwtIssuer({ ...OPTIONS, secret: old }, Date.now)
  const during = createJwtIssuer({ ...OPTIONS, secret: [young, old] }, Date.now)
  const after = createJwtIssuer({ ...OPTIONS, secret: young }, Date.now)
  const [first, second] = [await before.sign({ sub: 'a' }), await during.sign({ sub: 'a' })]
  t.ok(await during.verify(first, context))
  t.ok(await during.verify(second, context))
  t.ok(await after.verify(second, context))
  t.equal(await after.verify(first, context), null)
  t.equal(await before.verify(second, context), null)
})

t.test('tokens of others, and for others, are refused', async (t) => {
  const tokens = createJwtIssuer(OPTIONS, Date.now)
  const of = async (options: object): Promise<string> => await createJwtIssuer({ ...OPTIONS, ...options }, Date.now).sign({ sub: 'a' })
  t.equal(await tokens.verify(await of({ secret: randomBytes(32) }), context), null)
  t.equal(await tokens.verify(await of({ issuer: 'other' }), context), null)
  await t.rejects(async () => await tokens.verify(await of({ audience: 'other' }), context), { message: 'The token is not meant for this API' })
  t.ok(await createJwtIssuer({ ...OPTIONS, audience: 'other' }, Date.now).verify(await of({ audience: 'other' }), context))
  const [, claims] = (await tokens.sign({ sub: 'a' })).split('.')
  for (const header of [{ alg: 'none', typ: 'at+jwt' }, { alg: 'HS512', typ: 'at+jwt' }, { alg: 'HS256', typ: 'JWT' }, { alg: 'HS256' }]) {
    const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}`
    const signature = createHmac(header.alg === 'HS512' ? 'sha512' : 'sha256', SECRET).update(input).digest('base64url')
    t.equal(await tokens.verify(`${input}.${signature}`, context), null, JSON.stringify(header))
  }
})

t.test('what sign sets cannot be given, and nothing is undefined', async (t) => {
  const { sign } = createJwtIssuer(OPTIONS, Date.now)
  for (const name of ['typ', 'iss', 'aud', 'iat', 'exp', 'jti', 'scope', 'cnf']) {
    for (const value of ['x', undefined]) await t.rejects(sign({ sub: 'a', [name]: value }), BAD(`jwtIssuer.sign: \`${name}\` cannot be given`))
  }
  for (const name of ['tid', 'scopes']) await t.rejects(sign({ sub: 'a', [name]: undefined }), BAD(`jwtIssuer.sign: \`${name}\` is undefined`))
  for (const sub of ['', null, 1]) await t.rejects(sign({ sub } as any), BAD('jwtIssuer.sign: `sub` must be a string that is not empty'))
  await t.rejects(sign({} as any), BAD('jwtIssuer.sign: `sub` must be a string that is not empty'))
  for (const claims of [null, undefined, 'a', ['a']]) await t.rejects(sign(claims as any), BAD('jwtIssuer.sign: the claims must be an object'))
  for (const scopes of ['a', null, {}, ['a b'], [''], [1], ['a"'], new Array(1)]) await t.rejects(sign({ sub: 'a', scopes } as any), BAD('jwtIssuer.sign: `scopes` must be a list of scope names'))
  await t.rejects(sign({ sub: 'a'.repeat(16 * 1024) }), BAD('jwtIssuer.sign: the token is longer than 16384 characters, and would not be accepted'))
})

t.test('bad options', async (t) => {
  const make = (more: object) => () => createJwtIssuer({ ...OPTIONS, ...more }, Date.now)
  const pem = '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n'
  for (const secret of ['', 'x'.repeat(31), 'é'.repeat(15), Buffer.alloc(31), ['x'.repeat(32), 'short']]) t.throws(make({ secret }), BAD('jwtIssuer: the option `secret` must have at least 32 bytes'))
  t.doesNotThrow(make({ secret: 'é'.repeat(16) }))
  t.doesNotThrow(make({ secret: new Uint8Array(32) }))
  for (const secret of [pem, ` ${pem}`, Buffer.from(pem), `{"kty":"oct","k":"${'A'.repeat(43)}"}`, `{ "keys": [], "a": "${'A'.repeat(43)}" }`, ['x'.repeat(32), pem]]) {
    t.throws(make({ secret }), BAD('jwtIssuer: the option `secret` must be no PEM and no JWK: a public key is no secret'))
  }
  for (const secret of [null, 5, {}, { kty: 'oct' }, [5], [undefined], new Array(1)]) t.throws(make({ secret }), BAD('jwtIssuer: the option `secret` must be a string, bytes, or a list of these'))
  t.throws(make({ secret: [] }), BAD('jwtIssuer: the option `secret` must not be an empty list'))
  for (const key of ['secret', 'issuer', 'expiresIn', 'audience', 'cache']) t.throws(make({ [key]: undefined }), BAD(`jwtIssuer: the option \`${key}\` is undefined`))
  for (const value of ['', null, 1]) {
    t.throws(make({ issuer: value }), { code: 'FST_AUTH_BAD_OPTION' })
    t.throws(make({ audience: value }), { code: 'FST_AUTH_BAD_OPTION' })
  }
  for (const expiresIn of [0, -1, 1.5, Infinity, '30m', null]) t.throws(make({ expiresIn }), { code: 'FST_AUTH_BAD_OPTION' })
  t.throws(make({ cache: -1 }), { code: 'FST_AUTH_BAD_OPTION' })
  t.throws(make({ algorithm: 'HS256' }), { message: 'jwtIssuer: there is no option `algorithm`: it takes secret, issuer, expiresIn, audience, cache' })
})

t.test('a secret that its owner changes stays what it was', async (t) => {
  const secret = randomBytes(32)
  const tokens = createJwtIssuer({ ...OPTIONS, secret }, Date.now)
  const token = await tokens.sign({ sub: 'a' })
  secret.fill(0)
  t.ok(await tokens.verify(token, context))
  const forged = createJwtIssuer({ ...OPTIONS, secret: Buffer.alloc(32) }, Date.now)
  t.equal(await tokens.verify(await forged.sign({ sub: 'a' }), context), null)
})
