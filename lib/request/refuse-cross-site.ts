/** The check of `trustedOrigins` as a hook, for routes without a scheme. */

import type { FastifyRequest } from 'fastify'
import { crossSite } from '../errors'
import { isCrossSite } from '../header/origin'
import { checkOptions } from '../schemes/definition'
import { readTrustedOrigins } from '../schemes/trusted-origins'
import type { TrustedOriginsOptions } from '../../types/options'
import { refuse } from './reject'
import { asSent } from './sent'

/**
 * Returns a hook for `onRequest` that refuses requests of unsafe methods, and upgrades, that a page of another origin
 * made a browser send: 403 `FST_AUTH_CROSS_SITE`. It is for routes without a scheme that set a cookie, such as a login:
 * otherwise another site can log its visitors in as somebody else. Schemes with `trustedOrigins` need no such hook.
 *
 * @throws {TypeError} for a bad option, naming it
 */
export function refuseCrossSite (
  options: TrustedOriginsOptions = {}
): (request: object, reply: object, done: (error?: Error) => void) => void {
  const where = 'refuseCrossSite'
  const { trustedOrigins } = checkOptions(where, options, ['trustedOrigins'])
  const trusted = readTrustedOrigins(where, trustedOrigins)
  function refuseCrossSite (request: object, _reply: object, done: (error?: Error) => void): void {
    const isRefused = trusted !== null && isCrossSite(asSent(request as FastifyRequest), trusted)
    done(isRefused ? refuse(request as FastifyRequest, crossSite(), []) : undefined)
  }
  hooks.add(refuseCrossSite)
  return refuseCrossSite
}

const hooks = new WeakSet<object>()

/** Returns true for a hook that `refuseCrossSite` has returned. */
export const isCrossSiteHook = (hook: unknown): boolean => typeof hook === 'function' && hooks.has(hook)
