/**
 * The one seam to @fastify/swagger. All that we rely on and it does not document is the same in all of 9.x:
 *
 * 1. Its onRoute hook appends the options of each route to a list. They are Fastify's own copy, read again for each
 *    document. Only a HEAD route with an `operationId` is copied once more.
 * 2. For a document it goes through the list. It calls `config.swaggerTransform` of an entry, if there is one, with the
 *    `openapiObject` that it writes into; without `openapi` it writes Swagger 2.0 and passes none.
 * 3. It looks up, in `components.securitySchemes`, every scheme that `schema.security` of a route, or `security` of the
 *    root, names.
 * 4. It reads `links` of an entry's options if the entry is not hidden, before it writes the operation.
 * 5. It writes operations by `openapiObject.paths[path] = item`, where `item` has the earlier operations of that path,
 *    too.
 * 6. In Fastify's list of registered plugins it is called `@fastify/swagger`.
 */

import type { FastifyInstance, RouteOptions } from 'fastify'
import { parentOf, timesRegistered } from '../fastify-internals'

/** A part of a document, as @fastify/swagger builds it. */
export type DocumentObject = Record<string, any>

/** The argument of a `swaggerTransform`. */
interface TransformInput {
  readonly schema: unknown
  readonly url: string
  readonly openapiObject?: DocumentObject
}

/** Called before the first route is written into a document; `undefined`: it is Swagger 2.0. */
type OnDocument = (document: DocumentObject | undefined) => void
/** Called once at boot with a document that has no routes, and its context. It is not made to its end. */
type OnBoot = (document: DocumentObject, home: FastifyInstance) => void

const kProbe: unique symbol = Symbol('fastify-auth-schemes.probe')

const probeOf = (route: RouteOptions): unknown => (route.config as { [kProbe]?: unknown } | undefined)?.[kProbe]

/** Returns true for the entries of the list that never become a route. */
export const isProbe = (route: RouteOptions): boolean => probeOf(route) !== undefined

/** Finds every @fastify/swagger, and is called back by it at the start of each document. */
export class Swaggers {
  readonly #found = new Map<object, number>()

  constructor (readonly onDocument: OnDocument, readonly onBoot: OnBoot) {}

