import type { X509Certificate } from 'node:crypto'
import { expect, test } from 'tstyche'
import {
  InvalidCredentialsError, refuseCrossSite,
  type AnyAuth, type Auth, type HTTPAuthorizationCredentials, type HTTPBasicCredentials, type ProtectedResource,
  type Scheme, type Verify
} from '../../lib'
import { app, basic, bearer, optional, type BasicAuth, type BearerAuth, type OptionalAuth } from './app'

const { authSchemes } = app

test('a factory names the options that are missing or wrong', () => {
  // @ts-expect-error Property 'name' is missing
  authSchemes.apiKeyHeader({})
  // @ts-expect-error Property 'tokenUrl' is missing
  authSchemes.oauth2PasswordBearer({})
  // @ts-expect-error is not assignable to type
  authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: ['read'] })
  // @ts-expect-error is not assignable to type
  authSchemes.httpBearer({ verify: (token: number) => token })
  // @ts-expect-error Expected 1 arguments, but got 0
  authSchemes.httpBase()
  authSchemes.httpDigest()
})

test('trusted origins are a list or *, of schemes whose credentials browsers send by themselves', () => {
  const origins: readonly string[] = ['https://app.example']
  authSchemes.apiKeyCookie({ name: 'sid', trustedOrigins: origins })
  authSchemes.httpBasic({ trustedOrigins: ['https://app.example'] })
  authSchemes.httpDigest({ trustedOrigins: '*', verify: ({ credentials }) => credentials })
  // @ts-expect-error is not assignable to type
  authSchemes.apiKeyCookie({ name: 'sid', trustedOrigins: 'https://app.example' })
  // @ts-expect-error is not assignable to type
  authSchemes.httpBasic({ trustedOrigins: [/app/] })
  // @ts-expect-error 'trustedOrigins' does not exist in type
  authSchemes.apiKeyHeader({ name: 'key', trustedOrigins: [] })
  // @ts-expect-error 'trustedOrigins' does not exist in type
  authSchemes.httpBearer({ trustedOrigins: [] })
  expect(authSchemes.apiKeyCookie({ name: 'sid', trustedOrigins: [], verify: (id) => ({ id }) })).type.toBe<Scheme<Auth<string, { id: string }>>>()
})

test('the check of a page is a hook of a route, of an instance and of a token form', () => {
  app.addHook('onRequest', refuseCrossSite())
  app.post<{ Body: { name: string } }>('/', { onRequest: refuseCrossSite({ trustedOrigins: '*' }) }, async (request) => {
    expect(request.body.name).type.toBe<string>()
  })
  app.post('/', { onRequest: [refuseCrossSite()], security: [{ scheme: basic }] }, async (request) => {
    expect(request.auth).type.toBe<BasicAuth>()
  })
  app.tokenForm('/token', { onRequest: refuseCrossSite({ trustedOrigins: ['https://app.example'] }) }, () => ({ access_token: '', token_type: 'bearer' }))
  // @ts-expect-error 'trustedOrigin' does not exist in type 'TrustedOriginsOptions'
  refuseCrossSite({ trustedOrigin: [] })
  // @ts-expect-error has no properties in common with type 'TrustedOriginsOptions'
  refuseCrossSite(['https://app.example'])
})

test('a client certificate is that of Node.js, and no token', () => {
  const scheme = authSchemes.mutualTLS({
    verify: (certificate) => {
      expect(certificate).type.toBe<X509Certificate>()
      return { serial: certificate.serialNumber }
    }
  })
  expect(scheme).type.toBe<Scheme<Auth<X509Certificate, { serial: string }>>>()
  expect<Auth<X509Certificate, undefined>['token']>().type.toBe<null>()
  expect(authSchemes.mutualTLS()).type.toBe<Scheme<Auth<X509Certificate, undefined>>>()
  app.get('/', { security: [{ scheme }] }, async ({ auth }) => {
    expect(auth.credentials).type.toBe<X509Certificate>()
    expect(auth.token).type.toBe<null>()
  })
  const header = { name: 'Client-Cert', from: ['10.0.0.0/8', 'unix'], encoding: 'rfc9440' } as const
  authSchemes.mutualTLS({ header, verify: () => true })
  // @ts-expect-error Property 'encoding' is missing
  authSchemes.mutualTLS({ header: { name: 'Client-Cert', from: ['::1'] } })
  // @ts-expect-error Type 'string' is not assignable to type 'readonly string[]'
  authSchemes.mutualTLS({ header: { ...header, from: '::1' } })
  // @ts-expect-error is not assignable to type '"rfc9440" | "url-pem"'
  authSchemes.mutualTLS({ header: { ...header, encoding: 'pem' } })
  authSchemes.override(scheme, { user: { serial: '1' } })
  // @ts-expect-error is missing the following properties from type 'X509Certificate'
  authSchemes.override(scheme, { user: { serial: '1' }, credentials: {} })
})

