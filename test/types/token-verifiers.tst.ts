/** The user that a verifier gives, through every factory and `derive`. */

import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { describe, expect, test } from 'tstyche'
import '../../lib'
import { introspectionVerifier, type IntrospectedToken } from '../../lib/introspection'
import { jwtIssuer, jwtVerifier, type TokenClaims, type TokenVerifier } from '../../lib/jwt'

const app = Fastify()
const { authSchemes: make } = app
const issuer = 'https://login.example.com'
const audience = 'https://api.example.com'

const Tenant = Type.Object({ tid: Type.String() })
type WithTenant = TokenClaims & { tid: string }
const isTenant = (claims: TokenClaims): claims is WithTenant => Value.Check(Tenant, claims)

describe('jwtVerifier', () => {
  test('without a check the user is TokenClaims', () => {
    expect(jwtVerifier({ issuer, audience })).type.toBe<TokenVerifier<TokenClaims>>()
    expect(jwtVerifier([{ issuer, audience }, { issuer: audience, audience: null }])).type.toBe<TokenVerifier<TokenClaims>>()
    expect(jwtVerifier({ issuer, audience, claims: ({ tid }) => typeof tid === 'number' })).type.toBe<TokenVerifier<TokenClaims>>()
  })

  test('a type guard, written or inferred, types the user', () => {
    expect(jwtVerifier({ issuer, audience, claims: isTenant })).type.toBe<TokenVerifier<WithTenant>>()
    expect(jwtVerifier({ issuer, audience, claims: (claims) => Value.Check(Tenant, claims) })).type.toBe<TokenVerifier<WithTenant>>()
    expect(jwtVerifier([{ issuer, audience, claims: isTenant }])).type.toBe<TokenVerifier<WithTenant>>()
  })

  test('options that are required, and those that do not exist', () => {
    expect(jwtVerifier).type.not.toBeCallableWith({ issuer })
    expect(jwtVerifier).type.not.toBeCallableWith({ audience })
    expect(jwtVerifier).type.not.toBeCallableWith({ issuer, audience, typ: 'jwt' })
    expect(jwtVerifier).type.not.toBeCallableWith({ issuer, audience, secret: 'x' })
    expect(jwtVerifier).type.not.toBeCallableWith({ issuer, audience, claims: async () => true })
    expect(jwtVerifier).type.toBeCallableWith({ issuer, audience, keys: { keys: [{ kty: 'EC' }] }, fetch: globalThis.fetch })
  })
})

