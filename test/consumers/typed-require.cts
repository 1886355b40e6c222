import Fastify from 'fastify'
import authSchemes, { InvalidCredentialsError } from 'fastify-auth-schemes'

export async function build (): Promise<void> {
  const app = Fastify()
  await app.register(authSchemes)
  const bearer = app.authSchemes.httpBearer({ verify: () => { throw new InvalidCredentialsError('no') } })
  app.get('/', { security: [{ scheme: bearer }] }, async (request) => request.auth.credentials.scheme)
}
