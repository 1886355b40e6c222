import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { askerOf } from '../../lib/provider/ask'
import { importSecret, keyFetcher, publicKeys, secretKeys, usableKeys } from '../../lib/jwt/keys'
import { processWarnings, recordingLog } from '../provider/helpers'
import { createKey, signRaw, startIssuer } from './helpers'

const never = { warn (_details: object, message: string) { throw new Error(message) } }
const jwk = (type: string, options: object, more: object = {}): any => ({ ...(generateKeyPairSync as any)(type, options).publicKey.export({ format: 'jwk' }), ...more })

t.test('keys for other purposes than signatures are left out in silence', async (t) => {
  const [key, rsa, okp] = [jwk('ec', { namedCurve: 'P-256' }), jwk('rsa', { modulusLength: 2048 }), jwk('ed25519', {})]
  const kept = [key, rsa, okp, { ...key, use: 'sig' }, { ...key, key_ops: ['verify'] }, { ...key, key_ops: ['sign', 'verify'] }]
  const left = [{ ...key, use: 'enc' }, { ...key, use: null }, { ...key, key_ops: ['sign'] }, { ...key, key_ops: [] }, { ...key, key_ops: 'verify' }, { kty: 'oct', k: 'AAAA' }, { kty: 'AKP' }, {}, null, 'key', 5]
  t.strictSame(usableKeys({ keys: [...left, ...kept] }, never), kept)
})

t.test('a key that cannot be used is left out with a warning', async (t) => {
  const good = jwk('ec', { namedCurve: 'P-256' }, { kid: 'good' })
  const { lines, context: { request: { log } } } = recordingLog()
  const bad = [
    jwk('rsa', { modulusLength: 1024 }, { kid: 'short' }), { ...good, kid: 'off the curve', x: good.y }, { kty: 'EC', kid: 'no point' }, { ...good, kid: 'curve', crv: 'P-0' },
    { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid: 'private' }
  ]
  t.strictSame(usableKeys({ keys: [...bad, good] }, log), [good])
  t.strictSame(lines, [['short', 'it has less than 2048 bits'], ['off the curve', 'it is no valid key'], ['no point', 'it is no valid key'], ['curve', 'it is no valid key'], ['private', 'it is a private key']]
    .map(([kid, problem]) => ({ level: 'warn', message: `A key of the provider is left out: ${problem}`, kid, problem })))
})

t.test('a set without a key for signatures is none', async (t) => {
  for (const set of [{}, { keys: {} }, { keys: null }, { keys: 'a' }]) t.throws(() => usableKeys(set, never), { message: 'It is no JSON Web Key Set' })
  for (const set of [{ keys: [] }, { keys: [{ kty: 'oct', k: 'AAAA' }] }]) t.throws(() => usableKeys(set, never), { message: 'The JSON Web Key Set has no key that verifies signatures' })
})

t.test('one key fits, and its signature holds', async (t) => {
  const [a, b] = [await createKey('a'), await createKey('b')]
  const set = await publicKeys([a.jwk, b.jwk], ['ES256'])
  t.equal(await set.verify(await signRaw(a, '{}')), 'good')
  t.equal(await set.verify(await signRaw(b, '{}')), 'good')
  t.equal(await set.verify(await signRaw({ ...a, kid: 'b' }, '{}')), 'bad')
  t.equal(await set.verify(await signRaw(a, '{}', { kid: undefined })), 'bad', 'several keys fit')
  t.equal(await set.verify(await signRaw(a, '{}', { kid: 'c' })), 'unknown key')
  t.equal(await (await publicKeys([a.jwk], ['ES384'])).verify(await signRaw(a, '{}')), 'bad', 'the algorithm is not allowed')
  t.equal(await (await publicKeys([a.jwk], ['ES256'])).verify(await signRaw(a, '{}', { kid: undefined })), 'good')
  const twice = await publicKeys([a.jwk, { ...b.jwk, kid: 'a' }], ['ES256'])
  t.equal(await twice.verify(await signRaw(a, '{}')), 'bad', 'a kid that stands twice fits nobody')
  t.equal(await set.verify('no token'), 'bad')
})

t.test('any of several secrets may have signed', async (t) => {
  const secret = async (fill: string) => ({ kid: '', alg: 'HS256', jwk: {}, privateKey: await importSecret(Buffer.alloc(32, fill)) })
  const [a, b, c] = [await secret('a'), await secret('b'), await secret('c')]
  const set = await secretKeys([a.privateKey, b.privateKey])
  t.equal(await set.verify(await signRaw(a, '{}')), 'good')
  t.equal(await set.verify(await signRaw(b, '{}')), 'good')
  t.equal(await set.verify(await signRaw(c, '{}')), 'bad')
  t.equal(await set.verify(await signRaw({ ...a, alg: 'HS384', privateKey: new Uint8Array(48).fill(97) }, '{}')), 'bad')
})

t.test('keys are fetched where the metadata says, which is asked once', async (t) => {
  const [a, b] = [await createKey('a'), await createKey('b')]
  const issuer = await startIssuer(t, a)
  const fetchKeys = keyFetcher(askerOf('x', {}), issuer.issuer, undefined, ['ES256'])
  const first = await fetchKeys()
  t.strictSame(issuer.asked, ['GET /.well-known/openid-configuration', 'GET /jwks'])
  t.equal(await fetchKeys(), first, 'the same keys are the same set')
  t.equal(issuer.asked.length, 3)
  issuer.jwks.keys = [b.jwk]
  const second = await fetchKeys()
  t.not(second, first)
  t.equal(await second.verify(await signRaw(a, '{}')), 'unknown key', 'a fetched set replaces the former one')

  issuer.routes.delete('/jwks')
  await t.rejects(fetchKeys(), { message: 'The provider responded with the status 404' })
  issuer.routes.set('/.well-known/openid-configuration', { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/moved` })
  issuer.routes.set('/moved', issuer.jwks)
  t.equal(await fetchKeys(), second, 'after a failure the metadata is asked again')
})

t.test('a given URL is asked instead; keys that are left out are logged, at boot as process warnings', async (t) => {
  const good = await createKey('good')
  const issuer = await startIssuer(t)
  const left = { kty: 'EC', kid: 'left' }
  issuer.routes.set('/keys', { keys: [good.jwk, left] })
  const warnings = processWarnings(t)
  await keyFetcher(askerOf('x', {}), issuer.issuer, `${issuer.issuer}/keys`, ['ES256'])()
  t.strictSame(issuer.asked, ['GET /keys'])
  t.strictSame(warnings, ['A key of the provider is left out: it is no valid key'])
  const { lines, context: { request: { log } } } = recordingLog()
  await keyFetcher(askerOf('x', {}), issuer.issuer, `${issuer.issuer}/keys`, ['ES256'])(log)
  t.strictSame(lines.map(({ kid }) => kid), ['left'])
})
