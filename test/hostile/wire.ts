/** Cases that need a connection: requests that share one, bodies that are not read, and HTTP/2. */

import t from 'tap'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { authSchemes } from '../../lib'
import { exchange, listen, request } from './raw'
import { randomOf, seed } from './run'

const run = promisify(execFile)
const MEGABYTE = 1_000_000
const random = randomOf(seed)

/** `/`: whose token it is, after a while. `POST /`: an upload. What ran and what was parsed is counted. */
async function build (server: FastifyServerOptions = {}): Promise<{ app: FastifyInstance, counted: { ran: number, parsed: number } }> {
  const app = Fastify({ bodyLimit: 200 * MEGABYTE, ...server })
  await app.register(authSchemes)
  const counted = { ran: 0, parsed: 0 }
  const verify = async (token: string): Promise<object | null> => {
    await new Promise((resolve) => { setTimeout(resolve, random() * 10) })
    return token.startsWith('good') ? { name: token } : null
  }
  const token = app.authSchemes.oauth2PasswordBearer({ tokenUrl: '/token', verify })
  const key = app.authSchemes.apiKeyHeader({ name: 'x-key', verify })
  app.addContentTypeParser('*', (_request, payload, done) => {
    counted.parsed++
    payload.resume().on('end', () => { done(null) })
  })
  app.route({
    method: ['GET', 'POST'],
    url: '/',
    security: [{ scheme: token }, { scheme: key }],
    handler: async (request) => {
      counted.ran++
      return request.auth?.user
    }
  })
  return { app, counted }
}

t.test('of a header that is sent twice, nothing is accepted that the first alone would not be', async (t) => {
  const good = 'Authorization: Bearer good'
  const bad = 'Authorization: Bearer bad'
  for (const joinDuplicateHeaders of [false, true]) {
    const { app } = await build({ http: { joinDuplicateHeaders } } as FastifyServerOptions)
    t.teardown(async () => { await app.close() })
    const port = await listen(app)
    const status = async (...lines: string[]): Promise<number> => (await exchange(port, request('GET / HTTP/1.1', ...lines))).status
    t.equal(await status(good), 200)
    t.equal(await status(bad, good), 401)
    t.equal(await status(good, bad), joinDuplicateHeaders ? 401 : 200, 'Node.js keeps the first, or joins them to what no token is')
    t.equal(await status(good, good), joinDuplicateHeaders ? 401 : 200)
    t.equal(await status('Authorization:', good), 401, 'an empty one is the first')
    t.equal(await status('X-Key: bad', 'X-Key: good'), 401)
  }
})

t.test('headers that were folded, split or smuggled let nobody in by another\'s token', async (t) => {
  const { app, counted } = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const refused = async (bytes: string): Promise<void> => {
    const { all } = await exchange(port, bytes)
    t.notMatch(all, /HTTP\/1\.1 200/, JSON.stringify(bytes))
    t.match(all, /^HTTP\/1\.1 40[01]/, JSON.stringify(bytes))
  }
  await refused(request('GET / HTTP/1.1', 'Authorization: Bearer', ' bad'))
  await refused(request('GET / HTTP/1.1', 'Authorization : Bearer good'))
  await refused(request('GET / HTTP/1.1', ' Authorization: Bearer good'))
  await refused(request('GET / HTTP/1.1', 'X: y\rAuthorization: Bearer good'))
  await refused(request('GET / HTTP/1.1', 'X: y\0Authorization: Bearer good'))
  await refused(request('GET / HTTP/1.1', 'Authorization: Bearer good\0'))
  await refused('GET / HTTP/1.1\nHost: x\nX: y\r\rAuthorization: Bearer good\n\n')
  await refused('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n')
  await refused('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nAuthorization: Bearer good\r\n\r\n')
  t.equal(counted.ran, 0, 'a trailer is no header')
})

t.test('pipelined requests are each answered as who sent them', async (t) => {
  const { app } = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  for (let round = 0; round < 20; round++) {
    const tokens = Array.from({ length: 30 }, (_, i) => random() < 0.3 ? null : random() < 0.3 ? 'bad' : `good-${round}-${i}`)
    const bytes = tokens.map((token, i) => [`GET /?${i} HTTP/1.1`, 'Host: x', ...token === null ? [] : [`Authorization: Bearer ${token}`], ...i === tokens.length - 1 ? ['Connection: close'] : [], '', ''].join('\r\n')).join('')
    const { all } = await exchange(port, bytes)
    const answers = all.split(/(?=HTTP\/1\.1 )/).map((answer) => [Number(answer.slice(9, 12)), /"name":"([^"]*)"/.exec(answer)?.[1]])
    t.strictSame(answers, tokens.map((token) => token?.startsWith('good') === true ? [200, token] : [401, undefined]))
  }
})

