/** Pages of several origins, and the credentials that Chromium sends by itself. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify, { type FastifyRequest, type FastifyServerOptions } from 'fastify'
import formbody from '@fastify/formbody'
import websocket from '@fastify/websocket'
import type { BrowserContext, Page } from 'playwright-core'
import authSchemes, { refuseCrossSite } from 'fastify-auth-schemes'
import type { Test } from 'tap'
import { PLAIN_HOST, inProfile } from '../swagger-ui'

const SITE = 'app.site.localhost'
const SIBLING = 'www.site.localhost'
const FOREIGN = 'evil.localhost'

/** A request to a route that is secured, or logs in, and the error's code. */
interface Seen { readonly what: string, readonly status: number, readonly code: string | undefined }

interface Server { readonly port: number, readonly seen: () => Seen[], readonly ran: () => number }

/** One server for all hosts: the page of one host is foreign to another host. */
async function serve (t: Test, trustedOrigins: readonly string[] = [], port = 0, options: FastifyServerOptions = {}): Promise<Server> {
  const app = Fastify({ forceCloseConnections: true, ...options })
  const codes = new WeakMap<FastifyRequest, string>()
  const requests: Seen[] = []
  let handled = 0
  app.addHook('onError', async (request, _reply, error) => { codes.set(request, error.code) })
  app.addHook('onSend', async (request, reply) => {
    const { url } = request.routeOptions
    if (url !== undefined && url !== '/page' && url !== '/cookie') requests.push({ what: `${request.method} ${url}`, status: reply.statusCode, code: codes.get(request) })
  })
  await app.register(formbody)
  await app.register(websocket)
  await app.register(authSchemes)
  const session = app.authSchemes.apiKeyCookie({ name: 'sid', trustedOrigins, verify: (id) => id === 'alice' })
  const basic = app.authSchemes.httpBasic({ trustedOrigins, verify: ({ username }) => username === 'alice' })
  const handler = async (): Promise<object> => ({ handled: ++handled })
  app.get('/page', async (request, reply) => {
    const { policy } = request.query as { policy?: string }
    if (policy !== undefined) reply.header('referrer-policy', policy)
    return await reply.type('text/html').send('<!doctype html><title>page</title>')
  })
  app.get('/cookie', async (request, reply) => {
    const { attributes } = request.query as { attributes: string }
    return await reply.header('set-cookie', `sid=alice; Path=/; ${attributes}`).send('set')
  })
  app.get('/act', { security: [{ scheme: session }] }, handler)
  app.post('/act', { security: [{ scheme: session }] }, handler)
  app.get('/basic', { security: [{ scheme: basic }] }, handler)
  app.post('/basic', { security: [{ scheme: basic }] }, handler)
  app.get('/live', { websocket: true, security: [{ scheme: session }] }, (socket) => {
    handled++
    requests.push({ what: 'GET /live', status: 101, code: undefined })
    socket.send('hello')
  })
  app.tokenForm('/token', { onRequest: refuseCrossSite() }, async (_form, _request, reply) => {
    handled++
    reply.header('set-cookie', 'sid=mallory; Path=/')
    return { access_token: 't', token_type: 'bearer' }
  })
  await app.listen({ port, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  return { port: (app.server.address() as AddressInfo).port, seen: () => requests.splice(0), ran: () => handled }
}

async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

/** Submits a form of the page, and gives the text of the page that follows. */
async function submit (page: Page, action: string): Promise<string> {
  await page.setContent(`<form method="post" action="${action}"><input name="username" value="mallory"><input name="password" value="x"><button></form>`)
  await Promise.all([page.waitForURL((url) => url.href === action), page.locator('button').click()])
  return await page.locator('body').innerText()
}

/** Sends what a script may send anywhere, with the credentials of the browser. */
async function send (page: Page, url: string): Promise<void> {
  await page.evaluate(async (url) => { await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }) }, url)
}

