/** The example whose users log in at a provider and are known by a session: what begins one, what opens with it, and what ends it. */

import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build, start, type Started } from '../../example/session'
import { startProvider } from '../../example/provider'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED, freePort } from '../helpers'

const SECRET = 'x'.repeat(32)
const HOUR = 3_600_000

/** A browser as far as cookies go. Every port of localhost gets the same. */
class Browser {
  readonly cookies = new Map<string, string>()

  async go (url: string | URL, fields?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...fields === undefined ? {} : { method: 'POST', body: new URLSearchParams(fields) }
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string]
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  get session (): string {
    return this.cookies.get('session') ?? ''
  }
}

const locationOf = (response: Response): string => response.headers.get('location') ?? ''

/** The routes whose handlers ran since it was last emptied, and the lines of the log. */
const ran: string[] = []
const lines: string[] = []
let started: Started
let address: string
let issuer: string

subscribe('tracing:fastify.request.handler:start', ({ request, route }: any) => { ran.push(`${request.method} ${route.url}`) })

t.before(async () => {
  const logger = { level: 'warn', stream: { write (line: string) { lines.push(line) } } }
  started = await start(await freePort(), 0, { secret: SECRET, logger })
  address = started.address
  issuer = started.issuer
})
t.teardown(async () => { await started.close() })

/** Begins at a page, logs in at the provider and consents. Returns the URL that the provider sends the browser back to. */
async function authorize (browser: Browser, { path = '/items', name = 'carroll', change = (_url: URL): void => {} } = {}): Promise<URL> {
  let url = new URL(path, address)
  while (url.origin === address) url = new URL(locationOf(await browser.go(url)), url)
  change(url)
  let at = url.href
  while (!at.startsWith(`${address}/callback`)) {
    const response = await browser.go(at)
    const [, prompt] = /name="prompt" value="(\w+)"/.exec(response.status === 200 ? await response.text() : '') ?? []
    const next = prompt === undefined ? response : await browser.go(at, prompt === 'login' ? { prompt, login: name, password: 'any' } : { prompt })
    if (locationOf(next) === '') throw new Error(`${next.status} at ${at}: ${await next.text()}`)
    at = new URL(locationOf(next), at).href
  }
  return new URL(at)
}

async function logIn (name?: string): Promise<Browser> {
  const browser = new Browser()
  const response = await browser.go(await authorize(browser, { name }))
  if (response.status !== 303) throw new Error(`${response.status} ${await response.text()}`)
  return browser
}

/** Asserts that these cookies open nothing: the API responds with 401, the page leads to the login, and no handler runs. */
async function opensNothing (t: Test, cookie: string, body: object, name: string): Promise<void> {
  ran.length = 0
  const headers = { cookie }
  const api = await fetch(`${address}/api/items`, { headers })
  t.equal(api.status, 401, name)
  t.equal(api.headers.get('www-authenticate'), 'APIKey', name)
  t.strictSame(await api.json(), body, name)
  const page = await fetch(`${address}/items?page=2`, { headers, redirect: 'manual' })
  t.equal(page.status, 303, name)
  t.equal(locationOf(page), '/login?returnTo=%2Fitems%3Fpage%3D2', name)
  const logout = await fetch(`${address}/logout`, { method: 'POST', headers, redirect: 'manual' })
  t.equal(logout.status, 303, name)
  t.equal(locationOf(logout), '/login?returnTo=%2F', name)
  t.strictSame(ran, [], `${name}: no handler ran`)
}

