/** The list of all routes with what each requires: which doors are open. */

import { notReady } from './errors'
import { parentOf } from './fastify-internals'
import { toSecurity } from './openapi/operation'
import type { Requirement } from './requirement/combine'
import { toPlan } from './requirement/plan'
import type { Contexts } from './routes/contexts'
import { unverifiedOf, type Route, type Routes } from './routes/routes'
import type { AuditedRoute, ContextRequirement, SecurityRequirementObject } from '../types/audit'

// Every scheme may name its scopes in this list, as in the newest OpenAPI.
const VERSION = { openapi: '3.1.0' }

/** Returns every route, in the order of declaration, one entry for each method. Routes that were declared before the plugin was loaded come first. */
export function auditRoutes (routes: Routes): AuditedRoute[] {
  if (!routes.finished) throw notReady()
  const early = routes.early.map(({ method, url }) =>
    ({ method, url, security: null, public: true, hidden: false, publicBy: 'before-plugin', unverified: [], contexts: [] } as const))
  const seen = routes.all.flatMap((route) => {
    const { requirement } = route.guard
    const publicBy = whyPublic(route)
    const audited = {
      security: requirement === null ? null : write(requirement),
      public: publicBy !== null,
      hidden: isHidden(routes, route),
      publicBy,
      unverified: unverifiedOf(requirement).map(({ name }) => name),
      contexts: contextsOf(routes.contexts, route.context)
    }
    return urlsOf(route).flatMap((url) => route.methods.map((method) => ({ method, url, ...audited })))
  })
  return [...early, ...seen]
}

/** The list as a table: method, address, what is required, and why a route is public or which contexts added what. */
export function printSecurity (routes: readonly AuditedRoute[]): string {
  const rows = routes.map((route) => ({ method: route.method, url: route.url, security: securityText(route.security), note: noteText(route) }))
  const width = (column: 'method' | 'url' | 'security'): number => rows.reduce((most, row) => Math.max(most, row[column].length), 0)
  const [method, url, security] = [width('method'), width('url'), width('security')]
  return rows.map((row) => `${row.method.padEnd(method)}  ${row.url.padEnd(url)}  ${row.security.padEnd(security)}  ${row.note}`.trimEnd()).join('\n') + '\n'
}

/** With a prefix, the route `/` answers at two addresses, and Fastify notes the second on the same options. */
function urlsOf ({ url, options }: Route): string[] {
  return options.url === url ? [url] : [url, options.url]
}

function whyPublic ({ guard: { own, requirement } }: Route): AuditedRoute['publicBy'] {
  if (requirement === null) return 'undeclared'
  if (requirement.length === 0) return own === null ? 'context' : 'security'
  return requirement.some(({ entries }) => entries.length === 0) ? 'optional' : null
}

/** A route is hidden where no document shows it. Before the first document only its own schema can say so. */
function isHidden ({ documents, all }: Routes, route: Route): boolean {
  if ((route.options.schema as { hide?: unknown } | undefined | null)?.hide === true) return true
  // HEAD routes are shown by an option of @fastify/swagger alone; they are hidden where their GET route is.
  const shown = route.methods.includes('HEAD') ? all.filter(({ url, methods }) => url === route.url && methods.includes('GET')) : [route]
  return documents > 0 && shown.length > 0 && shown.every(({ isDocumented }) => !isDocumented)
}

function contextsOf (contexts: Contexts, context: object): ContextRequirement[] {
  const parent = parentOf(context)
  const { prefix } = context as { prefix?: string }
  const declared = contexts.declaredBy(context).map((requirement) => ({ prefix: prefix === undefined || prefix === '' ? '/' : prefix, security: write(requirement) }))
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
  context: 'public: secure([]) of its context',
  optional: 'public: authentication is optional'
}

function noteText ({ publicBy, unverified, contexts, hidden }: AuditedRoute): string {
  return [
    ...publicBy === null ? [] : [NOTES[publicBy]],
    ...unverified.length === 0 ? [] : [`not verified: ${unverified.join(' ')}`],
    ...contexts.map(({ prefix, security }) => `secure at ${prefix}: ${securityText(security)}`),
    ...hidden ? ['hidden'] : []
  ].join(', ')
}
