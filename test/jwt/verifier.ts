import t from 'tap'
import { InvalidCredentialsError } from '../../lib/errors'
import { createVerifier, type Trusted } from '../../lib/jwt/verifier'
import { publicKeys, type KeySet } from '../../lib/jwt/keys'
import type { Source } from '../../lib/provider/kept'
import { recordingLog, stoppedClock } from '../provider/helpers'
import { AUDIENCE, claimsFor, createKey, seconds, signRaw } from './helpers'

const ISSUER = 'https://login.example.com'

/** Keys that a test exchanges by hand. */
function source (set: KeySet): Source<KeySet> & { current: KeySet, next: KeySet | null, usable: boolean, asked: number } {
  const keys = {
    current: set,
    next: null as KeySet | null,
    usable: true,
    asked: 0,
    peek: () => keys.usable ? keys.current : undefined,
    async get () { keys.asked++; return keys.current },
    async renew () { keys.current = keys.next ?? keys.current; return keys.current }
  }
  return keys
}

const trusted = (keys: Source<KeySet>, more: Partial<Trusted> = {}): Trusted =>
  ({ issuer: ISSUER, audience: [AUDIENCE], typ: 'at+jwt', algorithms: ['ES256'], tolerance: 5000, claims: undefined, cache: 10, keys, ...more })

t.test('an accepted token gives its frozen claims, the second time without a promise', async (t) => {
  const key = await createKey('a')
  const keys = source(await publicKeys([key.jwk], ['ES256']))
  const clock = stoppedClock()
  const verify = createVerifier([trusted(keys)], clock)
  const { lines, context } = recordingLog()
  const token = await signRaw(key, JSON.stringify({ ...claimsFor(ISSUER), tid: 'x' }))
  const first = verify(token, context)
  t.ok(first instanceof Promise)
  const claims: any = await first
  t.match(claims, { iss: ISSUER, sub: 'alice', aud: AUDIENCE, scopes: ['items:read'], scope: 'items:read', tid: 'x' })
  t.throws(() => { claims.sub = 'root' }, TypeError)
  t.throws(() => { claims.scopes.push('admin') }, TypeError)
  for (const credentials of [token, { scheme: 'Bearer', credentials: token }, `Bearer ${token}`]) t.equal(verify(credentials, context), claims)
  t.equal(keys.asked, 1)
  t.strictSame(lines, [])
  await t.resolves(verify.prepare())
  t.equal(keys.asked, 2)
  t.ok(Object.isFrozen(verify))
})

t.test('exp is judged again while the token is kept', async (t) => {
  const key = await createKey('a')
  const clock = stoppedClock()
  const verify = createVerifier([trusted(source(await publicKeys([key.jwk], ['ES256'])))], clock)
  const { context } = recordingLog()
  const token = await signRaw(key, JSON.stringify(claimsFor(ISSUER, { exp: seconds(clock()) + 60 })))
  const claims = await verify(token, context)
  clock.move(60_000 + 4000)
  t.equal(verify(token, context), claims, 'within the tolerance')
  clock.move(1000)
  await t.rejects(async () => await verify(token, context), new InvalidCredentialsError('The token has expired'))
})

t.test('other keys, or none that can be used, take the tokens along', async (t) => {
  const [a, b] = [await createKey('a'), await createKey('b')]
  const keys = source(await publicKeys([a.jwk], ['ES256']))
  const verify = createVerifier([trusted(keys)], Date.now)
  const { context } = recordingLog()
  const token = await signRaw(a, JSON.stringify(claimsFor(ISSUER)))
  const claims = await verify(token, context)
  t.equal(verify(token, context), claims)
  keys.usable = false
  t.ok(verify(token, context) instanceof Promise)
  keys.usable = true
  keys.next = await publicKeys([b.jwk], ['ES256'])
  t.equal(await verify(await signRaw({ ...a, kid: 'b' }, JSON.stringify(claimsFor(ISSUER))), context), null, 'a new key is there, and did not sign')
  keys.current = await publicKeys([a.jwk], ['ES256'])
  t.match(await verify(await signRaw(b, JSON.stringify(claimsFor(ISSUER))), context), { sub: 'alice' }, 'a new key is looked for')
  t.equal(await verify(token, context), null, 'the withdrawn one is gone')
})