describe('through every factory', () => {
  const verify = jwtVerifier({ issuer, audience, claims: (claims) => Value.Check(Tenant, claims) })
  const schemes = {
    bearer: make.httpBearer({ verify }),
    base: make.httpBase({ scheme: 'token', verify }),
    digest: make.httpDigest({ verify }),
    oauth2: make.oauth2({ flows: { password: { tokenUrl: '/token' } }, verify }),
    password: make.oauth2PasswordBearer({ tokenUrl: '/token', verify }),
    code: make.oauth2AuthorizationCodeBearer({ authorizationUrl: '/auth', tokenUrl: '/token', verify }),
    client: make.oauth2ClientCredentialsBearer({ tokenUrl: '/token', verify }),
    oidc: make.openIdConnect({ openIdConnectUrl: issuer, verify }),
    header: make.apiKeyHeader({ name: 'x-token', verify }),
    cookie: make.apiKeyCookie({ name: 'token', verify }),
    query: make.apiKeyQuery({ name: 'token', verify })
  }

  test('tid is a string', () => {
    app.get('/1', { security: [{ scheme: schemes.bearer }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/2', { security: [{ scheme: schemes.base }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/3', { security: [{ scheme: schemes.digest }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/4', { security: [{ scheme: schemes.oauth2 }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/5', { security: [{ scheme: schemes.password, scopes: ['a'] }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/6', { security: [{ scheme: schemes.code }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/7', { security: [{ scheme: schemes.client }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/8', { security: [{ scheme: schemes.oidc }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/9', { security: [{ scheme: schemes.header }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/10', { security: [{ scheme: schemes.cookie }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
    app.get('/11', { security: [{ scheme: schemes.query }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
  })

  test('the rest of the claims', () => {
    app.get('/claims', { security: [{ scheme: schemes.oidc }] }, async (request) => {
      expect(request.auth.user.sub).type.toBe<string>()
      expect(request.auth.user.scopes).type.toBe<readonly string[]>()
      expect(request.auth.user.other).type.toBe<unknown>()
    })
  })

  test('derive starts from them', () => {
    const account = schemes.oidc.derive({ verify: async ({ sub, tid }) => sub === '' ? null : { id: sub, tenant: tid } })
    app.get('/account', { security: [{ scheme: account }] }, async (request) => { expect(request.auth.user).type.toBe<{ id: string, tenant: string }>() })
    const narrow = schemes.oidc.derive({ scopes: [] })
    app.get('/narrow', { security: [{ scheme: narrow }] }, async (request) => { expect(request.auth.user.tid).type.toBe<string>() })
  })

  test('grantedScopes reads them', () => {
    make.openIdConnect({ openIdConnectUrl: issuer, verify, grantedScopes: ({ tid }) => [tid] })
    const withRoles = jwtVerifier({ issuer, audience, claims: (claims): claims is TokenClaims & { realm_access: { roles: string[] } } => claims.realm_access !== undefined })
    make.openIdConnect({ openIdConnectUrl: issuer, verify: withRoles, grantedScopes: ({ realm_access: { roles } }) => roles })
    make.openIdConnect({
      openIdConnectUrl: issuer,
      verify: jwtVerifier({ issuer, audience, claims: (claims): claims is TokenClaims & { roles: string[] } => Array.isArray(claims.roles) }),
      grantedScopes: ({ roles }) => roles
    })
    make.openIdConnect({ openIdConnectUrl: issuer, verify: jwtVerifier({ issuer, audience, claims: (claims) => Value.Check(Tenant, claims) }), grantedScopes: ({ tid }) => [tid] })
    make.openIdConnect({ openIdConnectUrl: issuer, verify: jwtVerifier([{ issuer, audience }]), grantedScopes: ({ scopes }) => scopes })
    make.httpBearer({ verify: introspectionVerifier({ issuer, client: { token: 'x' }, audience }), grantedScopes: ({ scopes }) => scopes })
  })

  test('a test overrides them by a part', () => {
    expect(make.override(schemes.oidc, { user: { sub: 'alice' } })).type.toBe<() => void>()
    expect(make.override).type.not.toBeCallableWith(schemes.oidc, { user: { sub: 5 } })
    expect(make.override).type.not.toBeCallableWith(schemes.oidc, {})
  })
})

describe('jwtIssuer', () => {
  const options = { secret: 'x'.repeat(32), issuer: 'item-store', expiresIn: 60 }

  test('sign takes a subject and scopes, and the claims that were named', () => {
    const { sign, verify } = jwtIssuer(options)
    expect(sign).type.toBeCallableWith({ sub: 'alice', scopes: ['a'] })
    expect(sign).type.not.toBeCallableWith({})
    expect(sign).type.not.toBeCallableWith({ sub: 'alice', scopes: 'a' })
    expect(sign).type.not.toBeCallableWith({ sub: 'alice', tid: 'x' })
    expect(verify({} as string, {} as any)).type.toBeAssignableTo<TokenClaims | null | undefined | false | Promise<TokenClaims | null | undefined | false>>()
    const tenants = jwtIssuer<{ tid: string }>(options)
    expect(tenants.sign).type.toBeCallableWith({ sub: 'alice', tid: 'x' })
    expect(tenants.sign).type.not.toBeCallableWith({ sub: 'alice' })
    app.get('/own', { security: [{ scheme: make.oauth2PasswordBearer({ tokenUrl: '/token', verify: tenants.verify }) }] }, async (request) => {
      expect(request.auth.user.tid).type.toBe<string>()
      expect(request.auth.user.sub).type.toBe<string>()
    })
  })
})

describe('introspectionVerifier', () => {
  const client = { id: 'a', secret: 'b' }

  test('one place, one client, an audience', () => {
    expect(introspectionVerifier({ issuer, client, audience })).type.toBe<TokenVerifier<IntrospectedToken>>()
    expect(introspectionVerifier({ endpoint: issuer, client: { token: async () => 'x' }, audience: null, maxAge: 5 })).type.toBe<TokenVerifier<IntrospectedToken>>()
    expect(introspectionVerifier).type.not.toBeCallableWith({ client, audience })
    expect(introspectionVerifier).type.not.toBeCallableWith({ issuer, endpoint: issuer, client, audience })
    expect(introspectionVerifier).type.not.toBeCallableWith({ issuer, audience })
    expect(introspectionVerifier).type.not.toBeCallableWith({ issuer, client })
    expect(introspectionVerifier).type.not.toBeCallableWith({ issuer, client: { id: 'a' }, audience })
  })

  test('a type guard types the user', () => {
    const verify = introspectionVerifier({ issuer, client, audience, claims: (claims) => Value.Check(Tenant, claims) })
    app.get('/opaque', { security: [{ scheme: make.httpBearer({ verify }) }] }, async (request) => {
      expect(request.auth.user.tid).type.toBe<string>()
      expect(request.auth.user.sub).type.toBe<string | undefined>()
    })
  })
})
