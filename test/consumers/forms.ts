// Exported again, with declarations, by a project that does not depend on TypeBox itself.
import {
  OAuth2AuthorizationCodeRequestForm, OAuth2ClientCredentialsRequestForm, OAuth2PasswordRequestForm,
  OAuth2PasswordRequestFormStrict, OAuth2RefreshTokenRequestForm, TokenResponse
} from 'fastify-auth-schemes'

export const login = OAuth2PasswordRequestForm
export const strict = OAuth2PasswordRequestFormStrict
export const forms = [OAuth2RefreshTokenRequestForm, OAuth2ClientCredentialsRequestForm, OAuth2AuthorizationCodeRequestForm]
export const response = TokenResponse

// Inference from the schemas goes on as before.
export const sent: OAuth2PasswordRequestForm = { username: 'a', password: 'b' }
export const given: (typeof TokenResponse)['static'] = { access_token: 'a', token_type: 'bearer' }
// @ts-expect-error a strict form must have its grant
export const wrong: OAuth2PasswordRequestFormStrict = { username: 'a', password: 'b' }
