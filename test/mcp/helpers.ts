/** The official client of the Model Context Protocol, to which nothing but a URL is told, and servers whose URL is known before they are built. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { OAuthDiscoveryState, OAuthTokens } from '@modelcontextprotocol/client'
import type { Test } from 'tap'
import { authorize } from '../oidc/helpers'

/** Listens at once, as a resource is named by its URL, and answers once it serves an application. */
export async function listenFirst (t: Test) {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => { server.once('listening', resolve) })
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => { server.close(resolve) })
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async serve (app: FastifyInstance): Promise<void> {
      t.teardown(async () => { await app.close() })
      await app.ready()
      server.removeAllListeners('request').on('request', app.routing)
    }
  }
}

/** The requests of the client, and the responses. */
interface Exchange { readonly method: string, readonly url: string, readonly status: number, readonly challenge: string | null }

export interface McpClientOptions {
  readonly clientId: string
  readonly redirectUrl: string
  /** `legacy` is the protocol of 2025, `auto` that of 2026-07-28. */
  readonly mode: 'legacy' | 'auto'
  /** A token that the client has already. */
  readonly tokens?: OAuthTokens
}

/** A user's program. Its client was registered beforehand; the user logs in and consents whenever the program asks. */
export async function mcpClient (t: Test, url: string, { clientId, redirectUrl, mode, tokens: kept }: McpClientOptions) {
  const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await import('@modelcontextprotocol/client')
  const logins: URL[] = []
  const exchanges: Exchange[] = []
  const state: { tokens?: OAuthTokens, verifier?: string, discovery?: OAuthDiscoveryState } = { tokens: kept }
  const authProvider = {
    redirectUrl,
    clientMetadata: { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] },
    clientInformation: () => ({ client_id: clientId }),
    tokens: () => state.tokens,
    saveTokens: (tokens: OAuthTokens) => { state.tokens = tokens },
    codeVerifier: () => state.verifier as string,
    saveCodeVerifier: (verifier: string) => { state.verifier = verifier },
    discoveryState: () => state.discovery,
    saveDiscoveryState: (discovery: OAuthDiscoveryState) => { state.discovery = discovery },
    redirectToAuthorization: (url: URL) => { logins.push(url) }
  }
  async function recorded (input: string | URL, init?: RequestInit): Promise<Response> {
    const response = await fetch(input, init)
    exchanges.push({ method: init?.method ?? 'GET', url: String(input), status: response.status, challenge: response.headers.get('www-authenticate') })
    return response
  }
  const newTransport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: recorded })
  let transport = newTransport()

  /** Does it, and once more after a login, if the server asks for one. */
  async function withLogin<Result> (action: () => Promise<Result>): Promise<Result> {
    const before = logins.length
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || logins.length !== before + 1) throw error
    }
    await transport.finishAuth((await authorize(logins.at(-1) as URL)).searchParams)
    return await action()
  }
  const client = await withLogin(async () => {
    transport = newTransport()
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
    await client.connect(transport)
    return client
  })
  t.teardown(async () => { await client.close() })

  return {
    client,
    exchanges,
    /** The scopes and resources that each login asked for. */
    asked: () => logins.map(({ searchParams }) => ({ scope: searchParams.get('scope'), resource: searchParams.get('resource'), pkce: searchParams.get('code_challenge_method') })),
    /** The text that a tool gives. */
    async call (name: string, args: Record<string, unknown> = {}): Promise<string> {
      const { content } = await withLogin(async () => await client.callTool({ name, arguments: args }))
      return content.map((part) => part.type === 'text' ? part.text : part.type).join('\n')
    }
  }
}
