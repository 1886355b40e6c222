/** The option `resource`: the API as a protected resource of OAuth2 (RFC 9728). */

/**
 * Names the API to OAuth2 clients that know nothing but its URL. From it follow the challenge, which names the metadata
 * (RFC 9728 section 5.1), the public route of the metadata, and the audience of tokens (RFC 8707). Needs `verify`.
 */
export interface ProtectedResourceOptions {
  /**
   * The URL of the API, as clients write it: absolute, `https:`, or `http:` on loopback; no user, query or fragment, no
   * `*` and no `%` in its path. The metadata is served at the path `/.well-known/oauth-protected-resource`, followed by
   * the path of this URL. The `Host` of a request never matters.
   */
  readonly url: string
  /**
   * The issuers of the authorization servers, at least one, letter by letter as their own metadata names them. They are
   * documented and never fetched.
   */
  readonly authorizationServers: readonly string[]
  /**
   * The values of which `aud` must contain one, compared letter by letter; a bare origin counts with and without its
   * slash. `aud` is a member of the user that `verify` returns, a string or an array of strings. A user of another
   * audience is refused (401); a user without `aud` fails the request (500). Default: `url`.
   */
  readonly audience?: string | readonly string[]
  /**
   * The scopes that clients should ask for, `scopes_supported` of the metadata. Default: all that routes and contexts
   * require of the scheme. Scopes that `scheme.require` compares in handlers are known from this list alone.
   */
  readonly scopes?: readonly string[]
  /** The name of the API for people, `resource_name` of the metadata. Default: none. */
  readonly name?: string
  /** The URL of a page for developers, `resource_documentation` of the metadata. Default: none. */
  readonly documentation?: string
}

/** The protected resource of a scheme, as `scheme.resource` has it. Frozen. */
export interface ProtectedResource {
  /** The option `url`. */
  readonly url: string
  /** The URL of the metadata. */
  readonly metadataUrl: string
  /** The values of which `aud` must contain one. */
  readonly audiences: readonly string[]
}
