/** The checks of claims that JWTs and introspected tokens share. */

import type { Refused } from './reports'

export type Claims = Record<string, unknown>

/** The requirements of the claims of an issuer. */
export interface Asked {
  readonly audience: readonly string[] | null
  /** Milliseconds. */
  readonly tolerance: number
  readonly claims: ((claims: any) => unknown) | undefined
}

const isStringList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((member) => typeof member === 'string')

/**
 * Returns the reason for which a token is refused, `null` if it is not. `cnf`, `aud`, `nbf` and `exp` are checked where
 * they are present, `aud` always
 * unless no audience is asked for. Then the claims get their `scopes`, are frozen, and shown to the user's own check.
 */
export function judgeClaims (claims: Claims, asked: Asked, now: number): Refused | null {
  const { audience, tolerance, claims: check } = asked
  const { aud, nbf, exp } = claims
  if (Object.hasOwn(claims, 'cnf')) {
    return {
      reason: 'it is bound to a key of its client (`cnf`)',
      cure: 'let the provider issue bearer tokens, as proofs by DPoP or mTLS are not checked here'
    }
  }
  const names = typeof aud === 'string' ? [aud] : aud
  if (names !== undefined && !isStringList(names)) {
    return { reason: 'its `aud` is neither a string nor a list of strings' }
  }
  if (audience !== null && names?.some((name) => audience.includes(name)) !== true) {
    return {
      reason: `its \`aud\` is ${JSON.stringify(aud)}`,
      cure: 'let the provider name this API in `aud`, or change the option `audience`',
      description: 'The token is not meant for this API'
    }
  }
  if (nbf !== undefined && !(Number.isFinite(nbf) && (nbf as number) * 1000 <= now + tolerance)) {
    return { reason: 'its `nbf` is not reached' }
  }
  if (exp !== undefined && !Number.isFinite(exp)) return { reason: 'its `exp` is no finite number' }
  if (exp !== undefined && (exp as number) * 1000 + tolerance <= now) {
    return { reason: 'it has expired', description: 'The token has expired' }
  }
  claims.scopes = scopesOf(claims)
  freeze(claims)
  if (check === undefined || passes(check, claims)) return null
  return {
    reason: 'the option `claims` did not return true',
    cure: 'change the option `claims`, which must return true or false, or the claims that the provider sets'
  }
}

/** `scope` (RFC 8693 section 4.2), else `scp`; each a string or a list. What is neither grants nothing. */
function scopesOf ({ scope, scp }: Claims): readonly string[] {
  const written = scope ?? scp
  if (typeof written === 'string') return written.split(' ').filter((name) => name !== '')
  return isStringList(written) ? [...written] : []
}

function freeze (value: unknown): void {
  if (value === null || typeof value !== 'object') return
  for (const member of Object.values(value)) freeze(member)
  Object.freeze(value)
}

/** Only `true` passes: not a promise, and not the claim that an expression ended with. */
function passes (check: (claims: Claims) => unknown, claims: Claims): boolean {
  try {
    const result = check(claims)
    if (result === true) return true
    // Nobody waits for a promise, and its rejection would end the process.
    Promise.resolve(result).catch(() => {})
    return false
  } catch {
    return false
  }
}
