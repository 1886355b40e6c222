/**
 * An MCP server (Model Context Protocol). Its clients need nothing but its URL: the 401 leads them to the login.
 * Run it with `npm run start:mcp`.
 */

import Fastify, {
  type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions
} from 'fastify'
import cors from '@fastify/cors'
import swagger from '@fastify/swagger'
import {
  createMcpHandler, fromJsonSchema, localhostAllowedOrigins, McpServer, originValidationResponse, type AuthInfo,
  type McpHttpHandler
} from '@modelcontextprotocol/server'
import authSchemes, { type Auth, type Scheme } from 'fastify-auth-schemes'
import { jwtVerifier, type TokenClaims } from 'fastify-auth-schemes/jwt'
import { run } from './program'
import { startProvider, type Api } from './provider'

const NewNote = fromJsonSchema<{ text: string }>({
  type: 'object', properties: { text: { type: 'string', minLength: 1 } }, required: ['text']
})

/** The caller of a tool, as far as tools know it: without the token, which they must not pass on. */
export interface Caller {
  readonly sub: string
  /** Throws unless the token has these scopes, too. */
  readonly require: (scopes: readonly string[]) => void
}

export const callerOf = (authInfo: AuthInfo | undefined): Caller => authInfo?.extra as unknown as Caller

/** Returns the tools for one request. */
function createServer ({ sub }: Caller, notes: Map<string, string[]>): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('list-notes', { description: 'Lists your notes' }, async () => {
    return { content: (notes.get(sub) ?? []).map((text) => ({ type: 'text', text })) }
  })
  server.registerTool('add-note', {
    description: 'Adds a note',
    inputSchema: NewNote,
    // It is called before the response begins and before the tool runs, so that the refusal can be a 403.
    scopeChallenge: ({ authInfo }) => { callerOf(authInfo).require(['notes:write']) }
  }, async ({ text }) => {
    notes.set(sub, [...notes.get(sub) ?? [], text])
    return { content: [{ type: 'text', text: 'Added' }] }
  })
  return server
}

/**
 * Returns the handler that passes requests on to an MCP server, and its responses back. Neither `Authorization` nor
 * cookies are passed on.
 */
export function bridge (scheme: Scheme<Auth<string, TokenClaims>>, url: string, mcp: McpHttpHandler) {
  return async function handler (request: FastifyRequest, reply: FastifyReply): Promise<Response> {
    const { user: { sub, client_id: clientId, scopes } } = scheme.require(request)
    let refusal: unknown
    const require: Caller['require'] = (scopes) => {
      try {
        scheme.require(request, { scopes })
      } catch (error) {
        refusal = error
        throw error
      }
    }
    const { method, headers: { authorization, cookie, ...headers }, body: parsedBody } = request
    // `request.signal` is aborted as soon as the body is read.
    const gone = new AbortController()
    reply.raw.once('close', () => { gone.abort() })
    const web = new Request(url, { method, signal: gone.signal, headers: headers as Record<string, string> })
    const authInfo = { token: '', clientId: String(clientId), scopes: [...scopes], extra: { sub, require } }
    const response = originValidationResponse(web, localhostAllowedOrigins()) ??
      await mcp.fetch(web, { authInfo, parsedBody })
    // The SDK has made a 500 of it, of which nothing was sent yet.
    if (refusal !== undefined) throw refusal
    return response
  }
}

/**
 * The server.
 *
 * @param url its URL as clients write it, which names it in tokens
 */
export async function build (
  issuer: string, url: string, options: FastifyServerOptions = {}
): Promise<FastifyInstance> {
  const app = Fastify(options)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Notes', version: '1.0.0' } } })
  await app.register(authSchemes, { explicit: true })
  // Clients that are pages must see the challenge.
  const exposedHeaders = ['WWW-Authenticate', 'Mcp-Session-Id']
  await app.register(cors, { origin: [/^http:\/\/localhost:\d+$/], methods: ['GET', 'POST', 'DELETE'], exposedHeaders })

  const oauth2 = app.authSchemes.openIdConnect({
    openIdConnectUrl: `${issuer}/.well-known/openid-configuration`,
    resource: { url, authorizationServers: [issuer], name: 'Notes' },
    verify: jwtVerifier({ issuer, audience: url })
  })

  const notes = new Map<string, string[]>()
  const mcp = createMcpHandler(({ authInfo }) => createServer(callerOf(authInfo), notes))
  app.addHook('onClose', mcp.close)
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    security: [{ scheme: oauth2, scopes: ['notes:read'] }],
    schema: { summary: 'The Model Context Protocol' },
    handler: bridge(oauth2, url, mcp)
  })

  app.get('/openapi.json', { security: [], schema: { hide: true } }, async () => app.swagger())
  return app
}

/** The programs that may ask the provider for tokens. They are registered beforehand. */
export const clients = {
  /** A program on the user's machine: it cannot keep a secret, and listens for the code on a port of its choice. */
  mcp: {
    client_id: 'mcp-client',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: ['http://localhost/callback', 'http://localhost/oauth/callback']
  },
  /** A program without a user. */
  job: {
    client_id: 'nightly-job',
    client_secret: 'demo-client-secret',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: []
  }
} as const

/** The API, as the provider knows it. */
export const api = (url: string): Api => ({
  audience: url,
  scopes: ['notes:read', 'notes:write'],
  clients: Object.values(clients) as unknown as Api['clients']
})

export interface Started {
  readonly url: string
  readonly issuer: string
  close: () => Promise<void>
}

/** Runs both, the server and the provider. The port of the server is part of its name, so it must be known before. */
export async function start (port: number, providerPort: number): Promise<Started> {
  const origin = `http://localhost:${port}`
  const url = `${origin}/mcp`
  const provider = await startProvider(providerPort)
  const app = await build(provider.issuer, url, { logger: { level: 'warn' } })
  const close = async (): Promise<void> => {
    await app.close()
    await provider.close()
  }
  try {
    await provider.serve(origin, api(url))
    await app.listen({ port, host: 'localhost' })
    return { url, issuer: provider.issuer, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Returns commands to try. */
export function usage (url: string, issuer: string): string {
  const { origin, pathname } = new URL(url)
  const { client_id: id, client_secret: secret } = clients.job
  const call = `curl -i ${url} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' ` +
    "-H 'Accept: application/json, text/event-stream'"
  const form = `grant_type=client_credentials&scope=notes:read&resource=${url}`
  return `
The MCP server is ${url}. Its users log in at ${issuer}, which takes any name and password.
Give an MCP client that URL and the client ID ${clients.mcp.client_id}, without a secret.
Its redirect URL must be http://localhost:…/callback or http://localhost:…/oauth/callback.

By hand: what a client learns from the 401, a token, a tool, and a tool that needs a further scope.

  curl -i ${url}
  curl ${origin}/.well-known/oauth-protected-resource${pathname}
  TOKEN=$(curl -s ${issuer}/token -u ${id}:${secret} \\
    -d '${form}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  ${call} -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list-notes"}}'
  ${call} -d '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add-note","arguments":{"text":"Tea at six"}}}'
`
}

async function main (): Promise<void> {
  const { url, issuer } = await start(Number(process.env.PORT ?? 3000), Number(process.env.PROVIDER_PORT ?? 3001))
  console.log(usage(url, issuer))
}

if (require.main === module) run(main, 'PORT or PROVIDER_PORT')
