/** Routes and contexts before the plugin, or beside it: no guard can be attached to them. */

import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { unguardedRoutes } from '../errors'
import { descendantsOf, parentsOf, printedRoutes, type PrintedRoute } from '../fastify-internals'
import { kGuard, type Hook, type RouteGuard } from '../request/hook'
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

const seen = new WeakMap<object, Map<string, Set<object>>>()

/** Returns the routes that any registration of the plugin has seen, each as `GET /a`, with their contexts. */
function seenRoutes (context: object): Map<string, Set<object>> {
  const root = parentsOf(context).at(-1) ?? context
  const routes = seen.get(root) ?? new Map()
  seen.set(root, routes)
  return routes
}

/** Notes that a registration has seen a route. */
export function noteSeen (context: object, route: string): void {
  const routes = seenRoutes(context)
  routes.set(route, (routes.get(route) ?? new Set()).add(context))
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
  const contextsOf = ({ method, url }: PrintedRoute): object[] => [...seenRoutes(app).get(`${method} ${url}`) ?? []]
  const printed = printedRoutes(app)
  const unseen = printed.filter((route) => contextsOf(route).length === 0)
  // The printed routes do not show the context of a route, but its URL starts with the prefix of its context.
  const start = prefix.endsWith('/') ? prefix : `${prefix}/`
  const isInPrefix = ({ url }: PrintedRoute): boolean => url === prefix || url.startsWith(start) || prefix === ''
  // A registration in a child context does not enforce what this one requires.
  const isOfChild = (route: PrintedRoute): boolean =>
    contextsOf(route).some((context) => children.includes(context as FastifyInstance))
  const unseenHere = printed
    .filter((route) => isOfChild(route) || (contextsOf(route).length === 0 && isInPrefix(route)))
  const others = below.filter((context) => context !== app && !children.includes(context))
  return { unseen, unseenHere, children, others }
}

/**
 * Returns an instance hook that refuses a route without a guard if the route is in a secured context, names one of the
 * schemes or, with `explicit`, is in the plugin's context.
 */
export function unseenGuard (contexts: Contexts, schemes: SchemesByName, explicit: boolean): Hook {
  return function authSchemesUnseen (request, _reply, done) {
    (done as (error?: Error) => void)(isUnguarded(request) ? unguarded(request) : undefined)
  }

  function unguarded ({ method, routeOptions: { url } }: FastifyRequest): Error {
    return unguardedRoutes(`${method} ${String(url)}`, EARLIER)
  }

  function isUnguarded ({ is404, server, routeOptions: { config, schema } }: FastifyRequest): boolean {
    const guard = (config as { [kGuard]?: RouteGuard })[kGuard]
    if (is404 || guard?.contexts === contexts) return false
    const requirement = contexts.of(server, 'the route')
    return (requirement !== null && requirement.length > 0) ||
      (explicit && contexts.seen.has(server)) ||
      (guard === undefined && schemes.isNamedIn(securityOf(schema as object | undefined)))
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
