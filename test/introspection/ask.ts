import t from 'tap'
import { introspect } from '../../lib/introspection/ask'
import { askerOf } from '../../lib/provider/ask'
import { FAILURES, json, startProvider } from '../provider/helpers'

const credentials = (): string => 'Basic YTpi'

t.test('what is asked, and what an active token gives', async (t) => {
  const provider = await startProvider(t)
  let seen: object = {}
  provider.routes.set('/introspect', ({ method, headers }, response, body) => {
    seen = { method, authorization: headers.authorization, type: headers['content-type'], body }
    json(response, 200, { active: true, sub: 'alice' })
  })
  const url = `${provider.issuer}/introspect`
  t.strictSame(await introspect(askerOf('x', {}), url, credentials, 'a+b&c=d'), { claims: { active: true, sub: 'alice' } })
  t.strictSame(seen, { method: 'POST', authorization: 'Basic YTpi', type: 'application/x-www-form-urlencoded', body: 'token=a%2Bb%26c%3Dd&token_type_hint=access_token' })
})

t.test('only true is active', async (t) => {
  const provider = await startProvider(t)
  const url = `${provider.issuer}/introspect`
  for (const active of [false, undefined, null, 1, 'true', [true], {}]) {
    provider.routes.set('/introspect', { active, sub: 'alice' })
    t.strictSame(await introspect(askerOf('x', {}), url, credentials, 'a'), { refused: { reason: 'it is not active' } })
  }
  provider.routes.set('/introspect', (_request, response) => { json(response, 200, `{"active":true,"a":${'['.repeat(40)}${']'.repeat(40)}}`) })
  t.strictSame(await introspect(askerOf('x', {}), url, credentials, 'a'), { refused: { reason: 'its members are nested too deep' } })
  provider.routes.set('/introspect', (_request, response) => { json(response, 200, '{"active":true,"__proto__":{"sub":"root"}}') })
  t.strictSame(await introspect(askerOf('x', {}), url, credentials, 'a'), { refused: { reason: 'its members are nested too deep' } })
})

t.test('a refused client is our fault, another 4xx the token\'s', async (t) => {
  const provider = await startProvider(t)
  const url = `${provider.issuer}/introspect`
  const respond = (status: number, body: unknown): void => { provider.routes.set('/introspect', (_request, response) => { json(response, status, body) }) }
  const ours = { code: 'FST_AUTH_VERIFY_FAILED', statusCode: 500, message: 'The provider of the tokens refuses the credentials of this server' }
  for (const [status, body] of [[401, ''], [401, { error: 'x' }], [400, { error: 'invalid_client' }], [403, { error: 'invalid_client' }]] as const) {
    respond(status, body)
    await t.rejects(introspect(askerOf('x', {}), url, credentials, 'a'), ours)
  }
  for (const [status, body] of [[400, ''], [400, { error: 'invalid_request' }], [400, 'null'], [403, '<p>'], [404, '{}'], [422, '[]'], [499, '5']] as const) {
    respond(status, body)
    t.match(await introspect(askerOf('x', {}), url, credentials, 'a'), { refused: { reason: `the introspection endpoint responded with ${status}`, cure: /^some endpoints respond so/ } })
  }
})

t.test('no answer is no fault of the token', async (t) => {
  const provider = await startProvider(t)
  const url = `${provider.issuer}/introspect`
  const asker = askerOf('x', { timeout: 200 })
  const unavailable = { code: 'FST_AUTH_PROVIDER_UNAVAILABLE', statusCode: 503, message: 'The provider of the tokens cannot be reached', headers: { 'retry-after': '5' }, cause: Error }
  for (const name of ['the status 500', 'no answer', 'half an answer', '10 MiB', 'HTML', 'no JSON object', 'a redirect']) {
    provider.failure = FAILURES[name] as typeof provider.failure
    await t.rejects(introspect(asker, url, credentials, 'a'), unavailable, name)
  }
  for (const status of [201, 204, 500, 503, 599]) {
    provider.failure = (_request, response) => { json(response, status, { active: true, error: 'invalid_client' }) }
    await t.rejects(introspect(asker, url, credentials, 'a'), unavailable, String(status))
  }
  await t.rejects(introspect(asker, url, () => { throw new Error('no token') }, 'a'), { ...unavailable, cause: { message: 'no token' } })
  await provider.close()
  await t.rejects(introspect(asker, url, credentials, 'a'), unavailable, 'refused')
  await provider.open()
})
