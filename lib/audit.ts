/** The list of all routes with what each requires: which doors are open. */

import { notReady } from './errors'
import { toSecurity } from './openapi/operation'
import { membersOf, toRequirement } from './request/requirement'
import type { Contexts } from './security/contexts'
import { isHidden, type Route, type Routes } from './security/routes'
import type { Groups } from './security/normalize'
import type { AuditedRoute, ContextRequirement, SecurityRequirementObject } from '../types/audit'

// Every scheme may name its scopes in this list, as in the newest OpenAPI.
const VERSION = { openapi: '3.1.0' }

/** Every route, in the order of declaration, one entry for each method. Routes that were declared before the plugin was loaded come first. */
export function auditRoutes (routes: Routes): AuditedRoute[] {
  if (!routes.finished) throw notReady()
  const early = routes.early.map(({ method, url }) =>
    ({ method, url, security: null, public: true, hidden: false, publicBy: 'unseen', unverified: [], contexts: [] } as const))
  const seen = routes.all.flatMap((route) => {
    const { groups } = route.declaration
    const publicBy = whyPublic(route, groups)
    const audited = {
      security: groups === null ? null : write(groups),
      public: publicBy !== null,
      hidden: isHidden(route),
      publicBy,
      unverified: unverifiedOf(route),
      contexts: contextsOf(routes.contexts, route.context)
    }
    return urlsOf(route).flatMap((url) => route.methods.map((method) => ({ method, url, ...audited })))
  })
  return [...early, ...seen] as object[] as AuditedRoute[]
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

function whyPublic ({ declaration: { own } }: Route, groups: Groups | null): string | null {
  if (groups === null) return 'nothing'
  if (groups.length === 0) return own === null ? 'context' : 'route'
  return groups.some(({ entries }) => entries.length === 0) ? 'optional' : null
}

function unverifiedOf ({ declaration: { requirement } }: Route): string[] {
  const unverified = membersOf(requirement).filter(({ definition, checks }) => definition.verify === undefined && checks.every(({ node }) => node.verify === undefined))
  return [...new Set(unverified.map(({ definition }) => definition.name))]
}

function contextsOf (contexts: Contexts, context: object): ContextRequirement[] {
  const outer: unknown = Object.getPrototypeOf(context)
  const around = outer === null ? [] : contextsOf(contexts, outer as object)
  const { prefix } = context as { prefix?: string }
  return [...around, ...contexts.declaredBy(context).map((groups) => ({ prefix: prefix === undefined || prefix === '' ? '/' : prefix, security: write(groups) }))]
}

const write = (groups: Groups): SecurityRequirementObject[] => toSecurity(toRequirement(groups), VERSION)

function securityText (security: AuditedRoute['security']): string {
  if (security === null) return '-'
  return security.length === 0 ? '[]' : security.map(alternativeText).join(' | ')
}

function alternativeText (alternative: SecurityRequirementObject): string {
  const members = Object.entries(alternative).map(([name, scopes]) => scopes.length === 0 ? name : `${name}(${scopes.join(' ')})`)
  return members.length === 0 ? '{}' : members.join(' & ')
}

const NOTES = {
  nothing: 'public: says nothing',
  unseen: 'public: declared before the plugin was loaded',
  route: 'public: says so',
  context: 'public: its context says so',
  optional: 'public: optional authentication'
}

function noteText ({ publicBy, unverified, contexts, hidden }: AuditedRoute): string {
  return [
    ...publicBy === null ? [] : [NOTES[publicBy as never]],
    ...unverified.length === 0 ? [] : [`without verify: ${unverified.join(' ')}`],
    ...contexts.map(({ prefix, security }) => `secure at ${prefix}: ${securityText(security)}`),
    ...hidden ? ['hidden'] : []
  ].join(', ')
}
