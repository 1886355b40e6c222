/** The plugin: it puts what the other files do onto a Fastify instance. */

import { isDeepStrictEqual } from 'node:util'
import fastifyPlugin from 'fastify-plugin'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { auditRoutes, printSecurity } from './audit'
import { badOption, duplicateScheme, overrideRefused, unguardedRoutes } from './errors'
import { Announcer, isAnnouncement } from './openapi/announce'
import { createPrepare } from './openapi/document'
import { asLifecycleHook, kAttempt, kExtracted } from './request/hook'
import { createScheme, overrideScheme } from './request/scheme'
import { factories } from './schemes'
import { optionalRealm, type SchemeDefinition } from './schemes/definition'
import { contextsWithin, readPrintedRoutes, type PrintedRoute } from './security/early'
import { Routes, securityOf } from './security/routes'
import { registerTokenForm } from './token-form'
import type { AuthSchemes, AuthSchemesOptions, HookName } from '../types/options'

// Ours, and those that Fastify takes of every plugin.
const OPTIONS = ['hook', 'realm', 'explicit', 'prefix', 'logLevel', 'logSerializers']

const HOOKS: readonly HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

async function register (app: FastifyInstance, options: AuthSchemesOptions): Promise<void> {
  const { hook, realm, explicit } = checkOptions(options)
  if (app.hasDecorator('authSchemes')) throw badOption('authSchemes', 'the plugin is already registered in this context, or in one around it')
  const warn = (message: string): void => { app.log.warn(message) }
  const { early, mayMissRoutes, children } = lookAround(app)
  const routes = new Routes({}, hook, app, early, mayMissRoutes)
  const announcer = new Announcer(createPrepare(routes, warn))

  app.decorateRequest('auth', null as any)
  app.decorateRequest(kAttempt as any, null)
  app.decorateRequest(kExtracted as any, null)
  app.decorate('authSchemes', createAuthSchemes(routes, realm, warn))
  app.decorate('secure', function secure (this: FastifyInstance, security: unknown) { routes.secure(this, security) })
  app.decorate('printSecurity', () => printSecurity(auditRoutes(routes)))
  app.decorate('tokenForm', function tokenForm (this: FastifyInstance, path: string, ...rest: unknown[]) {
    registerTokenForm(this, realm, path, ...rest)
  })

  guardAround(app, routes)
  announcer.announce(app)
  app.addHook('onRegister', (context) => { routes.contexts.add(context) })
  // Synchronous: an error of an asynchronous onRoute hook is lost, and would leave the route open.
  function authSchemesRoute (this: FastifyInstance, route: RouteOptions): void {
    if (isAnnouncement(route)) return
    announcer.announce(this)
    routes.add(this, route)
  }
  // Contexts that are there already get no onRoute hook by themselves.
  for (const context of [app, ...children]) context.addHook('onRoute', authSchemesRoute)
  const { guard, guardCallNotFound } = routes.guardContext()
  app.addHook(hook as 'onRequest', asLifecycleHook(hook, guard) as any)
  if (hook !== 'preHandler') app.addHook('preHandler', guardCallNotFound)
  app.addHook('onReady', async () => { routes.finish(explicit, app.log, announcer.isNeeded) })
}

interface Surroundings { readonly early: PrintedRoute[], readonly mayMissRoutes: boolean, readonly children: FastifyInstance[] }

/** What was there before: the routes, as far as they may belong to this context, and the contexts within it. */
function lookAround (app: FastifyInstance): Surroundings {
  const printed = readPrintedRoutes(app.printRoutes())
  const { known, contexts: children } = contextsWithin(app)
  // Where this is not the outermost context, nothing tells whose routes they are: those that turn out to be secured are refused when they are asked for.
  const outermost = !('addHook' in Object.getPrototypeOf(app))
  return { early: outermost ? printed : [], mayMissRoutes: printed.length > 0 || !known || children.length > 0, children }
}

/** A scheme may be handed, or named, to a context around this one or beside it, where no hook of ours guards the routes: there `security` must not pass for enforced. */
function guardAround (app: FastifyInstance, { schemes }: Routes): void {
  const unguarded = ({ method, url }: RouteOptions): Error =>
    unguardedRoutes(`${String(method)} ${url}`, 'register fastify-auth-schemes in the context of the route, or in one around it (with fastify-plugin, where a plugin of your own registers it)')
  const byName: Array<{ readonly context: FastifyInstance, readonly route: RouteOptions, readonly security: unknown }> = []
  for (let around = Object.getPrototypeOf(app); 'addHook' in around; around = Object.getPrototypeOf(around)) {
    around.addHook('onRoute', function authSchemesAround (this: FastifyInstance, route: RouteOptions): void {
      if ('authSchemes' in this) return
      if ('security' in route) throw unguarded(route)
      byName.push({ context: this, route, security: securityOf(route.schema as object | undefined | null) })
    })
  }
  // Schemes may be made after the route, and a registration of its own may guard it.
  app.addHook('onReady', async () => {
    const named = byName.find(({ context, security }) => !('authSchemes' in context) && schemes.isNamedIn(security))
    if (named !== undefined) throw unguarded(named.route)
  })
}

function checkOptions (options: AuthSchemesOptions): { hook: HookName, realm: string | undefined, explicit: boolean } {
  const where = 'authSchemes'
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key)) throw badOption(where, `there is no option \`${key}\`: it takes hook, realm, explicit`)
  }
  const { hook = 'onRequest', realm, explicit = false } = options
  if (!HOOKS.includes(hook)) throw badOption(where, `the option \`hook\` must be one of ${HOOKS.join(', ')}`)
  if (typeof explicit !== 'boolean') throw badOption(where, 'the option `explicit` must be true or false')
  return { hook, realm: optionalRealm(where, realm), explicit }
}

/** `app.authSchemes`: the factories, which hold that one name means one thing in the document, and the tools around them. */
function createAuthSchemes (routes: Routes, realm: string | undefined, warn: (message: string) => void): AuthSchemes {
  const known = new Map<string, SchemeDefinition['openapi']>()
  function check ({ name, openapi }: SchemeDefinition): void {
    if (!isDeepStrictEqual(known.get(name) ?? openapi, openapi)) throw duplicateScheme(name)
    known.set(name, openapi)
  }
  const made = Object.entries(factories).map(([name, define]) => [name, (options: unknown) => {
    const definition = define(options, realm)
    check(definition)
    const scheme = createScheme(definition, routes.owner)
    routes.schemes.add(scheme)
    return scheme
  }])
  return Object.freeze({
    ...Object.fromEntries(made),
    routes: () => auditRoutes(routes),
    override (scheme: unknown, auth: unknown) {
      if (process.env.NODE_ENV?.trim().toLowerCase() === 'production') throw overrideRefused('where NODE_ENV is production: it is for tests')
      if (routes.contexts.sealed) throw overrideRefused('once the application is ready')
      const { name } = overrideScheme(scheme, routes.owner, auth)
      warn(`SECURITY IS OVERRIDDEN: the scheme "${name}" accepts every request, whatever its credentials`)
    }
  })
}

/** `fastapi.security` for Fastify. */
export const authSchemes = fastifyPlugin(register, { fastify: '5.x', name: 'fastify-auth-schemes' })
