/** A client that is a page of another origin: it sees the challenge, and reads the metadata. */

import Fastify from 'fastify'
import cors from '@fastify/cors'
import authSchemes from 'fastify-auth-schemes'
import { inBrowser, newPage } from '../swagger-ui'
import { listenFirst } from '../mcp/helpers'

inBrowser('a page of another origin', async (t, browser) => {
  const front = Fastify()
  front.get('/', async (_request, reply) => await reply.type('text/html').send('<!doctype html><title>A client</title>'))
  t.teardown(async () => { await front.close() })
  const page = await newPage(browser)
  const from = await front.listen({ port: 0, host: '127.0.0.1' })
  await page.goto(from)

  const metadataPath = '/.well-known/oauth-protected-resource/mcp'
  const rows = [
    { name: 'sees the challenge, where @fastify/cors exposes it', allowed: from, exposedHeaders: ['WWW-Authenticate'], seen: (origin: string) => [401, `Bearer resource_metadata="${origin}${metadataPath}", error="invalid_token"`] },
    { name: 'sees the status alone, where it does not', allowed: from, exposedHeaders: [], seen: () => [401, null] },
    { name: 'sees nothing of the API, where it allows other pages only', allowed: 'https://app.example', exposedHeaders: ['WWW-Authenticate'], seen: () => 'blocked' }
  ]
  for (const { name, allowed, exposedHeaders, seen } of rows) {
    await t.test(`${name}, and reads the metadata`, async (t) => {
      const { origin, serve } = await listenFirst(t)
      const url = `${origin}/mcp`
      const app = Fastify()
      await app.register(authSchemes, { explicit: true })
      await app.register(cors, { origin: allowed, exposedHeaders, strictPreflight: true })
      const scheme = app.authSchemes.httpBearer({ resource: { url, authorizationServers: ['https://login.example.com'] }, verify: () => null })
      let ran = 0
      app.post('/mcp', { security: [{ scheme }] }, async () => ++ran)
      await serve(app)

      const challenged = await page.evaluate(async (url) => {
        const asked = { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer wrong' }, body: '{}' }
        const response = await fetch(url, asked).catch(() => null)
        return response === null ? 'blocked' : [response.status, response.headers.get('WWW-Authenticate')]
      }, url)
      t.strictSame(challenged, seen(origin))
      t.equal(ran, 0)
      // A header of its own makes the browser ask first, as the official client's does.
      const metadata = await page.evaluate(async (url) => await (await fetch(url, { headers: { 'MCP-Protocol-Version': '2026-07-28' } })).json(), origin + metadataPath)
      t.strictSame(metadata, { resource: url, authorization_servers: ['https://login.example.com'], bearer_methods_supported: ['header'] })
    })
  }
})
