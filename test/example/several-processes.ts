/**
 * Two processes of the example on one redis-server: what is done at one holds at the other, once and at once, and
 * nothing hangs where the store is down.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { Redis } from 'ioredis'
import { build } from '../../example/several-processes'
import { Logins } from '../../example/logins'
import { bearer } from '../helpers'
import { atOnce, runWithTest, tally, withRedis, type RedisServer } from './helpers'

const PROGRAM = join(__dirname, '../../build/several-processes.js')
const UNAVAILABLE = { statusCode: 503, error: 'Service Unavailable', message: 'Try again later' }
const REFUSED = 'The refresh token is not valid, or was used before'
/** Requests that fail do so within this time, also on a busy machine. By themselves they take a second. */
const SOON = 10_000

interface Answer { readonly status: number, readonly body: any, readonly retryAfter: string | null }
interface Pair { readonly access: string, readonly refresh: string }

/** One process of the example. */
class Process {
  constructor (readonly address: string) {}

  async ask (path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(this.address + path, { ...init, signal: AbortSignal.timeout(60_000) })
    const text = await response.text()
    const body = text === '' ? null : JSON.parse(text)
    return { status: response.status, body, retryAfter: response.headers.get('retry-after') }
  }

  async me (token: string): Promise<Answer> { return await this.ask('/me', { headers: bearer(token) }) }

  async token (form: Record<string, string>): Promise<Answer> {
    return await this.ask('/token', { method: 'POST', body: new URLSearchParams(form) })
  }

  async logIn (): Promise<Answer> {
    return await this.token({ username: 'alice', password: 'wonderland', scope: 'items:read items:fly' })
  }

  async refresh (token: string): Promise<Answer> {
    return await this.token({ grant_type: 'refresh_token', refresh_token: token })
  }

  async logOut (token: string): Promise<Answer> {
    return await this.ask('/logout', { method: 'POST', headers: bearer(token) })
  }
}

const pairOf = ({ body }: Answer): Pair => ({ access: body.access_token, refresh: body.refresh_token })

async function start (t: Test, redis: RedisServer): Promise<Process> {
  // Each hash of a password takes 128 MiB, so few run at once.
  const env = { ...process.env, PORT: '0', REDIS_URL: redis.socket, UV_THREADPOOL_SIZE: '2' }
  const child = runWithTest([process.execPath, PROGRAM], env)
  t.teardown(() => { child.stdin.end() })
  let printed = ''
  child.stdout.on('data', (chunk) => { printed += String(chunk) })
  const signal = AbortSignal.timeout(60_000)
  while (!printed.includes('/logout')) await once(child.stdout, 'data', { signal })
  return new Process(/listens at (\S+)\. /.exec(printed)?.[1] as string)
}

