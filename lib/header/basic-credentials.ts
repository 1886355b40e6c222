/** The credentials of HTTP Basic (RFC 7617 section 2). */

import { MALFORMED } from './authorization'

// The alphabet of RFC 4648 section 4 and its padding.
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

// ASCII without CTL (RFC 5234 appendix B.1), which neither the user-id nor the password may contain.
const PLAIN = /^[\x20-\x7e]*$/
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads base64 of `username:password`, split at the first colon. Both parts are UTF-8 and may be empty.
 *
 * Malformed: an empty value, anything but canonical base64 with its padding (RFC 4648 sections 3.5 and 4), invalid
 * UTF-8, no colon, a control character.
 */
export function readBasicCredentials (value: string): { username: string, password: string } | typeof MALFORMED {
  if (value.length % 4 !== 0 || !BASE64.test(value)) return MALFORMED
  const bytes = atob(value)
  // Only a value that encodes back to itself is canonical: a bit behind the last byte would be lost.
  if (btoa(bytes) !== value) return MALFORMED
  const text = PLAIN.test(bytes) ? bytes : readUtf8(value)
  if (text === null) return MALFORMED
  const colon = text.indexOf(':')
  return colon === -1 ? MALFORMED : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Returns the text of the bytes; `null` if they are not UTF-8 or contain a control character. */
function readUtf8 (base64: string): string | null {
  try {
    const text = utf8.decode(Buffer.from(base64, 'base64'))
    return CONTROL.test(text) ? null : text
  } catch {
    return null
  }
}
