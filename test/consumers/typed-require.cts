import Fastify from 'fastify'
import authSchemes, { InvalidCredentialsError } from 'fastify-auth-schemes'
import { introspectionVerifier } from 'fastify-auth-schemes/introspection'
import { jwtVerifier } from 'fastify-auth-schemes/jwt'

export async function build (): Promise<void> {
  const app = Fastify()
  await app.register(authSchemes)
  const bearer = app.authSchemes.httpBearer({ verify: () => { throw new InvalidCredentialsError('no') } })
  app.get('/', { security: [{ scheme: bearer }] }, async (request) => request.auth.credentials.scheme)
  const users = app.authSchemes.oauth2({ flows: { password: { tokenUrl: '/token' } }, verify: jwtVerifier([{ issuer: 'https://login.example.com', audience: ['a'] }]) })
  app.get('/users', { security: [{ scheme: users, scopes: [] }] }, async (request): Promise<readonly string[]> => request.auth.user.scopes)
  // @ts-expect-error the audience is required
  introspectionVerifier({ endpoint: 'https://login.example.com', client: { token: 'x' } })
}
