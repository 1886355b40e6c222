import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import type {} from '@fastify/rate-limit'
import { Type } from '@sinclair/typebox'
import type { FastifyPluginAsyncZod, ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { expect, test } from 'tstyche'
import { app, bearer, type BearerAuth } from './app'
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from './type-provider'

const security = [{ scheme: bearer }] as const
const body = Type.Object({ a: Type.String() })
const owner = async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply): Promise<void> => {
  reply.header('x', request.params.id)
}

test('a schema without a type provider leaves request.auth as it is', () => {
  app.post('/', { security, schema: { body } }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
})

test('TypeBox infers the body and the response', () => {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/', {
    security,
    schema: { body, response: { 200: Type.Object({ b: Type.String() }) } }
  }, async (request) => {
    expect(request.body.a).type.toBe<string>()
    expect(request.auth).type.toBe<BearerAuth>()
    return { b: request.body.a }
  })
  app.withTypeProvider<TypeBoxTypeProvider>().post('/', {
    security,
    schema: { body, response: { 200: Type.Object({ b: Type.String() }) } }
  // @ts-expect-error No overload matches this call
  }, async () => ({ b: 1 }))
})

test('TypeBox infers beside functions in a config', () => {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/', {
    security,
    schema: { body },
    config: { rateLimit: { keyGenerator: (request) => request.ip } }
  }, async (request) => {
    expect(request.body.a).type.toBe<string>()
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('an application over HTTP/2 infers the same', () => {
  fastify({ http2: true }).withTypeProvider<TypeBoxTypeProvider>().post('/', {
    security,
    schema: { body },
    config: { rateLimit: { keyGenerator: (request) => request.ip } }
  }, async (request) => {
    expect(request.body.a).type.toBe<string>()
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('a plugin of a type provider infers the same', () => {
  const typebox: FastifyPluginAsyncTypebox = async (app) => {
    app.post('/', { security, schema: { body } }, async (request) => {
      expect(request.body.a).type.toBe<string>()
      expect(request.auth).type.toBe<BearerAuth>()
    })
  }
  const zod: FastifyPluginAsyncZod = async (app) => {
    app.route({
      method: 'POST',
      url: '/:id',
      security,
      schema: { body: z.object({ a: z.string() }), params: z.object({ id: z.coerce.number() }) },
      handler: async (request) => {
        expect(request.body.a).type.toBe<string>()
        expect(request.params.id).type.toBe<number>()
        expect(request.auth).type.toBe<BearerAuth>()
      }
    })
  }
  app.register(typebox)
  app.register(zod)
})

test('zod infers the body and the parameters', () => {
  app.withTypeProvider<ZodTypeProvider>().post('/:id', {
    security,
    schema: { body: z.object({ a: z.string() }), params: z.object({ id: z.coerce.number() }) }
  }, async (request) => {
    expect(request.body.a).type.toBe<string>()
    expect(request.params.id).type.toBe<number>()
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('zod infers beside functions in a config and a typed hook', () => {
  app.withTypeProvider<ZodTypeProvider>().post('/:id', {
    security,
    schema: { body: z.object({ a: z.string() }) },
    config: { rateLimit: { keyGenerator: (request) => request.ip } },
    preHandler: owner
  }, async (request) => {
    expect(request.body.a).type.toBe<string>()
    expect(request.auth).type.toBe<BearerAuth>()
  })
})
