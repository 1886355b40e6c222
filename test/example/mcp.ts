/** The MCP server of the example, as its users meet it: the official client, curl, a process. */

import t, { type Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { api, build, clients, usage } from '../../example/mcp'
import { startProvider } from '../../example/provider'
import { listenFirst, mcpClient } from '../mcp/helpers'

const run = promisify(execFile)

async function startExample (t: Test) {
  t.intercept(console, 'warn', { value () {} })
  const provider = await startProvider(0)
  t.teardown(provider.close)
  const { origin, serve } = await listenFirst(t)
  const url = `${origin}/mcp`
  const app = await build(provider.issuer, url)
  await provider.serve(origin, api(url))
  await serve(app)
  return { app, url, origin, issuer: provider.issuer, metadata: `${origin}/.well-known/oauth-protected-resource/mcp` }
}

for (const [mode, version] of [['legacy', '2025-11-25'], ['auto', '2026-07-28']] as const) {
  t.test(`a client that knows nothing but the URL logs in, calls a tool, and is stepped up by another, in the protocol of ${version}`, async (t) => {
    const { url, issuer, metadata } = await startExample(t)
    // Each port is good for a program that listens there for the code.
    const { client, call, exchanges, asked } = await mcpClient(t, url, { clientId: clients.mcp.client_id, redirectUrl: 'http://localhost:4567/callback', mode })
    t.equal(client.getNegotiatedProtocolVersion(), version)
    const challenge = `Bearer resource_metadata="${metadata}", scope="notes:read"`
    t.strictSame(exchanges.slice(0, 3), [
      { method: 'POST', url, status: 401, challenge },
      { method: 'GET', url: metadata, status: 200, challenge: null },
      { method: 'GET', url: `${issuer}/.well-known/oauth-authorization-server`, status: 200, challenge: null }
    ])
    t.strictSame(asked(), [{ scope: 'notes:read', resource: url, pkce: 'S256' }])

    t.strictSame((await client.listTools()).tools.map(({ name }) => name), ['list-notes', 'add-note'])
    t.equal(await call('list-notes'), '')
    const posts = () => exchanges.filter((exchange) => exchange.method === 'POST' && exchange.url === url)
    const before = posts().length
    t.equal(posts().filter(({ status }) => status >= 400).length, 1, 'until here there was one 401, and no other refusal')
    t.equal(await call('add-note', { text: 'Tea at six' }), 'Added')
    t.strictSame(posts()[before], {
      method: 'POST', url, status: 403, challenge: `Bearer resource_metadata="${metadata}", error="insufficient_scope", scope="notes:read notes:write"`
    })
    t.strictSame(asked()[1], { scope: 'notes:read notes:write', resource: url, pkce: 'S256' })
    t.equal(asked().length, 2)
    t.equal(await call('list-notes'), 'Tea at six', 'the tool ran once')
  })
}

t.test('what the program says to try works, and a tool that is refused does not run', async (t) => {
  const { app, url, issuer, metadata } = await startExample(t)
  const said = usage(url, issuer)
  const commands = said.slice(said.indexOf('By hand:')).replaceAll('\\\n', '').split('\n').filter((line) => line.startsWith('  ')).map((line) => line.trim().replace(/curl -i/, 'curl -si'))
  const [, , token = ''] = commands
  const [absent, document, , listed, refused] = await Promise.all(commands.map(async (command) =>
    (await run('sh', ['-c', command.includes('$TOKEN') ? `${token}\n${command}` : command])).stdout.replaceAll('\r', '')))
  t.match(absent, /^HTTP\/1.1 401 Unauthorized\n/)
  t.match(absent, `www-authenticate: Bearer resource_metadata="${metadata}", scope="notes:read"\n`)
  t.strictSame(JSON.parse(document as string), {
    resource: url, authorization_servers: [issuer], bearer_methods_supported: ['header'], resource_name: 'Notes', scopes_supported: ['notes:read']
  })
  t.match(listed, /^HTTP\/1.1 200 OK\n/)
  t.match(listed, 'data: {"result":{"content":[]},"jsonrpc":"2.0","id":1}\n')
  t.match(refused, /^HTTP\/1.1 403 Forbidden\n/)
  t.match(refused, 'error="insufficient_scope", scope="notes:read notes:write"\n')
  t.match(refused, '{"statusCode":403,"code":"FST_AUTH_INSUFFICIENT_SCOPE","error":"Forbidden","message":"Not enough permissions"}')

  const { stdout: header } = await run('sh', ['-c', `${token}\nprintf %s "$TOKEN"`])
  const post = async (payload: unknown, headers: Record<string, string> = {}) => await app.inject({
    method: 'POST', url: '/mcp', payload: JSON.stringify(payload), headers: { authorization: `Bearer ${header}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
  })
  const add = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'add-note', arguments: { text: 'Smuggled' } } }
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list-notes' } }
  t.equal((await post([list, add])).statusCode, 403, 'a batch with such a call')
  t.equal((await post({ ...add, params: { ...add.params, name: '__proto__' } })).statusCode, 200)
  t.equal((await post(list, { origin: 'https://evil.example' })).statusCode, 403, 'a page of another site')
  t.equal((await post(null)).statusCode, 400)
  t.match((await post(list)).body, '"content":[]', 'none of them ran')
})

t.test('the document has the route, and the metadata is the only other one that is public', async (t) => {
  const { app, origin, issuer } = await startExample(t)
  const document: any = await (await fetch(`${origin}/openapi.json`)).json()
  t.strictSame(Object.keys(document.paths), ['/mcp'])
  t.strictSame(document.paths['/mcp'].post.security, [{ OpenIdConnect: ['notes:read'] }])
  t.strictSame(Object.keys(document.paths['/mcp'].post.responses).sort(), ['200', '401', '403'])
  t.strictSame(document.components.securitySchemes, { OpenIdConnect: { type: 'openIdConnect', openIdConnectUrl: `${issuer}/.well-known/openid-configuration` } })
  const open = app.authSchemes.routes().filter((route) => route.public && route.method === 'GET')
  t.strictSame(open.map(({ url }) => url).sort(), ['/.well-known/oauth-protected-resource/mcp', '/openapi.json'])
})

t.test('run as a program, it listens on PORT and PROVIDER_PORT and says what to try', async (t) => {
  const free = createServer().listen(0, 'localhost')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => { free.close(resolve) })
  const program = spawn(process.execPath, [join(__dirname, '../../build/mcp.js')], { env: { ...process.env, PORT: String(port), PROVIDER_PORT: '0' } })
  t.teardown(() => { program.kill() })
  let said = ''
  program.stdout.on('data', (chunk) => { said += String(chunk) })
  while (!said.includes('add-note')) await once(program.stdout, 'data')
  const [, url, issuer] = /The MCP server is (\S+)\. Its users log in at (\S+),/.exec(said) ?? []
  t.equal(url, `http://localhost:${port}/mcp`)
  t.equal(said.trim(), usage(url as string, issuer as string).trim())
  t.equal((await fetch(url as string)).status, 401)
})