withRedis('two processes on one redis-server', async (t, redis) => {
  const [first, second] = await Promise.all([start(t, redis), start(t, redis)])
  const either = (index: number): Process => index % 2 === 0 ? first : second
  const client = new Redis(redis.socket)
  client.on('error', () => {}) // The server is killed below, on purpose.
  t.teardown(() => { client.disconnect() })
  // As a process begins one, but without the hash of a password, which takes long.
  const begin = async (): Promise<Pair> => {
    const { accessToken, refreshToken } = await new Logins(client).begin('alice', ['items:read'])
    return { access: accessToken, refresh: refreshToken }
  }

  await t.test('a login of one is used, refreshed and revoked at the other', async (t) => {
    const granted = await first.logIn()
    t.match(granted, { status: 200, body: { token_type: 'bearer', expires_in: 600, scope: 'items:read' } })
    const login = pairOf(granted)
    const [here, there] = [await first.me(login.access), await second.me(login.access)]
    t.strictSame([here.status, there.status], [200, 200])
    t.strictSame([here.body.username, there.body.username], ['alice', 'alice'])
    t.not(here.body.process, there.body.process)
    t.strictSame((await second.ask('/items', { headers: bearer(login.access) })).body, ['Looking-glass'])

    const next = pairOf(await second.refresh(login.refresh))
    t.equal((await first.me(next.access)).status, 200)
    t.equal((await first.me(login.access)).status, 200, 'an access token holds until it expires')
    t.equal((await first.logOut(next.access)).status, 204)
    for (const token of [login.access, next.access]) {
      t.match(await second.me(token), { status: 401, body: { code: 'FST_AUTH_INVALID_CREDENTIALS' } })
    }
    t.match(await second.refresh(next.refresh), { status: 400, body: { error: 'invalid_grant' } })
  })

  await t.test('a token of one kind is none of the other, and a made-up one ends nothing', async (t) => {
    const { access, refresh } = await begin()
    t.equal((await second.me(refresh)).status, 401)
    t.equal((await second.refresh(access)).status, 400)
    const [id, secret] = [access.slice(0, 22), 'x'.repeat(32)]
    for (const token of ['x', `${'x'.repeat(22)}.${secret}`, `${id}.${secret}`, `${refresh}x`, `${id}}:{.${secret}`]) {
      t.match(await second.refresh(token), { status: 400, body: { error: 'invalid_grant' } }, token)
      t.equal((await second.me(token)).status, 401, token)
    }
    t.equal((await first.me(access)).status, 200)
    t.equal((await first.refresh(refresh)).status, 200)
  })

  await t.test('a refresh token that is used a second time ends the login in every process', async (t) => {
    const [stolen, other] = [await begin(), await begin()]
    const next = pairOf(await first.refresh(stolen.refresh))
    t.equal((await second.me(next.access)).status, 200)
    const again = await second.refresh(stolen.refresh)
    t.strictSame([again.status, again.body], [400, { error: 'invalid_grant', error_description: REFUSED }])
    for (const token of [stolen.access, next.access]) t.equal((await first.me(token)).status, 401)
    t.equal((await first.refresh(next.refresh)).status, 400)
    t.equal((await second.me(other.access)).status, 200, 'other logins of the user go on')
  })

  await t.test('of 100 uses of one refresh token at once exactly one succeeds, and the login ends', async (t) => {
    for (let round = 0; round < 3; round++) {
      const { access, refresh } = await begin()
      const answers = await atOnce(100, async (index) => await either(index).refresh(refresh))
      t.strictSame(tally(answers.map(({ status }) => status)), { 200: 1, 400: 99 })
      const next = pairOf(answers.find(({ status }) => status === 200) as Answer)
      for (const token of [access, next.access]) t.equal((await second.me(token)).status, 401)
      t.equal((await second.refresh(next.refresh)).status, 400)
    }
  })

  await t.test('of 100 guesses over both 10 reach the password, and 90 are 429 with Retry-After', async (t) => {
    const guess = async (index: number): Promise<Answer> =>
      await either(index).token({ username: 'bob', password: `guess${index}` })
    const answers = await atOnce(100, guess)
    t.strictSame(tally(answers.map(({ status }) => status)), { 400: 10, 429: 90 })
    for (const { body, retryAfter } of answers.filter(({ status }) => status === 429)) {
      t.strictSame(body, { error: 'invalid_request', error_description: 'Too many attempts: try again later' })
      t.match(retryAfter, /^(3600|35\d\d)$/)
    }
    t.equal((await second.logIn()).status, 200, 'others log in from the same address')
  })

  await t.test('Redis has no token, no password and no name that was guessed, and forgets all by itself', async (t) => {
    const { access, refresh } = await begin()
    const secrets = [access, refresh].map((token) => token.slice(23))
    const keys = await client.keys('*')
    t.strictSame([...new Set(keys.map((key) => key.split(':')[0]))].sort(), ['address', 'login', 'name', 'pair'])
    for (const key of keys) {
      const kept = `${key} ${await client.get(key)}`
      for (const secret of [...secrets, 'wonderland', 'guess', 'bob']) t.notOk(kept.includes(secret), key)
      t.ok(await client.ttl(key) > 0, `${key} expires`)
    }
  })

  await t.test('where Redis hangs, requests fail within seconds, and nobody gets in; then all goes on', async (t) => {
    const { access, refresh } = await begin()
    redis.hang()
    // In the second round the clients have given up their connections, and make new ones.
    for (let round = 0; round < 2; round++) {
      const began = Date.now()
      for (const answer of await atOnce(20, async (index) => await either(index).me(access))) {
        t.strictSame([answer.status, answer.body], [503, UNAVAILABLE])
      }
      const login = await first.logIn()
      t.strictSame([login.status, login.body], [500, { error: 'server_error' }])
      t.ok(Date.now() - began < SOON)
      await wait(1500)
    }
    redis.goOn()
    for (const process of [first, second]) while ((await process.me(access)).status === 503) await wait(100)
    t.equal((await first.me(access)).status, 200)
    t.equal((await second.refresh(refresh)).status, 200)
  })

  await t.test('where Redis is down, requests fail at once, and nobody gets in; then all goes on', async (t) => {
    const { access, refresh } = await begin()
    // In the middle of requests, which are answered, too.
    const under = atOnce(50, async (index) => await either(index).me(access))
    await redis.kill()
    for (const { status } of await under) t.ok(status === 200 || status === 503)
    const began = Date.now()
    for (const answer of await atOnce(20, async (index) => await either(index).me(access))) {
      t.strictSame([answer.status, answer.body], [503, UNAVAILABLE])
    }
    for (const { status, body } of [await first.refresh(refresh), await second.logIn()]) {
      t.strictSame([status, body], [500, { error: 'server_error' }])
    }
    t.equal((await first.logOut(access)).status, 503)
    t.ok(Date.now() - began < SOON)

    await redis.start()
    for (const process of [first, second]) while ((await process.me(access)).status === 503) await wait(100)
    t.equal((await first.me(access)).status, 401, 'what was not kept on disk is gone')
    const login = pairOf(await first.logIn())
    t.equal((await second.me(login.access)).status, 200)
    t.equal((await second.refresh(login.refresh)).status, 200)
  })
})

