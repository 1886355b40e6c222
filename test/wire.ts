/** What only a real socket shows: headers as Node.js gives them, websockets, and curl. */

import t from 'tap'
import { execFile } from 'node:child_process'
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
})
