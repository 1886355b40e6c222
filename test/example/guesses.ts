/** The counters of guesses: who reaches a password, by which keys, what is forgiven, and how a 429 is responded to. */

import t, { type Test } from 'tap'
import { setTimeout as wait } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { Guesses, setRetryAfter, type Limits, type TooManyGuesses } from '../../example/guesses'
import { authSchemes, OAuth2Error } from '../../lib'
import { basic } from '../helpers'
import { atOnce, tally } from './helpers'

const PASSWORD = 'wonderland'
const MESSAGE = 'Too many attempts: try again later'
const TOO_MANY = { statusCode: 429, code: 'TOO_MANY_GUESSES', error: 'Too Many Requests', message: MESSAGE }
const WITHIN_THE_HOUR = /^(3600|35\d\d)$/

/** Counters, and all that they keep: those of pairs, of addresses and of names. */
function counters (limits?: Limits) {
  const kept: RateLimiterMemory[] = []
  const guesses = new Guesses((options) => {
    const counter = new RateLimiterMemory(options)
    kept.push(counter)
    return counter
  }, limits)
  const dump = (): string => JSON.stringify(kept.map((counter) => counter.dump()))
  const values = (): number[][] => kept.map((counter) => counter.dump().storage.map(({ value }) => value))
  return { guesses, dump, values }
}

/** Guesses, and returns the status that tells the outcome. */
async function attempt (guesses: Guesses, name: string, ip: string, isRight = false): Promise<number> {
  try {
    return await guesses.check(name, ip, async () => isRight) ? 200 : 401
  } catch (error) {
    return (error as TooManyGuesses).statusCode
  }
}

/** An application with both kinds of login. `looked` counts the passwords that are looked at. */
async function start (t: Test, configure: (app: FastifyInstance) => void = () => {}) {
  const { guesses } = counters()
  const state = { looked: 0, handled: 0 }
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
  const scheme = app.authSchemes.httpBasic({
    verify: ({ username, password }, { request }) =>
      guesses.check(username, request.ip, () => login(username, password))
  })
  const key = app.authSchemes.apiKeyHeader({ name: 'X-API-Key', verify: () => ({ name: 'program' }) })
  app.get('/me', { security: [{ scheme }] }, async () => { state.handled++ })
  app.get('/either', { security: [{ scheme }, { scheme: key }, {}] }, async () => { state.handled++ })
  app.tokenForm('/token', async ({ username, password }, request) => {
    const user = await guesses.check(username, request.ip, () => login(username, password))
    if (user === null) throw new OAuth2Error('invalid_grant', 'Incorrect username or password')
    return { access_token: 't0ken', token_type: 'bearer' }
  })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const me = async (password: string, path = '/me'): Promise<Response> =>
    await fetch(address + path, { headers: { ...basic(`alice:${password}`), 'x-api-key': 'k3y' } })
  const token = async (password: string): Promise<Response> =>
    await fetch(`${address}/token`, { method: 'POST', body: new URLSearchParams({ username: 'alice', password }) })
  return { state, me, token }
}

for (const [where, way, status, cacheControl, body] of [
  ['HTTP Basic', 'me', 401, null, TOO_MANY],
  ['the token endpoint', 'token', 400, 'no-store', { error: 'invalid_request', error_description: MESSAGE }]
] as const) {
  t.test(`of 100 guesses at once 10 reach the password, and 90 are 429 with Retry-After: ${where}`, async (t) => {
    const { state, [way]: guess } = await start(t)
    const responses = await atOnce(100, async (index) => await guess(`guess${index}`))
    t.equal(state.looked, 10)
    t.strictSame(tally(responses.map((response) => response.status)), { [status]: 10, 429: 90 })
    for (const response of responses.filter((response) => response.status === 429)) {
      t.match(response.headers.get('retry-after'), WITHIN_THE_HOUR)
      t.equal(response.headers.get('www-authenticate'), null)
      t.equal(response.headers.get('cache-control'), cacheControl)
      t.strictSame(await response.json(), body)
    }
    t.equal((await guess(PASSWORD)).status, 429, 'the right password, too')
    t.strictSame(state, { looked: 10, handled: 0 })
  })
}

