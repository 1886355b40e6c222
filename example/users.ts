/** Users with hashed passwords and tokens that expire, kept in memory. */

import { createHash, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'

const LENGTH = 32
// The first of OWASP's recommended parameters. A hash takes 128 MiB of memory and some tenths of a second.
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }
const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)
const hash = async (password: string, salt: Buffer): Promise<Buffer> => await derive(password, salt, LENGTH, COST)

export interface User {
  readonly username: string
  readonly fullName: string
  /** The scopes that this user may be granted. */
  readonly allowed: readonly string[]
}

interface Account extends User { readonly salt: Buffer, readonly passwordHash: Buffer }

/** Whom an access token was issued to, with the scopes that were granted to it. */
export type Bearer<Owner> = Owner & { readonly scopes: readonly string[] }

/** The accounts of the example. */
export class Users {
  readonly #accounts = new Map<string, Account>()
  // Checked where the user name is unknown, so that the answer takes as long as with a wrong password.
  readonly #nobody = { salt: randomBytes(16), passwordHash: randomBytes(LENGTH) }

  async add (user: User, password: string): Promise<void> {
    const salt = randomBytes(16)
    this.#accounts.set(user.username, { ...user, salt, passwordHash: await hash(password, salt) })
  }

  /** The user, or `null` for a wrong user name or password. */
  async login (username: string, password: string): Promise<User | null> {
    const account = this.#accounts.get(username)
    const { salt, passwordHash } = account ?? this.#nobody
    const matches = timingSafeEqual(await hash(password, salt), passwordHash)
    if (account === undefined || !matches) return null
    return { username, fullName: account.fullName, allowed: account.allowed }
  }
}

/** A token as it was issued. `used` is for those that may be used once. */
interface Issued<Owner> {
  readonly owner: Bearer<Owner>
  readonly family: symbol
  readonly expiresAt: number
  used: boolean
}

/**
 * Tokens that expire, issued in families: all that follow from one login. Only digests are kept: looking one up tells
 * nothing about the others.
 */
export class Tokens<Owner> {
  readonly #issued = new Map<string, Issued<Owner>>()

  /** @param lifetime of each token, in seconds */
  constructor (readonly lifetime: number) {}

  issue (owner: Owner, scopes: readonly string[], family: symbol): string {
    this.#forget(({ expiresAt }) => expiresAt <= Date.now())
    const token = randomBytes(24).toString('base64url')
    const expiresAt = Date.now() + this.lifetime * 1000
    this.#issued.set(digest(token), { owner: { ...owner, scopes }, family, expiresAt, used: false })
    return token
  }

  /** A token that has not expired, as it was issued, else `null`. */
  read (token: string): Issued<Owner> | null {
    const found = this.#issued.get(digest(token))
    return found !== undefined && found.expiresAt > Date.now() ? found : null
  }

  /** The owner of a token that has not expired, else `null`. */
  find (token: string): Bearer<Owner> | null { return this.read(token)?.owner ?? null }

  revoke (family: symbol): void { this.#forget((issued) => issued.family === family) }

  #forget (condition: (issued: Issued<Owner>) => boolean): void {
    for (const [key, issued] of this.#issued) {
      if (condition(issued)) this.#issued.delete(key)
    }
  }
}

/** Keys that were given out to programs, looked up by their digest. */
export class Keys<Owner> {
  readonly #owners = new Map<string, Owner>()

  constructor (key: string, owner: Owner) { this.add(key, owner) }

  add (key: string, owner: Owner): void { this.#owners.set(digest(key), owner) }

  find (key: string): Owner | null { return this.#owners.get(digest(key)) ?? null }
}

function digest (secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}