test('verify gets the credentials and its context, grantedScopes the user', () => {
  authSchemes.httpBearer({
    verify: ({ scheme, credentials }, { request, scopes, scopeStr }) => {
      expect(scheme).type.toBe<string>()
      expect(credentials).type.toBe<string>()
      expect(scopes).type.toBe<readonly string[]>()
      expect(scopeStr).type.toBe<string>()
      expect(request.url).type.toBe<string>()
      return { roles: ['admin'] }
    },
    grantedScopes: (user) => {
      expect(user).type.toBe<{ roles: string[] }>()
      return user.roles
    }
  })
  authSchemes.httpBearer({ verify: () => ({ role: 'admin' }), grantedScopes: (user) => user.role })
})

test('without verify, and with verify: false, the user is undefined', () => {
  expect(authSchemes.httpBasic()).type.toBe<Scheme<Auth<HTTPBasicCredentials, undefined>>>()
  expect(authSchemes.httpBasic({ verify: false })).type.toBe<Scheme<Auth<HTTPBasicCredentials, undefined>>>()
  // @ts-expect-error is not assignable to type
  authSchemes.httpBasic({ verify: true })
  // @ts-expect-error 'user' is possibly 'undefined'
  authSchemes.httpBasic({ verify: false, grantedScopes: (user) => user.scopes })
})

test('a refusal is not the type of a user', () => {
  const scheme = authSchemes.apiKeyQuery({
    name: 'k', verify: (key) => key === 'x' ? { id: 1 } : key === 'y' ? null : false
  })
  expect(scheme).type.toBe<Scheme<Auth<string, { id: number }>>>()
  const late = authSchemes.apiKeyQuery({ name: 'k', verify: async (key) => key === 'x' ? { id: 1 } : undefined })
  expect(late).type.toBe<Scheme<Auth<string, { id: number }>>>()
})

test('a returned error is not the type of a user', () => {
  const scheme = authSchemes.apiKeyQuery({
    name: 'k',
    verify: (key) => key === 'x' ? { id: 1 } : key === 'y' ? new Error('no') : new InvalidCredentialsError('no'),
    grantedScopes: (user) => {
      expect(user).type.toBe<{ id: number }>()
      return []
    }
  })
  expect(scheme).type.toBe<Scheme<Auth<string, { id: number }>>>()
  const late = authSchemes.apiKeyQuery({
    name: 'k', verify: async (key) => key === 'x' ? { id: 1 } : new TypeError('no')
  })
  expect(late).type.toBe<Scheme<Auth<string, { id: number }>>>()
  const derived = late.derive({ verify: (user) => user.id === 1 ? { admin: true } : new InvalidCredentialsError('no') })
  expect(derived).type.toBe<Scheme<Auth<string, { admin: boolean }>>>()
})

test('a user with a name and a message is no error', () => {
  const scheme = authSchemes.apiKeyQuery({ name: 'k', verify: (key) => ({ name: key, message: 'hello' }) })
  expect(scheme).type.toBe<Scheme<Auth<string, { name: string, message: string }>>>()
})

test('a user of a type parameter, of any and of unknown stays one', () => {
  function make<User> (verify: Verify<string, User>): void {
    const scheme = authSchemes.apiKeyQuery({ name: 'k', verify })
    app.get('/', { security: [{ scheme }] }, async (request) => {
      const user: User = scheme.require(request).user
      return user
    })
  }
  make(() => 1)
  const unknown = authSchemes.apiKeyQuery({ name: 'k', verify: (key): unknown => key })
  expect(unknown).type.toBe<Scheme<Auth<string, unknown>>>()
  const any = authSchemes.apiKeyQuery({ name: 'k', verify: (key) => JSON.parse(key) })
  expect(any).type.toBe<Scheme<Auth<string, any>>>()
})

test('autoError: false, and one that is only known as a boolean, add null', () => {
  expect(optional).type.toBe<Scheme<OptionalAuth>>()
  const autoError = Math.random() > 0.5
  expect(authSchemes.httpBasic({ autoError })).type.toBe<Scheme<OptionalAuth>>()
})