t.test('a login leads back to the page that asked for it, by a session with a new id', async (t) => {
  await opensNothing(t, '', NOT_AUTHENTICATED, 'a stranger')

  const browser = new Browser()
  const callback = await authorize(browser, {
    path: '/items?page=2',
    name: '<b>carroll</b>',
    change (url) {
      t.equal(url.origin, issuer)
      t.match(Object.fromEntries(url.searchParams), { response_type: 'code', scope: 'openid', code_challenge_method: 'S256', code_challenge: /^[\w-]{43}$/, state: /^[\w-]{43}$/, nonce: /^[\w-]{43}$/, redirect_uri: `${address}/callback` })
    }
  })
  const before = browser.session
  await opensNothing(t, `session=${before}`, INVALID_CREDENTIALS, 'a login that has begun')
  const response = await browser.go(callback)
  t.equal(response.status, 303)
  t.equal(locationOf(response), `${address}/items?page=2`)
  const [cookie] = response.headers.getSetCookie()
  t.match(cookie, /^session=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/)
  t.equal(response.headers.get('cache-control'), 'no-store')

  t.not(browser.session.split('.')[0], before.split('.')[0])
  await opensNothing(t, `session=${before}`, INVALID_CREDENTIALS, 'the session from before the login')

  ran.length = 0
  const page = await browser.go(`${address}/items?page=2`)
  t.equal(page.status, 200)
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(page.headers.get('cache-control'), 'no-store')
  t.match(await page.text(), '<p>You are &#60;b&#62;carroll&#60;/b&#62;.</p>\n<ul><li>Looking-glass</li></ul>')
  const items = await browser.go(`${address}/api/items`)
  t.equal(items.status, 200)
  t.strictSame(await items.json(), [{ name: 'Looking-glass', readBy: '<b>carroll</b>' }])
  t.strictSame(page.headers.getSetCookie(), [], 'the session is not written again')
  t.strictSame(ran, ['GET /items', 'GET /api/items'])

  const again = await browser.go(`${address}/login?returnTo=/items`)
  t.equal(locationOf(again), `${address}/items`, 'who is logged in is not sent to the provider')
})

t.test('what the provider sends back opens nothing if it belongs to another login, and is used once', async (t) => {
  async function refused (browser: Browser, callback: URL, reason: RegExp | null, name: string): Promise<void> {
    lines.length = 0
    const response = await browser.go(callback)
    t.equal(response.status, 400, name)
    t.match(await response.text(), '<h1>The login was not completed</h1>', name)
    await opensNothing(t, `session=${browser.session}`, browser.session === '' ? NOT_AUTHENTICATED : INVALID_CREDENTIALS, name)
    t.equal(lines.length, reason === null ? 0 : 1, name)
    if (reason !== null) t.match(lines[0], reason, name)
    t.notOk(lines.join().includes(callback.searchParams.get('code') ?? 'no code'), `${name}: the code is not logged`)
  }

  // On the way to the provider, which then makes a code for a login that has not begun here.
  const authorizations: Record<string, [parameter: string, reason: RegExp | null]> = {
    'a wrong nonce': ['nonce', /unexpected JWT claim value/],
    'a wrong code challenge': ['code_challenge', /invalid_grant/],
    'a wrong state': ['state', null]
  }
  for (const [name, [parameter, reason]] of Object.entries(authorizations)) {
    const browser = new Browser()
    const change = (url: URL): void => { url.searchParams.set(parameter, 'x'.repeat(43)) }
    await refused(browser, await authorize(browser, { change }), reason, name)
  }

  // On the way back.
  const responses: Record<string, [change: (query: URLSearchParams) => void, reason: RegExp | null]> = {
    'another state': [(query) => { query.set('state', 'x'.repeat(43)) }, null],
    'no state': [(query) => { query.delete('state') }, null],
    'another code': [(query) => { query.set('code', 'x'.repeat(43)) }, /invalid_grant/],
    'no code': [(query) => { query.delete('code') }, /"code" missing|code/],
    'another provider': [(query) => { query.set('iss', 'https://evil.example') }, /iss/],
    'no provider': [(query) => { query.delete('iss') }, /iss/]
  }
  for (const [name, [change, reason]] of Object.entries(responses)) {
    const browser = new Browser()
    const callback = await authorize(browser)
    const right = callback.href
    change(callback.searchParams)
    await refused(browser, callback, reason, name)
    if (reason !== null) t.equal((await browser.go(right)).status, 400, `${name}: the right one comes too late`)
  }

  const mine = new Browser()
  const callback = await authorize(mine)
  await refused(new Browser(), callback, null, 'another browser')

  const victim = new Browser()
  const injected = await authorize(victim)
  injected.searchParams.set('code', callback.searchParams.get('code') as string)
  await refused(victim, injected, /invalid_grant/, 'the code of another user')

  const accepted = new Browser()
  const used = await authorize(accepted)
  t.equal((await accepted.go(used)).status, 303)
  const { session } = accepted
  t.equal((await accepted.go(used)).status, 400, 'the same response again')
  t.equal(accepted.session, session, 'the session goes on')
  t.equal((await accepted.go(`${address}/api/items`)).status, 200)

  const replayed = new Browser()
  const second = await authorize(replayed)
  second.searchParams.set('code', used.searchParams.get('code') as string)
  await refused(replayed, second, /invalid_grant/, 'a code that was used')

  const twice = await accepted.go(`${address}/callback?state=a&state=b`)
  t.equal(twice.status, 400)
  t.match(await twice.json(), { code: 'FST_ERR_VALIDATION' })
})

