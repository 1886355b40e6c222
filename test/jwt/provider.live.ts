/** A live provider, from discovery to the response. */

import t from 'tap'
import { createJwtVerifier } from '../../lib/jwt/provider'
import { jwtVerifier } from '../../lib/jwt'
import { bearer, challengesOf, createApp } from '../helpers'
import { API, OPAQUE_API, privateJwk, startOidc } from '../oidc/helpers'
import { recordingLog, stoppedClock } from '../provider/helpers'

t.test('the tokens of a login: the access token opens the route, the ID token does not, and oauth4webapi agrees', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  const app = await createApp()
  t.teardown(async () => { await app.close() })
  const users = app.authSchemes.openIdConnect({
    openIdConnectUrl: `${oidc.issuer}/.well-known/openid-configuration`,
    verify: jwtVerifier({ issuer: oidc.issuer, audience: API })
  })
  const account = users.derive({ verify: ({ sub }) => ({ of: sub }) })
  app.get('/items', { security: [{ scheme: users, scopes: ['items:read'] }] }, async (request) => request.auth.user.sub)
  app.get('/delete', { security: [{ scheme: users, scopes: ['items:write'] }] }, async () => 'deleted')
  app.get('/account', { security: [{ scheme: account }] }, async (request) => request.auth.user)
  const ask = async (token: string, url = '/items') => await app.inject({ url, headers: bearer(token) })

  const { access_token: token, id_token: idToken } = await oidc.login()
  for (let n = 0; n < 2; n++) {
    const response = await ask(token)
    t.equal(response.statusCode, 200, response.body)
    t.equal(response.body, 'alice')
  }
  t.strictSame((await ask(token, '/account')).json(), { of: 'alice' })
  const insufficient = await ask(token, '/delete')
  t.equal(insufficient.statusCode, 403)
  t.strictSame(challengesOf(insufficient), ['Bearer error="insufficient_scope", scope="items:write"'])
  t.equal((await ask(idToken)).statusCode, 401, 'an ID token is no access token')

  const oauth = await import('oauth4webapi')
  const server = await oauth.processDiscoveryResponse(new URL(oidc.issuer), await oauth.discoveryRequest(new URL(oidc.issuer), { [oauth.allowInsecureRequests]: true }))
  const request = (sent: string): Request => new Request('https://api.example.com/items', { headers: bearer(sent) })
  const { sub, aud, iss } = await oauth.validateJwtAccessToken(server, request(token), API, { [oauth.allowInsecureRequests]: true })
  const verify = jwtVerifier({ issuer: oidc.issuer, audience: API })
  t.match(await verify(token, recordingLog().context), { sub, aud, iss })
  await t.rejects(oauth.validateJwtAccessToken(server, request(idToken), API, { [oauth.allowInsecureRequests]: true }))

  const lenient = jwtVerifier({ issuer: oidc.issuer, audience: API, typ: 'JWT' })
  const { context } = recordingLog()
  t.match(await lenient(token, context), { sub: 'alice' })
  await t.rejects(async () => await lenient(idToken, context), { message: 'The token is not meant for this API' }, 'its audience is the client')
})

t.test('a wrong setting shows itself in one line that names the option', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  const token = await oidc.token()
  const { context, warnings } = recordingLog()
  const verify = jwtVerifier({ issuer: oidc.issuer, audience: 'https://other.example.com' })
  for (let n = 0; n < 3; n++) await t.rejects(async () => await verify(token, context), { message: 'The token is not meant for this API' })
  t.strictSame(warnings(), [`A token of the trusted issuer is refused, as its \`aud\` is "${API}": let the provider name this API in \`aud\`, or change the option \`audience\``])
})

t.test('keys are rotated: [k1], [k2, k1], [k2]', async (t) => {
  const oidc = await startOidc(t)
  const [k1, k2] = [await privateJwk('k1'), await privateJwk('k2')]
  const clock = stoppedClock()
  const verify = createJwtVerifier({ issuer: oidc.issuer, audience: API }, clock)
  const { context } = recordingLog()
  oidc.serve(k1)
  const first = await oidc.token()
  const claims = await verify(first, context)
  t.match(claims, { sub: 'a client', scopes: ['items:read'] })
  t.equal(verify(first, context), claims)

  oidc.serve(k2, k1)
  clock.move(31_000)
  const second = await oidc.token()
  t.match(await verify(second, context), { sub: 'a client' })
  t.match(await verify(first, context), { sub: 'a client' })
  t.notOk(verify(first, context) instanceof Promise)

  oidc.serve(k2)
  clock.move(599_999)
  t.notOk(verify(first, context) instanceof Promise, 'until the next fetch')
  clock.move(1)
  t.equal(await verify(first, context), null, 'the withdrawn key takes its token along')
  t.match(await verify(second, context), { sub: 'a client' })
})

t.test('an opaque token is no JWT', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  t.equal(await jwtVerifier({ issuer: oidc.issuer, audience: OPAQUE_API })(await oidc.token(OPAQUE_API), recordingLog().context), null)
})
