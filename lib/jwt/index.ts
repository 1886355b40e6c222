/** The public names of `fastify-auth-schemes/jwt`. */

import type { TokenClaims } from '../../types/token-claims'
import type { JwtIssuer, JwtIssuerOptions, JwtVerifierOptions, TokenVerifier } from '../../types/token-verifier'
import { createJwtIssuer } from './issuer'
import { createJwtVerifier } from './provider'

export type { TokenClaims } from '../../types/token-claims'
export type {
  JsonWebKeySet, JwtIssuer, JwtIssuerOptions, JwtVerifierOptions, TokenVerifier
} from '../../types/token-verifier'

const clock = (): number => Date.now()

/**
 * A `verify` for the JWT access tokens (RFC 9068) of a provider, or of several.
 *
 * The form, the signature, `iss`, `aud`, `exp`, `nbf`, `sub` and the `typ` of the header are checked; whether the token
 * was revoked is not. Keys are
 * fetched at the first need and kept through outages of the provider. Nothing is fetched when it is called. Make one
 * verifier for an application,
 * not one for each request: keys and verified tokens are kept in it.
 *
 * @param issuers one issuer, or several, each of them once
 * @throws {TypeError} for a bad option, and where jose is not installed
 */
export function jwtVerifier<Claims extends TokenClaims = TokenClaims> (
  issuers: JwtVerifierOptions<Claims> | ReadonlyArray<JwtVerifierOptions<Claims>>
): TokenVerifier<Claims> {
  return createJwtVerifier(issuers, clock) as TokenVerifier<Claims>
}

/**
 * Access tokens of one's own, signed and verified with a secret (HS256).
 *
 * @throws {TypeError} for a bad option, such as a secret of less than 32 bytes, and where jose is not installed
 */
export function jwtIssuer<Claims extends object = {}> (options: JwtIssuerOptions): JwtIssuer<Claims> {
  return createJwtIssuer(options, clock) as unknown as JwtIssuer<Claims>
}