async function open (page: Page, url: string): Promise<string> {
  return await page.evaluate(async (url) => await new Promise<string>((resolve) => {
    const socket = new WebSocket(url)
    socket.onmessage = ({ data }) => { resolve(String(data)) }
    socket.onerror = () => { resolve('refused') }
  }), url)
}

const accepted = (what: string): Seen => ({ what, status: 200, code: undefined })
const refused = (what: string): Seen => ({ what, status: 403, code: 'FST_AUTH_CROSS_SITE' })
const OPENED: Seen = { what: 'GET /live', status: 101, code: undefined }

async function run (): Promise<void> {
  const [plainPort, securePort] = [await freePort(), await freePort()]
  const rules = [`MAP app.test:80 127.0.0.1:${plainPort}`, `MAP app.test:443 127.0.0.1:${securePort}`]
  const options = { ignoreHTTPSErrors: true, httpCredentials: { username: 'alice', password: 'x' } }
  await inProfile('pages of several origins', rules, options, async (t, context) => { await tryPages(t, context, plainPort, securePort) })
}

async function tryPages (t: Test, context: BrowserContext, plainPort: number, securePort: number): Promise<void> {
  async function newPage (t: Test): Promise<Page> {
    const page = await context.newPage()
    page.setDefaultTimeout(10_000)
    t.teardown(async () => { await page.close() })
    return page
  }

  /** A page whose browser has the cookie of one host, and that is now at another host. */
  async function visit (t: Test, { port }: Server, attributes: string, from: string, at: string, path = '/page'): Promise<Page> {
    await context.clearCookies()
    const page = await newPage(t)
    await page.goto(`http://${at}:${port}/cookie?attributes=${encodeURIComponent(attributes)}`)
    await page.goto(`http://${from}:${port}${path}`)
    return page
  }

  // The cookie comes along: without it the status would be 401. That one of another site needs SameSite=None, but for
  // forms within two minutes; that of a sibling subdomain does not.
  const places: ReadonlyArray<readonly [rule: string, from: string, at: string, attributes: string, passes: boolean]> = [
    ['the own page', SITE, SITE, 'SameSite=Lax', true],
    ['the own page, without Sec-Fetch-Site', PLAIN_HOST, PLAIN_HOST, '', true],
    ['a foreign page', FOREIGN, SITE, 'SameSite=None; Secure', false],
    ['a foreign page, by the address in its place', '127.0.0.1', 'localhost', 'SameSite=None; Secure', false],
    ['a sibling subdomain', SIBLING, SITE, 'SameSite=Strict', false]
  ]
  for (const [rule, from, at, attributes, passes] of places) {
    await t.test(`${rule}: a form, a fetch and a websocket`, async (t) => {
      const server = await serve(t)
      const page = await visit(t, server, attributes, from, at)
      const to = `${at}:${server.port}`
      await send(page, `http://${to}/act`)
      t.equal(await open(page, `ws://${to}/live`), passes ? 'hello' : 'refused')
      t.match(await submit(page, `http://${to}/act`), passes ? '{"handled":3}' : '"code":"FST_AUTH_CROSS_SITE"')
      t.strictSame(server.seen(), passes ? [accepted('POST /act'), OPENED, accepted('POST /act')] : [refused('POST /act'), refused('GET /live'), refused('POST /act')])
      t.equal(server.ran(), passes ? 3 : 0)
      await page.goto(`http://${at}:${server.port}/act`)
      t.strictSame(server.seen(), [accepted('GET /act')], 'a visit passes')
    })
  }

  for (const [host, status] of [[SITE, 'with Sec-Fetch-Site'], [PLAIN_HOST, 'without it']] as const) {
    await t.test(`the form of a foreign page, with a cookie that has no SameSite, ${status}`, async (t) => {
      const server = await serve(t)
      const page = await visit(t, server, '', FOREIGN, host)
      t.match(await submit(page, `http://${host}:${server.port}/act`), '"code":"FST_AUTH_CROSS_SITE"')
      t.strictSame(server.seen(), [refused('POST /act')])
      t.equal(server.ran(), 0)
    })
  }

  await t.test('a listed origin: a form, a fetch and a websocket', async (t) => {
    const port = await freePort()
    const server = await serve(t, [`http://${FOREIGN}:${port}`], port)
    const page = await visit(t, server, 'SameSite=None; Secure', FOREIGN, SITE)
    const to = `${SITE}:${server.port}`
    await send(page, `http://${to}/act`)
    t.equal(await open(page, `ws://${to}/live`), 'hello')
    t.match(await submit(page, `http://${to}/act`), '{"handled":3}')
    t.strictSame(server.seen(), [accepted('POST /act'), OPENED, accepted('POST /act')])
  })

  await t.test('a page with `Referrer-Policy: no-referrer` hides its origin: it passes by Sec-Fetch-Site, and nowhere else', async (t) => {
    const server = await serve(t)
    for (const [host, policy, seen] of [
      [SITE, 'no-referrer', accepted('POST /act')],
      [PLAIN_HOST, 'no-referrer', refused('POST /act')],
      [PLAIN_HOST, 'same-origin', accepted('POST /act')]
    ] as const) {
      const page = await visit(t, server, '', host, host, `/page?policy=${policy}`)
      await submit(page, `http://${host}:${server.port}/act`)
      t.strictSame(server.seen(), [seen], `${host}, ${policy}`)
    }
  })

  await t.test('Basic, which the browser keeps', async (t) => {
    const server = await serve(t)
    const page = await newPage(t)
    const url = `http://${SITE}:${server.port}/basic`
    await page.goto(url)
    t.strictSame(server.seen().at(-1), accepted('GET /basic'))
    await page.goto(`http://${FOREIGN}:${server.port}/page`)
    t.match(await submit(page, url), '"code":"FST_AUTH_CROSS_SITE"')
    t.strictSame(server.seen().at(-1), refused('POST /basic'))
    t.equal(server.ran(), 1)
    await page.goto(`http://${SITE}:${server.port}/page`)
    t.match(await submit(page, url), '{"handled":2}')
  })

  await t.test('a foreign page does not log its visitor in', async (t) => {
    const server = await serve(t)
    for (const [from, status] of [[FOREIGN, 403], [SIBLING, 403], [SITE, 200]] as const) {
      const page = await visit(t, server, 'SameSite=Lax', from, SITE)
      await submit(page, `http://${SITE}:${server.port}/token`)
      t.strictSame(server.seen().map(({ status }) => status), [status], from)
      const cookies = await page.context().cookies(`http://${SITE}:${server.port}`)
      t.strictSame(cookies.map(({ value }) => value), [status === 200 ? 'mallory' : 'alice'])
    }
  })

  await t.test('a page without TLS, of the same host and of the default port, at a server with TLS', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'origins-'))
    t.teardown(() => { rmSync(folder, { recursive: true }) })
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string]
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=app.test', '-addext', 'subjectAltName=DNS:app.test', '-keyout', key, '-out', cert])
    await serve(t, [], plainPort)
    const secure = await serve(t, [], securePort, { https: { key: readFileSync(key), cert: readFileSync(cert) } } as FastifyServerOptions)
    const page = await newPage(t)
    await page.goto('https://app.test/cookie?attributes=SameSite%3DNone%3B%20Secure')
    await page.goto('http://app.test/page')
    t.equal(page.url(), 'http://app.test/page')
    await send(page, 'https://app.test/act')
    t.equal(await open(page, 'wss://app.test/live'), 'refused', 'there the origin is all that differs')
    await submit(page, 'https://app.test/act')
    t.strictSame(secure.seen(), [refused('POST /act'), refused('GET /live'), refused('POST /act')])
    t.equal(secure.ran(), 0)
    await page.goto('https://app.test/page')
    t.equal(await open(page, 'wss://app.test/live'), 'hello')
    t.match(await submit(page, 'https://app.test/act'), '{"handled":2}')
  })
}

run()
