/** The contract of `app.tokenForm`. */

import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import type { MaybePromise, Refusal } from './scheme'

/** The client that a form came from. */
interface FromClient {
  /**
   * From the form or, with `authenticateClient`, from HTTP Basic (RFC 6749 section 2.3.1). Verified by that function
   * only.
   */
  readonly client_id: string | undefined
  /** From the form or, with `authenticateClient`, from HTTP Basic. Verified by that function only. */
  readonly client_secret: string | undefined
}

/** A login (RFC 6749 section 4.3.2). An empty field is `undefined`. */
export interface OAuth2PasswordForm extends FromClient {
  /** `undefined` if it was not sent, which a strict form refuses. */
  readonly grant_type: 'password' | undefined
  /** Not empty. */
  readonly username: string
  /** Not empty. Not verified. */
  readonly password: string
  /** The scopes asked for: `scope`, split on spaces and tabs. Not verified. */
  readonly scopes: string[]
}

/** A refresh token (RFC 6749 section 6). The handler must refuse one that was used before. */
export interface OAuth2RefreshTokenForm extends FromClient {
  /** The grant of this form. */
  readonly grant_type: 'refresh_token'
  /** Not empty. Not verified. */
  readonly refresh_token: string
  /** The scopes asked for; empty: those of the token. Not verified. */
  readonly scopes: string[]
}

/** A client that acts for itself (RFC 6749 section 4.4.2). */
export interface OAuth2ClientCredentialsForm {
  /** The grant of this form. */
  readonly grant_type: 'client_credentials'
  /** From the form or from HTTP Basic; `authenticateClient` accepted it. */
  readonly client_id: string
  /** From the form or from HTTP Basic; `authenticateClient` accepted it. */
  readonly client_secret: string
  /** The scopes asked for. Not verified. */
  readonly scopes: string[]
}

/** An authorization code (RFC 6749 section 4.1.3) with its PKCE verifier (RFC 7636 section 4.5). Not verified. */
export interface OAuth2AuthorizationCodeForm extends FromClient {
  /** The grant of this form. */
  readonly grant_type: 'authorization_code'
  /** Not empty. The handler must refuse one that was issued to another client or used before. */
  readonly code: string
  /** The handler must compare it with that of the authorization request. */
  readonly redirect_uri: string | undefined
  /** See `verifyPkce`. */
  readonly code_verifier: string | undefined
  /** From the form or, with `authenticateClient`, from HTTP Basic. Verified by that function only. */
  readonly client_id: string
}

/** The response of a token endpoint (RFC 6749 section 5.1). Further members are allowed. */
export interface TokenResponse {
  /** The token, as a client sends it to the schemes. */
  readonly access_token: string
  /** `bearer`, for tokens of the schemes of this package. */
  readonly token_type: string
  /** Seconds until the access token expires. */
  readonly expires_in?: number
  /** A token that gets new access tokens. */
  readonly refresh_token?: string
  /** The granted scopes, joined by spaces. Required if they differ from those asked for. */
  readonly scope?: string
  /** Further members are sent as they are. */
  readonly [member: string]: unknown
}

/** The return value of a handler: a token response. */
export interface GrantedToken extends TokenResponse {
  /** The scopes that were granted. They are not sent, but become `scope` if they differ from those asked for. */
  readonly scopes?: readonly string[]
}

/**
 * Returns a token for a form, or throws an `OAuth2Error`. A handler that does neither, and has sent no response itself,
 * is `server_error`.
 */
export type GrantHandler<Form> =
  (form: Form, request: FastifyRequest, reply: FastifyReply) => MaybePromise<GrantedToken>

/** Returns a token for a login. */
export type TokenFormHandler = GrantHandler<OAuth2PasswordForm>

/** The handlers of an endpoint, by grant. A grant without one is `unsupported_grant_type`. */
export interface Grants {
  /** A login. */
  readonly password?: GrantHandler<OAuth2PasswordForm>
  /** A new token for a refresh token. */
  readonly refresh_token?: GrantHandler<OAuth2RefreshTokenForm>
  /** A token for the client itself. Needs `authenticateClient`. */
  readonly client_credentials?: GrantHandler<OAuth2ClientCredentialsForm>
  /** A token for a code. */
  readonly authorization_code?: GrantHandler<OAuth2AuthorizationCodeForm>
}

/**
 * Any route option but `security`, as a token endpoint is public, and those that would replace the validation of the
 * form.
 */
export interface TokenFormOptions
  extends Omit<RouteShorthandOptions, 'security' | 'validatorCompiler' | 'serializerCompiler' | 'attachValidation'> {
  /** `true`: `grant_type` must be sent. `false`: without it the grant is `password`, if offered. Default `false`. */
  readonly strict?: boolean
  /** The largest body that is read, in bytes; a larger one is 413. Default 16384. */
  readonly bodyLimit?: number
  /**
   * Decides about the client of every form with a `client_id`; `null`, `undefined` and `false` refuse it with
   * `invalid_client`; so does an error with `statusCode` 401 that it throws. The secret is `undefined` if none was
   * sent: accept such a client only if it is a public one. Default: none, clients are not verified, HTTP Basic is not
   * read, and the grant `client_credentials` cannot be offered.
   */
  readonly authenticateClient?: (
    client_id: string, client_secret: string | undefined, request: FastifyRequest
  ) => MaybePromise<unknown | Refusal>
}

/** `app.tokenForm`. */
export interface TokenForm {
  /** An endpoint for several grants. */
  (path: string, options: TokenFormOptions & { readonly grants: Grants }): void
  /** An endpoint for logins, with options. */
  (path: string, options: TokenFormOptions, handler: TokenFormHandler): void
  /** An endpoint for logins. */
  (path: string, handler: TokenFormHandler): void
}
