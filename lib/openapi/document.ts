/** The requirements of all routes, written into a document while @fastify/swagger makes it. */

import { isDeepStrictEqual } from 'node:util'
import { duplicateScheme, unguardedRoutes } from '../errors'
import { both, type Requirement } from '../requirement/combine'
import type { Route, Routes } from '../routes/routes'
import { listRoutes } from '../routes/unseen'
import type { SchemeDefinition } from '../schemes/definition'
import { ERROR_SCHEMA, completeOperation, describe, partsOf, type Description } from './operation'
import { pathsOf } from './paths'
import { observeRoute, onOperation, operationsOf, type DocumentObject, type WrittenOperation } from './swagger'

/** The documents that are being made, or were. Several registrations of the plugin may write into one. */
const documents = new WeakMap<DocumentObject, Document>()

/** Returns what is called at the start of each document. */
export function documentRoutes (routes: Routes) {
  return function onDocument (object: DocumentObject | undefined): void {
    if (object === undefined) {
      routes.registration.warnOnce('fastify-auth-schemes enforces `security`, but cannot document it in Swagger 2.0: give @fastify/swagger the option `openapi`')
      return
    }
    const document = documents.get(object) ?? new Document(object)
    documents.set(object, document)
    document.add(routes)
  }
}

/**
 * Looks at a document at boot, before any route is written into it.
 *
 * @throws `FST_AUTH_DUPLICATE_SCHEME` where the user has defined a required scheme in another way
 */
export function inspectDocument ({ all, schemes, registration }: Routes, object: DocumentObject): void {
  const own: DocumentObject = object.components.securitySchemes ?? {}
  const required = new Set(all.flatMap(({ guard }) => guard.requirement ?? []).flatMap(({ entries }) => entries.map(({ node }) => node.definition)))
  for (const { name, openapi } of required) {
    if (Object.hasOwn(own, name) && !isDeepStrictEqual(own[name], openapi)) throw duplicateScheme(name)
  }
  const undeclared = all.filter(({ guard }) => guard.requirement === null).flatMap(({ methods, url }) => methods.map((method) => ({ method, url })))
  if (schemes.isNamedIn(object.security) && undeclared.length > 0) {
    registration.warnOnce(`the root of the OpenAPI document requires ${namesIn(object.security).join(', ')}, which enforces nothing: these routes are public, and documented so: ${listRoutes(undeclared)}. Require the scheme by \`app.secure\`, and leave it out of the root`)
  }
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

  /** Takes in the routes of a registration, and the schemes that the user's own parts of the document name. */
  add (application: Routes): void {
    const { object } = this
    this.#applications.push(application)
    application.documents++
    this.#completeEarlier(application)
    const items = [object.paths, object.webhooks, object.components.pathItems].flatMap((part) => Object.values<DocumentObject>(part ?? {}))
    for (const { security } of [object, ...items.flatMap((item) => operationsOf(item).map(({ operation }) => operation))]) {
      for (const name of namesIn(security)) {
        const definition = application.schemes.definition(name)
        if (definition !== undefined) this.#use(definition)
      }
    }
    for (const route of application.all) {
      observeRoute(route.options)
      this.#byOptions.set(route.options, route)
      const schema = route.options.schema as DocumentObject | undefined
      // @fastify/swagger would look for the schemes before they are there. Fastify has taken its own reference long ago.
      if (schema !== undefined && schema !== null && 'security' in schema) {
        const { security: _, ...rest } = schema
        route.options.schema = rest
        route.isStripped = true
      }
    }
  }

  /** Operations of routes that were declared before the plugin was loaded stand there already, beside the user's own `paths`. */
  #completeEarlier ({ before }: Routes): void {
    const { object } = this
    const keys = new Set(before.flatMap(({ method, url }) => pathsOf(url, object.servers).map((path) => `${method.toLowerCase()} ${path}`)))
    for (const [path, item] of Object.entries<DocumentObject>(object.paths)) {
      for (const { place, key, operation } of operationsOf(item)) {
        const name = `${key} ${path}`
        if (!keys.has(name) || this.#written.has(name)) continue
        // It must not show a lock that nothing enforces.
        if (this.#isOurs(operation.security)) throw unguardedRoutes(name, 'await the registration of fastify-auth-schemes before the route is declared')
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
    const [entry] = requirement?.flatMap(({ entries }) => entries) ?? []
    return completeOperation({ ...operation, ...partsOf(options, this.object) }, description, this.object, entry === undefined ? '' : this.#refToError(entry.node.registration.errorSchema))
  }

  /** Returns where the schema of an error's body stands: under a name that the user's schemas leave free. */
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

  /** A copy that @fastify/swagger made of a HEAD route before it was observed is known by its path, where its GET route stands, too. */
  #routesAt (method: string, path: string): Iterable<Route> {
    if (method !== 'head') return []
    const { servers } = this.object
    return this.#written.get(`get ${path}`) ?? this.#applications.flatMap(({ all }) => all)
      .filter(({ methods, url }) => methods.includes('HEAD') && pathsOf(url, servers).includes(path))
  }

  /** Returns true where a list of requirements names a scheme that was made here. */
  #isOurs (security: unknown): boolean {
    return this.#applications.some(({ schemes }) => schemes.isNamedIn(security))
  }

  /** A route that was not seen is not locked by the root of the document. */
  #withoutRootLock (operation: DocumentObject): DocumentObject {
    return operation.security === undefined && this.#isOurs(this.object.security) ? { ...operation, security: [] } : operation
  }

  /** Returns the same for the same requirement, which many routes share. */
  #describe (requirement: Requirement): Description {
    const description = this.#descriptions.get(requirement) ?? describe(requirement, this.object)
    this.#descriptions.set(requirement, description)
    for (const definition of description.definitions) this.#use(definition)
    return description
  }

  #use ({ name, openapi }: SchemeDefinition): void {
    const known = Object.hasOwn(this.#schemes, name) ? this.#schemes[name] : undefined
    if (known !== undefined && !isDeepStrictEqual(known, openapi)) throw duplicateScheme(name)
    if (known !== undefined) return
    this.#schemes[name] = openapi
    const { components } = this.object
    components.securitySchemes = { ...components.securitySchemes, [name]: structuredClone(openapi) }
  }
}

function namesIn (security: unknown): string[] {
  return Array.isArray(security) ? security.flatMap((alternative: object | null) => Object.keys(alternative ?? {})) : []
}

/** Routes that differ in constraints only, or in what a path does not show, share an operation: it shows what opens all of them. */
function strictest (sum: Requirement | null, { guard: { requirement, where } }: Route): Requirement | null {
  if (sum === null || sum.length === 0) return requirement ?? sum
  return requirement === null || requirement.length === 0 || requirement === sum ? sum : both(where, sum, requirement)
}
