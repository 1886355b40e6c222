/** Logins at an OpenID provider by the authorization code with PKCE, state and nonce, through openid-client. */

import { WEB_CLIENT } from './provider'

export interface User { readonly name: string }

/** The values by which a login that has begun is completed. They stay on the server, in the session of the browser. */
export interface Login {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface Logins {
  /** Begins a login, which goes on at that URL of the provider. */
  begin: () => Promise<{ readonly login: Login, readonly url: string }>
  /** Completes it with the query that the provider sent back. Throws if anything in it belongs to another login. */
  complete: (login: Login, query: string) => Promise<User>
  /** The URL at which users log out of the provider. */
  readonly logoutUrl: URL
}

export const isLocal = (url: string): boolean => new URL(url).hostname === 'localhost'

/**
 * Asks the provider for its metadata.
 *
 * @param origin of the application, as the provider knows it
 */
export async function connect (issuer: string, origin: string): Promise<Logins> {
  const oidc = await import('openid-client')
  const provider = await oidc.discovery(
    new URL(issuer), WEB_CLIENT.id, undefined, oidc.ClientSecretBasic(WEB_CLIENT.secret),
    { execute: isLocal(issuer) ? [oidc.allowInsecureRequests] : [] }
  )
  const redirectUri = `${origin}/callback`
  return {
    async begin () {
      const login = {
        state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier: oidc.randomPKCECodeVerifier()
      }
      const url = oidc.buildAuthorizationUrl(provider, {
        redirect_uri: redirectUri,
        scope: 'openid',
        state: login.state,
        nonce: login.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(login.codeVerifier),
        code_challenge_method: 'S256'
      })
      return { login, url: url.href }
    },
    async complete ({ state, nonce, codeVerifier }, query) {
      const tokens = await oidc.authorizationCodeGrant(provider, new URL(`?${query}`, redirectUri), {
        expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier
      })
      // With `expectedNonce` an ID token is required, and `sub` in it.
      return { name: tokens.claims()!.sub }
    },
    logoutUrl: oidc.buildEndSessionUrl(provider, { post_logout_redirect_uri: `${origin}/` })
  }
}
