import t from 'tap'
import * as errors from '../lib/errors'

t.test('refusals are errors in Fastify\'s form, without a stack', async (t) => {
  t.match(errors.notAuthenticated(),
    { code: 'FST_AUTH_NOT_AUTHENTICATED', statusCode: 401, message: 'Not authenticated' })
  t.match(errors.invalidCredentials(),
    { code: 'FST_AUTH_INVALID_CREDENTIALS', statusCode: 401, message: 'Invalid authentication credentials' })
  t.match(errors.insufficientScope(),
    { code: 'FST_AUTH_INSUFFICIENT_SCOPE', statusCode: 403, message: 'Not enough permissions' })
  t.match(errors.crossSite(), {
    code: 'FST_AUTH_CROSS_SITE', statusCode: 403, message: 'A page of an origin that the option `trustedOrigins` does not list made the browser send this request'
  })
  for (const error of [errors.notAuthenticated(), errors.crossSite()]) t.notMatch(error.stack, / at /)
  t.match(errors.verifyFailed('S', 'x'),
    { code: 'FST_AUTH_VERIFY_FAILED', statusCode: 500, message: 'The security scheme "S" failed: x' })
})

t.test('what a provider does is no fault of the token, and its cause is not in the message', async (t) => {
  const cause = new Error('https://login.example')
  t.match(errors.providerUnavailable(5, cause), {
    code: 'FST_AUTH_PROVIDER_UNAVAILABLE', statusCode: 503, message: 'The provider of the tokens cannot be reached', headers: { 'retry-after': '5' }, cause
  })
  t.match(errors.clientRefused(), { code: 'FST_AUTH_VERIFY_FAILED', statusCode: 500, message: 'The provider of the tokens refuses the credentials of this server' })
})

const boot: ReadonlyArray<readonly [error: Error, code: string, message: string]> = [
  [errors.duplicateScheme('S'), 'FST_AUTH_DUPLICATE_SCHEME',
    'Two security schemes are called "S" and differ in the OpenAPI document: give one of them another `schemeName`'],
  [errors.unknownScheme('GET /', 'x'), 'FST_AUTH_UNKNOWN_SCHEME', 'GET /: x'],
  [errors.foreignScheme('GET /', 'S'), 'FST_AUTH_UNKNOWN_SCHEME',
    'GET /: the scheme "S" belongs to another application or to another registration of the plugin'],
  [errors.unknownScope('GET /', 'S', 'a', []), 'FST_AUTH_UNKNOWN_SCOPE',
    'GET /: the scheme "S" does not declare the scope "a" (declared: none); correct it, or add it to the `scopes` of the scheme'],
  [errors.unknownScope('GET /', 'S', 'a', ['b', 'c']), 'FST_AUTH_UNKNOWN_SCOPE',
    'GET /: the scheme "S" does not declare the scope "a" (declared: "b", "c"); correct it, or add it to the `scopes` of the scheme'],
  [errors.badSecurity('GET /', 'x'), 'FST_AUTH_BAD_SECURITY', 'GET /: x'],
  [errors.undeclaredRoutes('GET /'), 'FST_AUTH_UNDECLARED_ROUTE',
    'With the option `explicit` every route must be declared after the plugin was loaded, and carry `security` or stand in a context that declares it by `secure`. ' +
    'These do not: GET /. If they are public on purpose: `security: []` on a route, `secure([])` in a context for another plugin, or the plugin option `public`'],
  [errors.unguardedRoutes('GET /', 'do y'), 'FST_AUTH_UNGUARDED_ROUTE', 'Cannot enforce `security` on GET /: do y'],
  [errors.notReady(), 'FST_AUTH_NOT_READY',
    'The list of routes is complete only once the application is ready; call `await app.ready()` before'],
  [errors.overrideRefused('now'), 'FST_AUTH_OVERRIDE', 'A scheme cannot be overridden now']
]
for (const [error, code, message] of boot) {
  t.test(`a failure at boot: ${message}`, async (t) => {
    t.match(error, { name: 'FastifyError', code, statusCode: 500 })
    t.equal(error.message, message)
  })
}

t.test('a bad option is a TypeError with a code', async (t) => {
  const bad = errors.badOption('factory', 'x')
  t.ok(bad instanceof TypeError)
  t.match(bad, { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION' })
  t.equal(bad.message, 'factory: x')
})

t.test('InvalidCredentialsError', async (t) => {
  t.match(new errors.InvalidCredentialsError('Old'),
    { name: 'InvalidCredentialsError', code: 'FST_AUTH_INVALID_CREDENTIALS', statusCode: 401, message: 'Old', description: 'Old' })
  for (const none of [undefined, null]) {
    t.match(new errors.InvalidCredentialsError(none),
      { message: 'Invalid authentication credentials', description: undefined })
  }
  t.equal(new errors.InvalidCredentialsError(5 as any).description, '5')
})

t.test('OAuth2Error', async (t) => {
  const cause = new Error('x')
  t.match(new errors.OAuth2Error('invalid_grant', 'No', { cause }),
    { name: 'OAuth2Error', code: 'invalid_grant', statusCode: 400, message: 'No', description: 'No', cause })
  t.match(new errors.OAuth2Error('invalid_client'),
    { statusCode: 401, message: 'invalid_client', description: undefined })
  t.match(new errors.OAuth2Error('server_error', null), { statusCode: 500, description: undefined })
  t.equal(new errors.OAuth2Error('invalid_grant', 5 as any).description, '5')
  for (const statusCode of [200, 399, 600, 400.5, '400' as any, null]) {
    t.throws(() => new errors.OAuth2Error('invalid_grant', 'x', { statusCode }),
      { name: 'TypeError', message: 'OAuth2Error: the option `statusCode` must be a whole number from 400 to 599' })
  }
})

t.test('our errors are known by their brand, in another copy of the package, too', async (t) => {
  const path = require.resolve('../lib/errors')
  const own = require.cache[path]
  delete require.cache[path]
  const copy: typeof errors = require('../lib/errors')
  require.cache[path] = own
  t.not(copy.OAuth2Error, errors.OAuth2Error)
  for (const { OAuth2Error, InvalidCredentialsError } of [errors, copy]) {
    class Own extends InvalidCredentialsError {}
    t.equal(errors.isOAuth2Error(new OAuth2Error('invalid_client')), true)
    t.equal(errors.isOAuth2Error(new InvalidCredentialsError()), false)
    for (const error of [new InvalidCredentialsError(), new Own()]) {
      t.equal(errors.isInvalidCredentialsError(error),
        true)
    }
    t.equal(errors.isInvalidCredentialsError(new OAuth2Error('invalid_client')), false)
    t.strictSame(Object.getOwnPropertySymbols(new OAuth2Error('invalid_client')), [])
  }
  for (const value of [undefined, null, 'x', {}, new Error('x'),
    { name: 'OAuth2Error', code: 'invalid_client', statusCode: 401 }]) {
    t.equal(errors.isOAuth2Error(value), false)
    t.equal(errors.isInvalidCredentialsError(value), false)
  }
})
