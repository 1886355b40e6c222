/**
 * The requirements of all routes, told to @fastify/swagger while it renders a document.
 *
 * @fastify/swagger asks `prepare` before the first route. It marks each route's schema; the operations that come out of the rendering carry the
 * mark, through the user's own `transform` too, and are completed before `transformObject`, the JSON and the YAML are made.
 */

import { isDeepStrictEqual } from 'node:util'
import { duplicateScheme } from '../errors'
import type { SchemeDefinition } from '../schemes/definition'
import { add } from '../security/contexts'
import type { Groups } from '../security/normalize'
import type { Route, Routes } from '../security/routes'
import { completeOperation, schemesOf, toSecurity, type DocumentObject } from './operation'

// Extension members of a schema are copied to its operation.
const MARK = 'x-fastify-auth-schemes'

/** What @fastify/swagger gives a `swaggerTransform`; without `openapiObject` it writes Swagger 2.0. */
export interface TransformInput { readonly schema: unknown, readonly url: string, readonly openapiObject?: DocumentObject }

/** @param warn called once where the document is Swagger 2.0, which cannot carry the requirements */
export function createPrepare (application: Routes, warn: (message: string) => void) {
  const routes = application.all
  const schemas = new Map<Route, unknown>()
  let warned = false

  return function prepare ({ url, openapiObject }: TransformInput): { schema: { hide: true }, url: string } {
    if (openapiObject !== undefined) begin(openapiObject)
    else if (!warned) {
      warned = true
      warn('fastify-auth-schemes enforces `security`, but cannot document it in Swagger 2.0: give @fastify/swagger the option `openapi`')
    }
    return { schema: { hide: true }, url }
  }

  function begin (document: DocumentObject): void {
    const own: DocumentObject = document.components.securitySchemes ?? {}
    const all = new Map<string, SchemeDefinition>()
    routes.forEach((route, index) => {
      if (!schemas.has(route)) schemas.set(route, route.options.schema)
      const groups = route.groups()
      for (const definition of schemesOf(groups)) all.set(definition.name, definition)
      const marked = { ...schemas.get(route) as object, [MARK]: index }
      // Fastify has taken its own reference long ago: this one only @fastify/swagger and the user's `transform` read.
      const options: { schema?: object } = route.options
      options.schema = groups === null ? marked : { ...marked, security: toSecurity(groups, document) }
    })
    // @fastify/swagger looks every name up while it renders.
    writeSchemes(document, own, all)
    callOnRead(document.components, 'schemas', finisher(document, own, routes))
  }
}

/**
 * Makes a property call back on each read, until the current synchronous run ends. @fastify/swagger reads `components.schemas`
 * when all routes are rendered.
 */
function callOnRead (object: DocumentObject, key: string, callback: () => void): void {
  let value: unknown = object[key]
  Object.defineProperty(object, key, {
    configurable: true,
    enumerable: true,
    get () {
      callback()
      return value
    },
    set (replacement) { value = replacement }
  })
  queueMicrotask(() => {
    Object.defineProperty(object, key, { configurable: true, enumerable: true, writable: true, value })
  })
}

/** Completes the operations that are marked, each time it is called. */
function finisher (document: DocumentObject, own: DocumentObject, routes: readonly Route[]): () => void {
  const byOperation = new Map<string, Route[]>()
  for (const route of routes) {
    for (const method of route.methods) {
      const key = `${method.toLowerCase()} ${route.url}`
      byOperation.set(key, [...byOperation.get(key) ?? [], route])
    }
  }
  const used = new Map<string, SchemeDefinition>()

  function complete (method: string, operation: DocumentObject, get: DocumentObject | undefined): DocumentObject {
    // @fastify/swagger may keep a copy of a HEAD twin, made before it could be marked.
    const route = routes[operation[MARK] ?? (method === 'head' ? get?.[MARK] : undefined)]
    if (route === undefined) return operation
    // Routes that differ only in constraints share one operation: it tells what opens them all.
    const groups = (byOperation.get(`${method} ${route.url}`) ?? [route]).reduce<Groups | null>(strictest, null)
    for (const definition of schemesOf(groups)) used.set(definition.name, definition)
    const { [MARK]: _, ...rest } = operation
    return completeOperation(rest, groups, document)
  }

  return () => {
    for (const item of Object.values<DocumentObject>(document.paths)) {
      const { get, additionalOperations = {} } = item
      for (const [method, operation] of Object.entries<DocumentObject>(item)) {
        if (operation !== additionalOperations) item[method] = complete(method, operation, get)
      }
      for (const [method, operation] of Object.entries<DocumentObject>(additionalOperations)) {
        additionalOperations[method] = complete(method.toLowerCase(), operation, undefined)
      }
    }
    writeSchemes(document, own, used)
  }
}

function strictest (sum: Groups | null, route: Route): Groups | null {
  const groups = route.groups()
  const where = `${route.methods.join(',')} ${route.url}`
  return sum !== null && sum.length > 0 && groups?.length === 0 ? sum : add(where, sum, groups)
}

/** The schemes that the user wrote, then those that documented routes use. */
function writeSchemes (document: DocumentObject, own: DocumentObject, used: ReadonlyMap<string, SchemeDefinition>): void {
  const schemes = { ...own }
  for (const [name, { openapi }] of used) {
    if (Object.hasOwn(own, name) && !isDeepStrictEqual(own[name], openapi)) throw duplicateScheme(name)
    schemes[name] = structuredClone(openapi)
  }
  if (Object.keys(schemes).length > 0) document.components.securitySchemes = schemes
  else delete document.components.securitySchemes
}
