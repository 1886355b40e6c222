/** Checks for changes that another plugin's onRoute hook made to a route after ours: they would not be enforced. */

import type { RouteOptions } from 'fastify'
import { unguardedRoutes } from '../errors'
import { kGuard } from '../request/hook'
import type { Requirement } from '../requirement/combine'
import type { HookName } from '../../types/options'
import { keyOf, type Guard, type SchemeInHook } from './guard'

interface GuardedRoute { readonly options: RouteOptions, readonly guard: Guard, readonly isGuarded: boolean }

/**
 * Checks a route once all is loaded.
 *
 * @param declared the requirement in the options now; `undefined` if a document has removed it from them
 * @param inHooks the schemes in the route's hooks now
 * @throws `FST_AUTH_UNGUARDED_ROUTE` if the guard is gone, or the requirement is another one
 */
export function checkIntegrity (
  where: string, route: GuardedRoute, lifecycleHook: HookName, declared: Requirement | null | undefined,
  inHooks: readonly SchemeInHook[]
): void {
  const { guard, isGuarded, options } = route
  if ((options.config as { [kGuard]?: unknown } | undefined)?.[kGuard] !== guard) {
    throw unguardedRoutes(where, 'an onRoute hook has replaced the `config` of the route; ' +
      'let that hook copy the members of the old `config` into the new one')
  }
  // No order of declarations is known that leads here.
  if (!isGuarded && guard.resolve().isNeeded) {
    throw unguardedRoutes(where, 'it has no guard; require the scheme by `security` on the route')
  }
  if (isGuarded && ![options[lifecycleHook]].flat().includes(guard.hook as never)) {
    throw unguardedRoutes(where,
      `another plugin has replaced or wrapped the \`${lifecycleHook}\` hooks of the route; ` +
      'register that plugin before fastify-auth-schemes, or let it keep the hooks that are there ' +
      '(@fastify/otel: `instrumentHooks: false`)')
  }
  const isChanged = declared !== undefined && keyOf(declared) !== keyOf(guard.declared)
  if (isChanged || placesOf(inHooks) !== placesOf(guard.inHooks)) {
    throw unguardedRoutes(where, 'an onRoute hook has changed what it requires; ' +
      'add that hook, or register the plugin that adds it, before fastify-auth-schemes')
  }
}

const placesOf = (inHooks: readonly SchemeInHook[]): string =>
  inHooks.map(({ hook, node }) => `${hook} ${node.id}`).join()
