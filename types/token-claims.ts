/** The user that a verifier returns. */

/** The claims of a verified JWT, deeply frozen, as all requests with the same token share them. */
export interface TokenClaims {
  /** The issuer, as the option `issuer` has it. */
  readonly iss: string
  /** The subject. Never empty. */
  readonly sub: string
  /** The expiry, in seconds since 1970. Always finite. */
  readonly exp: number
  /** The audiences. One of them is the option `audience`, unless that is `null`. */
  readonly aud?: string | readonly string[]
  /**
   * The granted scopes, from the claim `scope`, else from `scp`, each a string or an array. It replaces a claim of this
   * name.
   */
  readonly scopes: readonly string[]
  /** Every other claim, which only the option `claims` checks. */
  readonly [claim: string]: unknown
}

/** The response of an introspection endpoint for an active token (RFC 7662 section 2.2), deeply frozen. */
export interface IntrospectedToken {
  /**
   * The granted scopes, from `scope`, else from `scp`, each a string or an array. It replaces a member of this name.
   */
  readonly scopes: readonly string[]
  /** The client that the token was issued to. */
  readonly client_id?: string
  /** The subject. */
  readonly sub?: string
  /** The expiry, in seconds since 1970. */
  readonly exp?: number
  /** The issuer. With the option `issuer` it is the same. */
  readonly iss?: string
  /** The audiences. */
  readonly aud?: string | readonly string[]
  /** Every other member, which only the option `claims` checks. */
  readonly [member: string]: unknown
}
