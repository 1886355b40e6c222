/**
 * Users who log in at somebody else's provider: the authorization code with PKCE, from Swagger UI.
 * Run it with `npm run start:authorization-code`.
 */

import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type } from '@sinclair/typebox'
import authSchemes from 'fastify-auth-schemes'
import { jwtVerifier } from 'fastify-auth-schemes/jwt'
import { run } from './program'
import { AUDIENCE, CLIENT_ID, startProvider } from './provider'

const Items = Type.Array(Type.Object({ name: Type.String(), readBy: Type.String() }))

/** The API. It knows the provider by its address alone. */
export async function build (issuer: string, options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options)
  await app.register(helmet)
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Item store', version: '1.0.0' } } })
  await app.register(authSchemes)
  await app.register(async (documentation) => {
    // The window in which users log in hands the code to the page that opened it. Nowhere else is this header softened.
    documentation.addHook('onRequest', async (_request, reply) => {
      reply.header('cross-origin-opener-policy', 'unsafe-none')
    })
    await documentation.register(swaggerUi, {
      initOAuth: { clientId: CLIENT_ID, usePkceWithAuthorizationCodeGrant: true },
      // The page exchanges the code for a token at the provider.
      transformStaticCSP: (policy) => `${policy};connect-src 'self' ${issuer}`
    })
  })

  const oauth2 = app.authSchemes.oauth2AuthorizationCodeBearer({
    authorizationUrl: `${issuer}/auth`,
    tokenUrl: `${issuer}/token`,
    scopes: { 'items:read': 'Read the items', 'items:write': 'Add items' },
    verify: jwtVerifier({ issuer, audience: AUDIENCE })
  })

  app.get('/items', {
    security: [{ scheme: oauth2, scopes: ['items:read'] }],
    schema: { summary: 'A token of the provider, with the scope items:read', response: { 200: Items } }
  }, async (request) => [{ name: 'Looking-glass', readBy: request.auth.user.sub }])

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
  const close = async (): Promise<void> => {
    await app.close()
    await provider.close()
  }
  try {
    const listening = await app.listen({ port, host: 'localhost' })
    const address = `http://localhost:${new URL(listening).port}`
    await provider.serve(address)
    return { address, issuer: provider.issuer, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function main (): Promise<void> {
  const { address, issuer } = await start(Number(process.env.PORT ?? 3000), Number(process.env.PROVIDER_PORT ?? 3001))
  console.log(`
The API listens at ${address}, the provider at ${issuer}.
Open ${address}/documentation, press Authorize, tick items:read, leave client_secret empty, and press Authorize.
The provider takes any name and password, and then asks for consent.
`)
}

if (require.main === module) run(main, 'PORT or PROVIDER_PORT')
