/** The guard of unknown URLs: a request that matches no route must fulfil the requirement of its context. */

import type { FastifyRequest } from 'fastify'
import { enforce, kAttempt, kGuard, keptOn, type Hook, type RouteGuard } from '../request/hook'
import { toPlan, type Plan } from '../requirement/plan'
import type { HookName } from '../../types/options'
import type { Contexts } from './contexts'

// The lifecycle hook that follows each. The guard of a route runs behind all instance hooks: properties that the hook
// of a later plugin adds to the request must be there for `verify` here, too.
const NEXT: { readonly [Name in HookName]: HookName } = {
  onRequest: 'preParsing',
  preParsing: 'preValidation',
  preValidation: 'preHandler',
  preHandler: 'preHandler'
}

/** An instance hook and the name of its lifecycle hook. */
export interface InstanceHook { readonly name: HookName, readonly hook: Hook }

/**
 * Returns the instance hooks for a secured context: one that follows `hook`, and `preHandler`, the only lifecycle hook
 * that `reply.callNotFound()` runs.
 */
export function notFoundGuards (hook: HookName, contexts: Contexts): readonly InstanceHook[] {
  const plans = new WeakMap<object, Plan>()
  function planOf ({ server }: FastifyRequest): Plan {
    const plan = plans.get(server) ?? toPlan(contexts.of(server, 'setNotFoundHandler'))
    plans.set(server, plan)
    return plan
  }
  return [...new Set([NEXT[hook], 'preHandler'] as const)].map((name) => {
    const guard = enforce(planOf, name === 'preHandler', () => 'always')
    return {
      name,
      hook: function authSchemesNotFound (request, reply, third, fourth) {
        const isDone = isRoute(request, contexts) || keptOn(request)[kAttempt]?.ran(planOf(request)) === true
        if (!isDone) guard(request, reply, third, fourth)
        else (name === 'preParsing' ? fourth : third as () => void)?.()
      }
    }
  })
}

/** Returns true for a route with a guard of this registration, which the `config` of a not-found handler never has. */
function isRoute (request: FastifyRequest, contexts: Contexts): boolean {
  return (request.routeOptions.config as { [kGuard]?: RouteGuard })[kGuard]?.contexts === contexts
}
