/** The public names of `fastify-auth-schemes/introspection`. */

import type { IntrospectedToken } from '../../types/token-claims'
import type { IntrospectionVerifierOptions, TokenVerifier } from '../../types/token-verifier'
import { createIntrospectionVerifier } from './verifier'

export type { IntrospectedToken } from '../../types/token-claims'
export type {
  IntrospectionClient, IntrospectionOptions, IntrospectionVerifierOptions, TokenVerifier
} from '../../types/token-verifier'

/**
 * A `verify` that asks the provider about each token (RFC 7662).
 *
 * Checked are `active`, which must be `true`, `aud`, which must be there unless `audience` is `null`, and `exp`, `nbf`,
 * `iss`, `token_type` and `typ`, as far as the response has them. Nothing is fetched when it is called.
 *
 * @throws {TypeError} for a bad option
 */
export function introspectionVerifier<Claims extends IntrospectedToken = IntrospectedToken> (
  options: IntrospectionVerifierOptions<Claims>
): TokenVerifier<Claims> {
  return createIntrospectionVerifier(options, () => Date.now()) as TokenVerifier<Claims>
}
