/** Routes and contexts that were there before the plugin was loaded, or stand beside it: no guard can be attached to them. */

import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { unguardedRoutes } from '../errors'
import { descendantsOf, parentsOf, printedRoutes, type PrintedRoute } from '../fastify-internals'
import { kGuard, type Hook } from '../request/hook'
import type { SchemesByName } from '../requirement/by-name'
import type { Contexts } from './contexts'

/** What was there before the plugin was loaded. */
export interface Surroundings {
  /** The routes of all contexts that no registration of the plugin has seen. */
  readonly before: readonly PrintedRoute[]
  /** Those that may belong to the plugin's context. */
  readonly early: readonly PrintedRoute[]
  /** The contexts below the plugin's. */
  readonly children: readonly FastifyInstance[]
  /** Its parents, and all that stand below them, but not in the plugin's context. */
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
const BESIDE = 'register fastify-auth-schemes in the context of the route, or in a parent of it (with fastify-plugin, where a plugin of your own registers it)'

/** Looks around, before anything is added. */
export function lookAround (app: FastifyInstance): Surroundings {
  const children = descendantsOf(app)
  const parents = parentsOf(app)
  const root = parents.at(-1)
  const below = root === undefined ? [] : [root, ...descendantsOf(root)]
  const { prefix } = app
  const before = printedRoutes(app).filter(({ method, url }) => !seenRoutes(app).has(`${method} ${url}`))
  // Fastify does not say which context a route belongs to; its URL starts with the prefix of its context.
  const early = before.filter(({ url }) => url === prefix || url.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`) || prefix === '')
  return { before, early, children, others: below.filter((context) => context !== app && !children.includes(context)) }
}

/**
 * Returns an instance hook that refuses a route without a guard where it stands in a secured context or names a scheme of ours, and with `explicit`
 * wherever it stands in the plugin's context.
 */
export function unseenGuard (contexts: Contexts, schemes: SchemesByName, explicit: boolean): Hook {
  return function authSchemesUnseen (request, _reply, done) {
    (done as (error?: Error) => void)(isUnguarded(request) ? unguardedRoutes(`${request.method} ${String(request.routeOptions.url)}`, EARLIER) : undefined)
  }

  function isUnguarded ({ is404, server, routeOptions: { config, schema } }: FastifyRequest): boolean {
    if (is404 || kGuard in config) return false
    const requirement = contexts.of(server, 'the route')
    return (requirement !== null && requirement.length > 0) || (explicit && contexts.seen.has(server)) || schemes.isNamedIn(securityOf(schema as object | undefined))
  }
}

/** Fails the boot where a scheme is required, by object or by name, in a context that no registration of the plugin guards. */
export function refuseOutside (others: readonly FastifyInstance[], app: FastifyInstance, schemes: SchemesByName): void {
  const unguarded = ({ method, url }: RouteOptions): Error => unguardedRoutes(`${String(method)} ${url}`, BESIDE)
  const byName: Array<{ readonly context: FastifyInstance, readonly route: RouteOptions, readonly security: unknown }> = []
  for (const context of others) {
    context.addHook('onRoute', function authSchemesOutside (this: FastifyInstance, route: RouteOptions): void {
      if ('authSchemes' in this) return
      if ('security' in route) throw unguarded(route)
      byName.push({ context: this, route, security: securityOf(route.schema as object | undefined | null) })
    })
  }
  // Schemes may be made after the route, and a registration of its own may guard it.
  app.addHook('onReady', async () => {
    const named = byName.find(({ context, security }) => !('authSchemes' in context) && schemes.isNamedIn(security))
    if (named !== undefined) throw unguarded(named.route)
  })
}

/** Returns `security` as it was written: of a route's options, or of its schema. */
export const securityOf = (object: object | undefined | null): unknown => (object as { security?: unknown } | undefined | null)?.security

/** Returns routes for messages: `GET /a, POST /b`. */
export const listRoutes = (routes: readonly PrintedRoute[]): string => routes.map(({ method, url }) => `${method} ${url}`).join(', ')
