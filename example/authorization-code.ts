/** Users who log in at somebody else's provider: the authorization code with PKCE, from Swagger UI. Run it with `npm run start:authorization-code`. */

import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type } from '@sinclair/typebox'
import authSchemes, { InvalidCredentialsError } from 'fastify-auth-schemes'
import { AUDIENCE, CLIENT_ID, startProvider } from './provider'

const Items = Type.Array(Type.Object({ name: Type.String(), readBy: Type.String() }))

/** The API. It knows the provider by its address alone. */
export async function build (issuer: string, options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const { createRemoteJWKSet, errors, jwtVerify } = await import('jose')
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))

  const app = Fastify(options)
  await app.register(helmet, {
    // The page exchanges the code for a token at the provider.
    contentSecurityPolicy: { directives: { connectSrc: ["'self'", issuer] } },
    // The window in which users log in hands the code to the page that opened it.
    crossOriginOpenerPolicy: { policy: 'unsafe-none' }
  })
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Item store', version: '1.0.0' } } })
  await app.register(authSchemes)
  await app.register(swaggerUi, { initOAuth: { clientId: CLIENT_ID, usePkceWithAuthorizationCodeGrant: true } })

  const oauth2 = app.authSchemes.oauth2AuthorizationCodeBearer({
    authorizationUrl: `${issuer}/auth`,
    tokenUrl: `${issuer}/token`,
    scopes: { 'items:read': 'Read the items', 'items:write': 'Add items' },
    async verify (token) {
      try {
        const { payload } = await jwtVerify(token, keys, { issuer, audience: AUDIENCE, typ: 'at+jwt' })
        return { id: String(payload.sub), scope: String(payload.scope ?? '') }
      } catch (error) {
        // A provider that cannot be reached, or answers nonsense, is our trouble and not the token's.
        if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || !(error instanceof errors.JOSEError)) throw error
        throw new InvalidCredentialsError('The token is not valid here')
      }
    }
  })

  app.get('/items', {
    security: [{ scheme: oauth2, scopes: ['items:read'] }],
    schema: { summary: 'A token of the provider, with the scope items:read', response: { 200: Items } }
  }, async (request) => [{ name: 'Looking-glass', readBy: request.auth.user.id }])

  return app
}

export interface Started {
  readonly address: string
  readonly issuer: string
  close: () => Promise<void>
}

/** Runs both, the API and the provider. A port of 0 is any that is free. */
export async function start (port: number, providerPort: number): Promise<Started> {
  const provider = await startProvider(providerPort)
  const app = await build(provider.issuer, { logger: { level: 'warn' } })
  const listening = await app.listen({ port, host: 'localhost' })
  const address = `http://localhost:${new URL(listening).port}`
  await provider.serve(address)
  return {
    address,
    issuer: provider.issuer,
    async close () {
      await app.close()
      await provider.close()
    }
  }
}

async function main (): Promise<void> {
  const { address, issuer } = await start(Number(process.env.PORT ?? 3000), Number(process.env.PROVIDER_PORT ?? 3001))
  console.log(`
The API listens at ${address}, the provider at ${issuer}.
Open ${address}/documentation, press Authorize, tick items:read, and log in there with any name and password.
`)
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
}
