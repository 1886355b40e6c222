/** The token in what the schemes give as credentials. */

import { createHash, hash } from 'node:crypto'

// Longer ones are not read. Node.js allows a request 16 KiB of headers by default.
const LONGEST = 16 * 1024

// RFC 6750 section 2.1, taken more widely: one word of visible ASCII, alone or behind the scheme's name.
const TOKEN = /^(?:bearer +)?([!-~]+)$/i

/** The token; `null` where there is none, or one that is too long. */
export function tokenOf (credentials: unknown): string | null {
  const isObject = credentials !== null && typeof credentials === 'object'
  const text = isObject ? (credentials as { credentials?: unknown }).credentials : credentials
  if (typeof text !== 'string' || text.length > LONGEST) return null
  return TOKEN.exec(text)?.[1] ?? null
}

// Node.js has it from 20.12 on. It takes a third of the time.
const hashAtOnce = hash as typeof hash | undefined

/** The key under which what is known of a token is kept. The token itself is not. */
export function digestOf (token: string): string {
  return hashAtOnce === undefined
    ? createHash('sha256').update(token).digest('base64')
    : hashAtOnce('sha256', token, 'base64')
}