test('from may give null, require does not', () => {
  app.get('/', async (request) => {
    expect(bearer.from(request)).type.toBe<BearerAuth | null>()
    expect(optional.from(request)).type.toBe<OptionalAuth>()
    expect(bearer.require(request)).type.toBe<BearerAuth>()
    expect(bearer.require(request, { scopes: ['admin'] }).user.sub).type.toBe<string>()
    expect(optional.require(request)).type.toBe<NonNullable<OptionalAuth>>()
    // @ts-expect-error Type 'string' is not assignable to type 'readonly string[]'
    bearer.require(request, { scopes: 'admin' })
    // @ts-expect-error 'scope' does not exist in type
    bearer.require(request, { scope: ['admin'] })
  })
})

test('a derived scheme has the user of its own verify', () => {
  const derived = basic.derive({
    verify: (user, { credentials, scopes }) => {
      expect(user).type.toBe<{ id: number }>()
      expect(credentials).type.toBe<HTTPBasicCredentials>()
      expect(scopes).type.toBe<readonly string[]>()
      return { name: credentials.username }
    }
  })
  expect(derived).type.toBe<Scheme<Auth<HTTPBasicCredentials, { name: string }>>>()
  expect(basic.derive({ scopes: ['x'] })).type.toBe<Scheme<BasicAuth>>()
  expect(optional.derive({ scopes: ['x'] })).type.toBe<Scheme<OptionalAuth>>()
  app.get('/', { security: [{ scheme: derived }] }, async (request) => {
    expect(request.auth.user.name).type.toBe<string>()
    expect(basic.from(request)?.user.id).type.toBe<number | undefined>()
  })
})

test('a scheme is a hook of a route', () => {
  app.get('/', { preHandler: basic.preHandler }, async () => 1)
  app.get('/', { onRequest: [basic.preHandler], preValidation: [basic.preHandler] }, async () => 1)
})

test('override takes a user of the scheme and returns a function that takes it back', () => {
  expect(authSchemes.override(basic, { user: { id: 1 } })).type.toBe<() => void>()
  expect(authSchemes.override(optional, {})).type.toBe<() => void>()
  // @ts-expect-error Property 'user' is missing
  authSchemes.override(basic, {})
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  authSchemes.override(basic, { user: { id: 'x' } })
})

test('token follows the credentials', () => {
  expect<BasicAuth['token']>().type.toBe<null>()
  expect<BearerAuth['token']>().type.toBe<string>()
  expect<Auth<HTTPAuthorizationCredentials, undefined>['token']>().type.toBe<string>()
  expect<NonNullable<AnyAuth>['token']>().type.toBe<string | null>()
})

test('an Auth goes where one of wider types is wanted', () => {
  expect<BasicAuth>().type.toBeAssignableTo<AnyAuth>()
  expect<BearerAuth>().type.toBeAssignableTo<Auth<unknown, { sub: string }>>()
  expect<BasicAuth>().type.not.toBeAssignableTo<Auth<unknown, { sub: string }>>()
})

test('a resource is an option of the bearer family, and known on every scheme', () => {
  const resource = { url: 'https://api.example', authorizationServers: ['https://as.example'] }
  const scheme = authSchemes.openIdConnect({ openIdConnectUrl: 'x', resource, verify: () => ({ aud: 'https://api.example' }) })
  expect(scheme.resource).type.toBe<ProtectedResource | null>()
  expect<NonNullable<typeof scheme.resource>>().type.toBe<ProtectedResource>()
  expect<ProtectedResource>().type.toBe<{ readonly url: string, readonly metadataUrl: string, readonly audiences: readonly string[] }>()
  authSchemes.httpBearer({ resource, verify: () => true })
  authSchemes.oauth2({ flows: {}, resource, verify: () => true })
  authSchemes.oauth2PasswordBearer({ tokenUrl: 'x', resource, verify: () => true })
  authSchemes.oauth2AuthorizationCodeBearer({ authorizationUrl: 'x', tokenUrl: 'x', resource, verify: () => true })
  authSchemes.oauth2ClientCredentialsBearer({ tokenUrl: 'x', resource, verify: () => true })
  // @ts-expect-error 'resource' does not exist in type
  authSchemes.httpBasic({ resource, verify: () => true })
  // @ts-expect-error Property 'authorizationServers' is missing
  authSchemes.httpBearer({ resource: { url: 'https://api.example' }, verify: () => true })
})
