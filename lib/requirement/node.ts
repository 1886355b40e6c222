/** Schemes as they can be required, and the way from the objects that users hold to them. */

import type { SchemeDefinition } from '../schemes/definition'
import type { DerivedVerify } from '../../types/scheme'

/** One registration of the plugin. Schemes of one are unknown to another. */
export interface Registration {
  /** The plugin option of that name. */
  readonly explicit: boolean
  /** The plugin option of that name; `undefined`: Fastify's error body. */
  readonly errorSchema: object | undefined
  /** Logs a message that was not logged before. */
  readonly warnOnce: (message: string) => void
}

/** A scheme: a base, made by a factory, or one that was derived from another. */
export interface SchemeNode {
  readonly id: number
  readonly registration: Registration
  /** The definition of the base. */
  readonly definition: SchemeDefinition
  /** The scheme that it was derived from; `null` for a base. */
  readonly parent: SchemeNode | null
  /** The base: the node itself, or the first of its parents. */
  readonly base: SchemeNode
  /** The scopes that `derive` added. */
  readonly scopes: readonly string[]
  /** The further check that `derive` added. */
  readonly verify: DerivedVerify<unknown, unknown, unknown> | undefined
  /** Credentials and user that a test accepts instead of what was sent; `null` in a real application. */
  override: Override | null
}

/** Credentials and a user, taken as given. */
export interface Override { readonly credentials: {}, readonly user: unknown }

const byScheme = new WeakMap<object, SchemeNode>()
const byHook = new WeakMap<object, SchemeNode>()

/** Returns the node of a scheme object; `undefined` for anything that no factory made. */
export const nodeOf = (scheme: unknown): SchemeNode | undefined => byScheme.get(scheme as object)

/** Returns the node of a scheme's hook: its `preHandler`, or the hook that stands for it on a route. */
export const nodeOfHook = (hook: unknown): SchemeNode | undefined => byHook.get(hook as object)

/** Remembers a scheme object and the hooks that stand for it. */
export function remember (node: SchemeNode, scheme: object, hooks: readonly object[]): void {
  byScheme.set(scheme, node)
  for (const hook of hooks) byHook.set(hook, node)
}

/** Returns the node and its parents, the base first. */
export function pathFromBase (node: SchemeNode): SchemeNode[] {
  return node.parent === null ? [node] : [...pathFromBase(node.parent), node]
}

/** Returns true where a check other than scopes stands anywhere from the base to the node. */
export function isVerified (node: SchemeNode): boolean {
  return pathFromBase(node).some(({ parent, definition, verify }) => (parent === null ? definition.verify : verify) !== undefined)
}
