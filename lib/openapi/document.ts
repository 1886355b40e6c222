/**
 * The requirements of all routes, told to @fastify/swagger while it renders a document.
 *
 * @fastify/swagger asks `prepare` before the first route. It marks each route's schema; the operations that come out of the rendering carry the
 * mark, through the user's own `transform` too, and are completed before `transformObject`, the JSON and the YAML are made.
 */

import { isDeepStrictEqual } from 'node:util'
import { duplicateScheme, unguardedRoutes } from '../errors'
import type { SchemeDefinition } from '../schemes/definition'
import { both, type Groups } from '../security/normalize'
import { isHidden, type Route, type Routes } from '../security/routes'
import { MARK, completeOperation, tell, type DocumentObject, type Told } from './operation'
import { pathsOf } from './paths'

/** What @fastify/swagger gives a `swaggerTransform`; without `openapiObject` it writes Swagger 2.0. */
export interface TransformInput { readonly schema: unknown, readonly url: string, readonly openapiObject?: DocumentObject }

/** The documents that are being rendered, or were. Several registrations of the plugin may write into one. */
const rendered = new WeakMap<DocumentObject, Rendering>()

/** @param warn called once where a document is Swagger 2.0, which cannot carry the requirements */
export function createPrepare (application: Routes, warn: (message: string) => void) {
  const schemas = new Map<Route, object | undefined>()
  let warned = false

  return function prepare ({ url, openapiObject }: TransformInput): { schema: { hide: true }, url: string } {
    if (openapiObject === undefined && !warned) {
      warned = true
      warn('fastify-auth-schemes enforces `security`, but cannot document it in Swagger 2.0: give @fastify/swagger the option `openapi`')
    }
    const rendering = openapiObject === undefined ? undefined : renderingOf(openapiObject)
    rendering?.add(application)
    for (const route of application.all) {
      const options: { schema?: object } = route.options
      if (!schemas.has(route)) schemas.set(route, options.schema)
      const schema = withoutSecurity(schemas.get(route))
      // A `transform` may hide what has no schema, so a route without requirements is not given one.
      const isMarked = rendering !== undefined && (schema !== undefined || route.declaration.groups !== null)
      // Fastify has taken its own reference long ago: this one only @fastify/swagger and the user's `transform` read.
      options.schema = isMarked ? { ...schema, [MARK]: rendering.mark(route) } : schema
    }
    return { schema: { hide: true }, url }
  }
}

/** What is enforced is written into the operation; @fastify/swagger would look for the schemes before they are there. */
function withoutSecurity (schema: object | undefined): object | undefined {
  if (schema === undefined || !('security' in schema)) return schema
  const { security: _, ...rest } = schema
  return rest
}

function renderingOf (document: DocumentObject): Rendering {
  const known = rendered.get(document) ?? new Rendering(document)
  rendered.set(document, known)
  return known
}

/** One document, from the first route until it is done. */
class Rendering {
  readonly #applications: Routes[] = []
  readonly #marked: Route[] = []
  readonly #byPath = new Map<string, Route[]>()
  /** Where each route may be found, as `get /items`. */
  readonly #keys = new Map<Route, readonly string[]>()
  /** Where each route was found. */
  readonly #found = new Map<Route, string[]>()
  readonly #ready = new WeakSet<DocumentObject>()
  /** The schemes that the user wrote, and those that were added. */
  readonly #own: DocumentObject
  readonly #used = new Map<string, unknown>()
  readonly #told = new Map<Groups, Told>()

  constructor (readonly document: DocumentObject) {
    this.#own = document.components.securitySchemes ?? {}
    callOnRead(document.components, 'schemas', () => { this.complete() })
  }

