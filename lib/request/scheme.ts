/** The scheme objects that users hold, and the way back from one to what it stands for. */

import { badOption, unknownScope } from '../errors'
import { isScope } from '../header/challenge'
import type { SchemeDefinition } from '../schemes/definition'
import type { Scheme } from '../../types/scheme'
import { isRefusal } from './authenticate'
import { enforce, kAttempt, type GuardedRequest } from './hook'
import { pathFromBase, soleGroups, toRequirement, type SchemeNode } from './requirement'

const nodes = new WeakMap<object, SchemeNode>()
const hooks = new WeakMap<object, SchemeNode>()
let lastId = 0

/** What a scheme object stands for; `undefined` for anything that no factory made. */
export const nodeOf = (scheme: unknown): SchemeNode | undefined => nodes.get(scheme as object)

/** The scheme whose `preHandler` this function is. */
export const nodeOfHook = (hook: unknown): SchemeNode | undefined => hooks.get(hook as object)

/** The scheme object of a definition. `owner` is the registration of the plugin that it belongs to. */
export function createScheme (definition: SchemeDefinition, owner: object): Scheme {
  return toScheme({ id: ++lastId, owner, definition, parent: null, scopes: [], verify: undefined, override: null })
}

function toScheme (node: SchemeNode): Scheme {
  const { definition } = node
  const requirement = toRequirement(soleGroups(node))
  const scheme: Scheme = Object.freeze({
    name: definition.name,
    from: (request: object) => (request as GuardedRequest)[kAttempt]?.authOf(node) ?? null,
    preHandler: enforce(() => requirement) as Scheme['preHandler'],
    derive: (options: unknown) => toScheme(derivedFrom(node, options))
  }) as Scheme
  nodes.set(scheme, node)
  hooks.set(scheme.preHandler, node)
  return scheme
}

function derivedFrom (parent: SchemeNode, options: unknown): SchemeNode {
  const { definition, owner } = parent
  const where = `${definition.name}.derive`
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw badOption(where, 'the options must be an object')
  for (const key of Object.keys(options)) {
    if (key !== 'scopes' && key !== 'verify') throw badOption(where, `there is no option \`${key}\`: it takes scopes, verify`)
  }
  const { scopes = [], verify } = options as { scopes?: unknown, verify?: SchemeNode['verify'] }
  if (verify !== undefined && typeof verify !== 'function') throw badOption(where, 'the option `verify` must be a function')
  if (!isScopeList(scopes)) throw badOption(where, 'the option `scopes` must be an array of scope names')
  const undeclared = undeclaredScope(definition, scopes)
  if (undeclared !== undefined) throw unknownScope(where, definition.name, undeclared)
  return { id: ++lastId, owner, definition, parent, scopes: Object.freeze([...scopes]), verify, override: null }
}

/** Makes a scheme, with what it was derived from, accept every request as the given user. Earlier overrides of its base stay. */
export function overrideScheme (scheme: unknown, owner: object, auth: unknown): SchemeDefinition {
  const where = 'override'
  const node = nodeOf(scheme)
  if (node?.owner !== owner) throw badOption(where, 'the first argument must be a scheme of this application')
  if (auth === null || typeof auth !== 'object') throw badOption(where, 'the second argument must be an object with the user')
  const { definition } = node
  const { user, credentials = definition.blank } = auth as { user?: unknown, credentials?: {} }
  const verified = pathFromBase(node).some(({ verify }) => verify !== undefined) || definition.verify !== undefined
  if (verified && isRefusal(user)) {
    throw badOption(where, `the second argument must have the \`user\` that "${definition.name}" is to accept`)
  }
  for (const link of pathFromBase(node)) link.override = link === node ? { user, credentials } : link.override ?? { user, credentials }
  return definition
}

/** Whether the value is an array of scope names (RFC 6749 section 3.3). */
export function isScopeList (value: unknown): value is readonly string[] {
  return Array.isArray(value) && Array.from(value).every((scope) => typeof scope === 'string' && isScope(scope))
}

/** The first scope that the scheme does not declare. */
export function undeclaredScope ({ declaredScopes }: SchemeDefinition, scopes: readonly string[]): string | undefined {
  return declaredScopes === null ? undefined : scopes.find((scope) => !declaredScopes.has(scope))
}
