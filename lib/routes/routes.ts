/** The routes of an application, and the guards that are attached to them. */

import type { FastifyInstance, RouteOptions } from 'fastify'
import { badOption, badSecurity, undeclaredRoutes, unguardedRoutes } from '../errors'
import { parentsOf } from '../fastify-internals'
import { kGuard } from '../request/hook'
import { SchemesByName } from '../requirement/by-name'
import type { Requirement } from '../requirement/combine'
import { isVerified, type Registration } from '../requirement/node'
import { readSecurity } from '../requirement/read'
import type { ResourceDefinition, SchemeDefinition } from '../schemes/definition'
import type { HookName } from '../../types/options'
import { Contexts } from './contexts'
import { Guard, keyOf, type SchemeInHook } from './guard'
import { checkIntegrity } from './integrity'
import { notFoundGuards, type InstanceHook } from './not-found'
import { PublicUrls } from './public-urls'
import { removeQueryKeys } from './query-keys'
import { Resources } from './resources'
import { declareHooks, schemesInHooks } from './scheme-hooks'
import { listRoutes, securityOf, noteSeen, type Surroundings } from './unseen'

type Log = Readonly<Record<'info' | 'warn', (message: string) => void>>

/** One route, as it was declared. */
export interface Route {
  /**
   * Fastify's copy of the options, which @fastify/swagger holds, too. Without @fastify/swagger only the parts that the
   * list of routes needs are kept.
   */
  options: RouteOptions
  readonly methods: readonly string[]
  readonly url: string
  /** The encapsulation context that the route was declared in. */
  readonly context: FastifyInstance
  readonly guard: Guard
  /** True once the guard is among the route's hooks. Public routes outside of secured contexts need none. */
  isGuarded: boolean
  /** True once a document has removed `schema.security` from the options. */
  isStripped: boolean
  /** True once an operation was written for the route. */
  isDocumented: boolean
  /** True if the plugin option `public` names the route. */
  readonly isPublicByOption: boolean
}

/** The routes of one registration of the plugin. */
export class Routes {
  readonly contexts = new Contexts()
  readonly schemes = new SchemesByName()
  readonly all: Route[] = []
  readonly unseen: Surroundings['unseen']
  readonly unseenHere: Surroundings['unseenHere']
  /** The number of documents that were made so far. */
  documents = 0
  readonly #resources: Resources
  readonly #guards = new WeakMap<object, Map<string, Guard>>()
  readonly #withNotFoundGuards = new WeakSet<object>()
  #finished = false
  #failedSecure: unknown

  constructor (
    readonly registration: Registration,
    readonly hook: HookName,
    /** The context that the plugin was registered in. */
    readonly home: FastifyInstance,
    { unseen, unseenHere }: Pick<Surroundings, 'unseen' | 'unseenHere'>,
    readonly publicUrls = new PublicUrls([]),
    prefix = home.prefix
  ) {
    this.unseen = unseen
    this.unseenHere = unseenHere
    this.contexts.seen.add(home)
    this.#resources = new Resources(home, prefix)
  }

