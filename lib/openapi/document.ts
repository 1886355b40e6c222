/** Writes the requirements of all routes into a document while @fastify/swagger makes it. */

import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { badSecurity, duplicateScheme, unguardedRoutes } from '../errors'
import { parentsOf } from '../fastify-internals'
import { namesIn } from '../requirement/by-name'
import { both, type Requirement } from '../requirement/combine'
import type { Route, Routes } from '../routes/routes'
import { listRoutes } from '../routes/unseen'
import type { SchemeDefinition } from '../schemes/definition'
import { ERROR_SCHEMA, completeOperation, describe, isLaterThan30, partsOf, type Description } from './operation'
import { pathsOf } from './paths'
import { observeRoute, onOperation, operationsOf, type DocumentObject, type WrittenOperation } from './swagger'

/** The documents that are being made, or were. Several registrations of the plugin may write into one. */
const documents = new WeakMap<DocumentObject, Document>()

/** Returns the function to call at the start of each document. */
export function documentRoutes (routes: Routes) {
  return function onDocument (object: DocumentObject | undefined): void {
    if (object === undefined) {
      routes.registration.warnOnce('fastify-auth-schemes enforces `security`, but cannot document it in Swagger 2.0: ' +
        'give @fastify/swagger the option `openapi`')
      return
    }
    const document = documents.get(object) ?? new Document(object)
    documents.set(object, document)
    document.add(routes)
  }
}

/**
 * Checks a document at boot, before any route is written into it.
 *
 * @param home the context whose routes it documents
 * @throws `FST_AUTH_DUPLICATE_SCHEME` if the user has defined a required scheme in another way
 * @throws `FST_AUTH_BAD_SECURITY` if the version of the document has no such scheme
 */
export function inspectDocument (
  { all, schemes, registration }: Routes, object: DocumentObject, home: FastifyInstance
): void {
  const written: DocumentObject = object.components.securitySchemes ?? {}
  for (const { name, openapi } of definitionsOf(all)) {
    if (Object.hasOwn(written, name) && !isDeepStrictEqual(written[name], openapi)) throw duplicateScheme(name)
  }
  const shown = all.filter(({ context, options }) =>
    (options.schema as { hide?: unknown } | undefined | null)?.hide !== true &&
    [context, ...parentsOf(context)].includes(home))
  for (const definition of definitionsOf(shown)) checkVersion(definition, object)
  const undeclared = all.filter(({ guard }) => guard.requirement === null)
    .flatMap(({ methods, url }) => methods.map((method) => ({ method, url })))
  if (schemes.isNamedIn(object.security) && undeclared.length > 0) {
    registration.warnOnce(
      `the root of the OpenAPI document requires ${namesIn(object.security).join(', ')}, which enforces nothing: ` +
      `these routes are public, and documented so: ${listRoutes(undeclared)}. ` +
      'Require the scheme by `app.secure`, and leave it out of the root')
  }
}

/** Returns the definitions of the schemes that routes require. */
function definitionsOf (routes: readonly Route[]): Set<SchemeDefinition> {
  const alternatives = routes.flatMap(({ guard }) => guard.requirement ?? [])
  return new Set(alternatives.flatMap(({ entries }) => entries.map(({ node }) => node.definition)))
}

/** Throws for a scheme that the document could only leave out, as if nothing were required. */
function checkVersion ({ name, openapi }: SchemeDefinition, { openapi: version }: DocumentObject): void {
  if (openapi.type !== 'mutualTLS' || isLaterThan30({ openapi: version })) return
  throw badSecurity(`the document of OpenAPI ${version}`, `"${name}" is of the type mutualTLS, which came with ` +
    '3.1; give @fastify/swagger the option `openapi: { openapi: \'3.1.0\' }`')
}

/** One document, from its first route until it is made. */
class Document {
  readonly #applications: Routes[] = []
  readonly #byOptions = new Map<object, Route>()
  /** The routes of each operation so far, by its method and path. */
  readonly #written = new Map<string, Set<Route>>()
  /** The schemes that the user wrote, and those that were added. */
  readonly #schemes: DocumentObject
  readonly #descriptions = new Map<Requirement, Description>()
  /** The names of the schemas of error bodies. */
  readonly #errorSchemas = new Map<object, string>()

