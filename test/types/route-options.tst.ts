import type {
  FastifyContextConfig, FastifyReply, FastifyRequest, preHandlerHookHandler, RouteOptions, RouteShorthandOptions
} from 'fastify'
import type {} from '@fastify/csrf-protection'
import type {} from '@fastify/rate-limit'
import { expect, test } from 'tstyche'
import type { AnyAuth } from '../../lib'
import { app, bearer, type BearerAuth } from './app'

const security = [{ scheme: bearer }] as const
const plain = async (request: FastifyRequest): Promise<void> => { request.log.info(request.auth) }
const owner = async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply): Promise<void> => {
  reply.header('x', request.params.id)
}

test('a config keeps its own type', () => {
  app.get('/', { security, config: { audience: 'x' } }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
    expect(request.routeOptions.config.audience).type.toBe<string>()
  })
})

test('functions in a config are typed by their plugin', () => {
  app.get('/', { security, config: { rateLimit: { keyGenerator: (request) => request.ip } } }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('without a config routeOptions.config is Fastify\'s own', () => {
  app.get('/', { security }, async (request) => {
    expect(request.routeOptions.config).type.toBeAssignableTo<FastifyContextConfig>()
    expect(request.routeOptions.config.url).type.toBe<string>()
  })
})

test('hooks of other types leave request.auth as it is', () => {
  app.get('/', { security, preHandler: plain }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
  app.get('/', { security, onRequest: [plain, plain] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
  app.get('/', { security, onRequest: app.rateLimit({ max: 1 }) }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
  app.get('/', { security, preHandler: app.csrfProtection }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
  const hook: preHandlerHookHandler = (_request, _reply, done) => { done() }
  app.get('/', { security, preHandler: hook }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
})

test('a hook gives its generics to the handler', () => {
  app.get('/:id', { security, preHandler: owner }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
    expect(request.params).type.toBe<{ id: string }>()
  })
})

test('an inline preHandler knows request.auth', () => {
  app.get('/', {
    security,
    preHandler: async (request) => {
      expect(request.auth).type.toBe<BearerAuth>()
      await plain(request)
    }
  }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
})

test('an inline hook and a typed one may stand in one array', () => {
  app.get('/', { security, preHandler: [async (request) => { await plain(request) }, plain] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('hooks that run for unauthenticated requests, too, have null', () => {
  app.get('/', {
    security,
    onRequest: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    preParsing: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    preValidation: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    onError: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    onSend: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    onResponse: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    errorHandler: (error, request) => { expect(request.auth).type.toBe<BearerAuth | null>(); throw error }
  }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
  app.get('/', {
    security,
    // @ts-expect-error 'request.auth' is possibly 'null'
    onError: async (request) => { request.log.info(request.auth.user.sub) }
  }, async () => 1)
})

test('app.route infers as the shorthands do', () => {
  app.route({
    method: 'GET', url: '/', security, handler: async (request) => { expect(request.auth).type.toBe<BearerAuth>() }
  })
  app.route({
    method: 'GET', url: '/', security, async handler (request) { expect(request.auth).type.toBe<BearerAuth>() }
  })
  app.get('/', { security, handler: async (request) => { expect(request.auth).type.toBe<BearerAuth>() } })
  app.route({
    method: 'GET',
    url: '/:id',
    security,
    config: { rateLimit: { keyGenerator: (request) => request.ip } },
    preHandler: owner,
    handler: async (request) => {
      expect(request.auth).type.toBe<BearerAuth>()
      expect(request.params).type.toBe<{ id: string }>()
    }
  })
})

test('options kept in a constant of Fastify\'s type give AnyAuth', () => {
  const route: RouteOptions = {
    method: 'GET',
    url: '/',
    security: [{ scheme: bearer }],
    handler: async (request) => { expect(request.auth).type.toBe<AnyAuth>() }
  }
  app.route(route)
  const options: RouteShorthandOptions = { security: [{ scheme: bearer }] }
  app.get('/', options, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
})

test('options kept in a constant without a type are inferred', () => {
  const options = { security: [{ scheme: bearer }], config: { audience: 'x' } }
  app.get('/', options, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  const satisfied = {
    security: [{ scheme: bearer }], config: { rateLimit: { max: 1 } }
  } satisfies RouteShorthandOptions
  app.get('/', satisfied, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
})