t.test('what old keys verified while new ones came is not kept', async (t) => {
  const [a, b] = [await createKey('a'), await createKey('b')]
  const [first, second] = [await publicKeys([a.jwk], ['ES256']), await publicKeys([b.jwk], ['ES256'])]
  const keys = source({ async verify (token) { const result = await first.verify(token); keys.current = second; return result } })
  const verify = createVerifier([trusted(keys)], Date.now)
  const { context } = recordingLog()
  const token = await signRaw(a, JSON.stringify(claimsFor(ISSUER)))
  t.match(await verify(token, context), { sub: 'alice' })
  t.equal(await verify(token, context), null)
})

t.test('what is refused is logged with its reason and never kept', async (t) => {
  const [key, other] = [await createKey('a'), await createKey('b')]
  const verify = createVerifier([trusted(source(await publicKeys([key.jwk], ['ES256'])))], Date.now)
  const good = claimsFor(ISSUER)
  const rows: ReadonlyArray<[reason: string, token: string]> = [
    ['it is no token, or too long', 'a b'],
    ['it is no token, or too long', 'a'.repeat(16 * 1024 + 1)],
    ['its form is not that of a JWT', 'a.b.c'],
    ['its `iss` is not a trusted issuer', await signRaw(key, JSON.stringify({ ...good, iss: `${ISSUER}/` }))],
    ['its `iss` is not a trusted issuer', await signRaw(key, JSON.stringify({ ...good, iss: [ISSUER] }))],
    ['its `alg` is not allowed', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.AA`],
    ['its signature is wrong, or no key fits, or several do', await signRaw({ ...other, kid: 'a' }, JSON.stringify(good))],
    ['its signature is wrong, or no key fits, or several do', await signRaw(other, JSON.stringify(good))]
  ]
  for (const [reason, token] of rows) {
    const { lines, context } = recordingLog()
    for (let n = 1; n < 3; n++) {
      t.equal(await verify(token, context), null, reason)
      t.strictSame(lines.map(({ level, reason }) => [level, reason]), Array.from({ length: n }, () => ['debug', reason]))
    }
    t.notOk(JSON.stringify(lines).includes(token))
  }
  const { lines, warnings, context } = recordingLog()
  const meantForOthers = await signRaw(key, JSON.stringify({ ...good, aud: 'other' }))
  for (let n = 0; n < 2; n++) await t.rejects(async () => await verify(meantForOthers, context), new InvalidCredentialsError('The token is not meant for this API'))
  t.strictSame(warnings(), ['A token of the trusted issuer is refused, as its `aud` is "other": let the provider name this API in `aud`, or change the option `audience`'])
  t.equal(lines.filter(({ level }) => level === 'debug').length, 2)
})

t.test('two verifiers with other audiences share nothing', async (t) => {
  const key = await createKey('a')
  const keys = source(await publicKeys([key.jwk], ['ES256']))
  const [ours, theirs] = [AUDIENCE, 'other'].map((audience) => createVerifier([trusted(keys, { audience: [audience] })], Date.now)) as [ReturnType<typeof createVerifier>, ReturnType<typeof createVerifier>]
  const { context } = recordingLog()
  const token = await signRaw(key, JSON.stringify(claimsFor(ISSUER)))
  t.match(await ours(token, context), { sub: 'alice' })
  await t.rejects(async () => await theirs(token, context), { message: 'The token is not meant for this API' })
})

t.test('no more tokens are kept than asked for, under 10,000 of them, and none with the cache 0', async (t) => {
  const key = await createKey('a')
  const clock = stoppedClock()
  const keys = source({ verify: async () => 'good' })
  const [verify, without] = [createVerifier([trusted(keys, { cache: 100 })], clock), createVerifier([trusted(keys, { cache: 0 })], clock)]
  const { context } = recordingLog()
  const token = await signRaw(key, JSON.stringify(claimsFor(ISSUER)))
  const [header, , signature] = token.split('.')
  const tokens = Array.from({ length: 10_000 }, (_, n) => `${header}.${Buffer.from(JSON.stringify(claimsFor(ISSUER, { n }))).toString('base64url')}.${signature}`)
  for (const one of tokens) await verify(one, context)
  t.equal(tokens.filter((one) => !(verify(one, context) instanceof Promise)).length, 100)
  await without(token, context)
  t.ok(without(token, context) instanceof Promise)
})
