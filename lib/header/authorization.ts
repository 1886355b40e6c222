/** The `Authorization` header (RFC 9110 section 11.6.2), as far as all schemes share it. */

/** Nothing was sent for this scheme. */
export const ABSENT: unique symbol = Symbol('absent')
/** Something was sent for this scheme, but it cannot be read. */
export const MALFORMED: unique symbol = Symbol('malformed')

// token, RFC 9110 section 5.6.2: the name of an authentication scheme, a header or a cookie.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

// b64token of RFC 6750 section 2.1, taken more widely: any visible ASCII character but the quote and the comma.
const BEARER_TOKEN = /^[\x21\x23-\x2b\x2d-\x7e]+$/
const USUAL_BEARER = new RegExp(`^Bearer ${BEARER_TOKEN.source.slice(1)}`)

/** Returns true for a token in the sense of RFC 9110 section 5.6.2. */
export const isToken = (text: string): boolean => TOKEN.test(text)

/** Returns true for a text that can be a bearer token: visible ASCII without quotes and commas. */
export const isBearerToken = (text: string): boolean => BEARER_TOKEN.test(text)

/**
 * Returns true for a bearer token as nearly all clients write it: `Bearer`, one space, the token. Headers of another
 * form may be valid, too.
 */
export const isUsualBearer = (header: string): boolean => USUAL_BEARER.test(header)

/**
 * Returns the text without leading and trailing spaces. Other white space stays: it is not allowed there, so the text
 * must be refused.
 */
export function trimSpaces (text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) === 0x20) start++
  while (end > start && text.charCodeAt(end - 1) === 0x20) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

/** The header, read for one scheme: `scheme` as sent; `credentials` without spaces at the ends, perhaps empty. */
export interface Authorization { readonly scheme: string, readonly credentials: string }

/**
 * Reads the header for the scheme called `name` (lower case).
 *
 * Absent: no header, an empty one, another scheme's. Malformed: not one string, or the name is followed by a character
 * that is neither a space nor part of a name. The form of the credentials is not checked here: each scheme has its own.
 */
export function readAuthorization (header: unknown, name: string): Authorization | typeof ABSENT | typeof MALFORMED {
  if (header === undefined) return ABSENT
  if (typeof header !== 'string') return MALFORMED
  const value = trimSpaces(header)
  if (!startsWithName(value, name)) return ABSENT
  let start = name.length
  while (value.charCodeAt(start) === 0x20) start++
  // A name that goes on is another scheme's.
  if (start === name.length && start < value.length) return isToken(value.charAt(start)) ? ABSENT : MALFORMED
  return { scheme: value.slice(0, name.length), credentials: value.slice(start) }
}

/** Returns true if the text starts with the name (lower case). Only the case of ASCII letters is ignored. */
function startsWithName (text: string, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = text.charCodeAt(i)
    const isUpperCase = code >= 0x41 && code <= 0x5a
    if ((isUpperCase ? code + 0x20 : code) !== name.charCodeAt(i)) return false
  }
  return true
}
