/** The list of all routes with what each requires: which doors are open. */

import type { FastifyInstance } from 'fastify'
import { notReady } from './errors'
import { parentOf } from './fastify-internals'
import { toSecurity } from './openapi/operation'
import type { Requirement } from './requirement/combine'
import { pathFromBase } from './requirement/node'
import { toPlan } from './requirement/plan'
import type { Contexts } from './routes/contexts'
import { isPublic, unverifiedOf, type Route, type Routes } from './routes/routes'
import type { AuditedRoute, ContextRequirement, SecurityRequirementObject } from '../types/audit'

// Every scheme may name its scopes in this list, as in the newest OpenAPI.
const VERSION = { openapi: '3.1.0' }

/** Returns every route, in the order of declaration, one entry for each method. Routes that were declared before the plugin was loaded come first. */
export function auditRoutes (routes: Routes): AuditedRoute[] {
  if (!routes.finished) throw notReady()
  const early = routes.early.map(({ method, url }) => ({
    method, url, security: null, public: true, hidden: false, publicBy: 'before-plugin', unverified: [], derived: [], contexts: []
  } as const))
  const seen = routes.all.flatMap((route) => {
    const { requirement } = route.guard
    const publicBy = whyPublic(route)
    const audited = {
      security: requirement === null ? null : write(requirement),
      public: publicBy !== null,
      hidden: isHidden(routes, route),
      publicBy,
      unverified: unverifiedOf(requirement).map(({ name }) => name),
      derived: derivedOf(requirement),
      contexts: contextsOf(routes.contexts, route.context)
    }
    return urlsOf(route).flatMap((url) => route.methods.map((method) => ({ method, url, ...audited })))
  })
  return [...early, ...seen]
}

interface Row { readonly methods: readonly string[], readonly url: string, readonly security: string, readonly note: string, readonly hidden: boolean }

/**
 * Returns the list as a table: methods, URL, what is required, and why a route is public or what its contexts added. Methods of one URL, a URL with
 * and without a slash at its end, and hidden routes of one kind share a line.
 */
export function printSecurity (routes: readonly AuditedRoute[]): string {
  const rows = foldHidden(foldSlashes(foldMethods(routes))).map((row) => ({ ...row, methods: row.methods.join(',') }))
  const width = (column: 'methods' | 'url' | 'security'): number => rows.reduce((most, row) => Math.max(most, row[column].length), 0)
  const [methods, url, security] = [width('methods'), width('url'), width('security')]
  return rows.map((row) =>
    `${row.methods.padEnd(methods)}  ${row.url.padEnd(url)}  ${row.security.padEnd(security)}  ${row.note}`.trimEnd()).join('\n') + '\n'
}

function foldMethods (routes: readonly AuditedRoute[]): Row[] {
  const rows = routes.map((route): Row => ({
    methods: [route.method], url: route.url, security: securityText(route.security), note: noteText(route), hidden: route.hidden
  }))
  return fold(rows, ({ url, security, note, hidden }) => JSON.stringify([url, security, note, hidden]), (same) =>
    ({ ...same[0], methods: [...new Set(same.flatMap(({ methods }) => methods))].sort() }))
}

function foldSlashes (rows: readonly Row[]): Row[] {
  return fold(rows, ({ url, ...rest }) => JSON.stringify([url.replace(/(?<=.)\/$/, ''), rest]), ([first, second]) =>
    second === undefined ? first : { ...first, url: `${first.url.replace(/\/$/, '')}[/]` })
}

/** Hidden routes, such as the files of a user interface, are many. */
function foldHidden (rows: readonly Row[]): Row[] {
  return fold(rows, ({ url, methods, security, note, hidden }) => hidden ? JSON.stringify([methods, security, note]) : url + methods.join() + note, (same) => {
    const [first, second] = same
    return second === undefined ? first : { ...first, url: `${commonStart(same.map(({ url }) => url))}… (${same.length} routes)` }
  })
}

/** Unites rows of one key, where the first of them stands. */
function fold (rows: readonly Row[], keyOf: (row: Row) => string, unite: (same: readonly [Row, ...Row[]]) => Row): Row[] {
  const byKey = new Map<string, [Row, ...Row[]]>()
  for (const row of rows) {
    const same = byKey.get(keyOf(row))
    if (same === undefined) byKey.set(keyOf(row), [row])
    else same.push(row)
  }
  return [...byKey.values()].map(unite)
}

