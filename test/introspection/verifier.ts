import t from 'tap'
import { createIntrospectionVerifier } from '../../lib/introspection/verifier'
import { FAILURES, json, processWarnings, recordingLog, startProvider, stoppedClock, type FakeProvider } from '../provider/helpers'

const AUDIENCE = 'https://api.example.com'
const OPTIONS = { client: { id: 'api', secret: 's3cret' }, audience: AUDIENCE }
const PLACE = { endpoint: 'https://login.example.com/introspect' }
const BAD = (message: string) => ({ name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `introspectionVerifier: ${message}` })

/** Answers by token. */
function serve (provider: FakeProvider, tokens: Record<string, object>): void {
  provider.routes.set('/introspect', (_request, response, body) => {
    json(response, 200, tokens[new URLSearchParams(body).get('token') as string] ?? { active: false })
  })
}

const active = (claims: object = {}): object => ({ active: true, aud: AUDIENCE, sub: 'alice', scope: 'items:read', ...claims })

t.test('bad options', async (t) => {
  const make = (options: object) => () => createIntrospectionVerifier({ ...OPTIONS, ...PLACE, ...options }, Date.now)
  for (const options of [OPTIONS, { ...OPTIONS, ...PLACE, issuer: 'https://login.example.com' }]) {
    t.throws(() => createIntrospectionVerifier(options, Date.now), BAD('one of the options `endpoint` and `issuer` is required, and not both'))
  }
  for (const value of [undefined, null, 'x', []]) t.throws(() => createIntrospectionVerifier(value, Date.now), BAD('the options must be an object'))
  for (const key of ['client', 'audience']) t.throws(() => createIntrospectionVerifier(Object.fromEntries(Object.entries({ ...OPTIONS, ...PLACE }).filter(([name]) => name !== key)), Date.now), BAD(`the option \`${key}\` is required`))
  for (const key of ['endpoint', 'client', 'audience', 'claims', 'maxAge', 'cache', 'fetch', 'timeout']) {
    t.throws(make({ [key]: undefined }), BAD(`the option \`${key}\` is undefined`))
    if (key !== 'audience') t.throws(make({ [key]: null }), { code: 'FST_AUTH_BAD_OPTION' }, key)
  }
  t.throws(make({ typ: 'JWT' }), BAD('there is no option `typ`: it takes client, audience, endpoint, issuer, claims, maxAge, cache, fetch, timeout'))
  for (const endpoint of ['http://login.example.com/introspect', '', 'https://a@b.example']) t.throws(make({ endpoint }), { code: 'FST_AUTH_BAD_OPTION' })
  t.throws(() => createIntrospectionVerifier({ ...OPTIONS, issuer: 'https://login.example.com?a' }, Date.now), { code: 'FST_AUTH_BAD_OPTION' })
  for (const key of ['maxAge', 'cache']) for (const value of [-1, 1.5, Infinity, '5']) t.throws(make({ [key]: value }), { code: 'FST_AUTH_BAD_OPTION' })
  t.doesNotThrow(make({ endpoint: 'https://login.example.com/introspect?tenant=a' }))
})

t.test('an active token gives its claims, frozen; each request asks anew', async (t) => {
  const provider = await startProvider(t)
  const tokens: Record<string, object> = { good: active({ roles: ['a'] }) }
  serve(provider, tokens)
  const verify = createIntrospectionVerifier({ ...OPTIONS, endpoint: `${provider.issuer}/introspect` }, Date.now)
  const { lines, context } = recordingLog()
  for (const credentials of ['good', 'Bearer good', { scheme: 'Bearer', credentials: 'good' }]) {
    const claims: any = await verify(credentials, context)
    t.strictSame(claims, { ...active({ roles: ['a'] }), scopes: ['items:read'] })
    t.throws(() => { claims.sub = 'root' }, TypeError)
    t.throws(() => { claims.roles.push('admin') }, TypeError)
  }
  t.equal(provider.asked.length, 3)
  delete tokens.good
  t.equal(await verify('good', context), null, 'revoking works at once')
  t.strictSame(lines, [{ level: 'debug', message: 'A token is refused', reason: 'it is not active', issuer: '' }])
  t.equal(await verify('a b', context), null)
  t.equal(await verify('x'.repeat(16 * 1024 + 1), context), null)
  t.equal(provider.asked.length, 4, 'what is no token is not asked about')
})