t.test('a wrong state does not end the login of somebody else', async (t) => {
  const browser = new Browser()
  const callback = await authorize(browser)
  t.equal((await browser.go(`${address}/callback?code=x&state=x`)).status, 400)
  t.equal((await browser.go(callback)).status, 303)
})

t.test('who cancels at the provider is not logged in', async (t) => {
  const browser = new Browser()
  const login = await browser.go(`${address}/login`)
  const interaction = await browser.go(locationOf(login))
  const abort = await browser.go(`${new URL(locationOf(interaction), issuer).href}/abort`)
  const callback = locationOf(await browser.go(locationOf(abort)))
  t.match(callback, /error=access_denied/)
  const response = await browser.go(callback)
  t.equal(response.status, 400)
  t.match(await response.text(), '<a href="/login">Log in again</a>')
  await opensNothing(t, `session=${browser.session}`, INVALID_CREDENTIALS, 'cancelled')
})

t.test('a login leads to pages of this application alone', async (t) => {
  const { port } = new URL(address)
  const browser = await logIn()
  const pages: Record<string, string> = {
    '/items?page=2': `${address}/items?page=2`,
    items: `${address}/items`,
    [`${address}/items`]: `${address}/items`,
    'http:items': `${address}/items`,
    '//evil.example': `${address}/`,
    '///evil.example': `${address}/`,
    '/\\evil.example': `${address}/`,
    '\\\\evil.example': `${address}/`,
    '/\t/evil.example': `${address}/`,
    ' //evil.example': `${address}/`,
    'https:evil.example': `${address}/`,
    'https://evil.example': `${address}/`,
    'https:///evil.example': `${address}/`,
    [`https://localhost:${port}/`]: `${address}/`,
    // A path that is another host once its dots are resolved, unless the origin stands before it.
    '/.//evil.example': `${address}//evil.example`,
    [`http://localhost:${port}@evil.example/`]: `${address}/`,
    [`http://evil.example@localhost:${port}/`]: `${address}/`,
    [`http://localhost:${port}.evil.example/`]: `${address}/`,
    [`http://localhost:${port}1/`]: `${address}/`,
    [`blob:${address}/items`]: `${address}/`,
    'javascript:alert(1)': `${address}/`,
    'data:text/html,': `${address}/`,
    'http://': `${address}/`,
    '': `${address}/`
  }
  for (const [wanted, expected] of Object.entries(pages)) {
    const response = await browser.go(`${address}/login?returnTo=${encodeURIComponent(wanted)}`)
    t.equal(response.status, 303, wanted)
    t.equal(locationOf(response), expected, wanted)
  }
  t.equal(locationOf(await browser.go(`${address}/login`)), `${address}/`)

  const stranger = new Browser()
  const callback = await authorize(stranger, { path: `/login?returnTo=${encodeURIComponent('//evil.example')}` })
  t.equal(locationOf(await stranger.go(callback)), `${address}/`, 'by way of the provider')

  ran.length = 0
  const twice = await browser.go(`${address}/login?returnTo=/items&returnTo=//evil.example`)
  t.equal(twice.status, 400)
  t.match(await twice.json(), { code: 'FST_ERR_VALIDATION' })
  t.strictSame(ran, [])
})