  /** Takes a registration's routes in, and the schemes that the document requires at its root. */
  add (application: Routes): void {
    this.#applications.push(application)
    for (const name of Object.keys(Object.assign({}, ...this.document.security ?? []))) {
      const definition = application.schemes.definition(name)
      if (definition !== undefined) this.#use(definition)
    }
    for (const route of application.all) {
      const keys = route.methods.flatMap((method) => pathsOf(route.url, this.document.servers).map((path) => `${method.toLowerCase()} ${path}`))
      this.#keys.set(route, keys)
      // What is hidden shares no operation.
      if (!isHidden(route)) for (const key of keys) append(this.#byPath, key, route)
    }
  }

  mark (route: Route): number {
    return this.#marked.push(route) - 1
  }

  /** Completes the operations that are there and not completed yet. */
  complete (): void {
    const found: Array<{ readonly place: DocumentObject, readonly key: string, readonly name: string, readonly route: Route }> = []
    for (const [path, item] of Object.entries<DocumentObject>(this.document.paths)) {
      for (const place of item.additionalOperations === undefined ? [item] : [item, item.additionalOperations]) {
        for (const key of Object.keys(place)) {
          const name = `${key.toLowerCase()} ${path}`
          const route = this.#routeOf(name, place[key])
          if (route === undefined) {
            this.#tellUnguarded(name, place[key])
            continue
          }
          found.push({ place, key, name, route })
          append(this.#found, route, name)
        }
      }
    }
    for (const { place, key, name, route } of found) {
      place[key] = completeOperation(place[key], this.#tell(this.#groupsOf(name, route)), this.document)
      this.#ready.add(place[key])
    }
  }

  /** The route of an operation: by its mark, or by its address where a `transform` lost the mark, or @fastify/swagger made a copy before it was there. */
  #routeOf (name: string, operation: unknown): Route | undefined {
    if (operation === null || typeof operation !== 'object' || this.#ready.has(operation)) return undefined
    const mark = (operation as DocumentObject)[MARK]
    return mark === undefined ? this.#byPath.get(name)?.at(-1) : this.#marked[mark]
  }

  /** An operation of a route that was never seen must not show a lock that nothing enforces, be it the document's own. */
  #tellUnguarded (name: string, operation: DocumentObject | null): void {
    if (operation === null || typeof operation !== 'object' || this.#ready.has(operation)) return
    if (this.#isOurs(operation.security)) throw unguardedRoutes(name, 'await the registration of fastify-auth-schemes before the route is declared')
    if (operation.responses !== undefined && operation.security === undefined && this.#isOurs(this.document.security)) operation.security = []
  }

  /** Whether a list of requirements names a scheme that was made here. */
  #isOurs (security: unknown): boolean {
    return this.#applications.some(({ schemes }) => schemes.isNamedIn(security))
  }

  /** The same for the same groups, which many routes share. */
  #tell (groups: Groups | null): Told | null {
    if (groups === null) return null
    const known = this.#told.get(groups)
    if (known !== undefined) return known
    const told = tell(groups, this.document)
    for (const definition of told.definitions) this.#use(definition)
    this.#told.set(groups, told)
    return told
  }

  /** What opens all the routes that one operation stands for: routes that differ in constraints only, or in what a path does not show. */
  #groupsOf (name: string, route: Route): Groups | null {
    const method = name.slice(0, name.indexOf(' ') + 1)
    const sharing = (this.#keys.get(route) as readonly string[]).filter((key) => key.startsWith(method)).flatMap((key) => this.#byPath.get(key) as Route[])
    if (sharing.every((other) => other === route)) return route.declaration.groups
    const routes = sharing.filter((other) => (this.#found.get(other) ?? [name]).some((place) => place === name || !place.startsWith(method)))
    return [...new Set([...routes, route])].reduce<Groups | null>(strictest, null)
  }

  #use ({ name, openapi }: SchemeDefinition): void {
    const { components } = this.document
    const known = this.#used.get(name) ?? (Object.hasOwn(this.#own, name) ? this.#own[name] : undefined)
    if (known !== undefined && !isDeepStrictEqual(known, openapi)) throw duplicateScheme(name)
    if (known !== undefined) return
    this.#used.set(name, openapi)
    components.securitySchemes = { ...components.securitySchemes, [name]: structuredClone(openapi) }
  }
}

function append<Key, Value> (lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

function strictest (sum: Groups | null, { declaration: { groups: further } }: Route): Groups | null {
  if (sum === null || sum.length === 0) return further ?? sum
  return further === null || further.length === 0 ? sum : both(sum, further)
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
  // Reflect: a document that was frozen meanwhile keeps the accessor.
  queueMicrotask(() => { Reflect.defineProperty(object, key, { configurable: true, enumerable: true, writable: true, value }) })
}