t.test('no other alternative is tried after a 429, and authentication is not optional then', async (t) => {
  const { state, me } = await start(t)
  t.equal((await me('wrong', '/either')).status, 200, 'after a refusal the next alternative is tried')
  await atOnce(9, async () => await me('wrong'))
  const response = await me('wrong', '/either')
  t.equal(response.status, 429)
  t.strictSame(await response.json(), TOO_MANY)
  t.equal(state.handled, 1)
})

for (const setsStatus of [true, false]) {
  const rule = setsStatus ? 'that sets the status' : 'that sets no status, which is 200 then'
  t.test(`Retry-After survives an error handler ${rule}, and nobody gets in`, async (t) => {
    const { state, me, token } = await start(t, (app) => {
      app.setErrorHandler((error, _request, reply) => {
        if (setsStatus) reply.code((error as TooManyGuesses).statusCode)
        return reply.send({ own: true })
      })
    })
    await atOnce(10, async () => await me('wrong'))
    const response = await me(PASSWORD)
    t.equal(response.status, setsStatus ? 429 : 200)
    t.match(response.headers.get('retry-after'), WITHIN_THE_HOUR)
    t.strictSame(await response.json(), { own: true })
    const form = await token(PASSWORD)
    t.equal(form.status, 429)
    t.match(form.headers.get('retry-after'), WITHIN_THE_HOUR)
    t.strictSame(await form.json(), { error: 'invalid_request', error_description: MESSAGE })
    t.strictSame(state, { looked: 10, handled: 0 })
  })
}

for (const [where, hasOwnHandler, method, url, expected] of [
  ['reach the client by the error handler of Fastify', false, 'GET', '/', '7'],
  ['do not reach the client by another error handler', true, 'GET', '/', undefined],
  ['do not reach the client at the token endpoint', false, 'POST', '/token', undefined]
] as const) {
  t.test(`without the hook, the \`headers\` of an error ${where}`, async (t) => {
    const fail = (): never => {
      throw Object.assign(new Error('Too many'), { statusCode: 429, headers: { 'retry-after': '7' } })
    }
    const app = Fastify()
    if (hasOwnHandler) app.setErrorHandler((_error, _request, reply) => reply.code(429).send({ own: true }))
    await app.register(authSchemes)
    app.get('/', { security: [{ scheme: app.authSchemes.httpBasic({ verify: fail }) }] }, async () => t.fail())
    app.tokenForm('/token', fail)
    const payload = method === 'POST' ? 'username=alice&password=wrong' : undefined
    const headers = { ...basic('alice:wrong'), 'content-type': 'application/x-www-form-urlencoded' }
    const response = await app.inject({ method, url, headers, payload })
    t.strictSame([response.statusCode, response.headers['retry-after']], [429, expected])
  })
}

t.test('a right password is counted while it is looked at, and forgiven then', async (t) => {
  const { guesses } = counters()
  let finish: (() => void) | undefined
  const hashed = new Promise<void>((resolve) => { finish = resolve })
  const login = async (): Promise<boolean> => {
    await hashed
    return true
  }
  const logins = Array.from({ length: 10 }, () => guesses.check('alice', '192.0.2.1', login))
  t.equal(await attempt(guesses, 'alice', '192.0.2.1', true), 429)
  finish?.()
  t.strictSame(await Promise.all(logins), Array(10).fill(true))
  t.equal(await attempt(guesses, 'alice', '192.0.2.1', true), 200)
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
  const { guesses, values } = counters()
  const statuses = await atOnce(120, async (index) => await attempt(guesses, `user${index}`, '192.0.2.1'))
  t.strictSame(tally(statuses), { 401: 100, 429: 20 })
  t.equal(values().flat().length, 201, 'and fills the store with no more keys')
  t.equal(await attempt(guesses, 'alice', '192.0.2.2'), 401)
})

t.test('a right password forgives the guesses of the pair, and its own of address and name', async (t) => {
  const { guesses, values } = counters({ pair: 3, address: 7, name: 1000 })
  const outcomes: number[] = []
  for (const isRight of [false, false, true, false, false, true]) {
    outcomes.push(await attempt(guesses, 'alice', '192.0.2.1', isRight))
  }
  t.strictSame(outcomes, [401, 401, 200, 401, 401, 200])
  t.strictSame(values(), [[], [4], [4]])
  for (const name of ['user1', 'user2', 'user3']) {
    t.equal(await attempt(guesses, 'thief', '192.0.2.1', true), 200)
    t.equal(await attempt(guesses, name, '192.0.2.1'), 401)
  }
  t.equal(await attempt(guesses, 'user4', '192.0.2.1'), 429, 'an account does not pay for guesses at others')
})

