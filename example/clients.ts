/** The programs that may ask for tokens, and the authorization codes that users gave them. */

import { randomBytes } from 'node:crypto'
import { constantTimeEqual, verifyPkce } from 'fastify-auth-schemes'

export interface Client {
  /** A client without a secret is public: it runs where nothing can be kept. */
  readonly secret?: string
  /** Where a code may be sent to, compared as a whole. */
  readonly redirectUris?: readonly string[]
}

export class Clients {
  readonly #clients = new Map<string, Client>()

  add (id: string, client: Client): void { this.#clients.set(id, client) }

  /** Whether the client is known and has proved it. A public one must not send a secret, another one must. */
  authenticate (id: string, secret: string | undefined): boolean {
    const client = this.#clients.get(id)
    if (client === undefined) return false
    if (client.secret === undefined || secret === undefined) return client.secret === secret
    return constantTimeEqual(secret, client.secret)
  }

  /** Whether codes for the client may be sent there. */
  mayRedirect (id: string, uri: string): boolean {
    return this.#clients.get(id)?.redirectUris?.includes(uri) ?? false
  }
}

/** What a code stands for. */
export interface Consent<Owner> {
  readonly owner: Owner
  readonly scopes: readonly string[]
  readonly clientId: string
  readonly redirectUri: string
  readonly codeChallenge: string
}

/** Codes that can be exchanged once, within a minute, by the client that they were made for. */
export class Codes<Owner> {
  readonly #codes = new Map<string, Consent<Owner> & { readonly expiresAt: number }>()

  issue (consent: Consent<Owner>): string {
    const code = randomBytes(24).toString('base64url')
    this.#codes.set(code, { ...consent, expiresAt: Date.now() + 60_000 })
    return code
  }

  exchange (code: string, clientId: string, redirectUri: string | undefined, codeVerifier: string | undefined): Consent<Owner> | null {
    const found = this.#codes.get(code)
    this.#codes.delete(code)
    if (found === undefined || found.expiresAt <= Date.now()) return null
    if (found.clientId !== clientId || found.redirectUri !== redirectUri) return null
    return verifyPkce(codeVerifier, found.codeChallenge) ? found : null
  }
}
