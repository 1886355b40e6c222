/** npm's `oidc-provider` on a real port, whose keys can be exchanged, and clients that get tokens from it. */

import { randomBytes, createHash } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export const API = 'https://api.example.com'
export const OPAQUE_API = 'https://opaque.example.com'
export const REDIRECT_URI = 'https://client.example.com/callback'
export const PUBLIC_CLIENT = 'a public client'
export const CLIENT = { id: 'a client', secret: 'its:secret/with+signs' }

/** A key that oidc-provider signs with. */
export async function privateJwk (kid: string): Promise<object> {
  const { exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...await exportJWK(privateKey), alg: 'RS256', use: 'sig', kid }
}

/** Logs in and consents as a person does, and returns the URL that the browser is then sent to. */
export async function authorize (url: string | URL): Promise<URL> {
  const cookies = new Map<string, string>()
  async function go (url: string, fields?: Record<string, string>): Promise<string> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...fields === undefined ? {} : { method: 'POST', body: new URLSearchParams(fields) }
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string]
      cookies.set(name, value)
    }
    return new URL(response.headers.get('location') as string, url).href
  }
  const interaction = await go(String(url))
  const consent = await go(await go(interaction, { prompt: 'login', login: 'alice', password: 'any' }))
  return new URL(await go(await go(consent, { prompt: 'consent' })))
}

export async function startOidc (t: Test) {
  const { default: Provider } = await import('oidc-provider')
  t.intercept(console, 'warn', { value () {} })
  let listener: RequestListener = () => {}
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url as string)
    listener(request, response)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => { server.close(resolve) })
  })

  function serve (...keys: readonly object[]): void {
    const provider = new Provider(issuer, {
      jwks: { keys: [...keys] },
      clients: [
        { client_id: CLIENT.id, client_secret: CLIENT.secret, grant_types: ['client_credentials', 'authorization_code'], redirect_uris: [REDIRECT_URI], response_types: ['code'] },
        { client_id: PUBLIC_CLIENT, token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: [REDIRECT_URI], response_types: ['code'] }
      ],
      scopes: ['openid', 'items:read', 'items:write'],
      // The client that asks for a token is its subject (RFC 9068 section 2.2), which oidc-provider leaves out.
      extraTokenClaims: (_context, token) => token.kind === 'ClientCredentials' ? { sub: token.clientId } : undefined,
      features: {
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: (_context, resource) => ({
            audience: resource, scope: 'items:read items:write', accessTokenFormat: resource.startsWith(OPAQUE_API) ? 'opaque' : 'jwt', accessTokenTTL: resource.endsWith('/short') ? 1 : 3600
          })
        }
      }
    })
    listener = provider.callback()
  }

  async function post (path: string, fields: Record<string, string>): Promise<any> {
    const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${encode(CLIENT.id)}:${encode(CLIENT.secret)}`).toString('base64')}` },
      body: new URLSearchParams(fields)
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${response.status} ${text}`)
    return text === '' ? null : JSON.parse(text)
  }

  return {
    issuer,
    asked,
    serve,
    token: async (resource = API): Promise<string> => (await post('/token', { grant_type: 'client_credentials', resource, scope: 'items:read' })).access_token,
    revoke: async (token: string): Promise<void> => { await post('/token/revocation', { token }) },
    /** A user logs in and consents: the tokens of RFC 6749 section 4.1. */
    async login (resource = API): Promise<{ access_token: string, id_token: string }> {
      const verifier = randomBytes(32).toString('base64url')
      const query = new URLSearchParams({
        client_id: CLIENT.id,
        response_type: 'code',
        scope: 'openid items:read',
        resource,
        redirect_uri: REDIRECT_URI,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256'
      })
      const done = await authorize(`${issuer}/auth?${query}`)
      return await post('/token', { grant_type: 'authorization_code', code: done.searchParams.get('code') as string, redirect_uri: REDIRECT_URI, code_verifier: verifier })
    }
  }
}
