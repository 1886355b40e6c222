import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { createJwtVerifier } from '../../lib/jwt/provider'
import { bearer, createApp } from '../helpers'
import { processWarnings, recordingLog, stoppedClock } from '../provider/helpers'
import { AUDIENCE, claimsFor, createKey, signRaw, startIssuer } from './helpers'

const ISSUER = 'https://login.example.com'
const BAD = (message: string) => ({ name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `jwtVerifier: ${message}` })
const make = (options: object) => () => createJwtVerifier({ issuer: ISSUER, audience: AUDIENCE, ...options }, Date.now)
const publicJwk = (type: string, options: object): object => (generateKeyPairSync as any)(type, options).publicKey.export({ format: 'jwk' })

t.test('bad options', async (t) => {
  for (const value of [undefined, null, 'x', 5]) t.throws(() => createJwtVerifier(value, Date.now), BAD('the options must be an object'))
  t.throws(() => createJwtVerifier([], Date.now), BAD('at least one issuer is needed'))
  t.throws(() => createJwtVerifier(new Array(1), Date.now), BAD('the options must be an object'))
  t.throws(() => createJwtVerifier([{ issuer: ISSUER, audience: 'a' }, { issuer: ISSUER, audience: 'b' }], Date.now), BAD('an issuer stands in the list twice'))
  t.throws(() => createJwtVerifier({ issuer: ISSUER }, Date.now), BAD('the option `audience` is required'))
  t.throws(() => createJwtVerifier({ audience: 'a' }, Date.now), BAD('the option `issuer` is required'))
  for (const key of ['issuer', 'audience', 'typ', 'algorithms', 'claims', 'keys', 'clockTolerance', 'cache', 'timeout', 'staleFor', 'fetch']) {
    t.throws(make({ [key]: undefined }), BAD(`the option \`${key}\` is undefined`))
    if (key !== 'audience') t.throws(make({ [key]: null }), { code: 'FST_AUTH_BAD_OPTION' }, key)
  }
  t.throws(make({ secret: 'x' }), BAD('there is no option `secret`: it takes issuer, audience, typ, algorithms, claims, keys, clockTolerance, cache, timeout, staleFor, fetch'))
  for (const issuer of ['http://login.example.com', `${ISSUER}?a`, 'item-store']) t.throws(make({ issuer }), BAD('the option `issuer` must be an https URL without query, fragment and user; http is allowed on loopback alone'))
  for (const keys of ['http://login.example.com/jwks', `${ISSUER}/jwks?a`, '']) t.throws(make({ keys }), { message: /^jwtVerifier: the option `keys` must be an https URL/ })
  for (const typ of ['jwt', 'AT+JWT', '', ['JWT']]) t.throws(make({ typ }), BAD('the option `typ` must be \'at+jwt\' or \'JWT\''))
  for (const algorithms of [[], ['none'], ['None'], ['HS256'], ['RS256', 'HS256'], ['rs256'], ['ES256K'], ['__proto__'], 'RS256', {}, new Array(1)]) {
    t.throws(make({ algorithms }), BAD('the option `algorithms` must be a list of some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519'))
  }
  for (const clockTolerance of [-1, 301, 1.5, '5']) t.throws(make({ clockTolerance }), BAD('the option `clockTolerance` must be a whole number from 0 to 300'))
  for (const key of ['cache', 'staleFor']) for (const value of [-1, 1.5, Infinity, '5']) t.throws(make({ [key]: value }), { code: 'FST_AUTH_BAD_OPTION' })
  t.throws(make({ audience: [] }), BAD('the option `audience` must be a string, a list of strings, or null'))
  t.throws(make({ claims: {} }), BAD('the option `claims` must be a function'))
})

t.test('a set of keys that cannot verify fails the boot', async (t) => {
  const start = /^jwtVerifier: the option `keys` must be a URL, or a JSON Web Key Set whose keys can verify: /
  for (const keys of [{}, { keys: [] }, [], 5, { keys: [{ kty: 'oct', k: 'x' }] }, { keys: [() => {}] }, { keys: [publicJwk('rsa', { modulusLength: 1024 })] }]) {
    t.throws(make({ keys }), { code: 'FST_AUTH_BAD_OPTION', message: start })
  }
  const mixed = { keys: [(await createKey('a')).jwk, publicJwk('rsa', { modulusLength: 1024 })] }
  t.throws(make({ keys: mixed }), BAD('the option `keys` must be a URL, or a JSON Web Key Set whose keys can verify: A key of the provider is left out: it has less than 2048 bits'))
})

t.test('nothing is fetched when it is made, and nothing at all with keys of its own', async (t) => {
  const key = await createKey('a')
  const issuer = await startIssuer(t, key)
  createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE }, Date.now)
  const keys = { keys: [{ ...key.jwk }] }
  const algorithms = ['ES256']
  const verify = createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE, keys, algorithms }, Date.now)
  keys.keys.length = 0
  algorithms.length = 0
  const { context } = recordingLog()
  await verify.prepare()
  t.match(await verify(await issuer.token(key), context), { sub: 'alice' }, 'options are copied')
  t.equal(await verify(await issuer.token(key, {}, { kid: 'other' }), context), null)
  t.strictSame(issuer.asked, [])
})