  /** True once all is loaded and every route was resolved. */
  get finished (): boolean { return this.#finished }

  /** Adds a child context. */
  addContext (context: object): void { this.contexts.seen.add(context) }

  /** Declares the route of the metadata of a protected resource. */
  addResource (where: string, resource: ResourceDefinition): void {
    this.#resources.add(where, resource, (url) => [...this.unseen, ...this.all].some((route) => route.url === url))
  }

  /** Checks a route's `security`, and attaches its guard if one is needed so far. */
  add (context: FastifyInstance, options: RouteOptions): void {
    const { url } = options
    this.#resources.check(options)
    const methods = Array.isArray(options.method) ? options.method : [options.method]
    const where = whereOf(methods, url)
    const written = this.#readRequirement(where, options)
    const inHooks = schemesInHooks(where, options, this.registration)
    const isPublicByOption = written === null && inHooks.length === 0 && this.publicUrls.includes(url)
    const declared = isPublicByOption ? [] : written
    const guard = this.#guardOf(where, context, declared, inHooks)
    const state = { isGuarded: false, isStripped: false, isDocumented: false }
    const route: Route = { options, methods, url, context, guard, ...state, isPublicByOption }
    declareHooks(options, inHooks)
    if (inHooks.length > 0) removeQueryKeys(options, context, () => guard.requirement)
    options.config = { ...options.config, [kGuard]: guard } as typeof options.config
    if ((declared !== null && declared.length > 0) || this.contexts.declares(context)) attach(route, this.hook)
    this.all.push(route)
    for (const method of methods) noteSeen(context, `${method} ${url}`)
  }

  /** Adds a requirement to every route of a context and its children, those that were declared before included. */
  secure (context: FastifyInstance, security: unknown): void {
    try {
      this.#secure('secure', context, security)
    } catch (error) {
      // Caught by the application, it would leave the context open.
      this.#failedSecure ??= error
      throw error
    }
  }

  #secure (where: string, context: FastifyInstance, security: unknown): void {
    const requirement = readSecurity(where, security, this.registration)
    if (requirement.length > 0 && !this.contexts.seen.has(context)) {
      throw unguardedRoutes('a context that was created before fastify-auth-schemes was loaded',
        'register the plugin before the context')
    }
    if (requirement.length > 0 && context === this.home && this.unseenHere.length > 0) {
      throw unguardedRoutes(listRoutes(this.unseenHere),
        'await the registration of fastify-auth-schemes before these routes are declared')
    }
    this.contexts.declare(context, requirement, where)
    if (requirement.length > 0) this.#guardNotFound(context)
    for (const route of this.all) {
      if ([route.context, ...parentsOf(route.context)].includes(context)) attach(route, this.hook)
    }
  }

  /** Resolves every route once all is loaded, so that a mistake fails the boot and not a request. */
  finish (log: Log, isDocumented: boolean): void {
    if (this.#failedSecure !== undefined) throw this.#failedSecure
    this.contexts.seal()
    this.#resources.checkAll(this.all)
    for (const route of this.all) {
      const where = whereOf(route.methods, route.url)
      route.guard.resolve()
      const { options, options: { url, schema } } = route
      const isRemoved = route.isStripped && !isByName(options)
      const written = isRemoved ? undefined : this.#readRequirement(where, options)
      const declared = written === null && route.isPublicByOption ? [] : written
      checkIntegrity(where, route, this.hook, declared, schemesInHooks(where, options, this.registration))
      if (!isDocumented) route.options = { url, schema } as RouteOptions
    }
    this.publicUrls.check()
    this.#checkDeclared(log)
    const guards = [...new Set(this.all.map(({ guard }) => guard))]
    for (const { requirement } of guards) this.#resources.require(requirement ?? [])
    this.#resources.finish((message) => { log.info(message) })
    const unverified = new Map(guards.map((guard) => [guard, unverifiedOf(guard.requirement)]))
    this.#checkVerified(log, unverified)
    this.#checkMiddleware(log)
    log.info(`fastify-auth-schemes: ${this.#summary(unverified)}`)
    this.#finished = true
  }

  /** Throws for undeclared routes if the option `explicit` is set. Logs routes that were not seen. */
  #checkDeclared (log: Log): void {
    const undeclared = this.all.filter((route) => route.guard.requirement === null && !isPreflight(route))
      .flatMap(({ methods, url }) => methods.map((method) => ({ method, url })))
    if (this.registration.explicit && this.unseenHere.length + undeclared.length > 0) {
      throw undeclaredRoutes(listRoutes([...this.unseenHere, ...undeclared]))
    }
    if (this.unseen.length > 0) {
      log.info('fastify-auth-schemes was loaded after these routes were declared, ' +
        `so it enforces nothing of their \`security\`: ${listRoutes(this.unseen)}`)
    }
  }

