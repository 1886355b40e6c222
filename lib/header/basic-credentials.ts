/** The credentials of HTTP Basic (RFC 7617 section 2). */

import { MALFORMED } from './authorization'

// CTL, RFC 5234 appendix B.1: neither the user-id nor the password may contain one.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Splits base64 of `username:password` at the first colon, both UTF-8 and perhaps empty.
 *
 * Malformed: an empty value, anything but canonical base64 with its padding (RFC 4648 sections 3.5 and 4), invalid
 * UTF-8, no colon, a control character.
 */
export function readBasicCredentials (value: string): { username: string, password: string } | typeof MALFORMED {
  const bytes = Buffer.from(value, 'base64')
  // `Buffer.from` skips what it cannot read and takes the url-safe alphabet: only what encodes back to itself was base64.
  if (bytes.length === 0 || bytes.toString('base64') !== value) return MALFORMED
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return MALFORMED
  }
  const colon = text.indexOf(':')
  if (colon === -1 || CONTROL.test(text)) return MALFORMED
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
