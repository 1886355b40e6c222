/** The plugin: the only file that touches a Fastify instance. */

import fastifyPlugin from 'fastify-plugin'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { badOption, duplicateScheme } from './errors'
import { createPrepare } from './openapi/document'
import { createAnnouncer, isAnnouncement } from './openapi/announce'
import { kAttempt, kExtracted } from './request/hook'
import { createScheme } from './request/scheme'
import { factories } from './schemes'
import { optionalRealm, type SchemeDefinition } from './schemes/definition'
import { Routes } from './security/routes'
import { registerTokenForm } from './token-form'
import type { AuthSchemes, AuthSchemesOptions, HookName } from '../types/options'

const HOOKS: readonly HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

async function register (app: FastifyInstance, options: AuthSchemesOptions): Promise<void> {
  const { hook, realm } = checkOptions(options)
  const owner = {}
  const routes = new Routes(owner, hook)
  const announce = createAnnouncer(createPrepare(routes.all, (message) => { app.log.warn(message) }))

  app.decorateRequest('auth', null as any)
  app.decorateRequest(kAttempt as any, null)
  app.decorateRequest(kExtracted as any, null)
  app.decorate('authSchemes', createFactories(owner, realm))
  app.decorate('tokenForm', function tokenForm (this: FastifyInstance, path: string, ...rest: unknown[]) {
    registerTokenForm(this, realm, path, ...rest)
  })
  announce(app)
  // Synchronous: an error of an asynchronous onRoute hook is lost, and would leave the route open.
  app.addHook('onRoute', function authSchemesRoute (this: FastifyInstance, route: RouteOptions): void {
    if (isAnnouncement(route)) return
    announce(this)
    routes.add(this, route)
  })
  app.addHook('onReady', async () => { routes.finish((message) => { app.log.warn(message) }) })
}

function checkOptions (options: AuthSchemesOptions): { hook: HookName, realm: string | undefined } {
  const { hook = 'onRequest', realm } = options
  if (!HOOKS.includes(hook)) throw badOption('authSchemes', `the option \`hook\` must be one of ${HOOKS.join(', ')}`)
  return { hook, realm: optionalRealm('authSchemes', realm) }
}

/** The factories, which hold that one name means one thing in the document. */
function createFactories (owner: object, realm: string | undefined): AuthSchemes {
  const known = new Map<string, string>()
  function check ({ name, openapi }: SchemeDefinition): void {
    const written = JSON.stringify(openapi)
    if ((known.get(name) ?? written) !== written) throw duplicateScheme(name)
    known.set(name, written)
  }
  return Object.freeze(Object.fromEntries(Object.entries(factories).map(([name, define]) => [name, (options: unknown) => {
    const definition = define(options, realm)
    check(definition)
    return createScheme(definition, owner)
  }]))) as unknown as AuthSchemes
}

/** `fastapi.security` for Fastify. */
export const authSchemes = fastifyPlugin(register, { fastify: '5.x', name: 'fastify-auth-schemes' })
