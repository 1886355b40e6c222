import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { ABSENT, MALFORMED } from '../../lib/header/authorization'
import { bearerToken, oauth2, oauth2AuthorizationCodeBearer, oauth2ClientCredentialsBearer, oauth2PasswordBearer } from '../../lib/schemes/oauth2'

const request = (authorization?: unknown): FastifyRequest => ({ headers: { authorization } }) as FastifyRequest

t.test('oauth2: the whole value is the credentials, whatever its scheme', async (t) => {
  const { extract, tokenOf } = oauth2({ flows: {} })
  t.equal(extract(request('  Other a b ')), 'Other a b')
  t.equal(extract(request('Bearer')), 'Bearer')
  t.equal(tokenOf('Bearer x'), 'Bearer x')
  for (const value of [undefined, '', '   ']) t.equal(extract(request(value)), ABSENT)
  t.equal(extract(request(['a'])), MALFORMED)
})

t.test('oauth2: flows must be given', async (t) => {
  t.throws(() => oauth2({}), { name: 'TypeError', message: 'oauth2: the option `flows` must be an object' })
})

t.test('oauth2: all flows are told, and all their scopes are declared', async (t) => {
  const flows = Object.freeze({
    implicit: { authorizationUrl: 'authorize', scopes: { a: 'A' } },
    password: { tokenUrl: 'token', refreshUrl: 'refresh' },
    clientCredentials: { tokenUrl: 'token', scopes: { b: 'B' } },
    authorizationCode: { authorizationUrl: 'authorize', tokenUrl: 'token', scopes: { a: 'A', c: 'C' } }
  })
  const { openapi, declaredScopes, challenge } = oauth2({ flows, description: 'All of them' }, 'realm')
  t.strictSame(openapi, { type: 'oauth2', description: 'All of them', flows: { ...flows, password: { ...flows.password, scopes: {} } } })
  t.strictSame([...declaredScopes ?? []], ['a', 'b', 'c'])
  t.strictSame(challenge, { scheme: 'Bearer', realm: 'realm', bearer: true })
})

const bad: ReadonlyArray<readonly [rule: string, flows: unknown, message: string]> = [
  ...([
    ['flows must not be undefined', undefined, ': the option `flows`'],
    ['a flow must not be undefined', { password: undefined }, '.flows: the option `password`'],
    ...['tokenUrl', 'refreshUrl', 'authorizationUrl', 'scopes'].map((key) =>
      [`a flow's ${key} must not be undefined`, { password: { tokenUrl: 'token', [key]: undefined } }, `.flows.password: the option \`${key}\``] as const)
  ] as const).map(([rule, flows, what]) =>
    [rule, flows, `${what} is undefined: leave it out, or import it from a module that does not import this one (a circular import)`] as const),
  ['flows must be an object', [], ': the option `flows` must be an object'],
  ['flows must not be null', null, ': the option `flows` must be an object'],
  ['a flow must be one of OpenAPI\'s', { device: {} }, '.flows: there is no option `device`: it takes implicit, password, clientCredentials, authorizationCode'],
  ['a flow must not be a name of a prototype', { constructor: {} }, '.flows: there is no option `constructor`: it takes implicit, password, clientCredentials, authorizationCode'],
  ['a flow must be an object', { password: null }, '.flows: the option `password` must be an object'],
  ['a flow must not be a string', { password: 'token' }, '.flows: the option `password` must be an object'],
  ['a flow has known members', { password: { tokenUrl: 'token', scope: {} } }, '.flows.password: there is no option `scope`: it takes authorizationUrl, tokenUrl, refreshUrl, scopes'],
  ['the password flow needs a tokenUrl', { password: {} }, '.flows.password: the option `tokenUrl` must be a string that is not empty'],
  ['the authorization code flow needs both URLs', { authorizationCode: { tokenUrl: 'token' } }, '.flows.authorizationCode: the option `authorizationUrl` must be a string that is not empty'],
  ['a URL must be a string', { password: { tokenUrl: 'token', refreshUrl: 1 } }, '.flows.password: the option `refreshUrl` must be a string that is not empty'],
  ['scopes must be an object', { password: { tokenUrl: 'token', scopes: ['a'] } }, '.flows.password: the option `scopes` must be an object of scope names and their descriptions']
]

for (const [rule, flows, message] of bad) {
  t.test(`oauth2: ${rule}`, async (t) => {
    t.throws(() => oauth2({ flows }), { name: 'TypeError', message: `oauth2${message}` })
  })
}

t.test('the flows of the bearer factories', async (t) => {
  const scopes = { a: 'A' }
  t.strictSame(oauth2PasswordBearer({ tokenUrl: 'token' }).openapi, { type: 'oauth2', flows: { password: { tokenUrl: 'token', scopes: {} } } })
  t.strictSame(oauth2AuthorizationCodeBearer({ authorizationUrl: 'authorize', tokenUrl: 'token', refreshUrl: 'refresh', scopes }).openapi,
    { type: 'oauth2', flows: { authorizationCode: { authorizationUrl: 'authorize', tokenUrl: 'token', refreshUrl: 'refresh', scopes } } })
  t.strictSame(oauth2ClientCredentialsBearer({ tokenUrl: 'token', scopes, description: 'Programs' }).openapi,
    { type: 'oauth2', description: 'Programs', flows: { clientCredentials: { tokenUrl: 'token', scopes } } })
  t.throws(() => oauth2PasswordBearer({}), { message: 'oauth2PasswordBearer: the option `tokenUrl` must be a string that is not empty' })
  t.throws(() => oauth2AuthorizationCodeBearer({ tokenUrl: 'x' }), { message: 'oauth2AuthorizationCodeBearer: the option `authorizationUrl` must be a string that is not empty' })
  t.throws(() => oauth2ClientCredentialsBearer({ tokenUrl: 'x', refreshUrl: 'y' }), { message: /^oauth2ClientCredentialsBearer: there is no option `refreshUrl`/ })
  t.throws(() => oauth2PasswordBearer(undefined), { message: 'oauth2PasswordBearer: the options must be an object' })
})

t.test('a bearer token is a string', async (t) => {
  t.equal(bearerToken('Bearer abc'), 'abc')
  t.equal(bearerToken('Bearer'), ABSENT)
  t.equal(bearerToken('Bearer a b'), MALFORMED)
  t.equal(oauth2PasswordBearer({ tokenUrl: 'token' }).extract(request('bearer abc')), 'abc')
})
