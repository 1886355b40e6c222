/** A boot that failed is never served. Fastify fails the first request with the error, and serves those that follow. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { isError } from '../outcome'

type Ready = (callback?: (error: Error | null, ...rest: unknown[]) => unknown) => any

const watched = new WeakSet<object>()

/** Watches the boot of an application: its root keeps the error. */
export function keepBootError (root: FastifyInstance): void {
  if (watched.has(root)) return
  watched.add(root)
  const ready = root.ready as Ready
  const keep = (error: unknown): void => { if (error !== null && error !== undefined) refuseAll(root, error) }
  function authSchemesReady (this: FastifyInstance, callback?: Parameters<Ready>[0]): unknown {
    if (callback !== undefined) {
      return ready.call(this, (error, ...rest) => {
        keep(error)
        return callback(error, ...rest)
      })
    }
    return ready.call(this).catch((error: unknown) => {
      keep(error)
      throw error
    })
  }
  root.ready = authSchemesReady as FastifyInstance['ready']
}

/** Fails every request. A caller of `inject` gets the error; over the network only the code of the error is sent. */
function refuseAll (root: FastifyInstance, error: unknown): void {
  const code = isError(error) ? (error as { code?: unknown }).code : undefined
  const body = JSON.stringify({
    statusCode: 500, code, error: 'Internal Server Error', message: 'The application failed to start'
  })
  function refuse (_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(500, { 'content-type': 'application/json; charset=utf-8' })
    response.end(body)
  }
  root.server.removeAllListeners('request').on('request', refuse)
  Object.assign(root, {
    routing: refuse,
    inject: (_options: unknown, callback?: (error: unknown) => void) =>
      callback === undefined ? Promise.reject(error) : callback(error)
  })
}
