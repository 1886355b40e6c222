/** The programs that may ask for tokens. */

import { constantTimeEqual } from 'fastify-auth-schemes'
import type { User } from './users'

export interface Client {
  /** A client without a secret is public: it runs where nothing can be kept. */
  readonly secret?: string
  /** The addresses that a code may be sent to, compared as a whole. */
  readonly redirectUris?: readonly string[]
}

export class Clients {
  readonly #clients = new Map<string, Client>()

  add (id: string, client: Client): void { this.#clients.set(id, client) }

  /** Accepts a client that is known and has proved it. A public one must not send a secret, another one must. */
  authenticate (id: string, secret: string | undefined): boolean {
    const client = this.#clients.get(id)
    if (client === undefined) return false
    if (client.secret === undefined || secret === undefined) return client.secret === secret
    return constantTimeEqual(secret, client.secret)
  }

  /** Tells whether codes for the client may be sent there. */
  mayRedirect (id: string, uri: string): boolean {
    return this.#clients.get(id)?.redirectUris?.includes(uri) ?? false
  }
}

/** The login that a refresh token goes on with, for the client that the token belongs to. */
export interface Login { readonly user: User, readonly clientId: string | undefined }

/** The login that an authorization code was made in, and where and by whom the code may be exchanged. */
export interface Consent extends Login { readonly redirectUri: string, readonly codeChallenge: string }