withRedis('a mark whose answer is lost fails the request, and is not sent again', async (t, redis) => {
  const sockets = new Set<Socket>()
  let marks = 0
  const proxy = createServer((incoming) => {
    const outgoing = connect(redis.socket)
    for (const socket of [incoming, outgoing]) sockets.add(socket.on('error', () => {}))
    let loses = false
    incoming.on('data', (data) => {
      if (data.includes('KEEPTTL')) {
        marks++
        loses = true
      }
      outgoing.write(data)
    })
    outgoing.on('data', (data) => {
      if (!loses) return incoming.write(data)
      for (const socket of [incoming, outgoing]) socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const app = await build({ redis: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
  const client = new Redis(redis.socket)
  t.teardown(async () => {
    await app.close()
    client.disconnect()
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })

  const { accessToken, refreshToken } = await new Logins(client).begin('alice', [])
  const refreshed = await app.inject({
    method: 'POST',
    url: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `grant_type=refresh_token&refresh_token=${refreshToken}`
  })
  t.strictSame([refreshed.statusCode, refreshed.json()], [500, { error: 'server_error' }])
  t.equal(await client.get((await client.keys('*:refresh:*'))[0] as string), 'used')
  const me = async (): Promise<number> =>
    (await app.inject({ url: '/me', headers: bearer(accessToken) })).statusCode
  while (await me() === 503) await wait(50)
  t.strictSame([await me(), marks], [200, 1], 'sent again, it would count as a second use, and end the login')
})

withRedis('lifetimes', async (t, redis) => {
  const app = await build({ redis: redis.socket, accessLifetime: 2, refreshLifetime: 1000 })
  const client = new Redis(redis.socket)
  t.teardown(async () => {
    client.disconnect()
    await app.close()
  })
  const logins = new Logins(client, 2, 1000)
  const keyOf = async (pattern: string): Promise<string> => (await client.keys(pattern))[0] ?? ''

  await t.test('an access token expires', async (t) => {
    const { accessToken } = await logins.begin('alice', [])
    const me = async (): Promise<number> =>
      (await app.inject({ url: '/me', headers: bearer(accessToken) })).statusCode
    t.equal(await me(), 200)
    while (await keyOf('*:access:*') !== '') await wait(100)
    t.equal(await me(), 401)
    await client.flushall()
  })

  await t.test('each refresh prolongs a login; a used token is remembered until it would have expired', async (t) => {
    const { refreshToken } = await logins.begin('alice', ['items:read'])
    const [login, refresh] = [await keyOf('login:*}'), await keyOf('*:refresh:*')]
    for (const key of [login, refresh]) {
      t.ok(await client.ttl(key) > 990)
      await client.expire(key, 100)
    }
    const next = await logins.refresh(refreshToken)
    t.strictSame(next?.login.scopes, ['items:read'])
    t.ok(await client.ttl(login) > 990)
    const remembered = await client.ttl(refresh)
    t.ok(remembered > 90 && remembered <= 100)
    await client.del(login)
    t.equal(await logins.refresh(next?.tokens.refreshToken ?? ''), null)
    await client.flushall()
  })

  await t.test('a login that ends while its tokens are issued stays so', async (t) => {
    const { refreshToken } = await logins.begin('alice', [])
    const expire = client.expire.bind(client)
    t.intercept(client, 'expire', {
      value: async (key: string, seconds: number) => {
        await logins.revoke(refreshToken.slice(0, 22))
        return await expire(key, seconds)
      }
    })
    const next = await logins.refresh(refreshToken)
    t.equal(await logins.find(next?.tokens.accessToken ?? ''), null)
    t.equal(await logins.refresh(next?.tokens.refreshToken ?? ''), null)
  })
})

withRedis('the program ends where it cannot start', async (t, redis) => {
  const run = async (env: Record<string, string>): Promise<{ code: number, printed: string }> => {
    const child = spawn(process.execPath, [PROGRAM], { env: { ...process.env, ...env } })
    t.teardown(() => { child.kill() })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { printed += String(chunk) })
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(60_000) })
    return { code, printed }
  }
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  const { port } = taken.address() as AddressInfo
  t.strictSame(await run({ PORT: String(port), REDIS_URL: redis.socket }), {
    code: 1,
    printed: `Port ${port} is in use: stop the program that listens there, or choose another one by PORT.\n`
  })
  t.match(await run({ PORT: '0', REDIS_URL: `${redis.socket}.not` }), {
    code: 1,
    printed: /Redis was not reached: start redis-server, or name another one by REDIS_URL/
  })
})
