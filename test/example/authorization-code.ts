/** The example whose tokens come from a provider elsewhere: which of them open its API, and that it runs as a program. */

import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import { build, start } from '../../example/authorization-code'
import { AUDIENCE, startProvider } from '../../example/provider'
import { challengesOf } from '../helpers'

/** A provider as far as the API asks one, that can be down. */
async function startKeys (t: Test, keys: readonly object[]) {
  const provider = Fastify()
  t.teardown(async () => { await provider.close() })
  const state = { issuer: '', isDown: false, keys }
  provider.addHook('onRequest', async (_request, reply) => { if (state.isDown) await reply.code(503).send('<p>Down for repairs</p>') })
  provider.get('/.well-known/openid-configuration', async () => ({ issuer: state.issuer, jwks_uri: `${state.issuer}/jwks` }))
  provider.get('/jwks', async () => ({ keys: state.keys }))
  state.issuer = await provider.listen({ port: 0, host: '127.0.0.1' })
  return state
}

t.test('only a token of this provider, for this API, with the scope, opens the route', async (t) => {
  const { exportJWK, generateKeyPair, SignJWT } = await import('jose')
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const foreign = await generateKeyPair('RS256')
  const provider = await startKeys(t, [{ ...await exportJWK(publicKey), alg: 'RS256' }])
  const { issuer } = provider
  const app = await build(issuer)
  t.teardown(async () => { await app.close() })

  const sign = async ({ iss = issuer, sub = 'carroll', aud = AUDIENCE, scope = 'items:read', typ = 'at+jwt', expires = '1m', key = privateKey } = {}): Promise<string> =>
    await new SignJWT({ scope, ...sub === '' ? {} : { sub } }).setProtectedHeader({ alg: 'RS256', typ }).setIssuer(iss).setAudience(aud).setExpirationTime(expires).sign(key)
  const ask = async (token: string): Promise<any> => await app.inject({ url: '/items', headers: { authorization: `Bearer ${token}` } })

  const accepted = await ask(await sign())
  t.equal(accepted.statusCode, 200)
  t.strictSame(accepted.json(), [{ name: 'Looking-glass', readBy: 'carroll' }])
  t.equal((await ask(await sign({ scope: 'items:write' }))).statusCode, 403)

  const refused: Record<string, [token: string, description?: string]> = {
    'of another issuer': [await sign({ iss: 'https://provider.example' })],
    'for another API': [await sign({ aud: 'urn:example:other' }), 'The token is not meant for this API'],
    'that is no access token': [await sign({ typ: 'JWT' })],
    'of nobody': [await sign({ sub: '' })],
    'that has expired': [await sign({ expires: '-10s' }), 'The token has expired'],
    'signed by another key': [await sign({ key: foreign.privateKey })],
    'that is no token': ['nonsense']
  }
  for (const [name, [token, description]] of Object.entries(refused)) {
    const response = await ask(token)
    t.equal(response.statusCode, 401, `a token ${name}`)
    const [challenge, ...others] = challengesOf(response)
    t.strictSame(others, [])
    t.match(challenge, /^Bearer error="invalid_token"/, `a token ${name}`)
    t.equal(/error_description="([^"]*)"/.exec(challenge as string)?.[1], description, `a token ${name}`)
  }
})

