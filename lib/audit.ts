/** The list of all routes, each with its requirement. */

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

/**
 * Returns every route, in the order of declaration, one entry for each method. Routes that were declared before the
 * plugin was loaded come first.
 */
export function auditRoutes (routes: Routes): AuditedRoute[] {
  if (!routes.finished) throw notReady()
  const unseen = routes.unseenHere.map(({ method, url }) => ({
    method,
    url,
    security: null,
    public: true,
    hidden: false,
    publicBy: 'before-plugin',
    unverified: [],
    derived: [],
    contexts: []
  } as const))
  const isHidden = hiddenIn(routes)
  const seen = routes.all.flatMap((route) => {
    const { requirement } = route.guard
    const publicBy = whyPublic(route)
    const audited = {
      security: requirement === null ? null : write(requirement),
      public: publicBy !== null,
      hidden: isHidden(route),
      publicBy,
      unverified: unverifiedOf(requirement).map(({ name }) => name),
      derived: derivedOf(requirement),
      contexts: contextsOf(routes.contexts, route.context)
    }
    return urlsOf(route).flatMap((url) => route.methods.map((method) => ({ method, url, ...audited })))
  })
  return [...unseen, ...seen]
}

interface Row {
  readonly methods: readonly string[]
  readonly url: string
  readonly security: string
  readonly note: string
  readonly hidden: boolean
}

/**
 * Returns the list as a table: methods, URL, requirement, and a note, such as the reason why a route is public. Methods
 * of one URL, a URL with and without a slash at its end, and hidden routes of one kind share a line.
 */
export function printSecurity (routes: readonly AuditedRoute[]): string {
  const rows = foldHidden(foldSlashes(foldMethods(routes))).map((row) => ({ ...row, methods: row.methods.join(',') }))
  const width = (column: 'methods' | 'url' | 'security'): number =>
    rows.reduce((most, row) => Math.max(most, row[column].length), 0)
  const [methods, url, security] = [width('methods'), width('url'), width('security')]
  const lines = rows.map((row) =>
    `${row.methods.padEnd(methods)}  ${row.url.padEnd(url)}  ${row.security.padEnd(security)}  ${row.note}`.trimEnd())
  return lines.join('\n') + '\n'
}

function foldMethods (routes: readonly AuditedRoute[]): Row[] {
  const rows = routes.map((route): Row => ({
    methods: [route.method],
    url: route.url,
    security: securityText(route.security),
    note: noteText(route),
    hidden: route.hidden
  }))
  return fold(rows, ({ url, security, note, hidden }) => JSON.stringify([url, security, note, hidden]), (same) =>
    ({ ...same[0], methods: [...new Set(same.flatMap(({ methods }) => methods))].sort() }))
}

function foldSlashes (rows: readonly Row[]): Row[] {
  return fold(rows, ({ url, ...rest }) => JSON.stringify([url.replace(/(?<=.)\/$/, ''), rest]), ([first, second]) =>
    second === undefined ? first : { ...first, url: `${first.url.replace(/\/$/, '')}[/]` })
}

/** Unites hidden routes, which are many if they are the files of a user interface. */
function foldHidden (rows: readonly Row[]): Row[] {
  const keyOf = ({ url, methods, security, note, hidden }: Row): string =>
    hidden ? JSON.stringify([methods, security, note]) : url + methods.join() + note
  return fold(rows, keyOf, (same) => {
    const [first, second] = same
    if (second === undefined) return first
    return { ...first, url: `${commonStart(same.map(({ url }) => url))}… (${same.length} routes)` }
  })
}

/** Unites rows of one key, in the place of the first of them. */
function fold (
  rows: readonly Row[], keyOf: (row: Row) => string, unite: (same: readonly [Row, ...Row[]]) => Row
): Row[] {
  const byKey = new Map<string, [Row, ...Row[]]>()
  for (const row of rows) {
    const same = byKey.get(keyOf(row))
    if (same === undefined) byKey.set(keyOf(row), [row])
    else same.push(row)
  }
  return [...byKey.values()].map(unite)
}

