/** A provider that is down: 503 before its keys are known, then its known keys, and never 401. */

import t from 'tap'
import type { LightMyRequestResponse } from 'fastify'
import { createJwtVerifier } from '../../lib/jwt/provider'
import { bearer, challengesOf, createApp } from '../helpers'
import { FAILURES, stoppedClock } from '../provider/helpers'
import { AUDIENCE, createKey, seconds, startIssuer, type FakeIssuer } from './helpers'

const SECOND = 1000
const MINUTE = 60 * SECOND

const UNAVAILABLE = { statusCode: 503, code: 'FST_AUTH_PROVIDER_UNAVAILABLE', error: 'Service Unavailable', message: 'The provider of the tokens cannot be reached' }

async function appFor (issuer: FakeIssuer, options: object = {}) {
  const clock = stoppedClock()
  const log: string[] = []
  const app = await createApp({ server: { logger: { level: 'info', stream: { write (line: string) { log.push(line) } } } } })
  const users = app.authSchemes.openIdConnect({
    openIdConnectUrl: `${issuer.issuer}/.well-known/openid-configuration`,
    verify: createJwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE, timeout: 300, ...options }, clock)
  })
  let handled = 0
  const handler = async (): Promise<string> => { handled++; return 'ok' }
  app.get('/', { security: [{ scheme: users }] }, handler)
  app.get('/optional', { security: [{ scheme: users }, {}] }, handler)
  app.get('/either', { security: [{ scheme: users }, { scheme: app.authSchemes.apiKeyHeader({ name: 'x-key', verify: () => ({ id: 1 }) }) }] }, handler)
  const ask = async (token: string, url = '/', more = {}) => await app.inject({ url, headers: { ...bearer(token), ...more } })
  return { app, clock, log, ask, handled: () => handled }
}

const down: Record<string, (issuer: FakeIssuer) => Promise<void>> = {
  'refused connections': async (issuer) => { await issuer.close() },
  ...Object.fromEntries(Object.entries(FAILURES).map(([name, failure]) => [name, async (issuer: FakeIssuer) => { issuer.failure = failure }]))
}

async function up (issuer: FakeIssuer): Promise<void> {
  if (issuer.failure === null) await issuer.open()
  issuer.failure = null
}

for (const [name, fail] of Object.entries(down)) {
  t.test(name, async (t) => {
    const [key, other] = [await createKey('k1'), await createKey('k2')]
    const issuer = await startIssuer(t, key)
    const { app, clock, log, ask, handled } = await appFor(issuer)
    t.teardown(async () => { await app.close() })
    const lasting = { exp: seconds() + 100_000 }
    const [token, unknown] = [await issuer.token(key, lasting), await issuer.token(other, lasting)]
    const isRefused = (response: LightMyRequestResponse, where: string): void => {
      t.equal(response.statusCode, 503, where)
      t.strictSame(response.json(), UNAVAILABLE, where)
      t.equal(response.headers['retry-after'], '5', where)
      t.strictSame(challengesOf(response), [], where)
    }

    await fail(issuer)
    isRefused(await ask(token), 'at boot')
    for (const url of ['/', '/optional', '/either']) isRefused(await ask(token, url, { 'x-key': 'k' }), `at boot, ${url}`)
    t.equal(handled(), 0)
    t.ok(log.some((line) => line.includes('"level":50') && line.includes('"stack"')), 'the cause is in the log')
    t.notOk(log.some((line) => line.includes(token)), 'the token is not')

    await up(issuer)
    clock.move(5 * SECOND)
    t.equal((await ask(token)).statusCode, 200)
    await fail(issuer)
    t.equal((await ask(unknown)).statusCode, 401, 'just fetched: the key is not the provider\'s')

    clock.move(10 * MINUTE)
    const before = issuer.asked.length
    const all = await Promise.all(Array.from({ length: 200 }, async () => await ask(token)))
    t.strictSame([...new Set(all.map(({ statusCode }) => statusCode))], [200], 'after ten minutes')
    t.ok(issuer.asked.length - before <= 1, 'one fetch at most')
    isRefused(await ask(unknown), 'an unknown key, while the provider is down')
    t.equal((await ask(await issuer.token(key, lasting))).statusCode, 200, 'a token that was never seen')
    t.equal((await ask('a.b.c')).statusCode, 401)

    clock.move(50 * MINUTE)
    isRefused(await ask(token), 'after an hour')

    await up(issuer)
    clock.move(5 * SECOND)
    t.equal((await ask(token)).statusCode, 200, 'recovered')
    t.equal((await ask(unknown)).statusCode, 401)
  })
}

t.test('of a provider that hangs, those who ask at once wait for one timeout, and then nobody does', async (t) => {
  const key = await createKey('k1')
  const issuer = await startIssuer(t, key)
  const { app, clock, ask } = await appFor(issuer)
  t.teardown(async () => { await app.close() })
  const token = await issuer.token(key)
  await ask(token)
  issuer.failure = FAILURES['no answer'] as FakeIssuer['failure']
  clock.move(11 * MINUTE)
  const before = issuer.asked.length
  const timed = async (): Promise<[number, number]> => {
    const start = performance.now()
    const { statusCode } = await ask(token)
    return [statusCode, performance.now() - start]
  }
  for (const [status, time] of await Promise.all(Array.from({ length: 5 }, timed))) t.ok(status === 200 && time < 2000, `${time}`)
  t.equal(issuer.asked.length - before, 1)
  clock.move(6 * SECOND)
  for (let i = 0; i < 5; i++) {
    const [status, time] = await timed()
    t.ok(status === 200 && time < 200, `${time}`)
  }
})

t.test('500 tokens with unknown keys make one fetch at most', async (t) => {
  const [key, ...others] = await Promise.all(Array.from({ length: 6 }, async (_, n) => await createKey(`k${n}`))) as any
  const issuer = await startIssuer(t, key)
  const { app, clock, ask } = await appFor(issuer)
  t.teardown(async () => { await app.close() })
  await ask(await issuer.token(key))
  for (const seconds of [1, 31]) {
    clock.move(seconds * SECOND)
    const before = issuer.asked.length
    const tokens = await Promise.all(Array.from({ length: 500 }, async (_, n) => await issuer.token(others[n % 5], {}, { kid: `unknown-${n}` })))
    const all = [...await Promise.all(tokens.slice(0, 250).map(async (token) => await ask(token)))]
    for (const token of tokens.slice(250)) all.push(await ask(token))
    t.strictSame([...new Set(all.map(({ statusCode }) => statusCode))], [401])
    t.equal(issuer.asked.length - before, seconds === 1 ? 0 : 1)
  }
})

t.test('a key that is withdrawn takes its tokens along, also those that are kept', async (t) => {
  const [k1, k2] = [await createKey('k1'), await createKey('k2')]
  const issuer = await startIssuer(t, k1)
  const { app, clock, ask } = await appFor(issuer)
  t.teardown(async () => { await app.close() })
  const old = await issuer.token(k1)
  t.equal((await ask(old)).statusCode, 200)
  issuer.jwks.keys = [k2.jwk, k1.jwk]
  clock.move(31 * SECOND)
  const young = await issuer.token(k2)
  t.equal((await ask(young)).statusCode, 200, 'a new key is fetched at once')
  t.equal((await ask(old)).statusCode, 200)
  issuer.jwks.keys = [k2.jwk]
  t.equal((await ask(old)).statusCode, 200, 'until the next fetch')
  clock.move(10 * MINUTE)
  t.equal((await ask(old)).statusCode, 401)
  t.equal((await ask(young)).statusCode, 200)
})
