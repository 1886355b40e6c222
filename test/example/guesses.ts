/** The counters of guesses: how many reach a password, under which keys, what is forgiven, and how a 429 reaches the client. */

import t, { type Test } from 'tap'
import { setTimeout as wait } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { Guesses, TooManyGuesses, setRetryAfter } from '../../example/guesses'
import { authSchemes, OAuth2Error } from '../../lib'
import { basic } from '../helpers'

const PASSWORD = 'wonderland'
const tooMany = { statusCode: 429, code: 'TOO_MANY_GUESSES', error: 'Too Many Requests', message: 'Too many attempts: try again later' }

/** Counters, and all that they keep. */
function counters (limits?: ConstructorParameters<typeof Guesses>[1]) {
  const kept: RateLimiterMemory[] = []
  const make = (options: ConstructorParameters<typeof RateLimiterMemory>[0]): RateLimiterMemory => {
    const counter = new RateLimiterMemory(options)
    kept.push(counter)
    return counter
  }
  const guesses = new Guesses(make, limits)
  const dump = (): string => JSON.stringify(kept.map((counter) => counter.dump()))
  const valueOf = (index: number): number[] => (kept[index] as RateLimiterMemory).dump().storage.map(({ value }) => value)
  return { guesses, dump, valueOf }
}

/** Guesses wrong, or right; the outcome is the status. */
async function attempt (guesses: Guesses, name: string, ip: string, isRight = false): Promise<number> {
  try {
    return await guesses.check(name, ip, async () => isRight) ? 200 : 401
  } catch (error) {
    return (error as TooManyGuesses).statusCode
  }
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))

