/** Comparisons of secrets. */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { badOption } from './errors'

const key = randomBytes(32)

// code-verifier, RFC 7636 section 4.1.
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/**
 * Whether two secrets are equal, in a time that tells nothing of where they differ, nor of whether their lengths do.
 *
 * Both are hashed first, so the time grows with their lengths, each by itself. Where there are many secrets to compare with, look one up by its digest
 * instead: that is as safe, and one look-up is faster than a thousand comparisons.
 *
 * @param a a string, compared as UTF-8, or bytes
 * @throws {TypeError} for anything else
 */
export function constantTimeEqual (a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest (secret: unknown): Buffer {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) throw badOption('constantTimeEqual', 'both secrets must be strings or bytes')
  return createHmac('sha256', key).update(secret).digest()
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
