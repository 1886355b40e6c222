/** The check that an active token is an access token for this API (RFC 7662 section 4). */

import { judgeClaims, type Asked, type Claims } from '../provider/claims'
import type { Refused } from '../provider/reports'

/** The requirements of an active token. */
export interface AskedOfIntrospected extends Asked {
  /** `null`: any */
  readonly issuer: string | null
}

const NO_ACCESS_TOKENS: readonly unknown[] = ['Refresh', 'Offline', 'ID']
const TEXTS = ['sub', 'client_id', 'iss']

/**
 * Returns the reason for which the token is refused, `null` if it is not;
 * its claims have their `scopes` then, and are frozen.
 */
export function judgeIntrospected (claims: Claims, asked: AskedOfIntrospected, now: number): Refused | null {
  const { token_type: type, typ, iss } = claims
  if (type !== undefined && !(typeof type === 'string' && type.toLowerCase() === 'bearer')) {
    return { reason: `its \`token_type\` is ${JSON.stringify(type)}`, cure: 'only bearer access tokens are accepted' }
  }
  if (NO_ACCESS_TOKENS.includes(typ)) {
    return { reason: `its \`typ\` is ${JSON.stringify(typ)}`, cure: 'let the client send its access token' }
  }
  const odd = TEXTS.find((name) => claims[name] !== undefined && typeof claims[name] !== 'string')
  if (odd !== undefined) return { reason: `its \`${odd}\` is no string` }
  if (asked.issuer !== null && iss !== undefined && iss !== asked.issuer) {
    return {
      reason: `its \`iss\` is ${JSON.stringify(iss)}`,
      cure: 'change the option `issuer`, which must be the same letter by letter'
    }
  }
  return judgeClaims(claims, asked, now)
}
