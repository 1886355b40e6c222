/** Comparisons of secrets. */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { badOption } from './errors'

const key = randomBytes(32)

// Where two secrets that fit are laid side by side, each filled up with zeros. They are gone when the comparison returns.
const ROOM = 128
const [left, right] = [Buffer.alloc(ROOM), Buffer.alloc(ROOM)]

// code-verifier, RFC 7636 section 4.1.
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/**
 * Whether two secrets are equal, in a time that tells nothing of where they differ, nor of whether their lengths do.
 *
 * Secrets of up to 128 bytes are compared as if they all had 128; if either is longer, both are hashed first, which takes some microseconds. Where there
 * are many secrets to compare with, look one up by its digest instead: that is as safe, and one look-up is faster than a thousand comparisons.
 *
 * @param a a string, compared as UTF-8, or bytes
 * @throws {TypeError} for anything else
 */
export function constantTimeEqual (a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (!isSecret(a) || !isSecret(b)) throw badOption('constantTimeEqual', 'both secrets must be strings or bytes')
  if (Buffer.byteLength(a) > ROOM || Buffer.byteLength(b) > ROOM) return timingSafeEqual(digest(a), digest(b))
  const [lengthOfA, lengthOfB] = [lay(left, a), lay(right, b)]
  const equal = timingSafeEqual(left, right)
  left.fill(0)
  right.fill(0)
  return equal && lengthOfA === lengthOfB
}

const isSecret = (value: unknown): boolean => typeof value === 'string' || value instanceof Uint8Array

function digest (secret: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(secret).digest()
}

function lay (room: Buffer, secret: string | Uint8Array): number {
  if (typeof secret === 'string') return room.write(secret)
  room.set(secret)
  return secret.length
}

/**
 * Whether a PKCE verifier belongs to the challenge of the authorization request (RFC 7636 section 4.6).
 *
 * A verifier that is missing, or is none in the sense of section 4.1, does not. That the code itself is valid, was not used before, and belongs to
 * the client and the redirect URI is not checked.
 *
 * @param method what you allow, not what the client wishes: `S256` (the default) or `plain`
 * @throws {TypeError} for another method
 */
export function verifyPkce (codeVerifier: string | undefined, codeChallenge: string | undefined, method: 'S256' | 'plain' = 'S256'): boolean {
  if (method !== 'S256' && method !== 'plain') throw badOption('verifyPkce', 'the method must be S256 or plain')
  if (typeof codeVerifier !== 'string' || typeof codeChallenge !== 'string' || !CODE_VERIFIER.test(codeVerifier)) return false
  return constantTimeEqual(method === 'plain' ? codeVerifier : createHash('sha256').update(codeVerifier).digest('base64url'), codeChallenge)
}
