/** The routes of an application: what each requires, and the hooks that enforce it. */

import type { FastifyRequest, RouteOptions } from 'fastify'
import { badSecurity, foreignScheme, undeclaredRoutes, unguardedRoutes } from '../errors'
import { asLifecycleHook, enforce, extractAhead, type Hook } from '../request/hook'
import { membersOf, soleGroups, toRequirement, type Requirement, type SchemeNode } from '../request/requirement'
import { nodeOfHook } from '../request/scheme'
import type { HookName } from '../../types/options'
import { SchemesByName } from './by-name'
import { add, Contexts } from './contexts'
import { listed, type PrintedRoute } from './early'
import { normalize, type Groups } from './normalize'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

/** Marks, in its `config`, a route that was seen. */
const kSeen: unique symbol = Symbol('fastify-auth-schemes.seen')

// Passes every request. Only routes that say nothing and stand in no secured context, or are public, get it.
const NOTHING: Requirement = { alternatives: [], optional: true, size: 0, challenges: [] }

type Log = Readonly<Record<'info' | 'warn', (message: string) => void>>

/** One route, as it was declared. */
export interface Route {
  /** Fastify's own copy of the options, which @fastify/swagger holds too. */
  readonly options: RouteOptions
  readonly methods: readonly string[]
  readonly url: string
  /** The encapsulation context that it was declared in. */
  readonly context: object
  /** What the route itself says: `null` nothing, `[]` that it is public. */
  readonly own: Groups | null
  /** What is enforced by hook and by the schemes in the route's own hooks, contexts included. Known once all is loaded. */
  readonly groups: () => Groups | null
}

/** The routes of one registration of the plugin. */
export class Routes {
  readonly contexts = new Contexts()
  readonly schemes = new SchemesByName()
  readonly all: Route[] = []
  /** Run at the end, to see whether all that was read and put there still holds. */
  readonly #checks: Array<() => void> = []
  #finished = false

  constructor (
    readonly owner: object,
    readonly hook: HookName,
    /** The context that the plugin was registered in. */
    readonly home: object,
    /** The routes of that context that were declared before. */
    readonly early: readonly PrintedRoute[]
  ) {
    this.contexts.add(home)
  }

