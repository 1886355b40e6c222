/** The public names. */

import '../types/fastify'
import { authSchemes } from './plugin'

export { authSchemes, authSchemes as default }
export { InvalidCredentialsError, OAuth2Error, type OAuth2ErrorCode } from './errors'
export { OAuth2PasswordRequestForm, OAuth2PasswordRequestFormStrict, TokenResponse } from './token-form'
export type { AuditedRoute, ContextRequirement, SecurityRequirementObject } from '../types/audit'
export type { AnyAuth, Auth, AuthOf, TokenOf } from '../types/auth'
export type * from '../types/options'
export type { Alternative, Anonymous, Requirement, Security } from '../types/requirement'
export type { DeriveOptions, DerivedVerify, MaybePromise, Refusal, Scheme, Verify, VerifyContext } from '../types/scheme'
export type { OAuth2PasswordForm, TokenForm, TokenFormHandler, TokenFormOptions } from '../types/token-form'

// `require('fastify-auth-schemes')` is the plugin itself, as Fastify's users expect, with the other names on it.
module.exports = Object.assign(authSchemes, exports)
