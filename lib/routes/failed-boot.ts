/**
 * A boot that failed is never served. Fastify fails the first request with the error of the boot, and serves those that
 * follow.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { isError } from '../outcome'

type Callback = (error: Error | null, ...rest: unknown[]) => unknown
type Ready = (callback?: Callback) => any
type Inject = (options?: unknown, callback?: Callback) => any

const NOT_STARTED = 'The application failed to start'

interface Boot {
  /** The registrations of the plugin that are not complete. */
  readonly pending: Set<object>
  failure: { readonly error: unknown } | undefined
}

const boots = new WeakMap<object, Boot>()

/** The part of a boot that one registration of the plugin completes, or fails. */
export interface Registered {
  readonly complete: () => void
  readonly fail: (error: unknown) => void
  /** An `onRequest` hook that refuses after a failure, even if the request came by a handler that was taken before. */
  readonly refuse: (request: unknown, reply: unknown, done: (error?: Error) => void) => void
}

/** Watches the boot of an application until every registration of the plugin is complete. Its root keeps the error. */
export function watchBoot (root: FastifyInstance): Registered {
  const boot = boots.get(root) ?? watch(root)
  const registration = {}
  boot.pending.add(registration)
  return {
    complete: () => { boot.pending.delete(registration) },
    fail: (error) => { fail(root, boot, error) },
    refuse: function authSchemesBoot (_request, _reply, done) {
      if (boot.failure === undefined) done()
      else done(new Error(NOT_STARTED))
    }
  }
}

function watch (root: FastifyInstance): Boot {
  const boot: Boot = { pending: new Set(), failure: undefined }
  boots.set(root, boot)
  const { ready, inject } = root as unknown as { ready: Ready, inject: Inject }
  const keep = (error: unknown): void => { if (error !== null && error !== undefined) fail(root, boot, error) }
  function authSchemesReady (this: FastifyInstance, callback?: Callback): unknown {
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
  function authSchemesInject (this: FastifyInstance, options?: unknown, callback?: Callback): unknown {
    if (boot.failure !== undefined) {
      const { error } = boot.failure
      return callback === undefined ? Promise.reject(error) : callback(error as Error)
    }
    if (boot.pending.size === 0 || options === undefined) return inject.call(this, options, callback)
    // A boot may have begun before it was watched, so `ready` is called once more. Its outcome is the same again.
    const response = (root.ready as Ready)().then(() => inject.call(this, options, callback))
    return callback === undefined ? response : response.catch(callback)
  }
  Object.assign(root, { ready: authSchemesReady, inject: authSchemesInject })
  return boot
}

/** Keeps the error for the callers of `inject`. Over the network no more than its code is sent. */
function fail (root: FastifyInstance, boot: Boot, error: unknown): void {
  if (boot.failure !== undefined) return
  boot.failure = { error }
  const code = isError(error) ? (error as { code?: unknown }).code : undefined
  const body = JSON.stringify({ statusCode: 500, code, error: 'Internal Server Error', message: NOT_STARTED })
  function refuse (_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(500, { 'content-type': 'application/json; charset=utf-8' })
    response.end(body)
  }
  root.server.removeAllListeners('request').on('request', refuse)
  Object.assign(root, { routing: refuse })
}
