import Fastify from 'fastify'
import authSchemes, { OAuth2Error, type Auth, type Scheme, type TokenResponse } from 'fastify-auth-schemes'
import { introspectionVerifier, type IntrospectedToken } from 'fastify-auth-schemes/introspection'
import { jwtIssuer, jwtVerifier, type TokenClaims, type TokenVerifier } from 'fastify-auth-schemes/jwt'

export async function build (): Promise<void> {
  const app = Fastify()
  await app.register(authSchemes, { realm: 'Items', hook: 'onRequest' })
  const oauth2 = app.authSchemes.oauth2PasswordBearer({
    tokenUrl: 'token',
    scopes: { 'items:read': 'Read the items' },
    verify: async (token, { scopes }) => token === 'x' ? { id: 1, scopes } : null
  })
  const typed: Scheme<Auth<string, { id: number, scopes: readonly string[] }>> = oauth2
  app.tokenForm('/token', async (form) => {
    if (form.password !== 'x') throw new OAuth2Error('invalid_grant')
    const response: TokenResponse = { access_token: form.username, token_type: 'bearer' }
    return response
  })
  app.get('/', { security: [{ scheme: oauth2, scopes: ['items:read'] }] }, async (request) => {
    const id: number = request.auth.user.id
    // @ts-expect-error nothing is any
    request.auth.user.nothing()
    return id
  })
  app.get('/maybe', { security: [{ scheme: typed }, {}] }, async (request) => {
    // @ts-expect-error it may be null
    request.auth.user.id.toFixed()
    return request.auth?.user.id
  })
  // @ts-expect-error scopes are an array
  app.get('/bad', { security: [{ scheme: oauth2, scopes: 'items:read' }] }, async () => 1)
  // @ts-expect-error @fastify/websocket is not installed
  app.get('/socket', { websocket: true, security: [{ scheme: oauth2 }] }, () => {})
  app.secure([{ scheme: oauth2.derive({ verify: (user) => user.id === 1 && user }) }])
}

export async function verifiers (): Promise<void> {
  const app = Fastify()
  await app.register(authSchemes)
  const issuer = 'https://login.example.com'
  const isTenant = (claims: TokenClaims): claims is TokenClaims & { readonly tid: string } => typeof claims.tid === 'string'
  const users = app.authSchemes.openIdConnect({ openIdConnectUrl: issuer, verify: jwtVerifier({ issuer, audience: 'a', claims: isTenant }) })
  app.get('/', { security: [{ scheme: users }] }, async (request) => {
    const tid: string = request.auth.user.tid
    // @ts-expect-error nothing is any
    request.auth.user.sub.nothing()
    return tid
  })
  app.authSchemes.httpBearer({ schemeName: 'roles', verify: jwtVerifier({ issuer, audience: 'a', claims: (claims): claims is TokenClaims & { roles: string[] } => true }), grantedScopes: ({ roles }) => roles })
  const tokens = jwtIssuer<{ readonly tid: string }>({ secret: 'x'.repeat(32), issuer: 'item-store', expiresIn: 60 })
  const verify: TokenVerifier<TokenClaims & { readonly tid: string }> = tokens.verify
  // @ts-expect-error tid is missing
  await tokens.sign({ sub: 'alice' })
  const opaque = app.authSchemes.httpBearer({ verify: introspectionVerifier({ issuer, client: { id: 'a', secret: 'b' }, audience: null }) })
  app.get('/opaque', { security: [{ scheme: opaque }] }, async (request): Promise<IntrospectedToken> => request.auth.user)
  await verify.prepare()
}