t.test('refused tokens, with their reason in the log', async (t) => {
  const provider = await startProvider(t)
  serve(provider, { other: active({ aud: 'other' }), nobody: active({ aud: undefined }), old: active({ exp: 5 }), bound: active({ cnf: {} }), unwanted: active({ tid: 'b' }), good: active({ tid: 'a' }) })
  const verify = createIntrospectionVerifier({ ...OPTIONS, endpoint: `${provider.issuer}/introspect`, claims: ({ tid }: any) => tid === 'a' }, Date.now)
  const { lines, warnings, context } = recordingLog()
  t.match(await verify('good', context), { tid: 'a' })
  for (const token of ['other', 'nobody']) await t.rejects(async () => await verify(token, context), { code: 'FST_AUTH_INVALID_CREDENTIALS', message: 'The token is not meant for this API' })
  await t.rejects(async () => await verify('old', context), { statusCode: 401, message: 'The token has expired' })
  for (const token of ['bound', 'unwanted']) t.equal(await verify(token, context), null)
  t.equal(warnings().length, 3)
  t.notOk(lines.some((line) => JSON.stringify(line).includes('unwanted')))
})

t.test('with maxAge an answer is used again, without a promise, never past it and never past exp', async (t) => {
  const provider = await startProvider(t)
  const clock = stoppedClock()
  const exp = Math.floor(clock() / 1000) + 30
  serve(provider, { good: active(), short: active({ exp }) })
  const verify = createIntrospectionVerifier({ ...OPTIONS, endpoint: `${provider.issuer}/introspect`, maxAge: 60_000 }, clock)
  const { context } = recordingLog()
  const claims = await verify('good', context)
  await verify('short', context)
  t.equal(await verify('bad', context), null)
  t.equal(provider.asked.length, 3)
  t.equal(verify('good', context), claims)
  const asks = async (token: string): Promise<void> => {
    const before = provider.asked.length
    const outcome = verify(token, context)
    t.ok(outcome instanceof Promise)
    await outcome
    t.equal(provider.asked.length, before + 1)
  }
  await asks('bad')
  clock.move(exp * 1000 - clock())
  await asks('short')
  t.equal(verify('good', context), claims)
  clock.move(60_000)
  await asks('good')
  const without = createIntrospectionVerifier({ ...OPTIONS, endpoint: `${provider.issuer}/introspect`, maxAge: 60_000, cache: 0 }, clock)
  const before = provider.asked.length
  await without('good', context)
  await without('good', context)
  t.equal(provider.asked.length, before + 2)
})

t.test('the same token asked about at once is asked about once', async (t) => {
  const provider = await startProvider(t)
  serve(provider, { good: active() })
  const verify = createIntrospectionVerifier({ ...OPTIONS, endpoint: `${provider.issuer}/introspect` }, Date.now)
  const { lines, context } = recordingLog()
  const all = await Promise.all([...Array.from({ length: 50 }, () => 'good'), 'bad', 'bad'].map(async (token) => await verify(token, context)))
  t.equal(all.filter((user) => user !== null).length, 50)
  t.equal(provider.asked.length, 2)
  t.equal(lines.length, 2)
  provider.failure = FAILURES['the status 500'] as FakeProvider['failure']
  const outcomes = await Promise.allSettled([verify('good', context), verify('good', context)])
  t.strictSame(outcomes.map(({ status }) => status), ['rejected', 'rejected'])
  provider.failure = null
  t.ok(await verify('good', context))
})

t.test('the endpoint may come from the metadata of an issuer, whose name an answer must have', async (t) => {
  const warnings = processWarnings(t)
  const provider = await startProvider(t)
  serve(provider, { ours: active({ iss: provider.issuer, aud: undefined }), silent: active(), theirs: active({ iss: 'https://other.example' }) })
  const verify = createIntrospectionVerifier({ client: { token: 'x' }, audience: null, issuer: provider.issuer }, Date.now)
  t.strictSame(warnings, [`introspectionVerifier: \`audience\` is null, so tokens for every API of ${provider.issuer} are accepted`])
  t.strictSame(provider.asked, [])
  const { context, warnings: logged } = recordingLog()
  await verify.prepare()
  t.strictSame(provider.asked, ['GET /.well-known/openid-configuration'])
  t.match(await verify('ours', context), { sub: 'alice' })
  t.match(await verify('silent', context), { sub: 'alice' })
  t.equal(await verify('theirs', context), null)
  t.match(logged()[0], /as its `iss` is "https:\/\/other.example": change the option `issuer`/)
  t.equal(provider.asked.filter((line) => line.startsWith('GET')).length, 1)

  await provider.close()
  const down = createIntrospectionVerifier({ ...OPTIONS, issuer: provider.issuer }, Date.now)
  await t.rejects(down.prepare(), { code: 'FST_AUTH_PROVIDER_UNAVAILABLE' })
  await t.rejects(async () => await down('ours', context), { code: 'FST_AUTH_PROVIDER_UNAVAILABLE' })
  await t.rejects(async () => await verify('ours', context), { code: 'FST_AUTH_PROVIDER_UNAVAILABLE' })
  await provider.open()
  t.match(await verify('ours', context), { sub: 'alice' }, 'it recovers at once')
})
