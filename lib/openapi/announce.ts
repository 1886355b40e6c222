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

/** Gives a function that makes sure that every @fastify/swagger registered so far knows of `prepare`. */
export function createAnnouncer (prepare: (input: TransformInput) => unknown): (context: FastifyInstance) => void {
  const announced = new WeakMap<object, number>()

  return (context) => {
    const registered = countSwagger(context)
    if (registered <= (nearest(announced, context) ?? 0)) return
    announced.set(context, registered)
    announce(context, prepare)
  }
}

function announce (context: FastifyInstance, prepare: (input: TransformInput) => unknown): void {
  const announcement = new Error('withdrawn')
  // The last of the hooks: @fastify/swagger has seen the route when it is withdrawn.
  context.addHook('onRoute', (route) => {
    if (announcementOf(route) === announcement) throw announcement
  })
  try {
    context.route({
      method: 'GET',
      url: '/',
      exposeHeadRoute: false,
      schema: { hide: true } as object,
      config: { [kAnnouncement]: announcement, swaggerTransform: prepare } as object,
      handler: () => { throw announcement }
    })
  } catch (error) {
    if (error !== announcement) throw error
  }
}

/** How many times @fastify/swagger was registered in this context and those around it. */
function countSwagger (context: FastifyInstance): number {
  // Fastify's list of registered plugins, which `hasPlugin` reads.
  const plugins = (context as { [kRegistered]?: string[] })[kRegistered]
  if (plugins === undefined) return context.hasPlugin('@fastify/swagger') ? 1 : 0
  return plugins.filter((name) => name === '@fastify/swagger').length
}

const kRegistered = Symbol.for('registered-plugin')

function nearest<T> (map: WeakMap<object, T>, context: object | null): T | undefined {
  for (let at = context; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const value = map.get(at)
    if (value !== undefined) return value
  }
  return undefined
}
