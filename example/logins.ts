/** Logins that are kept in Redis, for any number of processes: opaque access tokens, and refresh tokens to use once. */

import { createHash, randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'

/** Whose a token is. */
export interface Login {
  readonly id: string
  readonly username: string
  readonly scopes: readonly string[]
}

/** Redis has their digests alone. */
export interface Tokens { readonly accessToken: string, readonly refreshToken: string }

// The id of a login, which opens nothing, and a secret.
const TOKEN = /^([\w-]{22})\.[\w-]{32}$/

/**
 * A login ends when it is revoked, when one of its refresh tokens is used a second time (RFC 9700 section 4.14.2), or
 * when none is used for `refreshLifetime`. None of its tokens is worth anything then, in any process.
 */
export class Logins {
  readonly #redis: Redis

  /** Lifetimes are in seconds. */
  constructor (redis: Redis, readonly accessLifetime = 600, readonly refreshLifetime = 30 * 24 * 3600) {
    this.#redis = redis
  }

  async begin (username: string, scopes: readonly string[]): Promise<Tokens> {
    const id = randomBytes(16).toString('base64url')
    await this.#redis.set(keyOf(id), JSON.stringify({ id, username, scopes }), 'EX', this.refreshLifetime)
    return await this.#issue(id)
  }

  /** Returns the login of an access token; `null` if the token is unknown or has expired, or the login has ended. */
  async find (accessToken: string): Promise<Login | null> {
    const id = idOf(accessToken)
    if (id === null) return null
    const [login, issued] = await this.#redis.mget(keyOf(id), accessKeyOf(id, accessToken))
    return typeof login === 'string' && typeof issued === 'string' ? JSON.parse(login) : null
  }

  /**
   * Uses a refresh token, and returns its login and the next tokens; `null` if the token is unknown, has expired or was
   * used before, or the login has ended.
   */
  async refresh (refreshToken: string): Promise<{ readonly login: Login, readonly tokens: Tokens } | null> {
    const id = idOf(refreshToken)
    // The login is read first: later, those who use the same token at once may have ended it.
    const login = id === null ? null : await this.#redis.get(keyOf(id))
    if (id === null || login === null) return null
    // One command marks the token and returns its earlier mark, so that one of them finds `unused`.
    const mark = await this.#redis.set(refreshKeyOf(id, refreshToken), 'used', 'KEEPTTL', 'XX', 'GET')
    // The owner or a thief has used it before, and nobody can tell which of them this is.
    if (mark === 'used') await this.revoke(id)
    return mark === 'unused' ? { login: JSON.parse(login), tokens: await this.#issue(id) } : null
  }

  /** Ends a login. */
  async revoke (id: string): Promise<void> { await this.#redis.del(keyOf(id)) }

  async #issue (id: string): Promise<Tokens> {
    const [accessToken, refreshToken] = [newToken(id), newToken(id)]
    await Promise.all([
      this.#redis.set(accessKeyOf(id, accessToken), 'issued', 'EX', this.accessLifetime),
      this.#redis.set(refreshKeyOf(id, refreshToken), 'unused', 'EX', this.refreshLifetime),
      // A login that has ended in between stays so.
      this.#redis.expire(keyOf(id), this.refreshLifetime)
    ])
    return { accessToken, refreshToken }
  }
}

const newToken = (id: string): string => `${id}.${randomBytes(24).toString('base64url')}`
const idOf = (token: string): string | null => TOKEN.exec(token)?.[1] ?? null
const digest = (token: string): string => createHash('sha256').update(token).digest('base64url')

// The braces keep all keys of a login in one slot of a Redis Cluster.
const keyOf = (id: string): string => `login:{${id}}`
const accessKeyOf = (id: string, token: string): string => `${keyOf(id)}:access:${digest(token)}`
const refreshKeyOf = (id: string, token: string): string => `${keyOf(id)}:refresh:${digest(token)}`
