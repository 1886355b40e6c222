/** The guard of unknown URLs: a request that no route of its context matched is answered as the context's routes are. */

import type { FastifyRequest } from 'fastify'
import { enforce, kAttempt, kGuard, keptOn, type Hook } from '../request/hook'
import { toPlan, type Plan } from '../requirement/plan'
import type { HookName } from '../../types/options'
import type { Contexts } from './contexts'

// The lifecycle hook that follows. Guards of routes run behind all instance hooks of theirs, and what a later plugin's hook leaves on the request
// must be there for `verify` here, too.
const NEXT: { readonly [Name in HookName]: HookName } = {
  onRequest: 'preParsing',
  preParsing: 'preValidation',
  preValidation: 'preHandler',
  preHandler: 'preHandler'
}

/** Returns the instance hooks for a secured context: one that follows `hook`, and `preHandler`, which is all that `reply.callNotFound()` runs. */
export function notFoundGuards (hook: HookName, contexts: Contexts): ReadonlyArray<{ readonly name: HookName, readonly hook: Hook }> {
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
        if (!isRoute(request) && keptOn(request)[kAttempt]?.ran(planOf(request)) !== true) guard(request, reply, third, fourth)
        else (name === 'preParsing' ? fourth : third as () => void)?.()
      }
    }
  })
}

/** Returns true for a route that was seen. A not-found handler may have a `config` of its own, but no guard in it. */
function isRoute (request: FastifyRequest): boolean {
  if (!request.is404 && keptOn(request)[kAttempt]?.isGuarded === true) return true
  return kGuard in request.routeOptions.config
}
