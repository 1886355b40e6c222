/**
 * How @fastify/swagger is given the function that it asks before the first route of a document.
 *
 * It asks the `swaggerTransform` of every route it was told of, in their order. So it is told of one that is withdrawn before it becomes a route.
 */

import type { FastifyInstance, RouteOptions } from 'fastify'
import type { TransformInput } from './document'

const kAnnouncement: unique symbol = Symbol('fastify-auth-schemes.announcement')

/** Whether the route is one of those that never come to be. */
export const isAnnouncement = (route: RouteOptions): boolean => announcementOf(route) !== undefined

function announcementOf (route: RouteOptions): unknown {
  return (route.config as { [kAnnouncement]?: unknown } | undefined)?.[kAnnouncement]
}

/** Makes sure that every @fastify/swagger knows of `prepare`. */
export class Announcer {
  readonly #announced = new Map<object, number>()

  constructor (readonly prepare: (input: TransformInput) => unknown) {}

  /** Whether there is any, so that a document may be asked for. */
  get isNeeded (): boolean { return this.#announced.size > 0 }

  /** Tells those that are registered in a context so far. */
  announce (context: FastifyInstance): void {
    const registered = countSwagger(context)
    const owner = ownerOf(context, registered)
    if (registered <= (this.#announced.get(owner) ?? 0)) return
    this.#announced.set(owner, registered)
    announce(owner, this.prepare)
  }
}

/** The outermost context that has as many: the one that the last of them was registered in. */
function ownerOf (context: FastifyInstance, registered: number): FastifyInstance {
  const around = Object.getPrototypeOf(context) as FastifyInstance
  return countSwagger(around) === registered ? ownerOf(around, registered) : context
}

function announce (context: FastifyInstance, prepare: (input: TransformInput) => unknown): void {
  const announcement = new Error('withdrawn')
  const withdraw = (): never => { throw announcement }
  // The last of the hooks: @fastify/swagger has seen the route when it is withdrawn.
  context.addHook('onRoute', (route) => {
    if (announcementOf(route) === announcement) withdraw()
  })
  try {
    context.route({
      method: 'GET',
      // An address that nobody has: other plugins may declare more for it.
      url: '/fastify-auth-schemes',
      exposeHeadRoute: false,
      schema: { hide: true } as object,
      config: { [kAnnouncement]: announcement, swaggerTransform: prepare } as object,
      // Other plugins may register it once more at another address: nothing is there.
      handler: (_request, reply) => { reply.callNotFound() }
    })
  } catch (error) {
    if (error !== announcement) throw error
  }
}

/** How many times @fastify/swagger was registered in this context and those around it. */
function countSwagger (context: FastifyInstance): number {
  // Fastify's list of registered plugins, which `hasPlugin` reads. What the outermost context inherits from has none.
  return (context as { [kRegistered]?: string[] })[kRegistered]?.filter((name) => name === '@fastify/swagger').length ?? -1
}

const kRegistered = Symbol.for('registered-plugin')
