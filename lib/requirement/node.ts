/** Scheme nodes: the schemes as requirements hold them, found by the objects that users hold. */

import type { SchemeDefinition } from '../schemes/definition'
import type { DerivedVerify } from '../../types/scheme'

/** One registration of the plugin. A scheme of one registration cannot be required in another. */
export interface Registration {
  /** The plugin option `explicit`. */
  readonly explicit: boolean
  /** The plugin option `errorSchema`; `undefined`: Fastify's error body. */
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
  /** The scheme that this one was derived from; `null` for a base. */
  readonly parent: SchemeNode | null
  /** The base: the node itself, or the first of its parents. */
  readonly base: SchemeNode
  /** The scopes that `derive` added. */
  readonly scopes: readonly string[]
  /** The further check that `derive` added. */
  readonly verify: DerivedVerify<unknown, unknown, unknown> | undefined
  /** The credentials and the user that replace those of every request in a test; `null` in a real application. */
  override: Override | null
}

/** Credentials and a user that are accepted without a check. */
export interface Override { readonly credentials: {}, readonly user: unknown }

const byScheme = new WeakMap<object, SchemeNode>()
const byHook = new WeakMap<object, SchemeNode>()

/** Returns the node of a scheme object; `undefined` for anything that no factory made. */
export const nodeOf = (scheme: unknown): SchemeNode | undefined => byScheme.get(scheme as object)

/** Returns the node of a scheme's hook: its `preHandler`, or the hook that stands for it on a route. */
export const nodeOfHook = (hook: unknown): SchemeNode | undefined => byHook.get(hook as object)

/** Keeps the node of a scheme object and of the hooks that stand for the scheme. */
export function remember (node: SchemeNode, scheme: object, hooks: readonly object[]): void {
  byScheme.set(scheme, node)
  for (const hook of hooks) byHook.set(hook, node)
}

/** Returns the node and its parents, the base first. */
export function pathFromBase (node: SchemeNode): SchemeNode[] {
  return node.parent === null ? [node] : [...pathFromBase(node.parent), node]
}

/** Returns true if the node itself has a `verify`: that of the base's definition, or that of a derived scheme. */
export const verifies = ({ parent, definition, verify }: SchemeNode): boolean =>
  (parent === null ? definition.verify : verify) !== undefined

/** Returns true if the node, or one that it is derived from, has a `verify`. */
export const isVerified = (node: SchemeNode): boolean => pathFromBase(node).some(verifies)