t.test('a logout ends the session on the server, and goes on at the provider', async (t) => {
  const browser = await logIn()
  const other = await logIn('alice')
  const { session } = browser
  t.equal((await browser.go(`${address}/logout`)).status, 404, 'a link logs nobody out')
  t.equal((await browser.go(`${address}/api/items`)).status, 200)

  const response = await browser.go(`${address}/logout`, {})
  t.equal(response.status, 303)
  const logout = new URL(locationOf(response))
  t.equal(logout.origin, issuer)
  t.equal(logout.searchParams.get('post_logout_redirect_uri'), `${address}/`)
  t.match(response.headers.getSetCookie(), [/^session=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/])
  t.equal(browser.session, '')
  await opensNothing(t, `session=${session}`, INVALID_CREDENTIALS, 'the cookie of a session that has ended')

  const form = await (await browser.go(logout)).text()
  const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(form) ?? []
  t.equal(locationOf(await browser.go(`${issuer}/session/end/confirm`, { xsrf: xsrf as string, logout: 'yes' })), `${address}/`)
  t.equal((await browser.go(`${address}/`)).status, 200, 'the front page asks for no login')

  t.strictSame(await (await other.go(`${address}/api/items`)).json(), [{ name: 'Looking-glass', readBy: 'alice' }], 'the session of another user goes on')
})

t.test('a slow request brings no session back that has ended meanwhile', async (t) => {
  const browser = await logIn()
  const { session } = browser
  const { port } = new URL(address)
  const socket = connect(Number(port), 'localhost')
  t.teardown(() => { socket.destroy() })
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => { received += String(chunk) })
  socket.write(`POST /nothing HTTP/1.1\r\nHost: localhost\r\nCookie: session=${session}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`)
  while (!received.includes('100 Continue')) await once(socket, 'data')
  t.equal((await browser.go(`${address}/logout`, {})).status, 303)
  socket.write('{}')
  await once(socket, 'close')
  t.match(received, /\r\n\r\nHTTP\/1\.1 404 /)
  await opensNothing(t, `session=${session}`, INVALID_CREDENTIALS, 'after a slow request')
})

t.test('a cookie that was tampered with opens nothing', async (t) => {
  const sign = (id: string, secret: string): string => `${id}.${createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')}`
  const [mine, theirs] = [(await logIn()).session, (await logIn()).session].map(decodeURIComponent) as [string, string]
  const [id, signature] = mine.split('.') as [string, string]
  t.equal(sign(id, SECRET), mine, 'this is how it is signed')
  const cookies: Record<string, [value: string, body?: object]> = {
    'another id': [`${theirs.split('.')[0]}.${signature}`],
    'another signature': [`${id}.${theirs.split('.')[1]}`],
    'a shorter signature': [mine.slice(0, -1)],
    'no signature': [id],
    'an empty signature': [`${id}.`],
    'signed with another secret': [sign(id, 'y'.repeat(32))],
    'an id that was never given': [sign('a'.repeat(32), SECRET)],
    'the id of no session': [sign('undefined', SECRET)],
    'the id __proto__': [sign('__proto__', SECRET)],
    'no id': [sign('', SECRET)],
    'a control character': [`${mine}\0`, NOT_AUTHENTICATED]
  }
  for (const [name, [value, body = INVALID_CREDENTIALS]] of Object.entries(cookies)) {
    await opensNothing(t, `session=${encodeURIComponent(value)}`, body, name)
  }
  // The scheme takes the first that is not empty, and @fastify/session the first: they have to mean the same session.
  await opensNothing(t, `session=; session=${encodeURIComponent(mine)}`, INVALID_CREDENTIALS, 'behind an empty one')
  await opensNothing(t, `session=x; session=${encodeURIComponent(mine)}`, INVALID_CREDENTIALS, 'behind another one')
  const accepted = await fetch(`${address}/api/items`, { headers: { cookie: `session=${encodeURIComponent(mine)}; session=x` } })
  t.equal(accepted.status, 200, 'before another one')
})

t.test('a session ends on the server when its time is over, however much it was used', async (t) => {
  const browser = await logIn()
  const { session } = browser
  const now = Date.now
  let ahead = 0
  t.intercept(Date, 'now', { value: () => now() + ahead })
  for (ahead of [4 * HOUR, 8 * HOUR - 60_000]) t.equal((await browser.go(`${address}/api/items`)).status, 200)
  ahead = 8 * HOUR + 1
  await opensNothing(t, `session=${session}`, INVALID_CREDENTIALS, 'a session whose time is over')
})