  /** Whether all is loaded and every route was resolved. */
  get finished (): boolean { return this.#finished }

  /** Checks a route's `security` and puts the hook that enforces it in front of the route's own. */
  add (context: object, options: RouteOptions): void {
    const { url } = options
    const methods = [options.method].flat()
    const where = `${methods.join(',')} ${url}`
    const own = this.#ownSecurity(where, options)
    const inHooks = schemesInHooks(where, options, this.owner)
    const required = once(() => {
      const around = this.contexts.of(context, where)
      // A route that names its scheme in a hook has its `request.auth` from there.
      return add(where, own === null && inHooks.length > 0 ? around?.map((group) => ({ ...group, own: null })) ?? null : around, own)
    })
    const groups = once(() => combined(where, [required(), ...inHooks.map(({ node }) => soleGroups(node))]))
    if (own?.length !== 0) this.#guard(where, options, once(() => requirementOf(required())))
    const late = inHooks.filter(({ hook }) => hook === 'preHandler').flatMap(({ node }) => soleGroups(node))
    if (late.length > 0) prepend(options, 'onRequest', extractAhead(once(() => toRequirement(late))))
    options.config = { ...options.config, [kSeen]: true } as typeof options.config
    this.#watch(where, options, inHooks.length)
    this.all.push({ options, methods, url, context, own, groups })
  }

  /** Declares what every route of a context and its children requires. */
  secure (context: object, security: unknown): void {
    const where = 'secure'
    const groups = normalize(where, security, this.owner)
    if (groups.length > 0 && !this.contexts.has(context)) {
      throw unguardedRoutes('a context that was created before fastify-auth-schemes was loaded', 'register the plugin before the context')
    }
    if (groups.length > 0 && context === this.home && this.early.length > 0) {
      throw unguardedRoutes(listed(this.early), 'await the registration of fastify-auth-schemes before these routes are declared')
    }
    this.contexts.declare(context, groups, where)
  }

  /** Resolves every route once all is loaded, so that what is wrong fails the boot and not a request. */
  finish (explicit: boolean, log: Log): void {
    this.#finished = true
    this.contexts.seal()
    for (const check of this.#checks) check()
    const undeclared = this.all.filter(({ groups }) => groups() === null)
      .flatMap(({ methods, url }) => methods.map((method) => ({ method, url })))
    if (explicit && this.early.length + undeclared.length > 0) throw undeclaredRoutes(listed([...this.early, ...undeclared]))
    if (this.early.length > 0) {
      log.info(`fastify-auth-schemes was loaded after these routes were declared, so it enforces nothing of what they say: ${listed(this.early)}`)
    }
    const unchecked = new Set(this.all.flatMap(({ groups }) => membersOf(toRequirement(groups() ?? [])))
      .filter(({ definition, scopes }) => scopes.length > 0 && definition.verify === undefined)
      .map(({ definition }) => definition.name))
    if (unchecked.size > 0) {
      log.warn(`Routes require scopes of ${[...unchecked].join(', ')}, which has no \`verify\`: the scopes are documented, but nobody checks them`)
    }
  }

  /**
   * A hook of the plugin's own context. An address without a route is answered as its context's routes are. A route that was never seen is refused
   * where it is in a secured context, or asks for a scheme by name.
   *
   * @param mayMissRoutes whether there were routes or contexts before
   */
  guardContext (mayMissRoutes: boolean): Hook {
    const required = new WeakMap<object, Requirement>()
    const guard = enforce(({ server }) => {
      const known = required.get(server) ?? requirementOf(this.contexts.of(server, 'setNotFoundHandler'))
      required.set(server, known)
      return known
    })
    const isUnguarded = (request: FastifyRequest): boolean => {
      const { config, schema } = request.routeOptions
      if (kSeen in config) return false
      const groups = this.contexts.of(request.server, request.url)
      return (groups !== null && groups.length > 0) || (schema !== undefined && this.schemes.isNamedIn((schema as { security?: unknown }).security))
    }
    return function authSchemesContext (request, reply, done) {
      if (request.is404) guard(request, reply, done)
      else if (mayMissRoutes && isUnguarded(request)) {
        done(unguardedRoutes(`${request.method} ${String(request.routeOptions.url)}`, 'await the registration of fastify-auth-schemes before the route is declared'))
      } else done()
    }
  }

  #ownSecurity (where: string, options: RouteOptions): Groups | null {
    const schema = options.schema as { security?: unknown } | undefined | null
    const byName = schema !== undefined && schema !== null && 'security' in schema
    if ('security' in options) {
      if (byName) throw badSecurity(where, 'the route has both `security` and `schema.security`; keep one of them')
      return normalize(where, options.security, this.owner)
    }
    return byName ? normalize(where, this.schemes.toSecurity(where, schema.security), this.owner) : null
  }

  #guard (where: string, options: RouteOptions, requirement: () => Requirement): void {
    const guard = asLifecycleHook(this.hook, enforce(requirement))
    prepend(options, this.hook, guard)
    if (this.hook === 'preHandler') prepend(options, 'onRequest', extractAhead(requirement))
    this.#checks.push(() => {
      if (![options[this.hook]].flat().includes(guard as never)) {
        throw unguardedRoutes(where, `another plugin has replaced the \`${this.hook}\` hooks of the route; it must keep those that are there`)
      }
    })
  }

  /** What another plugin's onRoute hook asks for after ours has run would not be enforced. */
  #watch (where: string, options: RouteOptions, inHooks: number): void {
    const securityOf = (object: object): unknown => (object as { security?: unknown }).security
    const [security, byName] = [securityOf(options), securityOf(options.schema ?? {})]
    this.#checks.push(() => {
      // The document takes `schema.security` away once it has been read.
      const now = securityOf(options.schema ?? {})
      if (securityOf(options) !== security || (now !== undefined && now !== byName) || schemesInHooks(where, options, this.owner).length !== inHooks) {
        throw unguardedRoutes(where, 'another plugin has changed what it requires in an onRoute hook; register that plugin before fastify-auth-schemes')
      }
    })
  }
}

/** What is enforced one after the other. It is what the document can say only where each part is needed. */
function combined (where: string, parts: ReadonlyArray<Groups | null>): Groups | null {
  const said = parts.filter((groups) => groups !== null && groups.length > 0)
  if (said.length > 1 && said.some((groups) => groups?.some(({ entries }) => entries.length === 0))) {
    throw badSecurity(where, 'authentication that is optional cannot be combined with a scheme in a hook of the route; require both in one `security`')
  }
  return parts.reduce((sum, groups) => add(where, sum, groups), null)
}

function requirementOf (groups: Groups | null): Requirement {
  return groups === null || groups.length === 0 ? NOTHING : toRequirement(groups)
}

/** The schemes whose `preHandler` stands in the route's own hooks. */
function schemesInHooks (where: string, options: RouteOptions, owner: object): Array<{ hook: HookName, node: SchemeNode }> {
  return HOOKS.flatMap((hook) => [options[hook] ?? []].flat().flatMap((handler) => {
    const node = nodeOfHook(handler)
    if (node === undefined) return []
    const { name } = node.definition
    if (hook === 'preParsing') throw badSecurity(where, `the \`preHandler\` of "${name}" cannot stand in \`preParsing\`; put it into onRequest, preValidation or preHandler`)
    if (node.owner !== owner) throw foreignScheme(where, name)
    return [{ hook, node }]
  }))
}

/** Puts a hook in front. The user's array is never written to: a HEAD twin gets the same one. */
function prepend (options: RouteOptions, name: HookName, hook: unknown): void {
  const hooks = options as unknown as Record<HookName, unknown>
  hooks[name] = [hook, ...[hooks[name] ?? []].flat()]
}

function once<T> (compute: () => T): () => T {
  let known: { readonly value: T } | undefined
  return () => (known ??= { value: compute() }).value
}
