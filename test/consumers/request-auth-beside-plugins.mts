/** The same beside plugins that have types of their own. */

import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import type {} from '@fastify/csrf-protection'
import type {} from '@fastify/rate-limit'
import type { WebSocket } from '@fastify/websocket'
import type { FastifyPluginAsyncZod, ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Auth } from 'fastify-auth-schemes'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
/** Compiles only if both types are the same. */
const same = <A, B>(equal: Equal<A, B>): boolean => equal

const app = fastify()
const bearer = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', verify: (token) => ({ sub: token }) })
type Bearer = Auth<string, { sub: string }>
const security = [{ scheme: bearer }] as const
const owner = async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply): Promise<void> => {
  reply.header('x', request.params.id)
}
const body = z.object({ a: z.string() })

// Functions in a config, and hooks
app.get('/', { security, config: { rateLimit: { keyGenerator: (request) => request.ip } } }, async (request) =>
  same<typeof request.auth, Bearer>(true))
app.get('/', { security, onRequest: app.rateLimit({ max: 1 }) }, async (request) =>
  same<typeof request.auth, Bearer>(true))
app.get('/', { security, preHandler: app.csrfProtection }, async (request) => same<typeof request.auth, Bearer>(true))
fastify({ http2: true }).get('/', {
  security, config: { rateLimit: { keyGenerator: (request) => request.ip } }
}, async (request) => same<typeof request.auth, Bearer>(true))
app.route({
  method: 'GET',
  url: '/:id',
  security,
  config: { rateLimit: { keyGenerator: (request) => request.ip } },
  preHandler: owner,
  handler: async (request) =>
    same<typeof request.auth, Bearer>(true) && same<typeof request.params, { id: string }>(true)
})

// zod
app.withTypeProvider<ZodTypeProvider>().post('/:id', {
  security, schema: { body, params: z.object({ id: z.coerce.number() }) }
}, async (request) => same<typeof request.auth, Bearer>(true) && same<typeof request.params, { id: number }>(true) &&
  same<typeof request.body, { a: string }>(true))
app.withTypeProvider<ZodTypeProvider>().post('/:id', {
  security,
  schema: { body },
  config: { rateLimit: { keyGenerator: (request) => request.ip } },
  preHandler: owner
}, async (request) => same<typeof request.auth, Bearer>(true) && same<typeof request.body, { a: string }>(true))
export const plugin: FastifyPluginAsyncZod = async (app) => {
  app.route({
    method: 'POST',
    url: '/:id',
    security,
    schema: { body, params: z.object({ id: z.coerce.number() }) },
    handler: async (request) =>
      same<typeof request.auth, Bearer>(true) && same<typeof request.body, { a: string }>(true)
  })
}

// Websockets
app.get('/', { websocket: true, security }, (socket, request) => {
  same<typeof socket, WebSocket>(true)
  same<typeof request.auth, Bearer>(true)
})
app.get('/', { websocket: true, security, preHandler: owner }, (socket, request) => {
  same<typeof socket, WebSocket>(true)
  same<typeof request.auth, Bearer>(true)
})
app.get('/', {
  websocket: true, security, config: { rateLimit: { keyGenerator: (request) => request.ip } }
}, (socket, request) => { same<typeof request.auth, Bearer>(true) })
app.route({
  method: 'GET',
  url: '/',
  websocket: true,
  security,
  handler: (socket, request) => {
    same<typeof socket, WebSocket>(true)
    same<typeof request.auth, Bearer>(true)
  }
})
app.route({
  method: 'GET',
  url: '/',
  security,
  handler: async (request) => same<typeof request.auth, Bearer>(true),
  wsHandler: (socket, request) => {
    same<typeof socket, WebSocket>(true)
    same<typeof request.auth, Bearer>(true)
  }
})