/** Returns the longest text that all URLs start with. */
function commonStart ([first = '', ...others]: readonly string[]): string {
  const end = [...first].findIndex((character, i) => others.some((other) => other[i] !== character))
  return end === -1 ? first : first.slice(0, end)
}

/** Returns the URLs of a route. With a prefix, `/` has two: Fastify writes the second into the options of the route. */
function urlsOf ({ url, options }: Route): string[] {
  return options.url === url ? [url] : [url, options.url]
}

function whyPublic ({ isPublicByOption, guard: { declared, requirement } }: Route): AuditedRoute['publicBy'] {
  if (requirement === null) return 'undeclared'
  if (requirement.length === 0) return isPublicByOption ? 'option' : declared === null ? 'context' : 'security'
  return isPublic(requirement) ? 'optional' : null
}

/** Returns a function that is true for routes that no document shows; before the first, for those hidden by schema. */
function hiddenIn ({ documents, all }: Routes): (route: Route) => boolean {
  const getRoutes = new Map<string, boolean>()
  for (const { url, methods, isDocumented } of all) {
    if (methods.includes('GET')) getRoutes.set(url, isDocumented || getRoutes.get(url) === true)
  }
  return function isHidden ({ options, url, methods, isDocumented }) {
    if ((options.schema as { hide?: unknown } | undefined | null)?.hide === true) return true
    // @fastify/swagger leaves out HEAD routes unless an option shows them: they are as hidden as their GET route.
    const isShown = methods.includes('HEAD') ? getRoutes.get(url) ?? true : isDocumented
    return documents > 0 && !isShown
  }
}

function derivedOf (requirement: Requirement | null): string[] {
  const nodes = (requirement ?? []).flatMap(({ entries }) => entries.flatMap(({ node }) => pathFromBase(node)))
  return [...new Set(nodes.filter(({ verify, parent }) => parent !== null && verify !== undefined)
    .map(({ definition, verify }) => `${definition.name} ${nameOf(verify)}`))]
}

/** A function that is written into the call of `derive` is called `verify`, which is no name. */
const nameOf = (verify: { readonly name: string } | undefined): string =>
  verify === undefined || ['', 'verify'].includes(verify.name) ? 'a further check' : verify.name

function contextsOf (contexts: Contexts, context: FastifyInstance): ContextRequirement[] {
  const parent = parentOf(context)
  const { prefix, pluginName } = context
  // Fastify appends the names of plugins that share the context, and calls a function without a name by its source.
  const [name = ''] = pluginName.split(' -> ')
  const plugin = /^[\w@/.-]+$/.test(name) ? name : 'a plugin without a name'
  const declared = contexts.declaredBy(context)
    .map((requirement) => ({ prefix: prefix === '' ? '/' : prefix, plugin, security: write(requirement) }))
  return [...parent === null ? [] : contextsOf(contexts, parent), ...declared]
}

const write = (requirement: Requirement): SecurityRequirementObject[] =>
  requirement.length === 0 ? [] : toSecurity(toPlan(requirement), VERSION)

function securityText (security: AuditedRoute['security']): string {
  if (security === null) return '-'
  return security.length === 0 ? '[]' : security.map(alternativeText).join(' | ')
}

function alternativeText (alternative: SecurityRequirementObject): string {
  const members = Object.entries(alternative)
    .map(([name, scopes]) => scopes.length === 0 ? name : `${name}(${scopes.join(' ')})`)
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

/** Returns the name of a context: its prefix or, without one and below the root, its plugin. */
function contextText ({ prefix, plugin }: ContextRequirement): string {
  return prefix === '/' && plugin !== 'fastify' ? `secure in ${plugin}` : `secure at ${prefix}`
}
