/** The keys that verify signatures. */

import { createPublicKey, type webcrypto } from 'node:crypto'
import { ask, objectOf, type Asker } from '../provider/ask'
import { fetchUrl } from '../provider/metadata'
import type { Log } from '../provider/reports'

export const Signature = { GOOD: 'good', BAD: 'bad', UNKNOWN_KEY: 'unknown key' } as const
export type Signature = typeof Signature[keyof typeof Signature]

/** One generation of keys. What it verified is kept as long as it stays. */
export interface KeySet {
  readonly verify: (token: string) => Promise<Signature>
}

type Jwk = Readonly<Record<string, unknown>>

const KEY_TYPES: readonly unknown[] = ['RSA', 'EC', 'OKP']
const LEAST_RSA_BITS = 2048

/**
 * The keys of a JSON Web Key Set that can verify. Those for other purposes are left out; those that cannot be used are,
 * with a warning.
 */
export function usableKeys (set: Jwk, log: Pick<Log, 'warn'>): readonly object[] {
  if (!Array.isArray(set.keys)) throw new Error('It is no JSON Web Key Set')
  const usable = set.keys.filter(isForSignatures).filter((key: Jwk) => {
    const problem = problemOf(key)
    if (problem !== null) log.warn({ kid: key.kid, problem }, `A key of the provider is left out: ${problem}`)
    return problem === null
  })
  if (usable.length === 0) throw new Error('The JSON Web Key Set has no key that verifies signatures')
  return usable
}

function isForSignatures (key: unknown): key is Jwk {
  if (key === null || typeof key !== 'object') return false
  const { kty, use, key_ops: operations } = key as Jwk
  return KEY_TYPES.includes(kty) && (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
}

function problemOf (key: Jwk): string | null {
  if ('d' in key) return 'it is a private key'
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: { ...key }, format: 'jwk' })
    const bits = asymmetricKeyDetails?.modulusLength ?? LEAST_RSA_BITS
    return bits < LEAST_RSA_BITS ? `it has less than ${LEAST_RSA_BITS} bits` : null
  } catch {
    return 'it is no valid key'
  }
}

/**
 * Keys that are found by the `kid` and `alg` of a token. `jku`, `jwk`, `x5u` and `x5c` of its header are never read.
 */
export async function publicKeys (keys: readonly object[], algorithms: readonly string[]): Promise<KeySet> {
  const { compactVerify, createLocalJWKSet } = await import('jose')
  const find = createLocalJWKSet({ keys: keys as Array<{ kty: string }> })
  return {
    async verify (token) {
      try {
        await compactVerify(token, find, { algorithms: [...algorithms] })
        return Signature.GOOD
      } catch (error) {
        return (error as { code?: unknown }).code === 'ERR_JWKS_NO_MATCHING_KEY' ? Signature.UNKNOWN_KEY : Signature.BAD
      }
    }
  }
}

/** A secret for HS256. Imported once, it takes half the time of bytes. */
export async function importSecret (bytes: Uint8Array): Promise<webcrypto.CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  return await crypto.subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, algorithm, false, ['sign', 'verify'])
}

/** Secrets for HS256, each of which may have signed. */
export async function secretKeys (secrets: readonly webcrypto.CryptoKey[]): Promise<KeySet> {
  const { compactVerify } = await import('jose')
  return {
    async verify (token) {
      for (const secret of secrets) {
        try {
          await compactVerify(token, secret, { algorithms: ['HS256'] })
          return Signature.GOOD
        } catch {}
      }
      return Signature.BAD
    }
  }
}

// For calls without a request, which has the logger.
const atBoot: Pick<Log, 'warn'> = { warn: (_details, message) => { process.emitWarning(message) } }

/** Fetches the keys of an issuer. As long as they are the same, what it gives is the same object. */
export function keyFetcher (
  asker: Asker, issuer: string, url: string | undefined, algorithms: readonly string[]
): (log?: Log) => Promise<KeySet> {
  let discovered: string | undefined
  let last: { readonly written: string, readonly set: KeySet } | null = null
  return async (log) => {
    const from = url ?? discovered ?? await fetchUrl(asker, issuer, 'jwks_uri')
    // Only a URL that gave keys is kept.
    discovered = undefined
    const fetched = objectOf(await ask(asker, from))
    const written = JSON.stringify(fetched.keys)
    if (last?.written !== written) {
      last = { written, set: await publicKeys(usableKeys(fetched, log ?? atBoot), algorithms) }
    }
    discovered = from
    return last.set
  }
}
