/** Cases that need a real socket: headers as Node.js gives them, websockets, and curl. */

import t from 'tap'
import { execFile } from 'node:child_process'
import http2 from 'node:http2'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import websocket from '@fastify/websocket'
import WebSocket from 'ws'
import { createApp } from './helpers'
import { exchange, listen as listenOn, request } from './hostile/raw'

const run = promisify(execFile)

async function listen (app: FastifyInstance): Promise<number> {
  t.teardown(async () => { await app.close() })
  return await listenOn(app)
}

/** All that comes back to some lines, until the server closes. */
async function raw (port: number, lines: readonly string[]): Promise<string> {
  return (await exchange(port, request(...lines))).all
}

t.test('headers on the wire', async (t) => {
  const app = await createApp({ realm: 'R' })
  const key = app.authSchemes.apiKeyHeader({ name: 'X-Key', verify: (value) => ({ value }) })
  const token = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' && { value: credentials } })
  app.get('/key', { security: [{ scheme: key }] }, async (request) => request.auth.user)
  app.get('/token', { security: [{ scheme: token }] }, async (request) => request.auth.user)
  const port = await listen(app)

  t.match(await raw(port, ['GET /key HTTP/1.1', 'x-key: a', 'X-KEY: b']), /"value":"a, b"/, 'a header that is sent twice is joined, and equals no key')
  t.match(await raw(port, ['GET /token HTTP/1.1', 'Authorization: Bearer good', 'Authorization: Bearer bad']), /^HTTP\/1.1 200/, 'Node.js keeps the first')
  t.match(await raw(port, ['GET /token HTTP/1.1', 'Authorization: Bearer bad', 'Authorization: Bearer good']), /^HTTP\/1.1 401/)
  t.match(await raw(port, ['GET /token HTTP/1.1', 'Authorization:   bearer    good   ']), /^HTTP\/1.1 200/)
  t.match(await raw(port, ['GET /token HTTP/1.1', 'Authorization: Bearer g\xe9']), /^HTTP\/1.1 401[^]*\r\nwww-authenticate: Bearer realm="R"\r\n/)
  t.match(await raw(port, ['HEAD /token HTTP/1.1']), /^HTTP\/1.1 401[^]*www-authenticate: Bearer/)
})

t.test('each scheme has a line of its own', async (t) => {
  const app = await createApp()
  const { httpBasic, httpBearer } = app.authSchemes
  app.get('/', { security: [{ scheme: httpBasic({ realm: 'R' }) }, { scheme: httpBearer() }] }, async () => 'ran')
  const port = await listen(app)
  t.match(await raw(port, ['GET / HTTP/1.1']), /\r\nwww-authenticate: Basic realm="R"\r\nwww-authenticate: Bearer\r\n/)
})

t.test('curl', async (t) => {
  const app = await createApp()
  app.get('/', { security: [{ scheme: app.authSchemes.httpBasic({ verify: ({ username, password }) => username === 'ü' && password === 'p:w' && { username } }) }] }, async (request) => request.auth.user)
  const port = await listen(app)
  const curl = async (...args: string[]): Promise<string> => (await run('curl', ['-si', '--max-time', '10', ...args, `http://127.0.0.1:${port}/`])).stdout
  t.match(await curl(), /^HTTP\/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\n/)
  t.match(await curl('-u', 'ü:p:w'), /^HTTP\/1.1 200 [^]*\{"username":"ü"\}$/)
  t.match(await curl('-u', 'ü:no'), /^HTTP\/1.1 401 /)
})

