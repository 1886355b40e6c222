/** `app.authSchemes`, and the options of the plugin. */

import { isDeepStrictEqual } from 'node:util'
import { auditRoutes } from './audit'
import { badOption, duplicateScheme, overrideRefused } from './errors'
import { isPlainObject } from './requirement/read'
import { PublicUrls } from './routes/public-urls'
import type { Routes } from './routes/routes'
import { createScheme, overrideScheme } from './scheme'
import { factories } from './schemes'
import { optionalRealm, refuseUndefined, type SchemeDefinition } from './schemes/definition'
import type { AuthSchemes, AuthSchemesOptions, HookName } from '../types/options'
import type { Scheme } from '../types/scheme'

const OPTIONS = ['hook', 'realm', 'explicit', 'public', 'errorSchema']

// Options that Fastify takes of every plugin.
const FASTIFY_OPTIONS = ['prefix', 'logLevel', 'logSerializers']

const HOOKS: readonly HookName[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

/** The options of the plugin with their defaults. */
type CheckedOptions = Required<Pick<AuthSchemesOptions, 'hook' | 'explicit'>> &
  Pick<AuthSchemesOptions, 'realm' | 'errorSchema'> & { readonly publicUrls: PublicUrls, readonly prefix: string }

/**
 * Returns the options of the plugin with their defaults.
 *
 * @throws {TypeError} for a bad or unknown option, naming it
 */
export function checkPluginOptions (options: AuthSchemesOptions): CheckedOptions {
  const where = 'authSchemes'
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key) && !FASTIFY_OPTIONS.includes(key)) {
      throw badOption(where, `there is no option \`${key}\`: it takes ${OPTIONS.join(', ')}`)
    }
  }
  refuseUndefined(where, options)
  const { hook = 'onRequest', realm, explicit = false, public: urls = [], errorSchema } = options
  if (!HOOKS.includes(hook)) throw badOption(where, `the option \`hook\` must be one of ${HOOKS.join(', ')}`)
  if (typeof explicit !== 'boolean') throw badOption(where, 'the option `explicit` must be true or false')
  if (errorSchema !== undefined && !isPlainObject(errorSchema)) {
    throw badOption(where, 'the option `errorSchema` must be a JSON Schema, or a schema of TypeBox')
  }
  const { prefix = '' } = options as { prefix?: string }
  return { hook, realm: optionalRealm(where, realm), explicit, errorSchema, publicUrls: new PublicUrls(urls), prefix }
}

/**
 * Returns `app.authSchemes`: the factories, `routes` and `override`. A factory throws `FST_AUTH_DUPLICATE_SCHEME` for a
 * name that stands for another scheme in the document.
 *
 * @param realm the plugin option of that name
 * @param warn logs a warning
 */
export function createAuthSchemes (
  routes: Routes, realm: string | undefined, warn: (message: string) => void
): AuthSchemes {
  const { registration, schemes } = routes
  function create (definition: SchemeDefinition): Scheme {
    const { name, openapi, resource } = definition
    if (!isDeepStrictEqual(schemes.definition(name)?.openapi ?? openapi, openapi)) throw duplicateScheme(name)
    const scheme = createScheme(definition, registration)
    if (resource !== null) routes.addResource(name, resource)
    schemes.add(scheme)
    return scheme
  }
  function override (scheme: unknown, auth: unknown): () => void {
    if (process.env.NODE_ENV?.trim().toLowerCase() === 'production') {
      throw overrideRefused('where NODE_ENV is production: it is for tests')
    }
    const { name, restore } = overrideScheme(scheme, registration, auth)
    warn(`SECURITY IS OVERRIDDEN: the scheme "${name}" accepts every request, whatever its credentials`)
    return restore
  }
  const creating = Object.entries(factories)
    .map(([name, define]) => [name, (options: unknown) => create(define(options, realm))])
  return Object.freeze({
    ...Object.fromEntries(creating),
    routes: () => auditRoutes(routes),
    override
  }) as unknown as AuthSchemes
}
