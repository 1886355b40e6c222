/**
 * All that we rely on and Fastify does not document. Each function throws if Fastify has changed: a guard that is not
 * attached, because nothing was found, would leave routes open.
 *
 * 1. A child context inherits from its parent by its prototype; the root inherits from an object without `addHook`.
 * 2. `fastify.children`, a symbol, holds the child contexts of a context.
 * 3. `printRoutes()` writes a tree of four characters a level, a leaf as `path (GET, HEAD)`, then its constraints.
 * 4. `Symbol.for('registered-plugin')` holds the names of the plugins registered in a context and its parents.
 * 5. `fastify.serverBindings`, a symbol of the root, holds the servers for the further addresses of `localhost`.
 */

import { Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { unguardedRoutes } from './errors'

/** A route as Fastify prints it. */
export interface PrintedRoute { readonly method: string, readonly url: string }

// One line of `printRoutes()`: the depth, four characters a level; a part of the path; the methods; the constraints.
const LINE = /^(?<indent>(?:[│ ] {3})*)(?<branch>[├└]── )?(?<rest>.+)$/s
const ROUTE = /^(?<path>.*) \((?<methods>[A-Z-]+(?:, [A-Z-]+)*)\)(?: \{.*\})?$/s
const EMPTY_ROOT = '(empty root node)'
const EMPTY_TREE = '(empty tree)'

/** Returns the parent of a context; `null` for the root. */
export function parentOf<Context extends object> (context: Context): Context | null {
  const parent = Object.getPrototypeOf(context) as Context | null
  if (parent === null) throw changed('the chain of contexts')
  return 'addHook' in parent ? parent : null
}

/** Returns the parents of a context, the root last. */
export function parentsOf<Context extends object> (context: Context): Context[] {
  const parent = parentOf(context)
  return parent === null ? [] : [parent, ...parentsOf(parent)]
}

/** Returns the contexts below a context, at every depth, that exist so far. */
export function descendantsOf<Context extends object> (context: Context): Context[] {
  const children = propertyOf(context, 'fastify.children')
  if (!Array.isArray(children) || children.some((child) => parentOf(child) !== context)) {
    throw changed('the list of child contexts')
  }
  return (children as Context[]).flatMap((child) => [child, ...descendantsOf(child)])
}

/** Returns the routes that were declared so far, in all contexts: the only list that Fastify gives of them. */
export function printedRoutes (app: Pick<FastifyInstance, 'printRoutes'>): PrintedRoute[] {
  const printed: unknown = app.printRoutes()
  if (typeof printed !== 'string') throw changed('`printRoutes()`')
  const paths: string[] = []
  const routes: PrintedRoute[] = []
  // The depth of a part of a path without a route: the next line must be below that part.
  let unfinished = -1
  for (const line of printed.split('\n')) {
    if (line === '' || line === EMPTY_TREE) continue
    const { indent, branch, rest } = LINE.exec(line)?.groups as { indent: string, branch?: string, rest: string }
    const { path = rest, methods } = ROUTE.exec(rest)?.groups ?? {}
    // A line without a branch repeats the part above it, under other constraints.
    const depth = indent.length / 4 - (branch === undefined ? 1 : 0)
    if (depth < 0 || depth > paths.length || depth <= unfinished) throw changed('`printRoutes()`')
    // Beside a route `*`, the router has a part `/` that need not lead anywhere.
    const isBeside = depth === 1 && path === '/' && paths[0] === ''
    unfinished = methods === undefined && !isBeside ? depth : -1
    const url = (paths[depth - 1] ?? '') + (path === EMPTY_ROOT ? '' : path)
    paths.splice(depth, paths.length, url)
    for (const method of methods?.split(', ') ?? []) routes.push({ method, url })
  }
  if (unfinished !== -1) throw changed('`printRoutes()`')
  return routes
}

/** Returns how many times a plugin was registered in a context and its parents. */
export function timesRegistered (context: object, plugin: string): number {
  const names: unknown = (context as { [kRegistered]?: unknown })[kRegistered]
  // A child's list inherits from its parent's, and is no array by itself.
  if (!(names instanceof Object && 'length' in names && typeof names.length === 'number')) {
    throw changed('the list of registered plugins')
  }
  return Array.from(names as ArrayLike<unknown>).filter((name) => name === plugin).length
}

/** Returns the servers beside `app.server`: once Fastify listens at `localhost`, one for each further address. */
export function secondaryServersOf (context: object): Server[] {
  const servers = propertyOf(parentsOf(context).at(-1) ?? context, 'fastify.serverBindings')
  if (!Array.isArray(servers) || servers.some((server) => !(server instanceof Server))) {
    throw changed('the list of servers')
  }
  return servers
}

/** Returns a property whose key is a symbol of that description. */
function propertyOf (object: object, description: string): unknown {
  const key = Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description)
  return key === undefined ? undefined : (object as Record<symbol, unknown>)[key]
}

const kRegistered = Symbol.for('registered-plugin')

const changed = (what: string): Error => unguardedRoutes('any route',
  `this version of Fastify keeps ${what} in another form than fastify-auth-schemes knows; ` +
  'install a version of Fastify that its README names, or a newer one of the plugin')
