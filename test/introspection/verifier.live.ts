/** A live provider's opaque tokens: good, revoked, expired. */

import t from 'tap'
import { introspectionVerifier } from '../../lib/introspection'
import { bearer, challengesOf, createApp } from '../helpers'
import { API, CLIENT, OPAQUE_API, privateJwk, startOidc } from '../oidc/helpers'
import { recordingLog } from '../provider/helpers'

t.test('a token opens the route until it is revoked or has expired', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  const app = await createApp()
  t.teardown(async () => { await app.close() })
  const opaque = app.authSchemes.httpBearer({ verify: introspectionVerifier({ issuer: oidc.issuer, client: CLIENT, audience: OPAQUE_API }) })
  app.get('/', { security: [{ scheme: opaque, scopes: ['items:read'] }] }, async (request) => request.auth.user.client_id ?? '')
  app.get('/write', { security: [{ scheme: opaque, scopes: ['items:write'] }] }, async () => 'written')
  const ask = async (token: string, url = '/') => await app.inject({ url, headers: bearer(token) })

  const [token, another] = [await oidc.token(OPAQUE_API), await oidc.token(OPAQUE_API)]
  const accepted = await ask(token)
  t.equal(accepted.statusCode, 200, accepted.body)
  t.equal(accepted.body, CLIENT.id)
  t.equal((await ask(token, '/write')).statusCode, 403)
  t.equal((await ask('junk')).statusCode, 401)
  await oidc.revoke(token)
  const revoked = await ask(token)
  t.equal(revoked.statusCode, 401)
  t.strictSame(challengesOf(revoked), ['Bearer error="invalid_token", scope="items:read"'])
  t.equal((await ask(another)).statusCode, 200)

  const { access_token: ofAlice } = await oidc.login(OPAQUE_API)
  t.equal((await ask(ofAlice)).statusCode, 200)
})

t.test('a token that has expired is refused', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  const audience = `${OPAQUE_API}/short`
  const verify = introspectionVerifier({ issuer: oidc.issuer, client: CLIENT, audience, maxAge: 60_000 })
  const { context } = recordingLog()
  const token = await oidc.token(audience)
  t.match(await verify(token, context), { client_id: CLIENT.id })
  await new Promise((resolve) => { setTimeout(resolve, 2100) })
  t.equal(await verify(token, context), null, 'though kept')
})

t.test('a token for another API is refused', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  const app = await createApp()
  t.teardown(async () => { await app.close() })
  const opaque = app.authSchemes.httpBearer({ verify: introspectionVerifier({ issuer: oidc.issuer, client: CLIENT, audience: API }) })
  app.get('/', { security: [{ scheme: opaque }] }, async () => 'ok')
  const response = await app.inject({ url: '/', headers: bearer(await oidc.token(OPAQUE_API)) })
  t.equal(response.statusCode, 401)
  t.strictSame(challengesOf(response), ['Bearer error="invalid_token", error_description="The token is not meant for this API"'])
})

t.test('wrong credentials of ours are 500, and no fault of the token', async (t) => {
  const oidc = await startOidc(t)
  oidc.serve(await privateJwk('k1'))
  const log: string[] = []
  const app = await createApp({ server: { logger: { level: 'error', stream: { write (line: string) { log.push(line) } } } } })
  t.teardown(async () => { await app.close() })
  const opaque = app.authSchemes.httpBearer({ verify: introspectionVerifier({ issuer: oidc.issuer, client: { ...CLIENT, secret: 'wrong' }, audience: OPAQUE_API }) })
  app.get('/', { security: [{ scheme: opaque }, {}] }, async () => 'ok')
  const token = await oidc.token(OPAQUE_API)
  const response = await app.inject({ url: '/', headers: bearer(token) })
  t.equal(response.statusCode, 500)
  t.strictSame(response.json(), { statusCode: 500, code: 'FST_AUTH_VERIFY_FAILED', error: 'Internal Server Error', message: 'The provider of the tokens refuses the credentials of this server' })
  t.equal(log.length, 1)
  t.notOk(log[0]?.includes(token))
})