t.test('the page that a request was sent by, on the wire', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.apiKeyCookie({ name: 'sid', trustedOrigins: ['https://web.example'], verify: (id) => ({ id }) })
  app.post('/', { security: [{ scheme }] }, async (request) => request.auth.user)
  const port = await listen(app)
  const post = async (...headers: string[]): Promise<number> => (await exchange(port, request('POST / HTTP/1.1', 'Cookie: sid=1', 'Content-Length: 0', ...headers))).status
  t.equal(await post(), 200)
  t.equal(await post('Host: App.Example', 'Origin: http://app.example'), 200)
  t.equal(await post('Host: app.example:80', 'ORIGIN: http://app.example'), 200)
  t.equal(await post('Origin: https://web.example', 'Sec-Fetch-Site: cross-site'), 200)
  t.equal(await post('Origin: https://evil.example', 'Sec-Fetch-Site: same-origin'), 200)
  for (const lines of [
    ['Origin: http://x', 'Origin: http://x'],
    ['Origin: https://web.example', 'Origin: https://web.example'],
    ['Origin: https://web.example', 'origin: https://evil.example'],
    ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: same-origin'],
    ['Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site'],
    ['Origin:'],
    ['Sec-Fetch-Site:'],
    ['Host:', 'Origin: http://'],
    ['Host:', 'Origin: http://x']
  ]) t.equal(await post(...lines), 403, lines.join(', '))
  t.equal((await exchange(port, ['POST / HTTP/1.0', 'Cookie: sid=1', 'Content-Length: 0', 'Origin: http://x', '', ''].join('\r\n'))).status, 403, 'without a host')
  const curl = async (...args: string[]): Promise<string> => (await run('curl', ['-si', '--max-time', '10', '-X', 'POST', '-b', 'sid=1', ...args, `http://127.0.0.1:${port}/`])).stdout
  t.match(await curl(), /^HTTP\/1.1 200 /, 'curl is no browser')
  t.match(await curl('-H', `Origin: http://127.0.0.1:${port}`), /^HTTP\/1.1 200 /)
  t.match(await curl('-H', `Origin: http://localhost:${port}`), /^HTTP\/1.1 403 [^]*"code":"FST_AUTH_CROSS_SITE"/)
})

t.test('an IPv6 host, over HTTP/2, is its own origin', async (t) => {
  const app = await createApp({ server: { http2: true } as object })
  app.post('/', { security: [{ scheme: app.authSchemes.apiKeyCookie({ name: 'sid', verify: () => ({}) }) }] }, async () => 'ran')
  t.teardown(async () => { await app.close() })
  const address = await app.listen({ port: 0, host: '::1' })
  const client = http2.connect(address)
  t.teardown(() => { client.destroy() })
  const post = async (origin: string): Promise<unknown> => await new Promise((resolve, reject) => {
    // Node.js itself would leave the brackets out.
    client.request({ ':method': 'POST', ':path': '/', ':authority': new URL(address).host, cookie: 'sid=1', origin }).on('response', (headers) => { resolve(headers[':status']) }).on('error', reject).end()
  })
  t.match(address, /^http:\/\/\[::1\]:\d+$/)
  t.equal(await post(address), 200)
  t.equal(await post(address.replace('[::1]', '[::2]')), 403)
  t.equal(await post(address.replace('http:', 'https:').replace(/:\d+$/, '')), 403)
})

t.test('a websocket is refused before the upgrade, and the right key lets it in', async (t) => {
  const app = await createApp()
  await app.register(websocket)
  const verify = (key: string): false | { key: string } => key === 'good' && { key }
  const byQuery = app.authSchemes.apiKeyQuery({ name: 'key', verify })
  const byCookie = app.authSchemes.apiKeyCookie({ name: 'key', verify })
  let opened = 0
  app.get('/', { websocket: true, security: [{ scheme: byQuery }, { scheme: byCookie }] }, (socket, request) => {
    opened++
    socket.send(JSON.stringify(request.auth.user))
  })
  const port = await listen(app)

  const open = async (path: string, headers: Record<string, string> = {}): Promise<string> => await new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
    socket.on('unexpected-response', (_request, response) => {
      resolve(`${response.statusCode} ${[response.headers['www-authenticate']].flat().join()}`)
      response.destroy()
    })
    socket.on('message', (data) => {
      resolve(String(data))
      socket.close()
    })
    socket.on('error', reject)
  })
  t.equal(await open('/'), '401 APIKey')
  t.equal(await open('/?key=bad'), '401 APIKey')
  t.equal(await open('/', { cookie: 'key=bad' }), '401 APIKey')
  t.equal(opened, 0)
  t.equal(await open('/?key=good'), '{"key":"good"}')
  t.equal(await open('/', { cookie: 'a=b; key=good' }), '{"key":"good"}')
  t.equal(opened, 2)
  for (const origin of ['https://evil.example', 'null', `https://127.0.0.1:${port + 1}`, `ws://127.0.0.1:${port}`]) t.equal(await open('/', { cookie: 'key=good', origin }), '403 ', origin)
  t.equal(opened, 2, 'no socket for another page')
  t.equal(await open('/', { cookie: 'key=good', origin: `http://127.0.0.1:${port}` }), '{"key":"good"}')
  t.equal(await open('/?key=good', { cookie: 'key=good', origin: 'https://evil.example' }), '{"key":"good"}', 'a key in the query is not sent by the browser itself')
  t.equal(opened, 4)
})
