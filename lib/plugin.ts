/** The plugin: its decorators and hooks. */

import fastifyPlugin from 'fastify-plugin'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { auditRoutes, printSecurity } from './audit'
import { checkPluginOptions, createAuthSchemes } from './auth-schemes'
import { badOption } from './errors'
import { parentsOf } from './fastify-internals'
import { documentRoutes, inspectDocument } from './openapi/document'
import { Swaggers, isProbe } from './openapi/swagger'
import { decorateRequests } from './request/hook'
import { respondToRefusal } from './request/reject'
import { watchServer } from './routes/client-certificates'
import { watchBoot, type Registered } from './routes/failed-boot'
import { Routes } from './routes/routes'
import { refuseOutside, surroundingsOf, unseenGuard } from './routes/unseen'
import { registerTokenForm } from './token-form'
import type { AuthSchemesOptions } from '../types/options'

async function register (app: FastifyInstance, options: AuthSchemesOptions): Promise<void> {
  const registered = watchBoot(parentsOf(app).at(-1) ?? app)
  try {
    load(app, options, registered)
  } catch (error) {
    registered.fail(error)
    throw error
  }
}

function load (app: FastifyInstance, options: AuthSchemesOptions, registered: Registered): void {
  const { hook, realm, explicit, errorSchema, publicUrls, prefix } = checkPluginOptions(options)
  if (app.hasDecorator('authSchemes')) {
    throw badOption('authSchemes', 'the plugin is already registered in this context, or in a parent of it')
  }
  const warned = new Set<string>()
  function warnOnce (message: string): void {
    if (!warned.has(message)) app.log.warn(message)
    warned.add(message)
  }
  const surroundings = surroundingsOf(app)
  const { unseen, children, others } = surroundings
  const registration = { explicit, errorSchema, warnOnce }
  const routes = new Routes(registration, hook, app, surroundings, publicUrls, app.prefix + prefix)
  const swaggers = new Swaggers(documentRoutes(routes), (document, home) => { inspectDocument(routes, document, home) })

  for (const context of [app, ...children]) decorateRequests(context)
  app.decorate('authSchemes', createAuthSchemes(routes, realm, (message) => { app.log.warn(message) }))
  app.decorate('secure', function secure (this: FastifyInstance, security: unknown) { routes.secure(this, security) })
  app.decorate('printSecurity', () => printSecurity(auditRoutes(routes)))
  app.decorate('tokenForm', function tokenForm (this: FastifyInstance, path: string, ...rest: unknown[]) {
    registerTokenForm(this, realm, path, ...rest)
  })

  refuseOutside(others, app, routes.schemes)
  swaggers.find(app)
  app.addHook('onRegister', (context) => { routes.addContext(context) })
  // Synchronous: an error of an asynchronous onRoute hook is lost, and would leave the route open.
  function authSchemesRoute (this: FastifyInstance, route: RouteOptions): void {
    if (isProbe(route)) return
    swaggers.find(this)
    routes.add(this, route)
  }
  // Contexts that exist already inherit all hooks but this one.
  for (const context of [app, ...children]) context.addHook('onRoute', authSchemesRoute)
  app.addHook('onError', respondToRefusal)
  if (explicit) app.addHook('onRequest', registered.refuse)
  if (unseen.length + children.length + others.length > 0) {
    const [outermost = app] = others
    outermost.addHook('onRequest', unseenGuard(routes.contexts, routes.schemes, explicit))
  }
  const checkServer = watchServer(app, routes.schemes, warnOnce)
  app.addHook('onReady', async () => {
    try {
      checkServer()
      routes.finish(app.log, swaggers.exist)
      registered.complete()
    } catch (error) {
      registered.fail(error)
      throw error
    }
  })
}

/** The plugin: `fastapi.security` for Fastify. It is the default export, too, and what `require` returns. */
export const authSchemes = fastifyPlugin(register, { fastify: '5.x', name: 'fastify-auth-schemes' })
