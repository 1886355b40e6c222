/** The token endpoint as a standard client sees it: oauth4webapi, unmodified, with the checks and errors of its own. */

import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import type * as OAuth from 'oauth4webapi'
import { authSchemes } from '../../lib'
import { build, demo } from '../../example/server'
import { basic } from '../helpers'

const insecure = async (): Promise<any> => {
  const oauth = await import('oauth4webapi')
  // The servers listen on this machine, without TLS.
  return { oauth, http: { [oauth.allowInsecureRequests]: true } }
}

async function listening (t: { teardown: (callback: () => Promise<void>) => void }, app: FastifyInstance): Promise<OAuth.AuthorizationServer> {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  return { issuer: address, token_endpoint: `${address}/token` }
}

/** The error that the client made of an answer. */
async function errorOf (promise: Promise<unknown>): Promise<{ name: string, error: string, status: number, error_description: string }> {
  try {
    await promise
  } catch (error) {
    const { constructor, error: code, status, error_description: description, cause } = error as any
    return { name: constructor.name, error: code ?? cause?.[0]?.scheme, status: status ?? (error as any).response?.status, error_description: description }
  }
  return { name: 'none', error: '', status: 200, error_description: '' }
}

t.test('client credentials, against the example server', async (t) => {
  const { oauth, http } = await insecure()
  const as = await listening(t, await build())
  const client: OAuth.Client = { client_id: demo.clientId }
  const ask = async (auth: OAuth.ClientAuth, scope = 'items:read'): Promise<OAuth.TokenEndpointResponse> =>
    await oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, { scope }, http))

  for (const auth of [oauth.ClientSecretBasic(demo.clientSecret), oauth.ClientSecretPost(demo.clientSecret)]) {
    const result = await ask(auth)
    t.match(result, { token_type: 'bearer', expires_in: 1800 })
    t.notOk('scope' in result, 'what was granted is what was asked for')
    const opened = await oauth.protectedResourceRequest(result.access_token, 'GET', new URL(`${as.issuer}/items`), undefined, undefined, http)
    t.equal(opened.status, 200)
  }
  t.equal((await ask(oauth.ClientSecretBasic(demo.clientSecret), 'items:read items:fly')).scope, 'items:read')
  t.match(await errorOf(ask(oauth.ClientSecretBasic('wrong'))), { name: 'WWWAuthenticateChallengeError', error: 'basic', status: 401 })
  t.match(await errorOf(ask(oauth.ClientSecretPost('wrong'))), { name: 'WWWAuthenticateChallengeError', status: 401 })
  t.match(await errorOf(ask(oauth.None())), { name: 'WWWAuthenticateChallengeError', status: 401 })
})

t.test('password and refresh, against the example server', async (t) => {
  const { oauth, http } = await insecure()
  const as = await listening(t, await build())
  const client: OAuth.Client = { client_id: demo.clientId }
  const auth = oauth.ClientSecretBasic(demo.clientSecret)
  const login = async (password: string): Promise<OAuth.TokenEndpointResponse> => await oauth.processGenericTokenEndpointResponse(as, client,
    await oauth.genericTokenEndpointRequest(as, client, auth, 'password', { username: demo.username, password, scope: 'items:read items:write' }, http))
  const refresh = async (token: string, scope = ''): Promise<OAuth.TokenEndpointResponse> => await oauth.processRefreshTokenResponse(as, client,
    await oauth.refreshTokenGrantRequest(as, client, auth, token, { additionalParameters: scope === '' ? {} : { scope }, ...http }))
  const opens = async (token: string): Promise<number> => (await fetch(`${as.issuer}/items`, { headers: { authorization: `Bearer ${token}` } })).status

  t.match(await errorOf(login('wrong')), { name: 'ResponseBodyError', error: 'invalid_grant', status: 400, error_description: 'Incorrect username or password' })
  const first = await login(demo.password)
  t.notOk('scope' in first)
  const second = await refresh(first.refresh_token as string, 'items:read')
  t.equal(await opens(second.access_token), 200)
  t.match(await errorOf(refresh(second.refresh_token as string, 'items:fly')), { name: 'ResponseBodyError', error: 'invalid_scope' })
  const other = await oauth.refreshTokenGrantRequest(as, { client_id: demo.webClientId }, oauth.None(), second.refresh_token as string, http)
  t.match(await errorOf(oauth.processRefreshTokenResponse(as, client, other)), { name: 'ResponseBodyError', error: 'invalid_grant', error_description: 'The refresh token is unknown or has expired' })
  t.match(await refresh(second.refresh_token as string, 'items:write'), { scope: undefined }, 'neither too many scopes nor another client used it up')
  const again = await login(demo.password)
  const third = await refresh(again.refresh_token as string)
  t.equal(third.scope, 'items:read items:write')
  t.match(await errorOf(refresh(again.refresh_token as string)), { name: 'ResponseBodyError', error: 'invalid_grant', error_description: 'The refresh token was used before' })
  for (const token of [again.access_token, third.access_token]) t.equal(await opens(token), 401, 'the family is revoked')
  t.match(await errorOf(refresh(third.refresh_token as string)), { name: 'ResponseBodyError', error: 'invalid_grant' })
  t.equal(await opens(second.access_token), 200, 'other families are not')
  t.match(await errorOf(refresh('unknown')), { error: 'invalid_grant', error_description: 'The refresh token is unknown or has expired' })
})

