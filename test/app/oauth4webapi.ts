/** The token endpoint as a standard client sees it: oauth4webapi, unmodified, with the checks and errors of its own. */

import t from 'tap'
import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import type * as OAuth from 'oauth4webapi'
import { OAuth2Error, authSchemes, constantTimeEqual, verifyPkce } from '../../lib'
import { build, demo } from '../../example/server'

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
  const again = await login(demo.password)
  const third = await refresh(again.refresh_token as string)
  t.equal(third.scope, 'items:read items:write')
  t.match(await errorOf(refresh(again.refresh_token as string)), { name: 'ResponseBodyError', error: 'invalid_grant', error_description: 'The refresh token was used before' })
  for (const token of [again.access_token, third.access_token]) t.equal(await opens(token), 401, 'the family is revoked')
  t.match(await errorOf(refresh(third.refresh_token as string)), { name: 'ResponseBodyError', error: 'invalid_grant' })
  t.equal(await opens(second.access_token), 200, 'other families are not')
  t.match(await errorOf(refresh('unknown')), { error: 'invalid_grant', error_description: 'The refresh token is unknown or has expired' })
})

t.test('authorization code with PKCE', async (t) => {
  const { oauth, http } = await insecure()
  const app = Fastify()
  await app.register(authSchemes)
  const codes = new Map<string, { challenge: string, redirectUri: string, client: string }>()
  app.tokenForm('/token', {
    authenticateClient: (id, secret) => id === 'public' ? secret === undefined : id === 'web' && constantTimeEqual(secret ?? '', 'web secret %+'),
    grants: {
      authorization_code (form) {
        const found = codes.get(form.code)
        codes.delete(form.code)
        if (found?.client !== form.client_id || found.redirectUri !== form.redirect_uri) throw new OAuth2Error('invalid_grant', 'The code is unknown')
        if (!verifyPkce(form.code_verifier, found.challenge)) throw new OAuth2Error('invalid_grant', 'The code verifier is wrong')
        return { access_token: 'token', token_type: 'bearer', scopes: ['read'] }
      }
    }
  })
  const as = await listening(t, app)
  const redirectUri = 'http://127.0.0.1/callback'
  async function exchange (id: string, auth: OAuth.ClientAuth, change: { code?: string, verifier?: string } = {}): Promise<OAuth.TokenEndpointResponse> {
    const client: OAuth.Client = { client_id: id }
    const verifier = oauth.generateRandomCodeVerifier()
    const code = randomBytes(8).toString('hex')
    codes.set(code, { challenge: await oauth.calculatePKCECodeChallenge(verifier), redirectUri, client: id })
    const parameters = oauth.validateAuthResponse(as, client, new URLSearchParams({ code: change.code ?? code }))
    return await oauth.processAuthorizationCodeResponse(as, client,
      await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, change.verifier ?? verifier, http))
  }
  t.match(await exchange('public', oauth.None()), { access_token: 'token', scope: 'read' })
  t.match(await exchange('web', oauth.ClientSecretBasic('web secret %+')), { access_token: 'token' })
  t.match(await exchange('web', oauth.ClientSecretPost('web secret %+')), { access_token: 'token' })
  t.match(await errorOf(exchange('web', oauth.None())), { name: 'WWWAuthenticateChallengeError', status: 401 }, 'a client that has a secret must use it')
  t.match(await errorOf(exchange('web', oauth.ClientSecretBasic('wrong'))), { name: 'WWWAuthenticateChallengeError', status: 401 })
  t.match(await errorOf(exchange('public', oauth.None(), { code: 'wrong' })), { name: 'ResponseBodyError', error: 'invalid_grant' })
  t.match(await errorOf(exchange('public', oauth.None(), { verifier: oauth.generateRandomCodeVerifier() })), { name: 'ResponseBodyError', error: 'invalid_grant', error_description: 'The code verifier is wrong' })
  const unsupported = oauth.genericTokenEndpointRequest(as, { client_id: 'public' }, oauth.None(), 'urn:ietf:params:oauth:grant-type:device_code', {}, http)
  t.match(await errorOf(oauth.processGenericTokenEndpointResponse(as, { client_id: 'public' }, await unsupported)), { name: 'ResponseBodyError', error: 'unsupported_grant_type' })
})
