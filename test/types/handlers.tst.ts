import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { expect, test } from 'tstyche'
import type { AnyAuth, Auth } from '../../lib'
import { app, basic, bearer, optional, type BearerAuth } from './app'

const security = [{ scheme: bearer }] as const
type Authenticated = FastifyRequest & { auth: Auth<string, { sub: string, admin: boolean }> }

test('generics written by hand give AnyAuth', () => {
  app.get<{ Querystring: { page: number } }>('/', { security }, async (request) => {
    expect(request.auth).type.toBe<AnyAuth>()
    expect(request.query.page).type.toBe<number>()
    expect(bearer.from(request)).type.toBe<BearerAuth | null>()
    expect(bearer.require(request)).type.toBe<BearerAuth>()
  })
})

test('a handler whose request is typed has AnyAuth', () => {
  type Page = FastifyRequest<{ Querystring: { page: number } }>
  app.get('/', { security }, async (request: Page, reply: FastifyReply) => {
    expect(request.auth).type.toBe<AnyAuth>()
    expect(request.query.page).type.toBe<number>()
    reply.header('x', request.id)
  })
  const handler: RouteHandlerMethod = async (request) => { expect(request.auth).type.toBe<AnyAuth>() }
  app.get('/', { security }, handler)
})

test('a handler may name the Auth that it expects', () => {
  const handler = async (request: Authenticated): Promise<string> => request.auth.user.sub
  app.get('/', { security: [{ scheme: bearer }] }, handler)
  // @ts-expect-error No overload matches this call
  app.get('/', { security: [{ scheme: bearer }, {}] }, handler)
  // @ts-expect-error No overload matches this call
  app.get('/', { security: [{ scheme: basic }] }, handler)
  // @ts-expect-error No overload matches this call
  app.get('/', { security: [{ scheme: optional }] }, handler)
})

test('a handler that names its Auth cannot have generics as well', () => {
  type Page = FastifyRequest<{ Querystring: { page: number } }> & { auth: BearerAuth }
  const handler = async (request: Page): Promise<string> => request.auth.user.sub
  // @ts-expect-error No overload matches this call
  app.get('/', { security: [{ scheme: bearer }] }, handler)
})

test('a secured request and its reply go to functions that take any', () => {
  const log = (request: FastifyRequest, reply: FastifyReply): void => { reply.header('x', request.id) }
  app.get('/', { security }, async (request, reply) => {
    log(request, reply)
    expect(request as FastifyRequest<{ Params: { id: string } }>).type.toBeAssignableTo<FastifyRequest>()
  })
  app.get<{ Params: { id: string } }>('/:id', async (request, reply) => { log(request, reply) })
})

test('Parameters of app.route are those of Fastify', () => {
  type Handler = Parameters<FastifyInstance['route']>[0]['handler']
  expect<Parameters<Handler>[0]['auth']>().type.toBe<AnyAuth>()
  expect<Parameters<Parameters<FastifyInstance['get']>[1]['handler']>[0]['auth']>().type.toBe<AnyAuth>()
})
