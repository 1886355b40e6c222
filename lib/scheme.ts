/** The scheme objects that users hold. */

import type { FastifyRequest } from 'fastify'
import { badOption, insufficientScope, notAuthenticated, unguardedRoutes, unknownScheme } from './errors'
import { isRefusal } from './outcome'
import {
  isVerified, nodeOf, pathFromBase, remember, type Override, type Registration, type SchemeNode
} from './requirement/node'
import { challengeOf, toPlan, type Check } from './requirement/plan'
import { checkScopes, isScopeList, soleRequirement } from './requirement/read'
import type { Attempt, SetAuth } from './request/authenticate'
import { enforce, kAttempt, kGuard, keptOn, type Hook, type RouteGuard } from './request/hook'
import { refusalOf, refuse } from './request/reject'
import { isGranted } from './request/scopes'
import { checkOptions, type SchemeDefinition } from './schemes/definition'
import type { Auth } from '../types/auth'
import type { Scheme } from '../types/scheme'

type Accepted = Auth<unknown, unknown>

const routeHooks = new WeakMap<SchemeNode, Hook>()
let lastId = 0

/** Returns the hook that stands for a scheme's `preHandler` on a route that declares it. */
export const routeHookOf = (node: SchemeNode): Hook => routeHooks.get(node) as Hook

