/** Schemes whose `preHandler` is among a route's hooks. */

import type { RouteOptions } from 'fastify'
import { badSecurity, foreignScheme } from '../errors'
import { isCrossSiteHook } from '../request/refuse-cross-site'
import { nodeOfHook, type Registration, type SchemeNode } from '../requirement/node'
import { routeHookOf } from '../scheme'
import type { SchemeInHook } from './guard'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
/** The lifecycle hooks that run after the handler, or without it. */
const OTHER_HOOKS = ['preSerialization', 'onSend', 'onResponse', 'onError', 'onTimeout', 'onRequestAbort'] as const
/** The lifecycle hooks in which `refuseCrossSite` would not guard. */
const GUARDING_NOTHING = ['preParsing', ...OTHER_HOOKS] as const

const NONE: readonly SchemeInHook[] = []

/**
 * Returns the schemes whose `preHandler` is among a route's hooks.
 *
 * @throws `FST_AUTH_BAD_SECURITY` for a scheme in a lifecycle hook in which it would not guard
 */
export function schemesInHooks (
  where: string, options: RouteOptions, registration: Registration
): readonly SchemeInHook[] {
  let found = NONE
  for (const hook of HOOKS) {
    for (const node of nodesIn(options[hook])) {
      if (hook === 'preParsing') throw misplaced(where, hook, node)
      if (node.registration !== registration) throw foreignScheme(where, node.definition.name)
      found = [...found, { hook, node }]
    }
  }
  for (const hook of OTHER_HOOKS) {
    const [node] = nodesIn(options[hook])
    if (node !== undefined) throw misplaced(where, hook, node)
  }
  for (const hook of GUARDING_NOTHING) {
    // Nearly all routes have none of them.
    if (options[hook] === undefined || ![options[hook]].flat().some(isCrossSiteHook)) continue
    throw badSecurity(where, `\`refuseCrossSite\` guards nothing in \`${hook}\`; ` +
      'put it into onRequest, preValidation or preHandler')
  }
  return found
}

/**
 * Replaces each scheme's `preHandler` by its hook for routes that declare the scheme. The user's arrays are not written
 * to.
 */
export function declareHooks (options: RouteOptions, inHooks: readonly SchemeInHook[]): void {
  const hooks = options as unknown as Record<string, unknown>
  for (const { hook } of inHooks) {
    hooks[hook] = [hooks[hook]].flat().map((candidate) => {
      const node = nodeOfHook(candidate)
      return node === undefined ? candidate : routeHookOf(node)
    })
  }
}

const misplaced = (where: string, hook: string, { definition }: SchemeNode): Error =>
  badSecurity(where, `the \`preHandler\` of "${definition.name}" cannot stand in \`${hook}\`; ` +
    'put it into onRequest, preValidation or preHandler')

const NO_NODES: readonly SchemeNode[] = []

function nodesIn (hooks: unknown): readonly SchemeNode[] {
  if (hooks === undefined) return NO_NODES
  return (Array.isArray(hooks) ? hooks : [hooks]).map(nodeOfHook).filter((node) => node !== undefined)
}
