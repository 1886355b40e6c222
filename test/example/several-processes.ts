/** Two processes of the example on one redis-server: what is done at one holds at the other, at once and once only, and nothing hangs where the store is down. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { Redis } from 'ioredis'
import { build } from '../../example/several-processes'
import { Logins } from '../../example/logins'
import { bearer } from '../helpers'
import { withRedis, type RedisServer } from './helpers'

const PROGRAM = join(__dirname, '../../build/several-processes.js')
const UNAVAILABLE = { statusCode: 503, error: 'Service Unavailable', message: 'Try again later' }

/** Requests that fail do so within this time, also on a busy machine. By itself it takes a second. */
const SOON = 10_000

interface Answer { readonly status: number, readonly body: any, readonly retryAfter: string | null }

/** One process of the example. */
class Process {
  constructor (readonly address: string) {}

  async ask (path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(this.address + path, { ...init, signal: AbortSignal.timeout(60_000) })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text), retryAfter: response.headers.get('retry-after') }
  }

  async me (token: string): Promise<Answer> { return await this.ask('/me', { headers: bearer(token) }) }
  async token (form: Record<string, string>): Promise<Answer> { return await this.ask('/token', { method: 'POST', body: new URLSearchParams(form) }) }
  async logIn (): Promise<Answer> { return await this.token({ username: 'alice', password: 'wonderland', scope: 'items:read items:fly' }) }
  async refresh (token: string): Promise<Answer> { return await this.token({ grant_type: 'refresh_token', refresh_token: token }) }
}

const tokensOf = ({ body }: Answer): { access: string, refresh: string } => ({ access: body.access_token, refresh: body.refresh_token })

async function start (t: Test, redis: RedisServer): Promise<Process> {
  // Few threads for few hashes of passwords at once: each takes 128 MiB.
  const child = spawn(process.execPath, [PROGRAM], { env: { ...process.env, PORT: '0', REDIS_URL: redis.socket, UV_THREADPOOL_SIZE: '2' } })
  t.teardown(() => { child.kill() })
  let printed = ''
  child.stdout.on('data', (chunk) => { printed += String(chunk) })
  child.stderr.on('data', (chunk) => { printed += String(chunk) })
  while (!printed.includes('/logout')) await once(child.stdout, 'data', { signal: AbortSignal.timeout(20_000) })
  return new Process(/listens at (\S+)\. /.exec(printed)?.[1] as string)
}

