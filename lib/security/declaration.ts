/** What routes say, together with the contexts that they stand in. */

import { badSecurity } from '../errors'
import { asLifecycleHook, enforce, extractAhead, type Hook } from '../request/hook'
import { soleGroups, toRequirement, type Requirement, type SchemeNode } from '../request/requirement'
import type { HookName } from '../../types/options'
import { add, type Contexts } from './contexts'
import type { Groups } from './normalize'

// Passes every request. Only routes that say nothing and stand in no secured context, or are public, get it.
const NOTHING: Requirement = { alternatives: [], optional: true, size: 0, challenges: [] }

/** A scheme whose `preHandler` stands in a route's own hooks. */
export interface SchemeInHook { readonly hook: HookName, readonly node: SchemeNode }

/** What all routes of one context that say the same require: resolved once, when all is loaded, and enforced by one hook. */
export class Declaration {
  /** Enforces what is required, but for what the schemes in the route's own hooks enforce themselves. */
  readonly guard: ReturnType<typeof asLifecycleHook>
  /** Extracts, in `onRequest`, what a `guard` in a later step will verify. */
  readonly extract: Hook
  readonly #required: () => Groups | null
  readonly #groups: () => Groups | null
  readonly #requirement: () => Requirement

  /**
   * @param where the first of the routes, for messages
   * @param hook the step that `guard` is for
   * @param own what they say: `null` nothing, `[]` that they are public
   */
  constructor (where: string, hook: HookName, contexts: Contexts, context: object, readonly own: Groups | null, inHooks: readonly SchemeInHook[]) {
    this.#required = once(() => {
      const around = contexts.of(context, where)
      // A route that names its scheme in a hook has its `request.auth` from there.
      return add(where, own === null && inHooks.length > 0 ? around?.map((group) => ({ ...group, own: null })) ?? null : around, own)
    })
    this.#groups = inHooks.length === 0 ? this.#required : once(() => combined(where, [this.#required(), ...inHooks.map(({ node }) => soleGroups(node))]))
    this.#requirement = once(() => requirementOf(this.groups))
    const enforced = inHooks.length === 0 ? this.#requirement : once(() => requirementOf(this.#required()))
    this.guard = asLifecycleHook(hook, enforce(enforced, true))
    this.extract = extractAhead(enforced)
  }

  /** All that is required, with what the schemes in the route's own hooks enforce. */
  get groups (): Groups | null { return this.#groups() }

  /** The same in its normal form. */
  get requirement (): Requirement { return this.#requirement() }
}

/** The same for the same alternatives. */
export function keyOf (groups: Groups | null): string {
  if (groups === null) return 'nothing'
  // No scope contains a quote, a space or a line break: they separate entries, scopes and alternatives.
  return groups.map(({ entries, own }) => entries.reduce((key, { node, scopes }) => `${key}"${node.id} ${scopes.join(' ')}`, String(own?.id))).join('\n')
}

/** What is enforced one after the other. It is what the document can say only where each part is needed. */
function combined (where: string, parts: ReadonlyArray<Groups | null>): Groups | null {
  const said = parts.filter((groups) => groups !== null && groups.length > 0)
  if (said.length > 1 && said.some((groups) => groups?.some(({ entries }) => entries.length === 0))) {
    throw badSecurity(where, 'authentication that is optional cannot be combined with a scheme in a hook of the route; require both in one `security`')
  }
  return parts.reduce((sum, groups) => add(where, sum, groups), null)
}

export function requirementOf (groups: Groups | null): Requirement {
  return groups === null || groups.length === 0 ? NOTHING : toRequirement(groups)
}

function once<T> (compute: () => T): () => T {
  let known: { readonly value: T } | undefined
  return () => (known ??= { value: compute() }).value
}
