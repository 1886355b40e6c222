/** Challenges (RFC 9110 section 11.6.1), and the one place that writes quoted strings. */

// The characters of a realm: qdtext and quoted-pair of RFC 9110 section 5.6.4, without obs-text, which must not be
// generated.
const REALM = /^[\x20-\x7e]*$/

// scope-token, RFC 6749 section 3.3.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

// The characters that error_description may not contain, RFC 6749 section 5.2.
const NOT_DESCRIPTION = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g

/** Returns true for a text that can be sent as a realm: ASCII without control characters. */
export const isRealm = (text: string): boolean => REALM.test(text)

/** Returns true for the name of one scope. */
export const isScope = (text: string): boolean => SCOPE.test(text)

/**
 * Returns the text as an `error_description`: white space becomes a space, a double quote a single one, and any other
 * character that is not allowed `?`.
 */
export function toErrorDescription (text: string): string {
  return text.replace(/\s/g, ' ').replaceAll('"', "'").replace(NOT_DESCRIPTION, '?')
}

function quote (value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

/** The parameters of a challenge. One that is `undefined` or empty is left out. */
export interface ChallengeParameters {
  readonly realm?: string | undefined
  /** The URL of the metadata of a protected resource (RFC 9728 section 5.1). */
  readonly resource_metadata?: string | undefined
  readonly error?: string | undefined
  readonly scope?: string | undefined
  readonly error_description?: string | undefined
}

// Some clients look for `name=` anywhere in the header, and take the first. So a description comes last, and has no
// `name=` in its text, which would pass for a parameter that the challenge does not have.
const ORDER = ['realm', 'resource_metadata', 'error', 'scope', 'error_description'] as const

/** Returns a challenge such as `Bearer realm="…", error="…"`: the scheme and its parameters, in fixed order. */
export function writeChallenge (scheme: string, parameters: ChallengeParameters): string {
  const written: string[] = []
  for (const name of ORDER) {
    const value = parameters[name]
    if (value === undefined || value === '') continue
    written.push(`${name}=${quote(name === 'error_description' ? value.replace(/ ?= ?/g, ' = ') : value)}`)
  }
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`
}

/** Python's `str.title()` for the ASCII letters of a token: `x-CUSTOM` is `X-Custom`. */
export function titleCase (token: string): string {
  return token.replace(/[A-Za-z]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
}