t.test('a request to upgrade is refused like any other', async (t) => {
  const { app, counted } = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  for (const upgrade of ['websocket', 'h2c', 'TLS/1.0']) {
    const { status } = await exchange(port, ['GET / HTTP/1.1', 'Host: x', 'Connection: Upgrade, close', `Upgrade: ${upgrade}`, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n'))
    t.equal(status, 401, upgrade)
  }
  const connected = await exchange(port, 'CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n', { idle: 300 })
  t.notMatch(connected.all, / 200 /)
  t.equal(counted.ran, 0)
})

t.test('a body that comes before the refusal is not parsed, and the connection goes on', async (t) => {
  const { app, counted } = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const body = 'x'.repeat(50_000)
  const post = `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const { all } = await exchange(port, post + request('GET / HTTP/1.1', 'Authorization: Bearer good'))
  t.strictSame(all.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 401', 'HTTP/1.1 200'])
  t.strictSame(counted, { ran: 1, parsed: 0 })
})

t.test('who waits for 100 (Continue) is refused without having sent the body', async (t) => {
  const { app, counted } = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const { all } = await exchange(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 100000000\r\n\r\n')
  t.match(all, /HTTP\/1\.1 401/)
  t.strictSame(counted, { ran: 0, parsed: 0 })
})

t.test('an upload that is broken off leaves nothing behind', async (t) => {
  const { app, counted } = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  for (let i = 0; i < 50; i++) {
    const authorization = i % 2 === 0 ? 'Authorization: Bearer good\r\n' : ''
    await exchange(port, `POST / HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\nabc`, { onSocket: (socket) => { setTimeout(() => { socket.destroy() }, random() * 15) } })
  }
  t.equal(counted.ran, 0)
  t.equal((await exchange(port, request('GET / HTTP/1.1', 'Authorization: Bearer good'))).status, 200)
})

t.test('curl is told 401 before its upload is over', async (t) => {
  const { app, counted } = await build()
  const folder = mkdtempSync(join(tmpdir(), 'upload-'))
  t.teardown(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })
  const port = await listen(app)
  writeFileSync(join(folder, 'file'), Buffer.alloc(100 * MEGABYTE))
  const curl = async (...args: string[]): Promise<string> => (await run('curl', ['-si', '--max-time', '30', '-H', 'Content-Type: application/octet-stream', '-H', 'Expect:', '--data-binary', `@${join(folder, 'file')}`, ...args, `http://127.0.0.1:${port}/`])).stdout
  t.match(await curl(), /^HTTP\/1\.1 401 /)
  t.strictSame(counted, { ran: 0, parsed: 0 })
  t.match(await curl('-H', 'Authorization: Bearer good'), /^HTTP\/1\.1 200 /)
  t.strictSame(counted, { ran: 1, parsed: 1 })
})

t.test('HTTP/2', async (t) => {
  const app = Fastify({ http2: true, bodyLimit: 200 * MEGABYTE })
  await app.register(authSchemes)
  let parsed = 0
  app.addContentTypeParser('*', (_request, payload, done) => {
    parsed++
    payload.resume().on('end', () => { done(null) })
  })
  const token = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: '/token',
    verify: async (token) => {
      await new Promise((resolve) => { setTimeout(resolve, random() * 10) })
      return token.startsWith('good') ? { name: token } : null
    }
  })
  const basic = app.authSchemes.httpBasic({ verify: () => null })
  app.route({ method: ['GET', 'POST'], url: '/', security: [{ scheme: token }, { scheme: basic }], handler: async (request) => request.auth.user as object })
  await app.listen({ port: 0, host: '127.0.0.1' })
  let taken = (): number => NaN
  app.server.on('session', ({ socket }) => { taken = () => socket.bytesRead })
  const client = http2.connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, { maxSessionMemory: 1000 })
  t.teardown(async () => {
    client.destroy()
    await app.close()
  })
  const ask = async (headers: http2.OutgoingHttpHeaders, body?: Buffer): Promise<{ status: number, challenges: unknown, body: string, code: number }> => await new Promise((resolve, reject) => {
    const stream = client.request({ ':path': '/', ...headers }, { endStream: body === undefined })
    let answer: http2.IncomingHttpHeaders = {}
    let text = ''
    stream.on('response', (received) => { answer = received })
    stream.on('data', (chunk) => { text += String(chunk) })
    stream.on('close', () => { resolve({ status: Number(answer[':status']), challenges: answer['www-authenticate'], body: text, code: stream.rstCode }) })
    stream.on('error', reject)
    if (body !== undefined) stream.write(body)
  })

  t.match(await ask({}), { status: 401, challenges: 'Bearer, Basic' })
  t.match(await ask({ authorization: 'Bearer bad' }), { status: 401, challenges: 'Bearer error="invalid_token", Basic' })
  t.match(await ask({ ':method': 'HEAD' }), { status: 401, body: '' })
  const many = await Promise.all(Array.from({ length: 100 }, async (_, i) => await ask({ authorization: i % 3 === 0 ? 'Bearer bad' : `Bearer good-${i}` })))
  t.strictSame(many.map(({ status, body }) => [status, JSON.parse(body).name]), many.map((_, i) => i % 3 === 0 ? [401, undefined] : [200, `good-${i}`]), 'streams of one connection each get their own')
  await t.rejects(ask({ authorization: ['Bearer bad', 'Bearer good'] as unknown as string }), { code: 'ERR_HTTP2_HEADER_SINGLE_VALUE' })
  const refused = await ask({ ':method': 'POST', 'content-type': 'application/octet-stream' }, Buffer.alloc(100 * MEGABYTE))
  t.match(refused, { status: 401 })
  t.equal(parsed, 0)
  t.ok(taken() < 10 * MEGABYTE, `${taken()} bytes of a refused upload were taken from the network`)
})
