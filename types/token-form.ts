/** The contract of `app.tokenForm`. */

import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'

/** The login that was sent. A field that was sent empty is `undefined`. */
export interface OAuth2PasswordForm {
  /** Never `undefined` where the form is strict. */
  readonly grant_type: 'password' | undefined
  readonly username: string
  readonly password: string
  /** The scopes asked for: `scope`, split on white space. Nobody checked them. */
  readonly scopes: readonly string[]
  /** From the form or from HTTP Basic (RFC 6749 section 2.3.1). Not checked. */
  readonly client_id: string | undefined
  /** From the form or from HTTP Basic. Not checked. */
  readonly client_secret: string | undefined
}

/** The answer of a token endpoint (RFC 6749 section 5.1). Further members are allowed. */
export interface TokenResponse {
  readonly access_token: string
  /** `bearer`, for tokens that the schemes here take. */
  readonly token_type: string
  /** Seconds until the access token expires. */
  readonly expires_in?: number
  readonly refresh_token?: string
  /** The granted scopes, joined by spaces. Required where they differ from those asked for. */
  readonly scope?: string
  readonly [member: string]: unknown
}

/** Any route option but `security`: a token endpoint is public. The body is the form's, and validated as such. */
export interface TokenFormOptions extends Omit<RouteShorthandOptions, 'security' | 'validatorCompiler' | 'serializerCompiler' | 'attachValidation'> {
  /** `true`: `grant_type` must be sent. `false`: it may be left out, but if it is sent it must be `password`. Default `false`. */
  readonly strict?: boolean
}

/** Answers a login with a token, or throws an `OAuth2Error`. */
export type TokenFormHandler = (form: OAuth2PasswordForm, request: FastifyRequest, reply: FastifyReply) => TokenResponse | Promise<TokenResponse>

/** `app.tokenForm`. */
export interface TokenForm {
  (path: string, handler: TokenFormHandler): void
  (path: string, options: TokenFormOptions, handler: TokenFormHandler): void
}
