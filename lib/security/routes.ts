/** The routes of an application: what each requires, and the hooks that enforce it. */

import type { HTTPMethods, RouteOptions } from 'fastify'
import { badSecurity, unknownScheme } from '../errors'
import { asLifecycleHook, enforce, extractAhead } from '../request/hook'
import { soleGroups, toRequirement, type Requirement, type SchemeNode } from '../request/requirement'
import { nodeOfHook } from '../request/scheme'
import type { HookName } from '../../types/options'
import { add, Contexts } from './contexts'
import { normalize, type Groups } from './normalize'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

// Passes every request. Only routes that say nothing, stand in no secured context, or are public, get it.
const NOTHING: Requirement = { alternatives: [], optional: true, size: 0, challenges: [] }

/** One route, as it was declared. */
export interface Route {
  /** Fastify's own copy of the options, which @fastify/swagger holds too. */
  readonly options: RouteOptions
  readonly method: HTTPMethods | HTTPMethods[]
  readonly url: string
  /** What is enforced by hook and by the schemes in the route's own hooks: `null` says nothing, `[]` is public. Known once all is loaded. */
  readonly groups: () => Groups | null
}

/** The routes of one registration of the plugin. */
export class Routes {
  readonly contexts = new Contexts()
  readonly all: Route[] = []
  readonly #owner: object
  readonly #hook: HookName

  constructor (owner: object, hook: HookName) {
    this.#owner = owner
    this.#hook = hook
  }

  /** Checks a route's `security` and puts the hook that enforces it in front of the route's own. */
  add (context: object, options: RouteOptions): Route {
    const { method, url } = options
    const where = `${[method].flat().join(',')} ${url}`
    const own = 'security' in options ? normalize(where, options.security, this.#owner) : null
    const inHooks = schemesInHooks(where, options, this.#owner)
    const required = once(() => add(where, this.contexts.of(context, where), own))
    const groups = once(() => inHooks.reduce((sum, { node }) => add(where, sum, soleGroups(node)), required()))
    const route: Route = { options, method, url, groups }
    if (own?.length !== 0) this.#guard(options, once(() => requirementOf(required())))
    const late = inHooks.filter(({ hook }) => hook === 'preHandler').map(({ node }) => soleGroups(node))
    if (late.length > 0) prepend(options, 'onRequest', extractAhead(once(() => toRequirement(late.flat()))))
    this.all.push(route)
    return route
  }

  /** Resolves every route once all is loaded, so that what is wrong fails the boot and not a request. */
  finish (warn: (message: string) => void): void {
    const unchecked = new Set(this.all.flatMap(({ groups }) => toRequirement(groups() ?? []).alternatives)
      .flatMap(({ members }) => members)
      .filter(({ definition, scopes }) => scopes.length > 0 && definition.verify === undefined)
      .map(({ definition }) => definition.name))
    if (unchecked.size > 0) {
      warn(`Routes require scopes of ${[...unchecked].join(', ')}, which has no \`verify\`: the scopes are documented, but nobody checks them`)
    }
  }

  #guard (options: RouteOptions, requirement: () => Requirement): void {
    prepend(options, this.#hook, asLifecycleHook(this.#hook, enforce(requirement)))
    if (this.#hook === 'preHandler') prepend(options, 'onRequest', extractAhead(requirement))
  }
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
    if (node.owner !== owner) throw unknownScheme(where, `the scheme "${name}" belongs to another application or to another registration of the plugin`)
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
