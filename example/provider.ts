/** An OpenID provider such as a company runs somewhere else: oidc-provider, with its own login and consent pages. It accepts every user name: not for production. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Names the API in the tokens that are made for it. */
export const AUDIENCE = 'urn:example:item-store'

export const CLIENT_ID = 'swagger-ui'

/** A web application, which can keep a secret. A real one reads it from its environment. */
export const WEB_CLIENT = { id: 'item-store', secret: 'demo-web-client-secret' }

export interface RunningProvider {
  /** Its address, which also names it in the tokens that it makes. */
  readonly issuer: string
  /** Lets the application at this origin, such as `http://localhost:3000`, and its documentation ask for codes. */
  serve: (origin: string) => Promise<void>
  close: () => Promise<void>
}

/** Listens at once, so that its address is known, and answers after `serve`. */
export async function startProvider (port: number): Promise<RunningProvider> {
  const { default: Provider, errors } = await import('oidc-provider')
  const { exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwks = { keys: [{ ...await exportJWK(privateKey), alg: 'RS256', use: 'sig' }] }
  const server = createServer()
  await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(port, 'localhost', resolve) })
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    async serve (origin) {
      const provider = new Provider(issuer, {
        jwks,
        clients: [{
          client_id: CLIENT_ID,
          // A page cannot keep a secret: the client is public, and proves itself by PKCE.
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code'],
          response_types: ['code'],
          redirect_uris: [`${origin}/documentation/static/oauth2-redirect.html`]
        }, {
          client_id: WEB_CLIENT.id,
          client_secret: WEB_CLIENT.secret,
          redirect_uris: [`${origin}/callback`],
          post_logout_redirect_uris: [`${origin}/`]
        }],
        // The page exchanges the code itself, from its own origin.
        clientBasedCORS: (_context, from) => from === origin,
        scopes: ['items:read', 'items:write'],
        features: {
          // Access tokens become JWTs that name the API, so that it can check them by itself.
          resourceIndicators: {
            enabled: true,
            defaultResource: () => AUDIENCE,
            useGrantedResource: () => true,
            getResourceServerInfo (_context, resource) {
              if (resource !== AUDIENCE) throw new errors.InvalidTarget('There is no such API here')
              return { audience: AUDIENCE, scope: 'items:read items:write', accessTokenFormat: 'jwt', accessTokenTTL: 600 }
            }
          }
        }
      })
      server.on('request', provider.callback())
    },
    async close () {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
