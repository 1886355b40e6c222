/** The `verify` for JWTs. */

import { InvalidCredentialsError } from '../errors'
import type { Source } from '../provider/kept'
import { Reports, type Clock, type Context, type Log, type Refused } from '../provider/reports'
import { digestOf, tokenOf } from '../provider/token'
import { TokenCache } from '../provider/token-cache'
import type { TokenClaims } from '../../types/token-claims'
import type { TokenVerifier } from '../../types/token-verifier'
import { judgeToken, type AskedOfJwt } from './claims'
import { Signature, type KeySet } from './keys'
import { parseToken } from './parse'

/** An issuer whose tokens are accepted. */
export interface Trusted extends AskedOfJwt {
  readonly issuer: string
  readonly algorithms: readonly string[]
  readonly keys: Source<KeySet>
  readonly cache: number
}

/** An accepted token, and the keys that verified it: when they change, it must be verified again. */
interface Known {
  readonly claims: TokenClaims
  readonly by: KeySet
}

const NO_TOKEN: Refused = { reason: 'it is no token, or too long' }
const MALFORMED: Refused = { reason: 'its form is not that of a JWT' }
const OF_ANOTHER: Refused = { reason: 'its `iss` is not a trusted issuer' }
const ALGORITHM: Refused = { reason: 'its `alg` is not allowed' }
const SIGNATURE: Refused = { reason: 'its signature is wrong, or no key fits, or several do' }

/** @param trusted at least one, no issuer twice */
export function createVerifier (trusted: readonly Trusted[], clock: Clock): TokenVerifier<TokenClaims> {
  const places = trusted.map((one) => ({ ...one, kept: new TokenCache<Known>(one.cache) }))
  const byIssuer = new Map<unknown, typeof places[number]>(places.map((place) => [place.issuer, place]))
  const keepsNone = trusted.every(({ cache }) => cache === 0)
  const reports = new Reports(clock)

  function refuse (log: Log, refused: Refused, issuer = ''): null {
    reports.refused(log, issuer, refused)
    if (refused.description !== undefined) throw new InvalidCredentialsError(refused.description)
    return null
  }

  async function verifyNow (token: string | null, digest: string, log: Log): Promise<TokenClaims | null> {
    if (token === null) return refuse(log, NO_TOKEN)
    const parsed = parseToken(token)
    if (parsed === null) return refuse(log, MALFORMED)
    const place = byIssuer.get(parsed.claims.iss)
    if (place === undefined) return refuse(log, OF_ANOTHER)
    const { issuer, algorithms, keys, kept } = place
    if (!algorithms.includes(parsed.header.alg)) return refuse(log, ALGORITHM, issuer)
    const by = await verifiedBy(token, keys, log)
    if (by === null) return refuse(log, SIGNATURE, issuer)
    const refused = judgeToken(parsed, place, clock())
    if (refused !== null) return refuse(log, refused, issuer)
    const claims = parsed.claims as TokenClaims
    kept.set(digest, { claims, by }, claims.exp * 1000 + place.tolerance)
    return claims
  }

  return Object.freeze(Object.assign(function verify (credentials: unknown, { request: { log } }: Context) {
    const token = tokenOf(credentials)
    const digest = token === null || keepsNone ? '' : digestOf(token)
    for (const { kept, keys } of places) {
      const known = kept.get(digest, clock())
      if (known !== undefined && known.by === keys.peek(log)) return known.claims
    }
    return verifyNow(token, digest, log)
  }, {
    async prepare () { await Promise.all(trusted.map(async ({ keys }) => await keys.get())) }
  }))
}

/** The keys that verified the signature; `null` where none did. */
async function verifiedBy (token: string, keys: Source<KeySet>, log: Log): Promise<KeySet | null> {
  const set = await keys.get(log)
  const signature = await set.verify(token)
  if (signature !== Signature.UNKNOWN_KEY) return signature === Signature.GOOD ? set : null
  const newer = await keys.renew(log)
  return newer !== set && await newer.verify(token) === Signature.GOOD ? newer : null
}