  constructor (readonly object: DocumentObject) {
    this.#schemes = { ...object.components.securitySchemes }
    onOperation(object, (written) => this.#complete(written))
  }

  /** Adds the routes of a registration, and the schemes that the user's parts of the document name. */
  add (application: Routes): void {
    const { object } = this
    this.#applications.push(application)
    application.documents++
    this.#completeEarlier(application)
    const items = [object.paths, object.webhooks, object.components.pathItems]
      .flatMap((part) => Object.values<DocumentObject>(part ?? {}))
    const operations = items.flatMap((item) => operationsOf(item).map(({ operation }) => operation))
    for (const { security } of [object, ...operations]) {
      for (const name of namesIn(security)) {
        const definition = application.schemes.definition(name)
        if (definition !== undefined) this.#use(definition)
      }
    }
    for (const route of application.all) {
      observeRoute(route.options)
      this.#byOptions.set(route.options, route)
      const schema = route.options.schema as DocumentObject | undefined
      // @fastify/swagger would look up the schemes before they are added. Fastify keeps the schema.
      if (schema !== undefined && schema !== null && 'security' in schema) {
        const { security: _, ...rest } = schema
        route.options.schema = rest
        route.isStripped = true
      }
    }
  }

  /**
   * Completes the operations of routes that were declared before the plugin was loaded. The document has them already,
   * beside the user's `paths`.
   */
  #completeEarlier ({ unseen }: Routes): void {
    const { object } = this
    const keys = new Set(unseen.flatMap(({ method, url }) =>
      pathsOf(url, object.servers).map((path) => `${method.toLowerCase()} ${path}`)))
    for (const [path, item] of Object.entries<DocumentObject>(object.paths)) {
      for (const { place, key, operation } of operationsOf(item)) {
        const name = `${key} ${path}`
        if (!keys.has(name) || this.#written.has(name)) continue
        // The operation must not show a lock that is not enforced.
        if (this.#isOurs(operation.security)) {
          throw unguardedRoutes(name, 'await the registration of fastify-auth-schemes before the route is declared')
        }
        place[key] = this.#withoutRootLock(operation)
      }
    }
  }

  #complete ({ operation, method, path, options }: WrittenOperation): DocumentObject {
    const key = `${method} ${path}`
    const route = options === undefined ? undefined : this.#byOptions.get(options)
    const observed = route?.methods.some((name) => name.toLowerCase() === method) === true ? route : undefined
    const routes = observed === undefined ? [...this.#routesAt(method, path)] : [observed]
    if (routes.length === 0) return this.#withoutRootLock(operation)
    const written = this.#written.get(key) ?? new Set()
    this.#written.set(key, written)
    for (const route of routes) {
      route.isDocumented = true
      written.add(route)
    }
    const requirement = [...written].reduce<Requirement | null>(strictest, null)
    const description = requirement === null ? null : this.#describe(requirement)
    // The alternative without entries, if any, is last.
    const entry = requirement?.[0]?.entries[0]
    const errorRef = entry === undefined ? '' : this.#refToError(entry.node.registration.errorSchema)
    const parts = partsOf(observed?.options, this.object)
    return completeOperation({ ...operation, ...parts }, description, this.object, errorRef)
  }

  /** Returns the reference to the schema of an error's body, added under a name that the user's schemas leave free. */
  #refToError (schema: object = ERROR_SCHEMA): string {
    const { schemas } = this.object.components
    let name = this.#errorSchemas.get(schema)
    if (name === undefined) {
      for (name = 'AuthError'; Object.hasOwn(schemas, name);) name += '_'
      this.#errorSchemas.set(schema, name)
    }
    schemas[name] ??= structuredClone(schema)
    return `#/components/schemas/${name}`
  }

  /**
   * Returns the routes of an operation without an observed route: that of a HEAD route that @fastify/swagger copied.
   * The routes are found by the path, which is that of the GET route, too.
   */
  #routesAt (method: string, path: string): Iterable<Route> {
    if (method !== 'head') return []
    const { servers } = this.object
    return this.#written.get(`get ${path}`) ?? this.#applications.flatMap(({ all }) => all)
      .filter(({ methods, url }) => methods.includes('HEAD') && pathsOf(url, servers).includes(path))
  }

  /** Returns true if a list of OpenAPI's requirements names a scheme of the plugin. */
  #isOurs (security: unknown): boolean {
    return this.#applications.some(({ schemes }) => schemes.isNamedIn(security))
  }

  /** Returns the operation of a route that was not seen: the root of the document must not lock it. */
  #withoutRootLock (operation: DocumentObject): DocumentObject {
    const isLocked = operation.security === undefined && this.#isOurs(this.object.security)
    return isLocked ? { ...operation, security: [] } : operation
  }

  /** Returns the description of a requirement, made once, as many routes share a requirement. */
  #describe (requirement: Requirement): Description {
    const description = this.#descriptions.get(requirement) ?? describe(requirement, this.object)
    this.#descriptions.set(requirement, description)
    for (const definition of description.definitions) this.#use(definition)
    return description
  }

  #use (definition: SchemeDefinition): void {
    const { name, openapi } = definition
    checkVersion(definition, this.object)
    const written = Object.hasOwn(this.#schemes, name) ? this.#schemes[name] : undefined
    if (written !== undefined && !isDeepStrictEqual(written, openapi)) throw duplicateScheme(name)
    if (written !== undefined) return
    this.#schemes[name] = openapi
    const { components } = this.object
    components.securitySchemes = { ...components.securitySchemes, [name]: structuredClone(openapi) }
  }
}

/**
 * Returns the requirement that opens all routes of one operation: routes share an operation if they differ in their
 * constraints only, or in patterns of parameters.
 */
function strictest (sum: Requirement | null, { guard: { requirement, where } }: Route): Requirement | null {
  if (sum === null || sum.length === 0) return requirement ?? sum
  return requirement === null || requirement.length === 0 || requirement === sum ? sum : both(where, sum, requirement)
}
