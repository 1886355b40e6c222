/** The routes of an application: what each requires, and the hooks that enforce it. */

import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { badSecurity, foreignScheme, undeclaredRoutes, unguardedRoutes } from '../errors'
import { enforce, extractAhead, type Hook } from '../request/hook'
import { membersOf, soleGroups, toRequirement, type Requirement, type SchemeNode } from '../request/requirement'
import { nodeOfHook } from '../request/scheme'
import type { HookName } from '../../types/options'
import { SchemesByName } from './by-name'
import { Contexts } from './contexts'
import { Declaration, keyOf, requirementOf, type SchemeInHook } from './declaration'
import { listed, type PrintedRoute } from './early'
import { normalize, type Groups } from './normalize'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
/** In these the handler has run, or will not run. */
const OTHER_HOOKS = ['preSerialization', 'onSend', 'onResponse', 'onError', 'onTimeout', 'onRequestAbort'] as const

/** Marks, in its `config`, a route that was seen. */
const kSeen: unique symbol = Symbol('fastify-auth-schemes.seen')

type Log = Readonly<Record<'info' | 'warn', (message: string) => void>>

/** One route, as it was declared. */
export interface Route {
  /** Fastify's own copy of the options, which @fastify/swagger holds too. Where nobody documents them, only what the list of routes needs is kept. */
  options: RouteOptions
  readonly methods: readonly string[]
  readonly url: string
  /** The encapsulation context that it was declared in. */
  readonly context: object
  readonly declaration: Declaration
  /** What was read of the options, to see at the end whether it still stands there. */
  readonly read: { readonly security: unknown, readonly byName: unknown, readonly inHooks: number }
}

/** The routes of one registration of the plugin. */
export class Routes {
  readonly contexts = new Contexts()
  readonly schemes = new SchemesByName()
  readonly all: Route[] = []
  readonly #declarations = new WeakMap<object, Map<string, Declaration>>()
  #finished = false

  constructor (
    readonly owner: object,
    readonly hook: HookName,
    /** The context that the plugin was registered in. */
    readonly home: object,
    /** The routes of that context that were declared before. */
    readonly early: readonly PrintedRoute[],
    /** Whether there were routes or contexts before, so that not all routes may be seen. */
    readonly mayMissRoutes: boolean
  ) {
    this.contexts.add(home)
  }