t.test('the options reach what they are for', async (t) => {
  const warnings = processWarnings(t)
  const key = await createKey('a')
  const issuer = await startIssuer(t, key)
  const { context } = recordingLog()
  const accepts = async (options: object, claims: object, header = {}): Promise<boolean> => {
    const verify = createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE, ...options }, Date.now)
    return await Promise.resolve(verify(await issuer.token(key, claims, header), context)).catch(() => null) !== null
  }
  const now = Date.now() / 1000
  t.ok(await accepts({}, { exp: now - 3 }))
  t.notOk(await accepts({}, { exp: now - 6 }))
  t.ok(await accepts({ clockTolerance: 60 }, { exp: now - 50 }))
  t.notOk(await accepts({ clockTolerance: 0 }, { exp: now - 1 }))
  t.notOk(await accepts({}, {}, { typ: 'JWT' }))
  t.ok(await accepts({ typ: 'JWT' }, {}, { typ: 'JWT' }))
  t.notOk(await accepts({ algorithms: ['RS256'] }, {}))
  t.notOk(await accepts({ claims: ({ tid }: any) => tid === 'x' }, { tid: 'y' }))
  t.ok(await accepts({ claims: ({ tid }: any) => tid === 'x' }, { tid: 'x' }))
  t.ok(await accepts({ audience: ['other', AUDIENCE] }, {}))
  t.strictSame(warnings, [])
  t.ok(await accepts({ audience: null }, { aud: undefined }))
  t.strictSame(warnings, [`jwtVerifier: \`audience\` is null, so tokens for every API of ${issuer.issuer} are accepted`])
  const requests: string[] = []
  const fetchThere = async (url: string, init: object): Promise<Response> => { requests.push(url); return await fetch(url, init) }
  t.ok(await accepts({ fetch: fetchThere, keys: `${issuer.issuer}/jwks` }, {}))
  t.strictSame(requests, [`${issuer.issuer}/jwks`])
})

t.test('keys are fetched by the first token, or before by prepare', async (t) => {
  const key = await createKey('a')
  const issuer = await startIssuer(t, key)
  const { context } = recordingLog()
  const verify = createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE }, Date.now)
  for (const odd of ['a', 'a.b.c', await signRaw(key, JSON.stringify(claimsFor(ISSUER)))]) t.equal(await verify(odd, context), null)
  t.strictSame(issuer.asked, [], 'not by what cannot be a token of this issuer')
  await verify.prepare()
  t.equal(issuer.asked.length, 2)
  t.match(await verify(await issuer.token(key), context), { sub: 'alice' })
  await verify.prepare()
  t.equal(issuer.asked.length, 2)
  await issuer.close()
  await t.rejects(createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE }, Date.now).prepare(), { code: 'FST_AUTH_PROVIDER_UNAVAILABLE', statusCode: 503 })
  await t.resolves(verify.prepare())
  await issuer.open()
})

t.test('two providers with one kid, and a token of one in the name of the other', async (t) => {
  const [a, b] = [await createKey('k'), await createKey('k')]
  const [first, second] = [await startIssuer(t, a), await startIssuer(t, b)]
  const verify = createJwtVerifier([first, second].map(({ issuer }) => ({ issuer, audience: AUDIENCE })), stoppedClock())
  const { context } = recordingLog()
  const [fromFirst, fromSecond] = [await first.token(a), await second.token(b)]
  t.match(await verify(fromFirst, context), { iss: first.issuer })
  t.match(await verify(fromSecond, context), { iss: second.issuer })
  t.match([verify(fromFirst, context), verify(fromSecond, context)], [{ iss: first.issuer }, { iss: second.issuer }])
  t.equal(await verify(await second.token(a), context), null)
  t.equal(await verify(await first.token(b), context), null)
  const only = createJwtVerifier({ issuer: first.issuer, audience: AUDIENCE }, Date.now)
  t.equal(await only(fromSecond, context), null)
  t.strictSame([first.asked.length, second.asked.length], [2, 2], 'each is asked for its own keys, once')
})

t.test('the metadata of another issuer is none, and both names are in the log', async (t) => {
  const [a, b] = [await createKey('k'), await createKey('k')]
  const [first, second] = [await startIssuer(t, a), await startIssuer(t, b)]
  first.routes.set('/.well-known/openid-configuration', second.routes.get('/.well-known/openid-configuration') as object)
  const verify = createJwtVerifier({ issuer: first.issuer, audience: AUDIENCE }, Date.now)
  const { lines, context } = recordingLog()
  for (const token of [await first.token(b), await first.token(a)]) await t.rejects(async () => await verify(token, context), { code: 'FST_AUTH_PROVIDER_UNAVAILABLE' })
  t.equal(lines[0]?.err.message, `The metadata is of the issuer "${second.issuer}", and the option \`issuer\` is "${first.issuer}"`)
})

t.test('tenants by their host: a map of verifiers', async (t) => {
  const [a, b] = [await createKey('k'), await createKey('k')]
  const [first, second] = [await startIssuer(t, a), await startIssuer(t, b)]
  const of = ({ issuer }: { issuer: string }) => createJwtVerifier({ issuer, audience: AUDIENCE }, Date.now)
  const byHost = new Map([['a.example.com', of(first)], ['b.example.com', of(second)]])
  const app = await createApp()
  t.teardown(async () => { await app.close() })
  const users = app.authSchemes.httpBearer({ verify: (credentials, context) => byHost.get(context.request.hostname)?.(credentials, context) })
  app.get('/', { security: [{ scheme: users }] }, async (request) => request.auth.user.iss)
  const ask = async (host: string, token: string) => await app.inject({ url: '/', headers: { host, ...bearer(token) } })
  const [ofFirst, ofSecond] = [await first.token(a), await second.token(b)]
  for (let n = 0; n < 2; n++) {
    t.equal((await ask('a.example.com', ofFirst)).body, first.issuer)
    t.equal((await ask('b.example.com', ofSecond)).body, second.issuer)
    for (const [host, token] of [['b.example.com', ofFirst], ['a.example.com', ofSecond], ['__proto__', ofFirst], ['c.example.com', ofFirst]] as const) t.equal((await ask(host, token)).statusCode, 401)
  }
})
