/** The contract of `app.tokenForm`. */

import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import type { MaybePromise, Refusal } from './scheme'

/** The client that a form came from. */
interface FromClient {
  /**
   * From the form or, with `authenticateClient`, from HTTP Basic (RFC 6749 section 2.3.1). Only that function checks
   * it.
   */
  readonly client_id: string | undefined
  /** From the form or, with `authenticateClient`, from HTTP Basic. Only that function checks it. */
  readonly client_secret: string | undefined
}

/** A login (RFC 6749 section 4.3.2). A field that was sent empty is `undefined`. */
export interface OAuth2PasswordForm extends FromClient {
  /** Never `undefined` where the form is strict. */
  readonly grant_type: 'password' | undefined
  /** Never empty. */
  readonly username: string
  /** Never empty. Nobody checked it. */
  readonly password: string
  /** The scopes asked for: `scope`, split on spaces and tabs. Nobody checked that the user may have them. */
  readonly scopes: string[]
}

/** A refresh token (RFC 6749 section 6). Whether it was used before is for the handler to find out. */
export interface OAuth2RefreshTokenForm extends FromClient {
  /** The grant that this form is of. */
  readonly grant_type: 'refresh_token'
  /** Never empty. Nobody checked it. */
  readonly refresh_token: string
  /** The scopes asked for; empty: those of the token. Nobody checked them. */
  readonly scopes: string[]
}

/** A client that acts for itself (RFC 6749 section 4.4.2). */
export interface OAuth2ClientCredentialsForm {
  /** The grant that this form is of. */
  readonly grant_type: 'client_credentials'
  /** From the form or from HTTP Basic; `authenticateClient` accepted it. */
  readonly client_id: string
  /** From the form or from HTTP Basic; `authenticateClient` accepted it. */
  readonly client_secret: string
  /** The scopes asked for. Nobody checked them. */
  readonly scopes: string[]
}

/**
 * An authorization code (RFC 6749 section 4.1.3) with its PKCE verifier (RFC 7636 section 4.5). None of it was checked.
 */
export interface OAuth2AuthorizationCodeForm extends FromClient {
  /** The grant that this form is of. */
  readonly grant_type: 'authorization_code'
  /** Never empty. That it was issued to this client, and is used once, is for the handler to find out. */
  readonly code: string
  /** To be compared with that of the authorization request. */
  readonly redirect_uri: string | undefined
  /** See `verifyPkce`. */
  readonly code_verifier: string | undefined
  /** From the form or, with `authenticateClient`, from HTTP Basic. Only that function checks it. */
  readonly client_id: string
}

/** The answer of a token endpoint (RFC 6749 section 5.1). Further members are allowed. */
export interface TokenResponse {
  /** The token, as the schemes here are to receive it. */
  readonly access_token: string
  /** `bearer`, for tokens that the schemes here take. */
  readonly token_type: string
  /** Seconds until the access token expires. */
  readonly expires_in?: number
  /** A token that gets new access tokens. */
  readonly refresh_token?: string
  /** The granted scopes, joined by spaces. Required where they differ from those asked for. */
  readonly scope?: string
  readonly [member: string]: unknown
}

/** What a handler gives: a token response. */
export interface GrantedToken extends TokenResponse {
  /** The scopes that were granted. They are not sent, but become `scope` where they differ from those asked for. */
  readonly scopes?: readonly string[]
}

/**
 * Answers a form with a token, or throws an `OAuth2Error`. One that gives neither, and has not sent an answer by
 * itself, is `server_error`.
 */
export type GrantHandler<Form> =
  (form: Form, request: FastifyRequest, reply: FastifyReply) => MaybePromise<GrantedToken>

/** Answers a login. */
export type TokenFormHandler = GrantHandler<OAuth2PasswordForm>

/** The grants that an endpoint offers. One without a handler is `unsupported_grant_type`. */
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

/** Options that the endpoint decides about itself. */
type Decided = 'security' | 'validatorCompiler' | 'serializerCompiler' | 'attachValidation'

/** Any route option but `security`: a token endpoint is public. The body is the form's, and validated as such. */
export interface TokenFormOptions extends Omit<RouteShorthandOptions, Decided> {
  /**
   * `true`: `grant_type` must be sent. `false`: without it the grant is `password`, where that is offered. Default
   * `false`.
   */
  readonly strict?: boolean
  /** The largest body that is read, in bytes; one that is larger is 413. Default 16384. */
  readonly bodyLimit?: number
  /**
   * Decides about the client wherever a `client_id` was sent; `null`, `undefined` and `false` refuse it with
   * `invalid_client`. A client without a
   * secret (`undefined`) is accepted only if this function says so. A 401 that it throws is `invalid_client`, too.
   * Default: none, clients are not
   * checked, HTTP Basic is not read, and the grant `client_credentials` cannot be offered.
   */
  readonly authenticateClient?:
  (client_id: string, client_secret: string | undefined, request: FastifyRequest) => MaybePromise<unknown | Refusal>
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
