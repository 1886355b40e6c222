import t from 'tap'
import { authSchemes } from '../lib/plugin'

t.test('the package is the plugin, with the other names on it', async (t) => {
  const required = require('../lib')
  t.equal(required, authSchemes)
  t.strictSame(Object.keys(required).filter((name) => name !== 'fastifyAuthSchemes').sort(),
    [
      'InvalidCredentialsError', 'OAuth2AuthorizationCodeRequestForm', 'OAuth2ClientCredentialsRequestForm', 'OAuth2Error', 'OAuth2PasswordRequestForm',
      'OAuth2PasswordRequestFormStrict', 'OAuth2RefreshTokenRequestForm', 'TokenResponse', 'authSchemes', 'constantTimeEqual', 'default', 'refuseCrossSite', 'verifyPkce'
    ])
  t.equal(required.authSchemes, authSchemes)
  t.equal(required.default, authSchemes)
})