t.test('authorization code with PKCE, against the example server', async (t) => {
  const { oauth, http } = await insecure()
  const as = await listening(t, await build())
  const redirectUri = demo.redirectUri
  const client: OAuth.Client = { client_id: demo.webClientId }

  /** Returns the response with which the example server redirects a user who has logged in. */
  async function authorize (verifier: string, change: Record<string, string> = {}): Promise<Response> {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: demo.webClientId,
      redirect_uri: redirectUri,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      scope: 'items:read items:fly',
      state: 'state',
      ...change
    })
    return await fetch(`${as.issuer}/authorize?${query.toString()}`, { redirect: 'manual', headers: basic(`${demo.username}:${demo.password}`) })
  }
  const opens = async (token: string): Promise<number> => (await fetch(`${as.issuer}/items`, { headers: { authorization: `Bearer ${token}` } })).status
  let repeat = async (): Promise<unknown> => await Promise.reject(new Error('nothing was exchanged'))
  async function exchange (change: { code?: string, verifier?: string, auth?: OAuth.ClientAuth, redirectUri?: string } = {}): Promise<OAuth.TokenEndpointResponse> {
    const verifier = oauth.generateRandomCodeVerifier()
    const callback = new URL((await authorize(verifier)).headers.get('location') as string)
    t.ok(callback.href.startsWith(redirectUri))
    if (change.code !== undefined) callback.searchParams.set('code', change.code)
    const parameters = oauth.validateAuthResponse(as, client, callback, 'state')
    const send = async (): Promise<OAuth.TokenEndpointResponse> => await oauth.processAuthorizationCodeResponse(as, client,
      await oauth.authorizationCodeGrantRequest(as, client, change.auth ?? oauth.None(), parameters, change.redirectUri ?? redirectUri, change.verifier ?? verifier, http))
    repeat = send
    return await send()
  }
  const result = await exchange()
  t.match(result, { token_type: 'bearer', scope: 'items:read' })
  t.equal(await opens(result.access_token), 200)
  const refused = { name: 'ResponseBodyError', error: 'invalid_grant', status: 400, error_description: 'The code is not valid for this client' }
  const next = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, oauth.None(), result.refresh_token as string, http))
  t.match(await errorOf(repeat()), refused, 'a code is used once')
  for (const token of [result.access_token, next.access_token]) t.equal(await opens(token), 401, 'what came of it is revoked')
  t.match(await errorOf(exchange({ code: 'wrong' })), refused)
  t.match(await errorOf(exchange({ verifier: oauth.generateRandomCodeVerifier() })), refused)
  t.match(await errorOf(exchange({ redirectUri: `${redirectUri}/` })), refused)
  t.match(await errorOf(exchange({ auth: oauth.ClientSecretPost('a secret it does not have') })), { name: 'WWWAuthenticateChallengeError', error: 'basic', status: 401 })
  t.equal((await authorize('x', { redirect_uri: 'https://evil.example' })).status, 400)
  t.equal((await authorize('x', { code_challenge_method: 'plain' })).status, 400)
  t.equal((await fetch(`${as.issuer}/authorize`)).status, 401)
})

t.test('a grant without a handler, and a secret that must be form-encoded', async (t) => {
  const { oauth, http } = await insecure()
  const app = Fastify()
  await app.register(authSchemes)
  app.tokenForm('/token', {
    authenticateClient: (id, secret) => id === 'a b' && secret === 'ü %+:',
    grants: { client_credentials: () => ({ access_token: 'token', token_type: 'bearer', scopes: ['read'] }) }
  })
  const as = await listening(t, app)
  const client: OAuth.Client = { client_id: 'a b' }
  for (const auth of [oauth.ClientSecretBasic('ü %+:'), oauth.ClientSecretPost('ü %+:')]) {
    t.match(await oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)), { access_token: 'token', scope: 'read' })
  }
  const unsupported = await oauth.genericTokenEndpointRequest(as, client, oauth.ClientSecretBasic('ü %+:'), 'urn:ietf:params:oauth:grant-type:device_code', {}, http)
  t.match(await errorOf(oauth.processGenericTokenEndpointResponse(as, client, unsupported)), { name: 'ResponseBodyError', error: 'unsupported_grant_type' })
})

t.test('metadata without a login leads a program to its token, and is refused by the client that logs users in', async (t) => {
  const { oauth, http } = await insecure()
  const { discoverAuthorizationServerMetadata } = await import('@modelcontextprotocol/client')
  const app = Fastify()
  await app.register(authSchemes)
  let issuer = ''
  app.get('/.well-known/oauth-authorization-server', { security: [] }, async () => ({
    issuer,
    token_endpoint: `${issuer}/token`,
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    scopes_supported: ['read']
  }))
  app.tokenForm('/token', {
    authenticateClient: (id, secret) => id === 'job' && secret === 's3cret',
    grants: { client_credentials: ({ scopes }) => ({ access_token: 'token', token_type: 'bearer', scopes }) }
  })
  issuer = (await listening(t, app)).issuer
  const at = new URL(issuer)
  const as = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, { algorithm: 'oauth2', ...http }))
  const client: OAuth.Client = { client_id: 'job' }
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic('s3cret'), { scope: 'read' }, http)
  t.match(await oauth.processClientCredentialsResponse(as, client, response), { access_token: 'token' })
  await t.rejects(discoverAuthorizationServerMetadata(issuer), /authorization_endpoint/)
})
