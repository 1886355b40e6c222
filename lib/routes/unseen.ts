/** Routes and contexts before the plugin, or beside it: no guard can be attached to them. */

import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { unguardedRoutes } from '../errors'
import { descendantsOf, parentsOf, printedRoutes, type PrintedRoute } from '../fastify-internals'
import { kGuard, type Hook } from '../request/hook'
import type { SchemesByName } from '../requirement/by-name'
import type { Contexts } from './contexts'

/** The routes and contexts that exist when the plugin is loaded. */
export interface Surroundings {
  /** The routes of all contexts that no registration of the plugin has seen. */
  readonly unseen: readonly PrintedRoute[]
  /** The unseen routes that may belong to the plugin's context. */
  readonly unseenHere: readonly PrintedRoute[]
  /** The children of the plugin's context, at every depth. */
  readonly children: readonly FastifyInstance[]
  /** The parents of the plugin's context and all contexts below them, without the plugin's and its children. */
  readonly others: readonly FastifyInstance[]
}

const seen = new WeakMap<object, Set<string>>()

/** Returns the routes of an application that any registration of the plugin has seen, each as `GET /a`. */
export function seenRoutes (context: object): Set<string> {
  const root = parentsOf(context).at(-1) ?? context
  const routes = seen.get(root) ?? new Set()
  seen.set(root, routes)
  return routes
}

const EARLIER = 'await the registration of fastify-auth-schemes before the route is declared'
const BESIDE = 'register fastify-auth-schemes in the context of the route, or in a parent of it ' +
  '(with fastify-plugin, where a plugin of your own registers it)'

/** Returns the routes and contexts that exist. The plugin must not have added any yet. */
export function surroundingsOf (app: FastifyInstance): Surroundings {
  const children = descendantsOf(app)
  const parents = parentsOf(app)
  const root = parents.at(-1)
  const below = root === undefined ? [] : [root, ...descendantsOf(root)]
  const { prefix } = app
  const unseen = printedRoutes(app).filter(({ method, url }) => !seenRoutes(app).has(`${method} ${url}`))
  // The printed routes do not show the context of a route, but its URL starts with the prefix of its context.
  const start = prefix.endsWith('/') ? prefix : `${prefix}/`
  const unseenHere = unseen.filter(({ url }) => url === prefix || url.startsWith(start) || prefix === '')
  const others = below.filter((context) => context !== app && !children.includes(context))
  return { unseen, unseenHere, children, others }
}

/**
 * Returns an instance hook that refuses a route without a guard if the route is in a secured context, names one of the
 * schemes or, with `explicit`, is in the plugin's context.
 */
export function unseenGuard (contexts: Contexts, schemes: SchemesByName, explicit: boolean): Hook {
  return function authSchemesUnseen (request, _reply, done) {
    const where = `${request.method} ${String(request.routeOptions.url)}`
    const error = isUnguarded(request) ? unguardedRoutes(where, EARLIER) : undefined;
    (done as (error?: Error) => void)(error)
  }

  function isUnguarded ({ is404, server, routeOptions: { config, schema } }: FastifyRequest): boolean {
    if (is404 || kGuard in config) return false
    const requirement = contexts.of(server, 'the route')
    return (requirement !== null && requirement.length > 0) ||
      (explicit && contexts.seen.has(server)) ||
      schemes.isNamedIn(securityOf(schema as object | undefined))
  }
}

/** Fails the boot if a scheme is required, by object or by name, in a context without a registration of the plugin. */
export function refuseOutside (
  others: readonly FastifyInstance[], app: FastifyInstance, schemes: SchemesByName
): void {
  const unguarded = ({ method, url }: RouteOptions): Error => unguardedRoutes(`${String(method)} ${url}`, BESIDE)
  const byName: Array<{ context: FastifyInstance, route: RouteOptions, security: unknown }> = []
  for (const context of others) {
    context.addHook('onRoute', function authSchemesOutside (this: FastifyInstance, route: RouteOptions): void {
      if ('authSchemes' in this) return
      if ('security' in route) throw unguarded(route)
      byName.push({ context: this, route, security: securityOf(route.schema as object | undefined | null) })
    })
  }
  // Schemes may be made after the route, and another registration of the plugin may guard the route.
  app.addHook('onReady', async () => {
    const named = byName.find(({ context, security }) => !('authSchemes' in context) && schemes.isNamedIn(security))
    if (named !== undefined) throw unguarded(named.route)
  })
}

/** Returns `security` as it was written in a route's options or schema. */
export const securityOf = (object: object | undefined | null): unknown =>
  (object as { security?: unknown } | undefined | null)?.security

/** Returns routes for messages: `GET /a, POST /b`. */
export const listRoutes = (routes: readonly PrintedRoute[]): string =>
  routes.map(({ method, url }) => `${method} ${url}`).join(', ')