/** Returns the scheme object of a definition. */
export function createScheme (definition: SchemeDefinition, registration: Registration): Scheme {
  return toScheme({ registration, definition, parent: null, scopes: [], verify: undefined })
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

function toScheme (parts: Omit<SchemeNode, 'id' | 'base' | 'override'>): Scheme {
  const { definition, parent } = parts
  const node = { ...parts, id: ++lastId, base: parent?.base, override: null } as Writable<SchemeNode>
  node.base ??= node
  const plan = toPlan(soleRequirement(definition.name, node))
  const scheme: Scheme = Object.freeze({
    name: definition.name,
    resource: definition.resource?.info ?? null,
    from: (request: object) => keptOn(request)[kAttempt]?.authOf(node) ?? null,
    require: (request: object, options: unknown = {}) => requireScheme(node, request as FastifyRequest, options),
    preHandler: enforce(() => plan, true, (request) => undeclared(node, request)) as Scheme['preHandler'],
    derive: (options: unknown) => toScheme(derivedFrom(node, options))
  })
  routeHooks.set(node, enforce(() => plan, true, () => 'first'))
  remember(node, scheme, [scheme.preHandler, routeHookOf(node)])
  return scheme
}

/**
 * Returns the rule for `request.auth` of a scheme's hook that is not among the route's own hooks: an instance hook, one
 * that is called by hand, or one that another plugin has wrapped. A scheme that the guard of the route does not include
 * is enforced, but not documented, which is logged once for each route.
 *
 * @throws `FST_AUTH_UNGUARDED_ROUTE` with the plugin option `explicit`
 */
function undeclared (node: SchemeNode, request: FastifyRequest): SetAuth {
  const { registration, definition: { name } } = node
  const { url } = request.routeOptions
  const guard = guardOf(request)
  if (url !== undefined && guard?.includes(node) !== true) {
    const where = `${request.method} ${url}`
    const cure = `a hook of the scheme "${name}" runs there, but the route does not declare this scheme; ` +
      'require the scheme by `security` or `app.secure`'
    if (registration.explicit) throw unguardedRoutes(where, cure)
    registration.warnOnce(`${where} enforces more than it documents: ${cure}`)
  }
  return guard?.declares === true || keptOn(request)[kAttempt]?.isGuarded === true ? 'never' : 'first'
}

function requireScheme (node: SchemeNode, request: FastifyRequest, options: unknown): Accepted {
  const { definition } = node
  const where = `${definition.name}.require`
  const scopes = readScopes(where, definition, options, ['scopes'])
  const last = keptOn(request)[kAttempt]
  const found = last?.membersOf(node) ?? []
  const [first] = found
  // Error handlers run for requests that were refused, and so does all that they call.
  if (first === undefined) throw refusalOf(request, node) ?? unchecked(where, node, request)
  const accepted = found.find(({ member, attempt }) => attempt.accepted?.members.includes(member) === true)
  const { member, attempt } = accepted ?? first
  const scope = [...new Set([...(last as Attempt).scopesOf(node.base), ...member.scopes, ...scopes])].join(' ')
  if (accepted === undefined) throw refuse(request, notAuthenticated(), [challengeOf(definition, scope)])
  const { checks } = member
  const path = pathFromBase(node)
  const comparing = checks.find((check) => check.comparesScopes && path.includes(check.node)) ?? checks[0]
  const { user } = attempt.resultOf(comparing) as Accepted
  if (scopes.length > 0 && (isRefusal(user) || !isGranted(definition, user, scopes))) {
    throw refuse(request, insufficientScope(), [challengeOf(definition, scope, { error: 'insufficient_scope' })])
  }
  return attempt.resultOf(checks.find((check) => check.node === node) as Check) as Accepted
}

const guardOf = ({ routeOptions: { config } }: FastifyRequest): RouteGuard | undefined =>
  (config as { [kGuard]?: RouteGuard } | undefined)?.[kGuard]

/** Returns the error for a request on which no hook has checked the scheme. */
function unchecked (where: string, node: SchemeNode, request: FastifyRequest): Error {
  const { definition, parent } = node
  const { method, routeOptions, url } = request
  if ((routeOptions as unknown) === undefined) {
    return badOption(where, 'the first argument must be the request of Fastify, not its `raw`')
  }
  // The request failed before the hook that checks the scheme.
  const member = guardOf(request)?.memberOf(node)
  if (member !== undefined) return refuse(request, notAuthenticated(), [member.challenge])
  // The URL of a request may have a key in its query, which the router may let begin with a semicolon.
  const route = `${method} ${routeOptions.url ?? url.replace(/[?;].*$/s, '')}`
  const scheme = `${parent === null ? 'the scheme' : 'a scheme derived from'} "${definition.name}"`
  return unknownScheme(route,
    `the handler requires ${scheme}, which is not in the \`security\` of the route; add it there`)
}

function derivedFrom (parent: SchemeNode, options: unknown): Parameters<typeof toScheme>[0] {
  const { definition, registration } = parent
  const where = `${definition.name}.derive`
  const scopes = readScopes(where, definition, options, ['scopes', 'verify'])
  const { verify } = options as { verify?: SchemeNode['verify'] }
  if (verify !== undefined && typeof verify !== 'function') {
    throw badOption(where, 'the option `verify` must be a function')
  }
  return { registration, definition, parent, scopes, verify }
}

/** Returns the option `scopes`; throws for a bad one, and for any option that is not among the keys. */
function readScopes (
  where: string, definition: SchemeDefinition, options: unknown, keys: readonly string[]
): readonly string[] {
  const { scopes = [] } = checkOptions(where, options, keys)
  if (!isScopeList(scopes)) throw badOption(where, 'the option `scopes` must be an array of scope names')
  checkScopes(where, definition, scopes)
  return Object.freeze([...scopes])
}

/**
 * Makes a scheme, and those that it is derived from, accept every request as the given user. Earlier overrides of its
 * base stay in force.
 *
 * @returns a function that takes it back
 */
export function overrideScheme (
  scheme: unknown, registration: Registration, auth: unknown
): { readonly name: string, readonly restore: () => void } {
  const where = 'override'
  const node = nodeOf(scheme)
  if (node?.registration !== registration) {
    throw badOption(where, 'the first argument must be a scheme of this application')
  }
  if (auth === null || typeof auth !== 'object') {
    throw badOption(where, 'the second argument must be an object with the user')
  }
  const { definition } = node
  const { user, credentials = definition.emptyCredentials } = auth as { user?: unknown, credentials?: {} }
  if (isVerified(node) && isRefusal(user)) {
    throw badOption(where, `the second argument must have the \`user\` that "${definition.name}" is to accept`)
  }
  const given = { user, credentials }
  const path = pathFromBase(node)
  for (const link of path) {
    setOverrides(link, link === node ? [...overridesOf(link), given] : [given, ...overridesOf(link)])
  }
  return {
    name: definition.name,
    restore () {
      for (const link of path) setOverrides(link, overridesOf(link).filter((override) => override !== given))
    }
  }
}

const overrides = new WeakMap<SchemeNode, readonly Override[]>()

/** Returns the overrides of a node, which may be taken back in any order. The last one is in force. */
const overridesOf = (node: SchemeNode): readonly Override[] => overrides.get(node) ?? []

function setOverrides (node: SchemeNode, list: readonly Override[]): void {
  overrides.set(node, list)
  node.override = list.at(-1) ?? null
}
