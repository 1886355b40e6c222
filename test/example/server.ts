/** The example server as its users meet it: a process, a port, curl's requests and the document. */

import t from 'tap'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { execFile, spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import { build, demo, usage } from '../../example/server'

const run = promisify(execFile)
const root = join(__dirname, '../..')

t.test('each kind of scheme opens its route, and nothing else does', async (t) => {
  const app = await build()
  t.teardown(async () => { await app.close() })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> => await fetch(address + path, { headers })
  const login = async (scope: string, password = demo.password): Promise<Response> =>
    await fetch(`${address}/token`, { method: 'POST', body: new URLSearchParams({ username: demo.username, password, scope }) })
  const tokenFor = async (scope: string): Promise<Record<string, string>> =>
    ({ authorization: `Bearer ${((await (await login(scope)).json()) as { access_token: string }).access_token}` })

  const challenges: Record<string, string | null> = {
    '/items': 'Bearer realm="Item store", scope="items:read"',
    '/me': 'Bearer realm="Item store"',
    '/report': 'APIKey',
    '/feed': 'APIKey',
    '/account': 'Basic realm="Item store"',
    '/deployment': 'Bearer realm="Item store"',
    '/export': 'APIKey, Bearer realm="Item store", scope="items:read"',
    '/greeting': null,
    '/health': null
  }
  for (const [path, challenge] of Object.entries(challenges)) {
    const response = await get(path)
    t.equal(response.status, challenge === null ? 200 : 401, path)
    t.equal(response.headers.get('www-authenticate'), challenge, path)
  }

  const wrong = await login('items:read', 'wrong')
  t.equal(wrong.status, 400)
  t.strictSame(await wrong.json(), { error: 'invalid_grant', error_description: 'Incorrect username or password' })
  const granted = await login('items:read items:fly')
  t.equal(granted.headers.get('cache-control'), 'no-store')
  t.match(await granted.json(), { token_type: 'bearer', expires_in: 1800, scope: 'items:read' })

  const read = await tokenFor('items:read')
  t.strictSame(await (await get('/items', read)).json(), [{ name: 'Looking-glass', owner: 'alice' }])
  t.equal((await get('/export', read)).status, 200)
  t.strictSame(await (await get('/me', read)).json(), { username: 'alice', fullName: 'Alice Liddell' })
  t.strictSame(await (await get('/greeting', read)).json(), { hello: 'Alice Liddell' })
  t.strictSame(await (await get('/greeting')).json(), { hello: 'stranger' })
  const item = { method: 'POST', body: JSON.stringify({ name: 'Key' }) }
  const refused = await fetch(`${address}/items`, { ...item, headers: { ...read, 'content-type': 'application/json' } })
  t.equal(refused.status, 403)
  t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="Item store", error="insufficient_scope", scope="items:write"')
  const created = await fetch(`${address}/items`, { ...item, headers: { ...await tokenFor('items:write'), 'content-type': 'application/json' } })
  t.equal(created.status, 201)
  t.strictSame(await created.json(), { name: 'Key', owner: 'alice' })

  t.strictSame(await (await get('/report', { 'x-api-key': demo.apiKey })).json(), { requestedBy: 'reporting', items: 2 })
  t.equal((await get('/export', { 'x-api-key': demo.apiKey })).status, 200)
  t.equal((await get('/report', { 'x-api-key': 'wrong' })).status, 401)
  const feed = await (await get(`/feed?key=${demo.feedKey}`)).json() as { title: string, items: Array<{ content_text: string }> }
  t.equal(feed.title, 'Item store')
  t.strictSame(feed.items.map((item) => item.content_text), ['Looking-glass, by alice', 'Key, by alice'])
  t.equal((await get(`/feed?key=${demo.apiKey}`)).status, 401)
  t.equal((await get('/report', { 'x-api-key': demo.feedKey })).status, 401)
  t.equal((await get('/deployment', { authorization: `Bearer ${demo.apiKey}` })).status, 401)
  const userpass = (password: string): Record<string, string> => ({ authorization: `Basic ${btoa(`${demo.username}:${password}`)}` })
  t.equal((await get('/account', userpass(demo.password))).status, 200)
  t.equal((await get('/account', userpass('wrong'))).status, 401)
  t.strictSame(await (await get('/deployment', { authorization: `Bearer ${demo.deployToken}` })).json(), { deployedBy: 'deployment' })

  t.match(usage(address), `${address}/documentation`)
  const { redirectUri, ...named } = demo
  for (const value of Object.values(named)) t.match(usage(address), value, 'it names every key')
  const [line = ''] = /^ *curl .*$/m.exec(usage(address)) ?? []
  const { stdout } = await run('sh', ['-c', line])
  t.strictSame(JSON.parse(stdout), [{ name: 'Looking-glass', owner: 'alice' }, { name: 'Key', owner: 'alice' }], 'one line logs in and uses the token')
  const home = await fetch(`${address}/`, { redirect: 'manual' })
  t.strictSame([home.status, home.headers.get('location')], [302, '/documentation'])
  t.match(await (await get('/documentation')).text(), /swagger-ui/)
  const document: any = await (await get('/documentation/json')).json()
  t.match(await new Validator().validate(structuredClone(document)), { valid: true })
  t.equal(document.openapi, '3.1.0')
  for (const [path, challenge] of Object.entries(challenges)) {
    const { security, responses } = document.paths[path].get
    if (challenge !== null) t.ok(security.length > 0 && security.every((alternative: object) => Object.keys(alternative).length > 0) && '401' in responses, path)
  }
  t.strictSame(document.paths['/greeting'].get.security, [{ OAuth2PasswordBearer: [] }, {}])
  t.strictSame(document.paths['/health'].get.security, [])
})

t.test('the README names the open doors of the example server', async (t) => {
  const app = await build()
  await app.ready()
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const open = app.authSchemes.routes().filter((route) => route.public && !route.hidden && route.method !== 'HEAD')
  t.match(readme, `[${open.map(({ url }) => `'${url}'`).sort().join(', ')}])`)
})

t.test('a token expires', async (t) => {
  const app = await build({ tokenLifetime: 1 })
  t.teardown(async () => { await app.close() })
  const { access_token: token } = (await app.inject({
    method: 'POST',
    url: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `username=${demo.username}&password=${demo.password}`
  })).json()
  const ask = async (): Promise<number> => (await app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })).statusCode
  t.equal(await ask(), 200)
  const { now } = Date
  t.teardown(() => { Date.now = now })
  Date.now = () => now() + 1000
  t.equal(await ask(), 401)
})