/** Returns what all URLs start with. */
function commonStart ([first = '', ...others]: readonly string[]): string {
  const end = [...first].findIndex((character, i) => others.some((other) => other[i] !== character))
  return end === -1 ? first : first.slice(0, end)
}

/** With a prefix, the route `/` has two URLs, and Fastify notes the second on the same options. */
function urlsOf ({ url, options }: Route): string[] {
  return options.url === url ? [url] : [url, options.url]
}

function whyPublic ({ isPublicByOption, guard: { own, requirement } }: Route): AuditedRoute['publicBy'] {
  if (requirement === null) return 'undeclared'
  if (requirement.length === 0) return isPublicByOption ? 'option' : own === null ? 'context' : 'security'
  return isPublic(requirement) ? 'optional' : null
}

/** A route is hidden where no document shows it. Before the first document only its own schema can hide it. */
function isHidden ({ documents, all }: Routes, route: Route): boolean {
  if ((route.options.schema as { hide?: unknown } | undefined | null)?.hide === true) return true
  // HEAD routes are shown by an option of @fastify/swagger alone; they are hidden where their GET route is.
  const shown = route.methods.includes('HEAD') ? all.filter(({ url, methods }) => url === route.url && methods.includes('GET')) : [route]
  return documents > 0 && shown.length > 0 && shown.every(({ isDocumented }) => !isDocumented)
}

function derivedOf (requirement: Requirement | null): string[] {
  const nodes = (requirement ?? []).flatMap(({ entries }) => entries.flatMap(({ node }) => pathFromBase(node)))
  return [...new Set(nodes.filter(({ verify, parent }) => parent !== null && verify !== undefined)
    .map(({ definition, verify }) => `${definition.name} ${verify?.name || 'verify'}`))]
}

function contextsOf (contexts: Contexts, context: FastifyInstance): ContextRequirement[] {
  const parent = parentOf(context)
  const { prefix, pluginName } = context
  // Fastify appends the names of plugins that share the context, and calls a function without a name by its source.
  const [name = ''] = pluginName.split(' -> ')
  const plugin = /^[\w@/.-]+$/.test(name) ? name : 'a plugin without a name'
  const declared = contexts.declaredBy(context).map((requirement) => ({ prefix: prefix === '' ? '/' : prefix, plugin, security: write(requirement) }))
  return [...parent === null ? [] : contextsOf(contexts, parent), ...declared]
}

const write = (requirement: Requirement): SecurityRequirementObject[] => requirement.length === 0 ? [] : toSecurity(toPlan(requirement), VERSION)

function securityText (security: AuditedRoute['security']): string {
  if (security === null) return '-'
  return security.length === 0 ? '[]' : security.map(alternativeText).join(' | ')
}

function alternativeText (alternative: SecurityRequirementObject): string {
  const members = Object.entries(alternative).map(([name, scopes]) => scopes.length === 0 ? name : `${name}(${scopes.join(' ')})`)
  return members.length === 0 ? '{}' : members.join(' & ')
}

const NOTES = {
  undeclared: 'public: no security declared',
  'before-plugin': 'public: declared before the plugin was loaded',
  security: 'public: security: []',
  option: 'public: plugin option `public`',
  context: 'public: secure([]) of its context',
  optional: 'public: authentication is optional'
}

function noteText ({ publicBy, unverified, derived, contexts, hidden }: AuditedRoute): string {
  return [
    ...publicBy === null ? [] : [NOTES[publicBy]],
    ...unverified.length === 0 ? [] : [`not verified: ${unverified.join(' ')}`],
    ...derived.map((check) => `with ${check}`),
    ...contexts.map((context) => `${contextText(context)}: ${securityText(context.security)}`),
    ...hidden ? ['hidden'] : []
  ].join(', ')
}

/** A context without a prefix, below the root, is named by its plugin. */
function contextText ({ prefix, plugin }: ContextRequirement): string {
  return prefix === '/' && plugin !== 'fastify' ? `secure in ${plugin}` : `secure at ${prefix}`
}
