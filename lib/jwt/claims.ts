/** The check that a token with a good signature is an access token for this API. */

import { judgeClaims, type Asked } from '../provider/claims'
import { isText } from '../provider/options'
import type { Refused } from '../provider/reports'
import type { ParsedToken } from './parse'

// The media type of RFC 9068 section 2.1 and of RFC 7519 section 5.1, with `application/` left out or not.
const AT_JWT = /^(?:application\/)?at\+jwt$/i
const ANY_JWT = /^(?:application\/)?(?:at\+)?jwt$/i

/** The requirements of the tokens of an issuer. */
export interface AskedOfJwt extends Asked {
  readonly typ: 'at+jwt' | 'JWT'
}

/**
 * Returns the reason for which the token is refused, `null` if not;
 * its claims have their `scopes` then, and are frozen. The issuer is
 * not checked here.
 */
export function judgeToken ({ header, claims }: ParsedToken, asked: AskedOfJwt, now: number): Refused | null {
  if (!isTyp(header.typ, asked.typ)) {
    return {
      reason: `the \`typ\` of its header is ${JSON.stringify(header.typ) ?? 'missing'}`,
      cure: asked.typ === 'JWT'
        ? 'it is no access token'
        : 'if the provider does not set at+jwt, set the option `typ` to \'JWT\''
    }
  }
  if (asked.typ === 'JWT' && isIdToken(claims)) {
    return {
      reason: 'it is an ID token',
      cure: 'let the client send its access token; no value of the option `typ` allows ID tokens'
    }
  }
  const { sub, exp, iat } = claims
  if (!isText(sub)) {
    return { reason: 'its `sub` is missing or no string', cure: 'let the provider set `sub`, which no option replaces' }
  }
  if (!Number.isFinite(exp)) {
    return {
      reason: 'its `exp` is missing or no finite number',
      cure: 'let the provider set `exp`, which no option replaces'
    }
  }
  if (iat !== undefined && !Number.isFinite(iat)) return { reason: 'its `iat` is no finite number' }
  return judgeClaims(claims, asked, now)
}

function isTyp (typ: unknown, asked: AskedOfJwt['typ']): boolean {
  if (typ === undefined) return asked === 'JWT'
  return typeof typ === 'string' && (asked === 'JWT' ? ANY_JWT : AT_JWT).test(typ)
}

/** OpenID Connect Core 1.0 section 3.1.3.6 and 3.3.2.11; `typ` is Keycloak's, `token_use` Cognito's. */
function isIdToken (claims: ParsedToken['claims']): boolean {
  return 'at_hash' in claims || 'c_hash' in claims || claims.typ === 'ID' || claims.token_use === 'id'
}
