import t from 'tap'
import * as errors from '../lib/errors'

t.test('answers to a request are errors as Fastify knows them, without a stack', async (t) => {
  t.match(errors.notAuthenticated(), { code: 'FST_AUTH_NOT_AUTHENTICATED', statusCode: 401, message: 'Not authenticated' })
  t.match(errors.invalidCredentials(), { code: 'FST_AUTH_INVALID_CREDENTIALS', statusCode: 401, message: 'Invalid authentication credentials' })
  t.match(errors.insufficientScope(), { code: 'FST_AUTH_INSUFFICIENT_SCOPE', statusCode: 403, message: 'Not enough permissions' })
  t.notMatch(errors.notAuthenticated().stack, / at /)
  t.match(errors.verifyFailed('S', 'x'), { code: 'FST_AUTH_VERIFY_FAILED', statusCode: 500, message: 'The security scheme "S" failed: x' })
})

t.test('what a provider does is no fault of the token, and its cause is not in the message', async (t) => {
  const cause = new Error('https://login.example')
  t.match(errors.providerUnavailable(5, cause), {
    code: 'FST_AUTH_PROVIDER_UNAVAILABLE', statusCode: 503, message: 'The provider of the tokens cannot be reached', headers: { 'retry-after': '5' }, cause
  })
  t.match(errors.clientRefused(), { code: 'FST_AUTH_VERIFY_FAILED', statusCode: 500, message: 'The provider of the tokens refuses the credentials of this server' })
})

t.test('failures at boot', async (t) => {
  t.match(errors.duplicateScheme('S'), { code: 'FST_AUTH_DUPLICATE_SCHEME', message: /are called "S"/ })
  t.match(errors.unknownScheme('GET /', 'x'), { code: 'FST_AUTH_UNKNOWN_SCHEME', message: 'GET /: x' })
  t.match(errors.foreignScheme('GET /', 'S'), { code: 'FST_AUTH_UNKNOWN_SCHEME', message: 'GET /: the scheme "S" belongs to another application or to another registration of the plugin' })
  t.match(errors.unknownScope('GET /', 'S', 'a'), { code: 'FST_AUTH_UNKNOWN_SCOPE', message: 'GET /: the scheme "S" does not declare the scope "a": add it to the `scopes` of the scheme' })
  t.match(errors.badSecurity('GET /', 'x'), { code: 'FST_AUTH_BAD_SECURITY', message: 'GET /: x' })
  t.match(errors.undeclaredRoutes('GET /'), { code: 'FST_AUTH_UNDECLARED_ROUTE', message: /These do not: GET \/$/ })
  t.match(errors.unguardedRoutes('GET /', 'do y'), { code: 'FST_AUTH_UNGUARDED_ROUTE', message: 'Nothing can guard GET /: do y' })
  t.match(errors.notReady(), { code: 'FST_AUTH_NOT_READY' })
  t.match(errors.overrideRefused('now'), { code: 'FST_AUTH_OVERRIDE', message: 'A scheme cannot be overridden now' })
  const bad = errors.badOption('factory', 'x')
  t.ok(bad instanceof TypeError)
  t.match(bad, { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: 'factory: x' })
})

t.test('InvalidCredentialsError', async (t) => {
  t.match(new errors.InvalidCredentialsError('Old'), { name: 'InvalidCredentialsError', code: 'FST_AUTH_INVALID_CREDENTIALS', statusCode: 401, message: 'Old', description: 'Old' })
  for (const none of [undefined, null]) t.match(new errors.InvalidCredentialsError(none), { message: 'Invalid authentication credentials', description: undefined })
  t.equal(new errors.InvalidCredentialsError(5 as any).description, '5')
})

t.test('OAuth2Error', async (t) => {
  const cause = new Error('x')
  t.match(new errors.OAuth2Error('invalid_grant', 'No', { cause }), { name: 'OAuth2Error', code: 'invalid_grant', statusCode: 400, message: 'No', description: 'No', cause })
  t.match(new errors.OAuth2Error('invalid_client'), { statusCode: 401, message: 'invalid_client', description: undefined })
  t.match(new errors.OAuth2Error('server_error', null), { statusCode: 500, description: undefined })
  t.equal(new errors.OAuth2Error('invalid_grant', 5 as any).description, '5')
  for (const statusCode of [200, 399, 600, 400.5, '400' as any, null]) {
    t.throws(() => new errors.OAuth2Error('invalid_grant', 'x', { statusCode }), { name: 'TypeError', message: 'OAuth2Error: the option `statusCode` must be a whole number from 400 to 599' })
  }
})