  /** Whether all is loaded and every route was resolved. */
  get finished (): boolean { return this.#finished }

  /** Checks a route's `security` and puts the hook that enforces it in front of the route's own. */
  add (context: object, options: RouteOptions): void {
    const { url } = options
    const methods = Array.isArray(options.method) ? options.method : [options.method]
    const where = whereOf(methods, url)
    const own = this.#ownSecurity(where, options)
    const inHooks = schemesInHooks(where, options, this.owner)
    const declaration = this.#declarationOf(where, context, own, inHooks)
    if (own?.length !== 0) this.#guard(options, declaration)
    const late = inHooks.filter(({ hook }) => hook === 'preHandler').flatMap(({ node }) => soleGroups(node))
    if (late.length > 0) {
      const requirement = toRequirement(late)
      prepend(options, 'onRequest', extractAhead(() => requirement))
    }
    if (this.mayMissRoutes) options.config = { ...options.config, [kSeen]: true } as typeof options.config
    const read = { security: securityOf(options), byName: securityOf(options.schema), inHooks: inHooks.length }
    this.all.push({ options, methods, url, context, declaration, read })
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
  finish (explicit: boolean, log: Log, documented: boolean): void {
    this.#finished = true
    this.contexts.seal()
    for (const route of this.all) {
      this.#check(route)
      const { url, schema } = route.options
      if (!documented) route.options = { url, schema } as RouteOptions
    }
    const undeclared = this.all.filter(({ declaration }) => declaration.groups === null)
      .flatMap(({ methods, url }) => methods.map((method) => ({ method, url })))
    if (explicit && this.early.length + undeclared.length > 0) throw undeclaredRoutes(listed([...this.early, ...undeclared]))
    if (this.early.length > 0) {
      log.info(`fastify-auth-schemes was loaded after these routes were declared, so it enforces nothing of what they say: ${listed(this.early)}`)
    }
    const unchecked = new Set([...new Set(this.all.map(({ declaration }) => declaration))].flatMap(({ requirement }) => membersOf(requirement))
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
   * @returns the hook, and one for `preHandler`, which is all that `reply.callNotFound()` runs
   */
  guardContext (): { readonly guard: Hook, readonly guardCallNotFound: Hook } {
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
      return (groups !== null && groups.length > 0) || this.schemes.isNamedIn(securityOf(schema as object | undefined))
    }
    const { mayMissRoutes } = this
    const asked = new WeakSet<FastifyRequest>()
    function authSchemesNotFound (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
      asked.add(request)
      guard(request, reply, done)
    }
    function authSchemesContext (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
      if (request.is404) authSchemesNotFound(request, reply, done)
      else if (mayMissRoutes && isUnguarded(request)) {
        done(unguardedRoutes(`${request.method} ${String(request.routeOptions.url)}`, 'await the registration of fastify-auth-schemes before the route is declared'))
      } else done()
    }
    function authSchemesCallNotFound (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
      if (request.is404 && !asked.has(request)) authSchemesNotFound(request, reply, done)
      else done()
    }
    return { guard: authSchemesContext, guardCallNotFound: authSchemesCallNotFound }
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

  #declarationOf (where: string, context: object, own: Groups | null, inHooks: readonly SchemeInHook[]): Declaration {
    if (inHooks.length > 0) return new Declaration(where, this.hook, this.contexts, context, own, inHooks)
    const known = this.#declarations.get(context) ?? new Map<string, Declaration>()
    this.#declarations.set(context, known)
    const key = keyOf(own)
    const declaration = known.get(key) ?? new Declaration(where, this.hook, this.contexts, context, own, inHooks)
    known.set(key, declaration)
    return declaration
  }

  #guard (options: RouteOptions, { guard, extract }: Declaration): void {
    prepend(options, this.hook, guard)
    if (this.hook === 'preHandler') prepend(options, 'onRequest', extract)
  }

  /** What another plugin's onRoute hook takes away, or asks for, after ours has run would not be enforced. */
  #check ({ options, methods, url, declaration, read }: Route): void {
    const where = whereOf(methods, url)
    if (declaration.own?.length !== 0 && ![options[this.hook]].flat().includes(declaration.guard as never)) {
      throw unguardedRoutes(where, `another plugin has replaced the \`${this.hook}\` hooks of the route; it must keep those that are there`)
    }
    // The document takes `schema.security` away once it has been read.
    const byName = securityOf(options.schema)
    if (securityOf(options) !== read.security || (byName !== undefined && byName !== read.byName) || schemesInHooks(where, options, this.owner).length !== read.inHooks) {
      throw unguardedRoutes(where, 'an onRoute hook has changed what it requires; add that hook, or register the plugin that adds it, before fastify-auth-schemes')
    }
  }
}

const whereOf = (methods: readonly string[], url: string): string => `${methods.join(',')} ${url}`
/** A `security` as it was written: of a route's options, or of its schema. */
export const securityOf = (object: object | undefined | null): unknown => (object as { security?: unknown } | undefined | null)?.security

/** Whether the route is hidden in the document by `schema.hide`. */
export const isHidden = ({ options }: Route): boolean => (options.schema as { hide?: unknown } | undefined)?.hide === true

/** The schemes whose `preHandler` stands in the route's own hooks. */
function schemesInHooks (where: string, options: RouteOptions, owner: object): SchemeInHook[] {
  const found: SchemeInHook[] = []
  for (const hook of HOOKS) {
    for (const node of nodesIn(options[hook])) {
      if (hook === 'preParsing') throw misplaced(where, hook, node)
      if (node.owner !== owner) throw foreignScheme(where, node.definition.name)
      found.push({ hook, node })
    }
  }
  for (const hook of OTHER_HOOKS) {
    const [node] = nodesIn(options[hook])
    if (node !== undefined) throw misplaced(where, hook, node)
  }
  return found
}

const misplaced = (where: string, hook: string, { definition }: SchemeNode): Error =>
  badSecurity(where, `the \`preHandler\` of "${definition.name}" cannot stand in \`${hook}\`; put it into onRequest, preValidation or preHandler`)

const NONE: readonly SchemeNode[] = []

function nodesIn (hooks: unknown): readonly SchemeNode[] {
  if (hooks === undefined) return NONE
  return (Array.isArray(hooks) ? hooks : [hooks]).map(nodeOfHook).filter((node) => node !== undefined)
}

/** Puts a hook in front. The user's array is never written to: a HEAD twin gets the same one. */
function prepend (options: RouteOptions, name: HookName, hook: unknown): void {
  const hooks = options as unknown as Record<HookName, unknown>
  const own = hooks[name]
  hooks[name] = own === undefined || own === null ? [hook] : [hook, ...[own].flat()]
}
