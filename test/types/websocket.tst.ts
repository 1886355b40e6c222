import type { FastifyRequest } from 'fastify'
import type {} from '@fastify/rate-limit'
import type { WebSocket } from '@fastify/websocket'
import { expect, test } from 'tstyche'
import { app, bearer, type BearerAuth } from './app'

const security = [{ scheme: bearer }] as const
const plain = async (request: FastifyRequest): Promise<void> => { request.log.info(request.auth) }

test('a websocket handler has the socket and request.auth', () => {
  app.get('/', { websocket: true, security }, (socket, request) => {
    expect(socket).type.toBe<WebSocket>()
    expect(request.auth).type.toBe<BearerAuth>()
  })
  app.route({
    method: 'GET',
    url: '/',
    websocket: true,
    security,
    handler: (socket, request) => {
      expect(socket).type.toBe<WebSocket>()
      expect(request.auth).type.toBe<BearerAuth>()
    }
  })
})

test('a wsHandler beside a handler has both, too', () => {
  app.route({
    method: 'GET',
    url: '/',
    security,
    handler: async (request) => { expect(request.auth).type.toBe<BearerAuth>() },
    wsHandler: (socket, request) => {
      expect(socket).type.toBe<WebSocket>()
      expect(request.auth).type.toBe<BearerAuth>()
    }
  })
})

test('a websocket infers beside a typed hook and functions in a config', () => {
  app.get('/', { websocket: true, security, preHandler: plain }, (_socket, request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
  app.get('/', {
    websocket: true, security, config: { rateLimit: { keyGenerator: (request) => request.ip } }
  }, (_socket, request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
})
