/** The metadata of protected resources (RFC 9728 section 3), a public route for each. */

import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { badOption } from '../errors'
import { printedRoutes } from '../fastify-internals'
import type { Requirement } from '../requirement/combine'
import { pathFromBase } from '../requirement/node'
import type { ResourceDefinition } from '../schemes/definition'

interface Metadata {
  readonly resource: ResourceDefinition
  /** The scopes that routes require so far. */
  readonly scopes: Set<string>
  /** Bytes: Fastify sends them as they are, while a string goes through the serializer of a reply that has one. */
  body: Buffer
}

const METHODS = ['GET', 'OPTIONS']

// The part of the absolute form (RFC 9112 section 3.2.2) in front of the path. Servers must accept that form.
const ABSOLUTE = /^https?:\/\/[^/?#]*/i

/** The protected resources of one registration of the plugin. */
export class Resources {
  readonly #byUrl = new Map<string, Metadata>()

  /**
   * @param home the context that the plugin was registered in, on which the routes are declared
   * @param prefix the prefix that the plugin was registered under
   */
  constructor (readonly home: FastifyInstance, readonly prefix: string) {}

  /**
   * Declares the route of a resource's metadata; once for several schemes of one resource.
   *
   * @param isTaken returns true for the URL of a route that the application has declared before
   * @throws {TypeError} for a prefix, for two schemes that differ at one URL, and for a URL that is taken
   */
  add (where: string, resource: ResourceDefinition, isTaken: (url: string) => boolean): void {
    const { info: { url, metadataUrl }, metadataPath } = resource
    if (this.prefix !== '') {
      throw badOption(where, `the metadata of the option \`resource\` cannot be served at ${metadataUrl}, as ` +
        `fastify-auth-schemes was registered under the prefix "${this.prefix}"; register it where there is no prefix`)
    }
    // A resource at `/` has one URL for its metadata, whether its own is written with that slash or without.
    const earlier = this.#byUrl.get(metadataPath)
    if (earlier !== undefined && !isDeepStrictEqual(earlier.resource, resource)) {
      throw badOption(where, `the option \`resource\` differs from that of another scheme for ${url}; ` +
        'give both schemes the same object')
    }
    if (earlier !== undefined) return
    const pattern = patternOf(metadataPath)
    if (isTaken(pattern)) throw taken(pattern)
    const metadata = { resource, scopes: new Set<string>(), body: Buffer.alloc(0) }
    this.#byUrl.set(metadataPath, metadata)
    for (const method of METHODS) this.home.route(metadataRoute(method, pattern, metadata))
  }

  /** @throws {TypeError} for a route of the application at the URL of a resource's metadata */
  check ({ url, config }: RouteOptions): void {
    const isAt = [...this.#byUrl.keys()].some((path) => patternOf(path) === url)
    if (isAt && !(kMetadata in (config ?? {}))) throw taken(url)
  }

  /** Adds the scopes that a requirement demands of the schemes of each resource. */
  require (requirement: Requirement): void {
    for (const { node, scopes } of requirement.flatMap(({ entries }) => entries)) {
      const { resource } = node.definition
      if (resource === null) continue
      const all = [...scopes, ...pathFromBase(node).flatMap((link) => link.scopes)]
      const metadata = this.#byUrl.get(resource.metadataPath) as Metadata
      for (const scope of all) metadata.scopes.add(scope)
    }
  }

  /**
   * Checks once all is loaded that no other route has the URL of the metadata, in any context, spelling or constraint.
   *
   * @param all the routes that the plugin has seen
   * @throws {TypeError} naming the URL
   */
  checkAll (all: ReadonlyArray<{ readonly options: RouteOptions }>): void {
    if (this.#byUrl.size === 0) return
    const own = all.map(({ options }) => options).filter(({ config }) => kMetadata in (config as object))
    const printed = printedRoutes(this.home).map(({ url }) => fold(url))
    for (const path of this.#byUrl.keys()) {
      const folded = fold(path)
      const here = own.filter(({ url }) => fold(url) === folded)
      const isMoved = here.some(({ constraints }) => constraints !== undefined)
      if (isMoved || printed.filter((url) => url === folded).length !== here.length) throw taken(path)
    }
  }

  /** Makes the body of each resource's metadata, once all requirements are known, and logs its URL. */
  finish (info: (message: string) => void): void {
    for (const metadata of this.#byUrl.values()) {
      const { resource: { info: { metadataUrl, audiences }, metadata: members }, scopes } = metadata
      const required = scopes.size === 0 ? undefined : [...scopes].sort()
      const body = { ...members, scopes_supported: members.scopes_supported ?? required }
      metadata.body = Buffer.from(JSON.stringify(body))
      info(`fastify-auth-schemes: the metadata of a protected resource is at ${metadataUrl}; ` +
        `\`aud\` must contain ${audiences.map((audience) => `"${audience}"`).join(' or ')}`)
    }
  }
}

const taken = (url: string): TypeError =>
  badOption('resource', `the metadata of a protected resource is served at ${url}; remove the other route of that URL`)

/** Returns the pattern of Fastify's router for a path: a colon would begin a parameter. */
const patternOf = (path: string): string => path.replaceAll(':', '::')

/** Returns a URL as the router may read it: in any case, with and without slashes at the end, colons escaped or not. */
const fold = (url: string): string => url.toLowerCase().replace(/:+/g, ':').replace(/\/+/g, '/').replace(/\/$/, '')

/** Marks the routes of metadata in their `config`. */
const kMetadata: unique symbol = Symbol('fastify-auth-schemes.metadata')

function metadataRoute (method: string, pattern: string, metadata: Metadata): RouteOptions {
  function handler (request: FastifyRequest, reply: FastifyReply): unknown {
    // The router may take other spellings, which other resources would have.
    const [path] = (request.raw.url as string).replace(ABSOLUTE, '').split('?')
    if (path !== metadata.resource.metadataPath) return reply.callNotFound()
    reply.header('access-control-allow-origin', '*')
    if (method === 'OPTIONS') return preflight(request, reply)
    return reply.type('application/json; charset=utf-8').send(metadata.body)
  }
  // The route has its own CORS headers: @fastify/cors adds none.
  const config = { cors: false, [kMetadata]: true } as RouteOptions['config']
  return { method, url: pattern, security: [], schema: { hide: true }, config, handler } as RouteOptions
}

function preflight ({ headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const requested = headers['access-control-request-headers']
  if (requested !== undefined) reply.header('access-control-allow-headers', requested)
  return reply.code(204).header('access-control-allow-methods', 'GET, HEAD')
    .header('vary', 'access-control-request-headers').send()
}
