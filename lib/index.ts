/** The public names. */

import '../types/fastify'
import { authSchemes } from './plugin'

export { authSchemes }
// A plain value: where `default` is a getter, it cannot be replaced, which programs that load CommonJS as modules do,
// such as vitest with the package inlined.
export default authSchemes
export { InvalidCredentialsError, OAuth2Error, type OAuth2ErrorCode } from './errors'
export { constantTimeEqual, verifyPkce } from './compare'
export { refuseCrossSite } from './request/refuse-cross-site'
export { TokenResponse, type TokenResponseSchema } from './token/response'
export {
  OAuth2AuthorizationCodeRequestForm, OAuth2ClientCredentialsRequestForm, OAuth2PasswordRequestForm,
  OAuth2PasswordRequestFormStrict, OAuth2RefreshTokenRequestForm,
  type OAuth2AuthorizationCodeRequestFormSchema, type OAuth2ClientCredentialsRequestFormSchema,
  type OAuth2PasswordRequestFormSchema,
  type OAuth2PasswordRequestFormStrictSchema, type OAuth2RefreshTokenRequestFormSchema
} from './token/forms'
export type { AuditedRoute, ContextRequirement, SecurityRequirementObject } from '../types/audit'
export type { AnyAuth, Auth, AuthOf, TokenOf } from '../types/auth'
export type * from '../types/options'
export type { Alternative, Anonymous, Requirement, Security } from '../types/requirement'
export type { ProtectedResource, ProtectedResourceOptions } from '../types/resource'
export type {
  DeriveOptions, DerivedVerify, MaybePromise, Refusal, Scheme, Verify, VerifyContext
} from '../types/scheme'
export type {
  GrantedToken, GrantHandler, Grants, OAuth2AuthorizationCodeForm, OAuth2ClientCredentialsForm,
  OAuth2PasswordForm, OAuth2RefreshTokenForm,
  TokenForm, TokenFormHandler, TokenFormOptions
} from '../types/token-form'

// `require('fastify-auth-schemes')` is the plugin itself, as Fastify's users expect, with the other names on it.
module.exports = Object.assign(authSchemes, exports)