t.test('the document shows what each route requires, and three routes are public', async (t) => {
  const document: any = await (await fetch(`${address}/documentation/json`)).json()
  t.strictSame(document.components.securitySchemes, {
    Session: { type: 'apiKey', in: 'cookie', name: 'session', description: 'The cookie of a session. Open /login to get one.' }
  })
  const requirements = Object.entries<any>(document.paths).flatMap(([path, item]) => Object.entries<any>(item).map(([method, { security }]) => [`${method} ${path}`, security]))
  t.strictSame(Object.fromEntries(requirements), {
    'get /': [],
    'get /login': [],
    'get /callback': [],
    'get /items': [{ Session: [] }],
    'get /api/items': [{ Session: [] }],
    'post /logout': [{ Session: [] }]
  })
})

t.test('behind TLS the cookie is secure, and for this host alone', async (t) => {
  const provider = await startProvider(0)
  t.teardown(provider.close)
  await provider.serve('https://shop.example')
  const app = await build({ origin: 'https://shop.example', issuer: provider.issuer, secret: SECRET, trustProxy: true })
  t.teardown(async () => { await app.close() })
  const login = await app.inject({ url: '/login', headers: { 'x-forwarded-proto': 'https' } })
  t.match(login.headers['set-cookie'], /^__Host-session=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/)
  t.equal(new URL(login.headers.location as string).searchParams.get('redirect_uri'), 'https://shop.example/callback')
  const plain = await app.inject('/login')
  t.equal(plain.headers['set-cookie'], undefined, 'without TLS no cookie is set')
  t.match((app.swagger() as any).components.securitySchemes, { Session: { name: '__Host-session' } })
})

t.test('what is not safe fails the boot, and a provider that is down lets nobody in', async (t) => {
  const provider = await startProvider(0)
  const { issuer } = provider
  const origin = 'http://localhost:3000'
  await provider.serve(origin)
  for (const wrong of ['http://shop.example', 'https://shop.example/', 'https://shop.example/app', 'HTTPS://shop.example']) {
    await t.rejects(build({ origin: wrong, issuer }), { message: /^`origin` must be/ }, wrong)
  }
  await t.rejects(build({ origin, issuer, secret: 'short' }), { message: 'the secret must have length 32 or greater' })
  const app = await build({ origin, issuer })
  t.teardown(async () => { await app.close() })
  app.addHook('onRequest', async ({ headers, session }) => { if (headers.from === 'another plugin') session.user = { name: 'alice' } })
  const login = await app.inject('/login')
  ran.length = 0
  const other = await app.inject({ url: '/api/items', headers: { from: 'another plugin', cookie: 'session=x.y' } })
  t.equal(other.statusCode, 401, 'a session that is not that of the cookie')
  t.strictSame(ran, [])

  await provider.close()
  await t.rejects(build({ origin, issuer }), { message: 'fetch failed' })
  const state = new URL(login.headers.location as string).searchParams.get('state') as string
  const headers = { cookie: String(login.headers['set-cookie']).split(';')[0] }
  const response = await app.inject({ url: '/callback', query: { code: 'x', state, iss: issuer }, headers })
  t.equal(response.statusCode, 500, 'it went down during a login')
  t.equal((await app.inject({ url: '/api/items', headers })).statusCode, 401)
})

t.test('where its port is taken, the program ends', async (t) => {
  const taken = createServer().listen(0, 'localhost')
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  await t.rejects(start((taken.address() as AddressInfo).port, 0), { code: 'EADDRINUSE' })
})

t.test('run as a program, it listens on PORT and PROVIDER_PORT and says what to do', async (t) => {
  const env = { ...process.env, PORT: String(await freePort()), PROVIDER_PORT: '0', SESSION_SECRET: SECRET }
  const program = spawn(process.execPath, [join(__dirname, '../../build/session.js')], { env })
  t.teardown(() => { program.kill() })
  let said = ''
  program.stdout.on('data', (chunk) => { said += String(chunk) })
  while (!said.includes('The documentation is at')) await once(program.stdout, 'data')
  const [, address, issuer] = /The application listens at (\S+), the provider at (\S+)\.\n/.exec(said) ?? []
  t.equal((await fetch(`${address}/api/items`)).status, 401)
  const login = await fetch(`${address}/login`, { redirect: 'manual' })
  t.equal(new URL(locationOf(login)).origin, issuer)
})

// Until this the file would wait for the application, which is closed at the end.
t.end()