  /** Logs, or refuses with `explicit`, required schemes whose credentials are not verified, unless on purpose. */
  #checkVerified (log: Log, unverified: ReadonlyMap<Guard, readonly SchemeDefinition[]>): void {
    const required = [...new Set([...unverified.values()].flat())]
    const accidental = required.filter(({ extractionOnly }) => !extractionOnly).map(({ name }) => name)
    if (accidental.length === 0) return
    const names = [...new Set(accidental)].map((name) => `"${name}"`).join(', ')
    const message = `routes require ${names}, whose credentials are not verified: ` +
      'give the scheme a `verify`, or `verify: false` where the handler verifies them'
    if (this.registration.explicit) throw badOption('authSchemes', message)
    log.warn(message)
  }

  /** Logs middleware in secured contexts: it runs in front of all guards, and may send a response. */
  #checkMiddleware (log: Log): void {
    const isSecured = (context: object): boolean => (this.contexts.of(context, 'secure') ?? []).length > 0
    if (![...this.contexts.seen].some((context) => 'use' in context && isSecured(context))) return
    log.warn('a secured context has `use`, of @fastify/middie or @fastify/express: ' +
      'a middleware that responds by itself is not guarded. ' +
      'Register it in a context of its own, or let it run in a later hook ' +
      '(`hook: \'preHandler\'` of @fastify/middie, `expressHook` of @fastify/express)')
  }

  #summary (unverified: ReadonlyMap<Guard, readonly SchemeDefinition[]>): string {
    const routes = this.all.filter(({ methods }) => !methods.includes('HEAD') || methods.length > 1)
    const open = routes.filter(({ guard }) => isPublic(guard.requirement))
    const extracted = routes.filter(({ guard }) => (unverified.get(guard) as SchemeDefinition[]).length > 0)
    return `${routes.length} routes, ${open.length} public, ${extracted.length} with credentials that are not verified`
  }

  /** Adds the guards of unknown URLs to a context. Fastify adds them to its children, too. */
  #guardNotFound (context: FastifyInstance): void {
    if ([context, ...parentsOf(context)].some((each) => this.#withNotFoundGuards.has(each))) return
    this.#withNotFoundGuards.add(context)
    for (const { name, hook } of this.#notFound ??= notFoundGuards(this.hook, this.contexts)) {
      context.addHook(name as 'onRequest', hook as any)
    }
  }

  #notFound: readonly InstanceHook[] | undefined

  /** Returns the requirement in a route's options; `null` if they have none. */
  #readRequirement (where: string, options: RouteOptions): Requirement | null {
    if ('security' in options) {
      if (isByName(options)) {
        throw badSecurity(where, 'the route has both `security` and `schema.security`; keep one of them')
      }
      return readSecurity(where, options.security, this.registration)
    }
    if (!isByName(options)) return null
    const security = this.schemes.toSecurity(where, securityOf(options.schema as object))
    return readSecurity(where, security, this.registration)
  }

  #guardOf (
    where: string, context: object, declared: Requirement | null, inHooks: readonly SchemeInHook[]
  ): Guard {
    if (inHooks.length > 0) return new Guard(where, this.hook, this.contexts, context, declared, inHooks)
    const guards = this.#guards.get(context) ?? new Map<string, Guard>()
    this.#guards.set(context, guards)
    const key = keyOf(declared)
    const guard = guards.get(key) ?? new Guard(where, this.hook, this.contexts, context, declared, inHooks)
    guards.set(key, guard)
    return guard
  }
}

const whereOf = (methods: readonly string[], url: string): string => `${methods.join(',')} ${url}`

function isByName ({ schema }: RouteOptions): boolean {
  return schema !== undefined && schema !== null && 'security' in (schema as object)
}

/** Returns true for the route that @fastify/cors declares for preflight requests. */
function isPreflight ({ methods, url, options }: Route): boolean {
  return methods.every((method) => method === 'OPTIONS') && (url === '*' || url.endsWith('/*')) &&
    (options.schema as { hide?: unknown } | undefined)?.hide === true
}

/** Returns true if a request without any credentials is accepted. */
export function isPublic (requirement: Requirement | null): boolean {
  return requirement === null || requirement.length === 0 || requirement.some(({ entries }) => entries.length === 0)
}

/** Returns the definitions of required schemes whose credentials are not verified in at least one alternative. */
export function unverifiedOf (requirement: Requirement | null): SchemeDefinition[] {
  const bases = (requirement ?? []).flatMap(({ entries }) => entries
    .filter(({ node }) => !entries.some((other) => other.node.base === node.base && isVerified(other.node)))
    .map(({ node }) => node.definition))
  return [...new Set(bases)]
}

/** Puts the guard in front of the route's own hooks. The user's array is not written to: a HEAD route shares it. */
function attach (route: Route, name: HookName): void {
  if (route.isGuarded) return
  route.isGuarded = true
  const { options, context, guard } = route
  if (guard.inHooks.length === 0) removeQueryKeys(options, context, () => guard.requirement)
  const hooks = options as unknown as Record<HookName, unknown>
  hooks[name] = [guard.hook, ...[hooks[name] ?? []].flat()]
}