  /** True if any was found, so that a document may be made. */
  get exist (): boolean { return this.#found.size > 0 }

  /** Finds those that are registered in a context so far. */
  find (context: FastifyInstance): void {
    const registered = timesRegistered(context, '@fastify/swagger')
    const home = registeringContext(context, registered)
    if (registered <= (this.#found.get(home) ?? 0)) return
    this.#found.set(home, registered)
    addProbe(home, this.onDocument)
    // Registered behind the hook of @fastify/swagger, which makes no document before.
    home.addHook('onReady', async () => {
      const document = peek(home)
      if (document !== undefined) this.onBoot(document, home)
    })
  }
}

/** Returns the context in which the last of the registrations was made: the outermost one with that number of them. */
function registeringContext (context: FastifyInstance, registered: number): FastifyInstance {
  const parent = parentOf(context)
  if (parent === null || timesRegistered(parent, '@fastify/swagger') !== registered) return context
  return registeringContext(parent, registered)
}

/** Puts an entry into the list, and cancels it before it becomes a route. */
function addProbe (context: FastifyInstance, onDocument: OnDocument): void {
  const probe = new Error('the probe is no route')
  const cancel = (): never => { throw probe }
  // The last of the hooks: @fastify/swagger has seen the entry by then.
  context.addHook('onRoute', (route) => {
    if (probeOf(route) === probe) cancel()
  })
  function swaggerTransform ({ url, openapiObject }: TransformInput): { schema: { hide: true }, url: string } {
    if (peeked !== undefined) {
      peeked.document = openapiObject
      throw probe
    }
    onDocument(openapiObject)
    return { schema: { hide: true }, url }
  }
  try {
    context.route({
      method: 'GET',
      // A URL that nobody has: other plugins may declare more for it.
      url: '/fastify-auth-schemes',
      exposeHeadRoute: false,
      schema: { hide: true } as object,
      config: { [kProbe]: probe, swaggerTransform } as object,
      // Other plugins may register it once more at another URL: nothing is there.
      handler: (_request, reply) => { reply.callNotFound() }
    })
  } catch (error) {
    if (error !== probe) throw error
  }
}

/** The document that `peek` stops before its first route; `undefined` at any other time. */
let peeked: { document: DocumentObject | undefined } | undefined

/** Returns a document as it is before its first route; `undefined` if that fails, or for Swagger 2.0. */
function peek (home: FastifyInstance): DocumentObject | undefined {
  const result = peeked = { document: undefined }
  try {
    (home as { swagger?: () => unknown }).swagger?.()
  } catch {
    // The error of the probe. Any other error will be thrown again when the user asks for the document.
  }
  peeked = undefined
  return result.document
}

/** The options of the route whose operation is written next. */
let next: object | undefined
const observed = new WeakSet<object>()

/** Observes which operations are written for a route. */
export function observeRoute (options: RouteOptions): void {
  if (observed.has(options)) return
  observed.add(options)
  const { links } = options as { links?: unknown }
  Object.defineProperty(options, 'links', {
    configurable: true,
    enumerable: true,
    get () {
      next = options
      return links
    }
  })
}

/** One operation, as it is written. */
export interface WrittenOperation {
  readonly operation: DocumentObject
  /** In lower case. */
  readonly method: string
  readonly path: string
  /** The options of its route, where that is observed. */
  readonly options: object | undefined
}

/**
 * Replaces operations as they are written into a document, until the current synchronous run ends. Earlier operations
 * stay as they are.
 *
 * @param complete returns the operation to write instead
 */
export function onOperation (document: DocumentObject, complete: (written: WrittenOperation) => DocumentObject): void {
  const { components, paths } = document as { components: DocumentObject, paths: Record<string, DocumentObject> }
  const operations = Object.values(paths).flatMap((item) => operationsOf(item).map(({ operation }) => operation))
  const done = new WeakSet(operations)
  const trap = new Proxy(paths, {
    set (target, path, item: DocumentObject) {
      const options = next
      next = undefined
      for (const { place, key, operation } of operationsOf(item)) {
        if (done.has(operation)) continue
        place[key] = complete({ operation, method: key.toLowerCase(), path: String(path), options })
        done.add(place[key])
      }
      return Reflect.set(target, path, item)
    }
  })
  // A `transformObject` may clone the document, which no proxy survives. A clone reads the schemas, then the paths.
  let isCloning = false
  const releaseSchemas = onRead(components, 'schemas', (value) => {
    isCloning = true
    return value
  })
  const releasePaths = onRead(document, 'paths', () => {
    const isRead = isCloning && next === undefined
    isCloning = false
    return isRead ? paths : trap
  })
  queueMicrotask(() => {
    releaseSchemas()
    releasePaths()
  })
}

/** An operation, and the object and the key under which it stands. */
export interface PlacedOperation {
  readonly place: DocumentObject
  readonly key: string
  readonly operation: DocumentObject
}

/** Returns the operations of a path item with their place in it, additional ones (OpenAPI 3.2) included. */
export function operationsOf (item: DocumentObject | null | undefined): PlacedOperation[] {
  const places: Array<DocumentObject | null | undefined> = [item, item?.additionalOperations]
  return places.flatMap((place) => Object.entries(place ?? {})
    .filter(([key, value]) => key !== 'additionalOperations' && isObject(value))
    .map(([key, operation]) => ({ place: place as DocumentObject, key, operation: operation as DocumentObject })))
}

const isObject = (value: unknown): boolean => value !== null && typeof value === 'object' && !Array.isArray(value)

/** Replaces the value of a property, when it is read, by the result of a function. Returns a function that ends it. */
function onRead (object: DocumentObject, key: string, read: (value: unknown) => unknown): () => void {
  let value: unknown = object[key]
  const common = { configurable: true, enumerable: true }
  Object.defineProperty(object, key, { ...common, get: () => read(value), set (replacement) { value = replacement } })
  // Unlike Object's, this method of Reflect does not throw for an object that was frozen meanwhile.
  return () => { Reflect.defineProperty(object, key, { ...common, writable: true, value }) }
}
