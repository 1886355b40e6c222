/** Users with hashed passwords and tokens that expire, kept in memory. */

import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const hash = promisify<string, Buffer, number, Buffer>(scrypt)
const LENGTH = 32

export interface User {
  readonly username: string
  readonly fullName: string
  /** The scopes that this user may be granted. */
  readonly allowed: readonly string[]
}

interface Account extends User { readonly salt: Buffer, readonly passwordHash: Buffer }

/** The user of an access token, with the scopes that were granted to it. */
export interface TokenUser extends User { readonly scopes: readonly string[] }

/** The accounts of the example. */
export class Users {
  readonly #accounts = new Map<string, Account>()
  // Checked where the user name is unknown, so that the answer takes as long as with a wrong password.
  readonly #nobody = { salt: randomBytes(16), passwordHash: randomBytes(LENGTH) }

  async add (user: User, password: string): Promise<void> {
    const salt = randomBytes(16)
    this.#accounts.set(user.username, { ...user, salt, passwordHash: await hash(password, salt, LENGTH) })
  }

  /** The user, or `null` for a wrong user name or password. */
  async login (username: string, password: string): Promise<User | null> {
    const account = this.#accounts.get(username)
    const { salt, passwordHash } = account ?? this.#nobody
    const matches = timingSafeEqual(await hash(password, salt, LENGTH), passwordHash)
    if (account === undefined || !matches) return null
    return { username, fullName: account.fullName, allowed: account.allowed }
  }
}

/** Access tokens. Only their digests are kept: looking one up tells nothing about the others. */
export class Tokens {
  readonly #issued = new Map<string, { readonly user: TokenUser, readonly expiresAt: number }>()

  /** @param lifetime of each token, in seconds */
  constructor (readonly lifetime: number) {}

  issue (user: User, scopes: readonly string[]): string {
    this.#forgetExpired()
    const token = randomBytes(24).toString('base64url')
    this.#issued.set(digest(token), { user: { ...user, scopes }, expiresAt: Date.now() + this.lifetime * 1000 })
    return token
  }

  /** The user of a token that was issued and has not expired, else `null`. */
  find (token: string): TokenUser | null {
    const found = this.#issued.get(digest(token))
    return found !== undefined && found.expiresAt > Date.now() ? found.user : null
  }

  #forgetExpired (): void {
    for (const [key, { expiresAt }] of this.#issued) {
      if (expiresAt <= Date.now()) this.#issued.delete(key)
    }
  }
}

/** Keys that were given out to programs, looked up by their digest. */
export class Keys<Owner> {
  readonly #owners = new Map<string, Owner>()

  add (key: string, owner: Owner): void { this.#owners.set(digest(key), owner) }

  find (key: string): Owner | null { return this.#owners.get(digest(key)) ?? null }
}

function digest (secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}