t.test('a token expires, is no bound one, and outlasts an outage of the provider', async (t) => {
  const { exportJWK, generateKeyPair, CompactSign } = await import('jose')
  const [k1, k2] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')]
  const provider = await startKeys(t, [{ ...await exportJWK(k1.publicKey), kid: 'k1' }, { ...await exportJWK(k2.publicKey), kid: 'k2' }])
  const { issuer } = provider
  const app = await build(issuer)
  t.teardown(async () => { await app.close() })
  const sign = async (claims: string, kid: string | undefined = 'k1'): Promise<string> => await new CompactSign(new TextEncoder().encode(`{"iss":"${issuer}","aud":"${AUDIENCE}","sub":"carroll","scope":"items:read"${claims}}`))
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...kid === '' ? {} : { kid } }).sign(k1.privateKey)
  const ask = async (token: string): Promise<number> => (await app.inject({ url: '/items', headers: { authorization: `Bearer ${token}` } })).statusCode
  const exp = `,"exp":${Math.floor(Date.now() / 1000) + 3600}`

  t.equal(await ask(await sign(exp)), 200)
  t.equal(await ask(await sign('')), 401, 'without exp')
  t.equal(await ask(await sign(',"exp":1e400')), 401, 'with an endless exp')
  t.equal(await ask(await sign(`${exp},"cnf":{"jkt":"x"}`)), 401, 'bound to a key of its client')
  t.equal(await ask(await sign(exp, '')), 401, 'without a kid, where two keys fit')

  provider.isDown = true
  const now = Date.now
  t.intercept(Date, 'now', { value: () => now() + 700_000 })
  t.equal(await ask(await sign(exp)), 200, 'eleven minutes into an outage')
})

t.test('the provider makes tokens for this API and no other', async (t) => {
  const provider = await startProvider(0)
  t.teardown(provider.close)
  await provider.serve('http://localhost:3000')
  const query = new URLSearchParams({ client_id: 'swagger-ui', response_type: 'code', scope: 'items:read', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256', redirect_uri: 'http://localhost:3000/documentation/static/oauth2-redirect.html', resource: 'https://other.example' })
  const response = await fetch(`${provider.issuer}/auth?${query}`, { redirect: 'manual' })
  t.match(response.headers.get('location'), /[?&]error=invalid_target/)
})

t.test('where its port is taken, the program ends', async (t) => {
  const taken = createServer().listen(0, 'localhost')
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  await t.rejects(start((taken.address() as AddressInfo).port, 0), { code: 'EADDRINUSE' })
})

t.test('a provider that cannot be asked is no fault of the token', async (t) => {
  const { generateKeyPair, SignJWT } = await import('jose')
  const provider = await startProvider(0)
  await provider.close()
  const app = await build(provider.issuer)
  t.teardown(async () => { await app.close() })
  const { privateKey } = await generateKeyPair('RS256')
  const token = await new SignJWT({ iss: provider.issuer }).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
  const response = await app.inject({ url: '/items', headers: { authorization: `Bearer ${token}` } })
  t.equal(response.statusCode, 503)
  t.strictSame(response.json(), { statusCode: 503, code: 'FST_AUTH_PROVIDER_UNAVAILABLE', error: 'Service Unavailable', message: 'The provider of the tokens cannot be reached' })
})

t.test('run as a program, it listens on PORT and PROVIDER_PORT and says what to do', async (t) => {
  const program = spawn(process.execPath, [join(__dirname, '../../build/authorization-code.js')], { env: { ...process.env, PORT: '0', PROVIDER_PORT: '0' } })
  t.teardown(() => { program.kill() })
  let said = ''
  program.stdout.on('data', (chunk) => { said += String(chunk) })
  while (!said.includes('asks for consent')) await once(program.stdout, 'data')
  const [, address, issuer] = /The API listens at (\S+), the provider at (\S+)\.\n/.exec(said) ?? []
  t.equal((await fetch(`${address}/items`)).status, 401)
  t.match(await (await fetch(`${issuer}/.well-known/openid-configuration`)).json(), { issuer, code_challenge_methods_supported: ['S256'] })
  const document: any = await (await fetch(`${address}/documentation/json`)).json()
  t.strictSame(document.components.securitySchemes.OAuth2AuthorizationCodeBearer.flows, {
    authorizationCode: { scopes: { 'items:read': 'Read the items', 'items:write': 'Add items' }, authorizationUrl: `${issuer}/auth`, tokenUrl: `${issuer}/token` }
  })
})