/** How often each value is there. */
function tally (values: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

const times = async <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> => await Promise.all(Array.from({ length: count }, async (_, index) => await make(index)))

withRedis('two processes on one redis-server', async (t, redis) => {
  const [first, second] = await Promise.all([start(t, redis), start(t, redis)])
  const either = (index: number): Process => index % 2 === 0 ? first : second
  const client = new Redis(redis.socket)
  // The server is killed on purpose below.
  client.on('error', () => {})
  t.teardown(() => { client.disconnect() })
  // As a process begins one, but without the hash of a password, which takes long.
  const begin = async (): Promise<{ access: string, refresh: string }> => {
    const { accessToken, refreshToken } = await new Logins(client).begin('alice', ['items:read'])
    return { access: accessToken, refresh: refreshToken }
  }

  await t.test('a login of one is used, refreshed and revoked at the other', async (t) => {
    const granted = await first.logIn()
    t.match(granted, { status: 200, body: { token_type: 'bearer', expires_in: 600, scope: 'items:read' } })
    const login = tokensOf(granted)
    const [here, there] = [await first.me(login.access), await second.me(login.access)]
    t.strictSame([here.status, there.status], [200, 200])
    t.strictSame([here.body.username, there.body.username], ['alice', 'alice'])
    t.not(here.body.process, there.body.process)
    t.strictSame((await second.ask('/items', { headers: bearer(login.access) })).body, ['Looking-glass'])

    const next = tokensOf(await second.refresh(login.refresh))
    t.equal((await first.me(next.access)).status, 200)
    t.equal((await first.me(login.access)).status, 200, 'an access token holds until it expires')
    t.equal((await first.ask('/logout', { method: 'POST', headers: bearer(next.access) })).status, 204)
    for (const token of [login.access, next.access]) t.match(await second.me(token), { status: 401, body: { code: 'FST_AUTH_INVALID_CREDENTIALS' } })
    t.match(await second.refresh(next.refresh), { status: 400, body: { error: 'invalid_grant' } })
  })

  await t.test('a token of one kind is none of the other, and a made-up one ends nothing', async (t) => {
    const { access, refresh } = await begin()
    t.equal((await second.me(refresh)).status, 401)
    t.equal((await second.refresh(access)).status, 400)
    for (const token of ['x', `${'x'.repeat(22)}.${'x'.repeat(32)}`, `${access.slice(0, 22)}.${'x'.repeat(32)}`, `${refresh}x`, `${refresh.slice(0, 22)}}:{.${'x'.repeat(32)}`]) {
      t.match(await second.refresh(token), { status: 400, body: { error: 'invalid_grant' } }, token)
      t.equal((await second.me(token)).status, 401, token)
    }
    t.equal((await first.me(access)).status, 200)
    t.equal((await first.refresh(refresh)).status, 200)
  })

  await t.test('a refresh token that is used a second time ends the login in every process', async (t) => {
    const stolen = await begin()
    const other = await begin()
    const next = tokensOf(await first.refresh(stolen.refresh))
    t.equal((await second.me(next.access)).status, 200)
    t.match(await second.refresh(stolen.refresh), { status: 400, body: { error: 'invalid_grant', error_description: 'The refresh token is not valid, or was used before' } })
    for (const token of [stolen.access, next.access]) t.equal((await first.me(token)).status, 401)
    t.equal((await first.refresh(next.refresh)).status, 400)
    t.equal((await second.me(other.access)).status, 200, 'other logins of the user go on')
  })

  await t.test('of 100 uses of one refresh token at once exactly one succeeds, and the login ends', async (t) => {
    for (let round = 0; round < 3; round++) {
      const { access, refresh } = await begin()
      const answers = await times(100, async (index) => await either(index).refresh(refresh))
      t.strictSame(tally(answers.map(({ status }) => status)), { 200: 1, 400: 99 })
      const next = tokensOf(answers.find(({ status }) => status === 200) as Answer)
      for (const token of [access, next.access]) t.equal((await second.me(token)).status, 401)
      t.equal((await second.refresh(next.refresh)).status, 400)
    }
  })

  await t.test('of 100 guesses over both 10 reach the password, and 90 are 429 with Retry-After', async (t) => {
    const guess = async (index: number): Promise<Answer> => await either(index).token({ username: 'bob', password: `guess${index}` })
    const answers = await times(100, guess)
    t.strictSame(tally(answers.map(({ status }) => status)), { 400: 10, 429: 90 })
    for (const { body, retryAfter } of answers.filter(({ status }) => status === 429)) {
      t.strictSame(body, { error: 'invalid_request', error_description: 'Too many attempts: try again later' })
      t.match(retryAfter, /^(3600|35\d\d)$/)
    }
    t.equal((await second.logIn()).status, 200, 'others log in from the same address')
    const counts = await Promise.all((await client.keys('*:*')).filter((key) => /^(pair|address|name):/.test(key)).map(async (key) => [key.split(':')[0], await client.get(key), await client.ttl(key) > 0]))
    t.strictSame(counts.filter(([, count]) => Number(count) > 0).sort(), [['address', '10', true], ['name', '10', true], ['pair', '100', true]], 'and all counters expire')
  })

  await t.test('Redis has no token, no password and no name that was guessed, and forgets all by itself', async (t) => {
    const { access, refresh } = await begin()
    const secrets = [access, refresh].map((token) => token.slice(23))
    for (const key of await client.keys('*')) {
      const value = await client.get(key)
      for (const secret of [...secrets, 'wonderland', 'guess', 'bob']) t.notOk(`${key} ${value}`.includes(secret), key)
      t.ok(await client.ttl(key) > 0, `${key} expires`)
    }
  })

  await t.test('where Redis hangs, requests fail within seconds, and nobody gets in; later all goes on', async (t) => {
    const { access, refresh } = await begin()
    redis.hang()
    for (let round = 0; round < 2; round++) {
      const began = Date.now()
      for (const answer of await times(20, async (index) => await either(index).me(access))) t.strictSame([answer.status, answer.body], [503, UNAVAILABLE])
      t.match(await first.token({ username: 'alice', password: 'wonderland' }), { status: 500, body: { error: 'server_error' } })
      t.ok(Date.now() - began < SOON)
      await wait(1500)
    }
    redis.goOn()
    while ((await first.me(access)).status === 503 || (await second.me(access)).status === 503) await wait(100)
    t.equal((await first.me(access)).status, 200)
    t.equal((await second.refresh(refresh)).status, 200)
  })

  await t.test('where Redis is down, requests fail at once, and nobody gets in; when it is back, all goes on', async (t) => {
    const { access, refresh } = await begin()
    // In the middle of requests, which fail, too.
    const under = times(50, async (index) => await either(index).me(access))
    await redis.kill()
    for (const { status, body } of await under) t.ok(status === 200 || (status === 503 && body.message === UNAVAILABLE.message))
    const began = Date.now()
    for (const answer of await times(20, async (index) => await either(index).me(access))) t.strictSame([answer.status, answer.body], [503, UNAVAILABLE])
    for (const answer of [await first.refresh(refresh), await second.token({ username: 'alice', password: 'wonderland' })]) t.match(answer, { status: 500, body: { error: 'server_error', error_description: undefined } })
    t.equal((await first.ask('/logout', { method: 'POST', headers: bearer(access) })).status, 503)
    t.ok(Date.now() - began < SOON)

    await redis.start()
    for (const process of [first, second]) while ((await process.me(access)).status === 503) await wait(100)
    t.equal((await first.me(access)).status, 401, 'what was not kept on disk is gone')
    const login = tokensOf(await first.logIn())
    t.equal((await second.me(login.access)).status, 200)
    t.equal((await second.refresh(login.refresh)).status, 200)
  })
})

withRedis('lifetimes', async (t, redis) => {
  const app = await build({ redis: redis.socket, accessLifetime: 2, refreshLifetime: 1000 })
  const client = new Redis(redis.socket)
  t.teardown(async () => { client.disconnect(); await app.close() })
  const logins = new Logins(client, 2, 1000)
  const keyOf = async (pattern: string): Promise<string> => (await client.keys(pattern))[0] as string

  await t.test('an access token expires', async (t) => {
    const { accessToken } = await logins.begin('alice', [])
    const status = async (): Promise<number> => (await app.inject({ url: '/me', headers: bearer(accessToken) })).statusCode
    t.equal(await status(), 200)
    while (await client.exists(await keyOf('*:access:*') ?? '') === 1) await wait(100)
    t.equal(await status(), 401)
    await client.flushall()
  })

  await t.test('a login expires, and each refresh prolongs it; a used refresh token is remembered until it would have expired', async (t) => {
    const { refreshToken } = await logins.begin('alice', ['items:read'])
    const [login, refresh] = [await keyOf('login:*}'), await keyOf('*:refresh:*')]
    for (const key of [login, refresh]) {
      t.ok(await client.ttl(key) > 990)
      await client.expire(key, 100)
    }
    const next = await logins.refresh(refreshToken)
    t.strictSame(next?.login.scopes, ['items:read'])
    t.strictSame([await client.ttl(login) > 990, await client.ttl(refresh) > 90, await client.ttl(refresh) <= 100], [true, true, true])
    await client.del(login)
    t.equal(await logins.refresh(next?.tokens.refreshToken ?? ''), null)
    await client.flushall()
  })

  await t.test('a login that ends while its tokens are issued stays so', async (t) => {
    const { refreshToken } = await logins.begin('alice', [])
    const id = refreshToken.slice(0, 22)
    const expire = client.expire.bind(client)
    t.intercept(client, 'expire', { value: async (key: string, seconds: number) => { await logins.revoke(id); return await expire(key, seconds) } })
    const next = await logins.refresh(refreshToken)
    t.equal(await logins.find(next?.tokens.accessToken ?? ''), null)
    t.equal(await logins.refresh(next?.tokens.refreshToken ?? ''), null)
  })
})

withRedis('the program ends where it cannot start', async (t, redis) => {
  const outcome = async (env: Record<string, string>): Promise<{ code: number, printed: string }> => {
    const child = spawn(process.execPath, [PROGRAM], { env: { ...process.env, ...env } })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { printed += String(chunk) })
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(20_000) })
    return { code, printed }
  }
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  const PORT = String((taken.address() as AddressInfo).port)
  t.match(await outcome({ PORT, REDIS_URL: redis.socket }), { code: 1, printed: /^Port \d+ is in use: stop the program that listens there, or choose another one by PORT\.\n$/ })
  t.match(await outcome({ PORT: '0', REDIS_URL: `${redis.socket}.not` }), { code: 1, printed: /Redis was not reached: start redis-server, or name another one by REDIS_URL/ })
})
