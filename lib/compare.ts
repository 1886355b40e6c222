/** Comparisons of secrets. */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { badOption } from './errors'

const key = randomBytes(32)

// Two secrets of up to this length are copied here, each filled up with zeros. Both are overwritten before the
// comparison returns.
const ROOM = 256
const [left, right] = [Buffer.alloc(ROOM), Buffer.alloc(ROOM)]

// code-verifier, RFC 7636 section 4.1.
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

// Matches half of a surrogate pair alone, which UTF-8 cannot express: every one of them would become the same
// replacement character.
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Compares two secrets in a time that depends neither on the place of a difference nor on a difference in length.
 *
 * Secrets of up to 256 bytes are compared as if they all had 256; if either is longer, both are hashed first, which
 * takes some microseconds. To compare with many secrets, look one up by its digest instead: a look-up is as safe, and
 * faster than a thousand comparisons.
 *
 * @param a a string or bytes. Two strings are equal if all their UTF-16 code units are; a string and bytes, if the
 * bytes are the string in UTF-8
 * @throws {TypeError} for anything else
 */
export function constantTimeEqual (a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (!isSecret(a) || !isSecret(b)) throw badOption('constantTimeEqual', 'both secrets must be strings or bytes')
  const encoding = typeof a === typeof b ? 'utf16le' : 'utf8'
  if (encoding === 'utf8' && (isIllFormed(a) || isIllFormed(b))) return false
  if (Buffer.byteLength(a, encoding) > ROOM || Buffer.byteLength(b, encoding) > ROOM) {
    return timingSafeEqual(digest(a, encoding), digest(b, encoding))
  }
  const [lengthOfA, lengthOfB] = [lay(left, a, encoding), lay(right, b, encoding)]
  const equal = timingSafeEqual(left, right)
  left.fill(0)
  right.fill(0)
  return equal && lengthOfA === lengthOfB
}

type Encoding = 'utf16le' | 'utf8'

const isSecret = (value: unknown): boolean => typeof value === 'string' || value instanceof Uint8Array

const isIllFormed = (secret: string | Uint8Array): boolean => typeof secret === 'string' && LONE_SURROGATE.test(secret)

function digest (secret: string | Uint8Array, encoding: Encoding): Buffer {
  const hmac = createHmac('sha256', key)
  return (typeof secret === 'string' ? hmac.update(secret, encoding) : hmac.update(secret)).digest()
}

function lay (room: Buffer, secret: string | Uint8Array, encoding: Encoding): number {
  if (typeof secret === 'string') return room.write(secret, encoding)
  room.set(secret)
  return secret.length
}

/**
 * Returns true if a PKCE verifier belongs to the challenge of the authorization request (RFC 7636 section 4.6).
 *
 * Returns false for a verifier that is missing or not one in the sense of section 4.1. The authorization code is not
 * checked: its validity, its first use, its client and its redirect URI.
 *
 * @param method the method that you allow, whatever the client sent: `S256` (the default) or `plain`
 * @throws {TypeError} for another method
 */
export function verifyPkce (
  codeVerifier: string | undefined, codeChallenge: string | undefined, method: 'S256' | 'plain' = 'S256'
): boolean {
  if (method !== 'S256' && method !== 'plain') throw badOption('verifyPkce', 'the method must be S256 or plain')
  if (typeof codeVerifier !== 'string' || typeof codeChallenge !== 'string' || !CODE_VERIFIER.test(codeVerifier)) {
    return false
  }
  const expected = method === 'plain' ? codeVerifier : createHash('sha256').update(codeVerifier).digest('base64url')
  return constantTimeEqual(expected, codeChallenge)
}
