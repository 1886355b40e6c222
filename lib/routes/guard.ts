/** Guards: the hook that enforces the requirement of routes and their contexts, which is also documented. */

import { badSecurity } from '../errors'
import { enforce, type Hook, type RouteGuard } from '../request/hook'
import { add, both, type Requirement } from '../requirement/combine'
import { pathFromBase, type SchemeNode } from '../requirement/node'
import { toPlan, type Member, type Plan } from '../requirement/plan'
import { soleRequirement } from '../requirement/read'
import type { HookName } from '../../types/options'
import type { Contexts } from './contexts'

/** A scheme whose `preHandler` is among a route's hooks. */
export interface SchemeInHook { readonly hook: HookName, readonly node: SchemeNode }

interface Resolved {
  /** The whole requirement: `null` if none is declared, `[]` if the route is public. */
  readonly requirement: Requirement | null
  /** The part of it that the guard enforces, without the schemes in the route's own hooks. */
  readonly plan: Plan
  /** True if that part is not public, so that a route must have the guard. */
  readonly isNeeded: boolean
}

/** The guard of all routes of one context that declare the same. It is resolved once, when all is loaded. */
export class Guard implements RouteGuard {
  readonly hook: Hook
  #resolved: Resolved | undefined

  /**
   * @param where the first of the routes, for messages
   * @param lifecycleHook the hook that enforces
   * @param declared the requirement of the routes themselves: `null` without one, `[]` if they are public
   * @param inHooks the schemes in the routes' own hooks
   */
  constructor (
    readonly where: string,
    lifecycleHook: HookName,
    readonly contexts: Contexts,
    readonly context: object,
    readonly declared: Requirement | null,
    readonly inHooks: readonly SchemeInHook[]
  ) {
    // If the guard accepts nobody, `request.auth` is of the scheme in the route's own hook, whichever runs first.
    const setAuth = inHooks.length > 0 ? 'accepted' : 'always'
    this.hook = enforce(() => this.resolve().plan, lifecycleHook === 'preHandler', () => setAuth)
  }

  get requirement (): Requirement | null { return this.resolve().requirement }

  get declares (): boolean { return this.requirement !== null }

  includes (node: SchemeNode): boolean {
    const { requirement } = this
    return requirement !== null && requirement.length > 0 &&
      requirement.every(({ entries }) => entries.some((entry) => pathFromBase(entry.node).includes(node)))
  }

  memberOf (node: SchemeNode): Member | undefined {
    return toPlan(this.requirement).members.find(({ checks }) => checks.some((check) => check.node === node))
  }

  /** Unites what the route, its contexts and its hooks require. Nothing may be declared from then on. */
  resolve (): Resolved {
    if (this.#resolved !== undefined) return this.#resolved
    const { where, declared, inHooks } = this
    const parent = this.contexts.of(this.context, where)
    // A route that names its scheme in a hook has its `request.auth` from there.
    const isNamedInHook = declared === null && inHooks.length > 0
    const required = add(where, isNamedInHook ? withoutSubject(parent) : parent, declared)
    this.#resolved = {
      requirement: inHooks.reduce((sum, { node }) => withHook(where, sum, node), required),
      plan: toPlan(required),
      isNeeded: required !== null && required.length > 0
    }
    return this.#resolved
  }
}

const withoutSubject = (requirement: Requirement | null): Requirement | null =>
  requirement?.map((alternative) => ({ ...alternative, subject: null })) ?? null

/**
 * Returns a requirement and that of a scheme in a hook together. Both are enforced, one after the other, which can be
 * documented only if neither is optional.
 */
function withHook (where: string, requirement: Requirement | null, node: SchemeNode): Requirement {
  const further = soleRequirement(where, node)
  if (requirement === null || requirement.length === 0) return further
  if ([requirement, further].some((list) => list.some(({ entries }) => entries.length === 0))) {
    throw badSecurity(where,
      'authentication that is optional cannot be combined with a scheme in a hook of the route; ' +
      'require both in one `security`')
  }
  return both(where, requirement, further)
}

/** Returns the same text for requirements of the same alternatives. */
export function keyOf (requirement: Requirement | null): string {
  if (requirement === null) return 'nothing'
  // No scope contains a quote, a space or a line break: they separate parts, scopes and alternatives.
  return requirement.map(({ entries, leftOut, subject }) => [
    entries.map(({ node, scopes }) => `"${node.id} ${scopes.join(' ')}`).join(''),
    leftOut.map((set) => set.map(({ id }) => id).join()).join(' '),
    String(subject?.id)
  ].join('"|"')).join('\n')
}