/** How often each value is there. */
function tally (values: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

/** An application with both kinds of login; `state.looked` counts the passwords that are looked at. */
async function start (t: Test, configure: (app: FastifyInstance) => void = () => {}) {
  const { guesses } = counters()
  const state = { looked: 0, handled: 0, address: '' }
  const login = async (name: string, password: string): Promise<{ name: string } | null> => {
    state.looked++
    await wait(20)
    return password === PASSWORD ? { name } : null
  }
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  app.addHook('onError', setRetryAfter)
  configure(app)
  await app.register(authSchemes)
  const scheme = app.authSchemes.httpBasic({ verify: ({ username, password }, { request }) => guesses.check(username, request.ip, () => login(username, password)) })
  const key = app.authSchemes.apiKeyHeader({ name: 'X-API-Key', verify: () => ({ name: 'program' }) })
  app.get('/me', { security: [{ scheme }] }, async (request) => { state.handled++; return request.auth.user })
  app.get('/either', { security: [{ scheme }, { scheme: key }, {}] }, async () => { state.handled++ })
  app.tokenForm('/token', async ({ username, password }, request) => {
    const user = await guesses.check(username, request.ip, () => login(username, password))
    if (user === null) throw new OAuth2Error('invalid_grant', 'Incorrect username or password')
    return { access_token: 't0ken', token_type: 'bearer' }
  })
  state.address = await app.listen({ port: 0, host: '127.0.0.1' })
  const me = async (password: string, path = '/me'): Promise<Response> => await fetch(state.address + path, { headers: { ...basic(`alice:${password}`), 'x-api-key': 'k3y' } })
  const token = async (password: string): Promise<Response> => await fetch(`${state.address}/token`, { method: 'POST', body: new URLSearchParams({ username: 'alice', password }) })
  return { state, me, token }
}

for (const [way, status, body] of [['me', 401, tooMany], ['token', 400, { error: 'invalid_request', error_description: tooMany.message }]] as const) {
  t.test(`of 100 guesses at once 10 reach the password, and 90 are 429 with Retry-After: ${way === 'me' ? 'HTTP Basic' : 'the token endpoint, in its own form'}`, async (t) => {
    const { state, [way]: guess } = await start(t)
    const responses = await Promise.all(times(100, async (index) => await guess(`guess${index}`)))
    t.equal(state.looked, 10)
    t.strictSame(tally(responses.map((response) => response.status)), { [status]: 10, 429: 90 })
    for (const response of responses.filter((response) => response.status === 429)) {
      t.match(response.headers.get('retry-after'), /^(3600|359\d)$/)
      t.equal(response.headers.get('www-authenticate'), null)
      t.equal(response.headers.get('cache-control'), way === 'token' ? 'no-store' : null)
      t.strictSame(await response.json(), body)
    }
    t.equal((await guess(PASSWORD)).status, 429, 'the right password, too')
    t.strictSame([state.looked, state.handled], [10, 0])
  })
}

t.test('no other alternative is tried after a 429, and authentication is not optional then', async (t) => {
  const { state, me } = await start(t)
  t.equal((await me('wrong', '/either')).status, 200, 'a refusal leaves it to the next alternative')
  await Promise.all(times(9, async () => await me('wrong')))
  const response = await me('wrong', '/either')
  t.equal(response.status, 429)
  t.strictSame(await response.json(), tooMany)
  t.equal(state.handled, 1)
})

t.test('Retry-After survives an error handler, which sets the status and the body', async (t) => {
  const { state, me, token } = await start(t, (app) => { app.setErrorHandler((error, _request, reply) => reply.code((error as TooManyGuesses).statusCode).send({ own: true })) })
  await Promise.all(times(10, async () => await me('wrong')))
  const response = await me('wrong')
  t.equal(response.status, 429)
  t.match(response.headers.get('retry-after'), /^3600$|^359\d$/)
  t.strictSame(await response.json(), { own: true })
  const form = await token('wrong')
  t.equal(form.status, 429)
  t.match(form.headers.get('retry-after'), /^3600$|^359\d$/)
  t.match(await form.json(), { error: 'invalid_request' })
  t.strictSame([state.looked, state.handled], [10, 0])
})

t.test('a right password is counted while it is looked at', async (t) => {
  const { me } = await start(t)
  const statuses = (await Promise.all(times(11, async () => await me(PASSWORD)))).map((response) => response.status)
  t.strictSame(tally(statuses), { 200: 10, 429: 1 })
  t.equal((await me(PASSWORD)).status, 200, 'and forgiven then')
})

t.test('all spellings of a name are one, and no name is kept', async (t) => {
  const { guesses, dump } = counters()
  for (const name of ['Alice', 'ALICE', 'alice', '\uff21lice', 'aLICE']) {
    await attempt(guesses, name, '192.0.2.1')
    await attempt(guesses, name, '192.0.2.1')
  }
  t.equal(await attempt(guesses, 'alice', '192.0.2.1'), 429)
  t.equal(await attempt(guesses, 'bob', '192.0.2.1'), 401)
  t.match(dump(), '192.0.2.1')
  t.notMatch(dump().toLowerCase(), /alice|bob/)
})

for (const [name, same, other] of [
  ['an IPv4 address', ['192.0.2.1', '::ffff:192.0.2.1'], '192.0.2.2'],
  ['the first 64 bits of an IPv6 address', ['2001:db8::1', '2001:DB8:0:0:ffff::2'], '2001:db8:0:1::1']
] as const) {
  t.test(`${name} is one address`, async (t) => {
    const { guesses } = counters()
    for (const ip of same) for (let i = 0; i < 5; i++) t.equal(await attempt(guesses, 'alice', ip), 401)
    for (const ip of same) t.equal(await attempt(guesses, 'alice', ip), 429)
    t.equal(await attempt(guesses, 'alice', other), 401)
  })
}

t.test('an address may guess at a hundred names', async (t) => {
  const { guesses } = counters()
  const statuses = await Promise.all(times(120, async (index) => await attempt(guesses, `user${index}`, '192.0.2.1')))
  t.strictSame(tally(statuses), { 401: 100, 429: 20 })
  t.equal(await attempt(guesses, 'alice', '192.0.2.2'), 401)
})

t.test('a right password forgives the guesses at this name from this address, and of the others its own', async (t) => {
  const { guesses, valueOf } = counters({ pair: 3, address: 7, name: 1000 })
  const outcomes: number[] = []
  for (const isRight of [false, false, true, false, false, true]) outcomes.push(await attempt(guesses, 'alice', '192.0.2.1', isRight))
  t.strictSame(outcomes, [401, 401, 200, 401, 401, 200])
  t.strictSame([valueOf(0), valueOf(1), valueOf(2)], [[], [4], [4]])
  // Whoever has an account cannot pay with it for guesses at others.
  for (let i = 0; i < 3; i++) {
    t.equal(await attempt(guesses, `user${i}`, '192.0.2.1'), 401)
    if (i < 2) t.equal(await attempt(guesses, 'thief', '192.0.2.1', true), 200)
  }
  t.equal(await attempt(guesses, 'user3', '192.0.2.1'), 429)
})

t.test('a stranger does not shut a user out', async (t) => {
  const { guesses, valueOf } = counters()
  for (let i = 0; i < 500; i++) await attempt(guesses, 'alice', '192.0.2.1')
  t.strictSame([valueOf(0), valueOf(1), valueOf(2)], [[500], [10], [10]], 'refused guesses count for the pair alone')
  t.equal(await attempt(guesses, 'alice', '192.0.2.2', true), 200, 'who is at another address')
  t.equal(await attempt(guesses, 'bob', '192.0.2.1', true), 200, 'nor others at the same address')
})

t.test('a name has a limit for all addresses together', async (t) => {
  const { guesses } = counters()
  for (let i = 0; i < 100; i++) for (let j = 0; j < 10; j++) await attempt(guesses, 'alice', `192.0.2.${i}`)
  t.equal(await attempt(guesses, 'alice', '192.0.2.200', true), 429)
  t.equal(await attempt(guesses, 'bob', '192.0.2.200', true), 200)
})

for (const wrong of [null, undefined, false]) {
  t.test(`${wrong} is a wrong password`, async (t) => {
    const { guesses, valueOf } = counters()
    t.equal(await guesses.check('alice', '192.0.2.1', () => wrong), wrong)
    t.strictSame(valueOf(0), [1])
  })
}

t.test('a login that fails is neither right nor forgiven', async (t) => {
  const { guesses, valueOf } = counters()
  await t.rejects(guesses.check('alice', '192.0.2.1', async () => { throw new Error('the database is down') }), { message: 'the database is down' })
  t.strictSame(valueOf(0), [1])
})

t.test('where a counter fails, no password is looked at', async (t) => {
  for (const broken of ['pair', 'address', 'name']) {
    const guesses = new Guesses((options) => {
      const counter = new RateLimiterMemory(options)
      if (options.keyPrefix === broken) counter.consume = async () => { throw new Error('the store is down') }
      return counter
    })
    let looked = 0
    await t.rejects(guesses.check('alice', '192.0.2.1', () => { looked++; return true }), { message: 'the store is down' }, broken)
    t.equal(looked, 0, broken)
  }
})