t.test('every way to log in counts for one limit, before a password is looked at', async (t) => {
  const app = await build({ guessLimits: { pair: 3, address: 6, name: 6 } })
  t.teardown(async () => { await app.close() })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const wrong = { authorization: `Basic ${btoa(`${demo.username}:wrong`)}` }
  const query = new URLSearchParams({ response_type: 'code', client_id: demo.webClientId, redirect_uri: demo.redirectUri, code_challenge: 'x', code_challenge_method: 'S256' })
  const attempts = [
    { method: 'POST' as const, url: '/token', headers: form, payload: `username=${demo.username}&password=wrong` },
    { url: '/account', headers: wrong },
    { url: `/authorize?${query.toString()}`, headers: wrong }
  ]
  const statuses: number[] = []
  for (const attempt of [...attempts, ...attempts]) statuses.push((await app.inject(attempt)).statusCode)
  t.strictSame(statuses, [400, 401, 401, 429, 429, 429])
  t.equal((await app.inject({ url: '/account', headers: { authorization: `Basic ${btoa(`${demo.username}:${demo.password}`)}` } })).statusCode, 429)
  const refused = await app.inject(attempts[0] as object)
  t.strictSame(refused.json(), { error: 'invalid_request', error_description: 'Too many attempts: try again later' })
  t.match(refused.headers['retry-after'], /^(3600|35\d\d)$/)
  t.equal((await app.inject('/health')).statusCode, 200)

  // The secrets of clients are guessed, too.
  const client = { ...attempts[0], payload: `grant_type=client_credentials&client_id=${demo.clientId}&client_secret=wrong` }
  const clientStatuses: number[] = []
  for (let i = 0; i < 4; i++) clientStatuses.push((await app.inject(client)).statusCode)
  t.strictSame(clientStatuses, [401, 401, 401, 429])
})

t.test('where its port is taken, the program says so in one sentence', async (t) => {
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  const { port } = taken.address() as AddressInfo
  for (const program of ['server', 'scopes', 'authorization-code', 'mcp']) {
    const { code, stderr, stdout } = await run(process.execPath, [join(root, `build/${program}.js`)], { env: { ...process.env, PORT: String(port), PROVIDER_PORT: '0' } }).catch((error) => error)
    t.equal(code, 1)
    t.equal(stdout, '')
    // The provider may have a warning of its own about the version of Node.js.
    t.strictSame(stderr.split('\n').filter((line: string) => !line.startsWith('oidc-provider WARNING')), [
      `Port ${port} is in use: stop the program that listens there, or choose another one by PORT${['authorization-code', 'mcp'].includes(program) ? ' or PROVIDER_PORT' : ''}.`, ''
    ])
  }
})

t.test('run as a program, it listens on PORT and says what to try', async (t) => {
  const server = spawn(process.execPath, [join(root, 'build/server.js')], { env: { ...process.env, PORT: '0' } })
  t.teardown(() => { server.kill() })
  let said = ''
  server.stdout.on('data', (chunk) => { said += String(chunk) })
  while (!said.includes('X-API-Key')) await once(server.stdout, 'data')
  const address = /listens at (\S+),/.exec(said)?.[1]
  t.equal((await fetch(`${address}/items`)).status, 401)
})
