/** The plugin: options, decorators and hooks. */

import { isDeepStrictEqual } from 'node:util'
import fastifyPlugin from 'fastify-plugin'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { auditRoutes, printSecurity } from './audit'
import { badOption, duplicateScheme, overrideRefused } from './errors'
import { parentsOf } from './fastify-internals'
import { documentRoutes, inspectDocument } from './openapi/document'
import { Swaggers, isProbe } from './openapi/swagger'
import { kAttempt } from './request/hook'
import { answerRefusal, kRefusal } from './request/reject'
import { keepBootError } from './routes/failed-boot'
import { isPlainObject } from './requirement/read'
import { PublicUrls } from './routes/public-urls'
import { Routes } from './routes/routes'
import { lookAround, refuseOutside, unseenGuard } from './routes/unseen'
import { createScheme, overrideScheme } from './scheme'
import { factories } from './schemes'
import { optionalRealm, refuseUndefined, type SchemeDefinition } from './schemes/definition'
import { registerTokenForm } from './token-form'
import type { AuthSchemes, AuthSchemesOptions, HookName } from '../types/options'

// Ours, and those that Fastify takes of every plugin.
const OPTIONS = ['hook', 'realm', 'explicit', 'public', 'errorSchema', 'prefix', 'logLevel', 'logSerializers']

const HOOKS: readonly HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

async function register (app: FastifyInstance, options: AuthSchemesOptions): Promise<void> {
  const { hook, realm, explicit, errorSchema, publicUrls } = checkOptions(options)
  if (app.hasDecorator('authSchemes')) throw badOption('authSchemes', 'the plugin is already registered in this context, or in a parent of it')
  const warned = new Set<string>()
  function warnOnce (message: string): void {
    if (!warned.has(message)) app.log.warn(message)
    warned.add(message)
  }
  const surroundings = lookAround(app)
  const { before, children, others } = surroundings
  const routes = new Routes({ explicit, errorSchema, warnOnce }, hook, app, surroundings, publicUrls)
  const swaggers = new Swaggers(documentRoutes(routes), (document) => { inspectDocument(routes, document) })

  for (const context of [app, ...children]) decorateRequests(context)
  app.decorate('authSchemes', createAuthSchemes(routes, realm, (message) => { app.log.warn(message) }))
  app.decorate('secure', function secure (this: FastifyInstance, security: unknown) { routes.secure(this, security) })
  app.decorate('printSecurity', () => printSecurity(auditRoutes(routes)))
  app.decorate('tokenForm', function tokenForm (this: FastifyInstance, path: string, ...rest: unknown[]) {
    registerTokenForm(this, realm, path, ...rest)
  })

  keepBootError(parentsOf(app).at(-1) ?? app)
  refuseOutside(others, app, routes.schemes)
  swaggers.find(app)
  app.addHook('onRegister', (context) => { routes.addContext(context) })
  // Synchronous: an error of an asynchronous onRoute hook is lost, and would leave the route open.
  function authSchemesRoute (this: FastifyInstance, route: RouteOptions): void {
    if (isProbe(route)) return
    swaggers.find(this)
    routes.add(this, route)
  }
  // Contexts that are there already take over all hooks but this one.
  for (const context of [app, ...children]) context.addHook('onRoute', authSchemesRoute)
  app.addHook('onError', answerRefusal)
  if (before.length + children.length + others.length > 0) {
    const [outermost = app] = others
    outermost.addHook('onRequest', unseenGuard(routes.contexts, routes.schemes, explicit))
  }
  app.addHook('onReady', async () => { routes.finish(app.log, swaggers.exist) })
}

/** Requests of contexts that were created before do not have the decorators of their parents. */
function decorateRequests (context: FastifyInstance): void {
  for (const name of ['auth', kAttempt, kRefusal] as const) {
    if (!context.hasRequestDecorator(name as string)) context.decorateRequest(name as 'auth', null as any)
  }
}

type CheckedOptions = Required<Pick<AuthSchemesOptions, 'hook' | 'explicit'>> & Pick<AuthSchemesOptions, 'realm' | 'errorSchema'> & { readonly publicUrls: PublicUrls }

function checkOptions (options: AuthSchemesOptions): CheckedOptions {
  const where = 'authSchemes'
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key)) throw badOption(where, `there is no option \`${key}\`: it takes hook, realm, explicit, public, errorSchema`)
  }
  refuseUndefined(where, options)
  const { hook = 'onRequest', realm, explicit = false, public: urls = [], errorSchema } = options
  if (!HOOKS.includes(hook)) throw badOption(where, `the option \`hook\` must be one of ${HOOKS.join(', ')}`)
  if (typeof explicit !== 'boolean') throw badOption(where, 'the option `explicit` must be true or false')
  if (errorSchema !== undefined && !isPlainObject(errorSchema)) throw badOption(where, 'the option `errorSchema` must be a JSON Schema, or a schema of TypeBox')
  return { hook, realm: optionalRealm(where, realm), explicit, errorSchema, publicUrls: new PublicUrls(urls) }
}

/** Returns `app.authSchemes`: the factories, which hold that one name means one thing in the document, and the tools beside them. */
function createAuthSchemes (routes: Routes, realm: string | undefined, warn: (message: string) => void): AuthSchemes {
  const { registration, schemes } = routes
  function create (definition: SchemeDefinition) {
    const { name, openapi } = definition
    if (!isDeepStrictEqual(schemes.definition(name)?.openapi ?? openapi, openapi)) throw duplicateScheme(name)
    const scheme = createScheme(definition, registration)
    schemes.add(scheme)
    return scheme
  }
  return Object.freeze({
    ...Object.fromEntries(Object.entries(factories).map(([name, define]) => [name, (options: unknown) => create(define(options, realm))])),
    routes: () => auditRoutes(routes),
    override (scheme: unknown, auth: unknown) {
      if (process.env.NODE_ENV?.trim().toLowerCase() === 'production') throw overrideRefused('where NODE_ENV is production: it is for tests')
      const { name, restore } = overrideScheme(scheme, registration, auth)
      warn(`SECURITY IS OVERRIDDEN: the scheme "${name}" accepts every request, whatever its credentials`)
      return restore
    }
  }) as unknown as AuthSchemes
}

/** `fastapi.security` for Fastify. */
export const authSchemes = fastifyPlugin(register, { fastify: '5.x', name: 'fastify-auth-schemes' })