t.test('a stranger does not shut a user out, nor others at the same address', async (t) => {
  const { guesses, values } = counters()
  for (let i = 0; i < 500; i++) await attempt(guesses, 'alice', '192.0.2.1')
  t.strictSame(values(), [[500], [10], [10]], 'refused guesses count for the pair alone')
  t.equal(await attempt(guesses, 'alice', '192.0.2.2', true), 200)
  t.equal(await attempt(guesses, 'bob', '192.0.2.1', true), 200)
})

t.test('a right password that is sent too often at once shuts out nobody at the address', async (t) => {
  const { guesses, values } = counters()
  for (let burst = 0; burst < 3; burst++) {
    const statuses = await atOnce(150, async () => await attempt(guesses, 'alice', '192.0.2.1', true))
    t.strictSame(tally(statuses), { 200: 10, 429: 140 })
  }
  t.strictSame(values(), [[], [0], [0]])
  t.equal(await attempt(guesses, 'bob', '192.0.2.1', true), 200)
})

t.test('what is refused for the name, or for the address, shuts nobody out beyond the hour of that', async (t) => {
  const { guesses, values } = counters({ pair: 3, address: 5, name: 4 })
  for (const ip of ['192.0.2.1', '192.0.2.2']) for (let i = 0; i < 2; i++) await attempt(guesses, 'alice', ip)
  for (let i = 0; i < 6; i++) t.equal(await attempt(guesses, 'alice', '192.0.2.3', true), 429)
  t.strictSame(values().map((list) => list.at(-1)), [0, 0, 10], 'the name alone has counted them')
  for (let i = 0; i < 5; i++) t.equal(await attempt(guesses, `user${i}`, '192.0.2.4'), 401)
  for (let i = 0; i < 6; i++) t.equal(await attempt(guesses, 'bob', '192.0.2.4', true), 429)
  t.equal(values()[1]?.at(-1), 5)
})

t.test('what comes shortly before a counter begins anew is not taken back, as it could be taken from the next one', async (t) => {
  const kept: RateLimiterMemory[] = []
  const guesses = new Guesses((options) => {
    const counter = new RateLimiterMemory({ ...options, duration: 10 })
    kept.push(counter)
    return counter
  }, { pair: 1, address: 3, name: 2 })
  for (let i = 0; i < 4; i++) await attempt(guesses, 'alice', '192.0.2.1')
  t.strictSame(kept.map((counter) => counter.dump().storage.map(({ value }) => value)), [[3], [4], [1]])
})

t.test('a name has a limit for all addresses together', async (t) => {
  const { guesses } = counters()
  for (let i = 0; i < 100; i++) for (let j = 0; j < 10; j++) await attempt(guesses, 'alice', `192.0.2.${i}`)
  t.equal(await attempt(guesses, 'alice', '192.0.2.200', true), 429)
  t.equal(await attempt(guesses, 'bob', '192.0.2.200', true), 200)
})

for (const wrong of [null, undefined, false]) {
  t.test(`${wrong} is a wrong password`, async (t) => {
    const { guesses, values } = counters()
    t.equal(await guesses.check('alice', '192.0.2.1', () => wrong), wrong)
    t.strictSame(values(), [[1], [1], [1]])
  })
}

t.test('a login that fails by an error stays counted', async (t) => {
  const { guesses, values } = counters()
  const fail = async (): Promise<never> => { throw new Error('the database is down') }
  await t.rejects(guesses.check('alice', '192.0.2.1', fail), { message: 'the database is down' })
  t.strictSame(values(), [[1], [1], [1]])
})

for (const broken of ['pair', 'address', 'name']) {
  t.test(`where a counter fails, no password is looked at: ${broken}`, async (t) => {
    const guesses = new Guesses((options) => {
      const counter = new RateLimiterMemory(options)
      if (options.keyPrefix === broken) counter.consume = async () => { throw new Error('the store is down') }
      return counter
    })
    await t.rejects(guesses.check('alice', '192.0.2.1', () => t.fail()), { message: 'the store is down' })
  })
}
