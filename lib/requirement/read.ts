/** The option `security` as a route or a context wrote it, checked and turned into a requirement. */

import { badSecurity, foreignScheme, unknownScope } from '../errors'
import { isScope } from '../header/challenge'
import type { SchemeDefinition } from '../schemes/definition'
import { basesOf, normalize, type Alternative, type Entry, type Requirement } from './combine'
import { nodeOf, type Registration, type SchemeNode } from './node'

/**
 * Reads a list of alternatives.
 *
 * @param where the route or call at fault, for messages
 * @param registration the registration of the plugin that the schemes must come from
 * @throws `FST_AUTH_BAD_SECURITY`, `FST_AUTH_UNKNOWN_SCHEME` or `FST_AUTH_UNKNOWN_SCOPE` for anything that is not such a list
 */
export function readSecurity (where: string, security: unknown, registration: Registration): Requirement {
  if (!Array.isArray(security)) {
    throw badSecurity(where, '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public')
  }
  // Array.from shows holes, which must not go unnoticed.
  const written = Array.from(security).flatMap((alternative) => readAlternative(where, alternative, registration))
  const needed = written.filter(({ entries }) => entries.length > 0)
  if (needed.length === written.length) return normalize(where, needed)
  return normalize(where, [...needed, { entries: [], leftOut: needed.map(({ entries }) => basesOf(entries)), subject: null }])
}

/** Returns what a scheme requires where it stands alone. */
export function soleRequirement (where: string, node: SchemeNode): Requirement {
  const alone: Alternative = { entries: [{ node, scopes: [] }], leftOut: [], subject: node }
  return normalize(where, node.definition.autoError ? [alone] : [alone, { entries: [], leftOut: [[node.base]], subject: null }])
}

function readAlternative (where: string, alternative: unknown, registration: Registration): Requirement {
  if (isAnonymous(alternative)) return [{ entries: [], leftOut: [], subject: null }]
  if (!Array.isArray(alternative)) return withoutOptional(where, [readEntry(where, alternative, registration)])
  if (alternative.length === 0) {
    throw badSecurity(where, 'an alternative in `security` is an empty array; write {} for optional authentication')
  }
  if (alternative.some(isAnonymous)) {
    throw badSecurity(where, '{} stands inside an alternative in `security`; for optional authentication it stands beside the alternative')
  }
  return withoutOptional(where, Array.from(alternative).map((member) => readEntry(where, member, registration)))
}

/** Returns all ways to fulfil an alternative: a member whose scheme has `autoError: false` may be left out. The fullest comes first. */
function withoutOptional (where: string, entries: readonly Entry[]): Requirement {
  let ways: Requirement = [{ entries: [], leftOut: [], subject: null }]
  for (const entry of entries) {
    const { definition: { autoError }, base } = entry.node
    const included = ways.map((way) => ({ ...way, entries: [...way.entries, entry], subject: way.subject ?? entry.node }))
    const excluded = autoError ? [] : ways.map((way) => ({ ...way, leftOut: [...way.leftOut, [base]] }))
    ways = normalize(where, [...included, ...excluded])
  }
  return ways
}

function readEntry (where: string, member: unknown, registration: Registration): Entry {
  if (!isPlainObject(member)) {
    throw badSecurity(where, 'each alternative in `security` must be { scheme, scopes? }, an array of these, or {}')
  }
  for (const key of Object.keys(member)) {
    if (key !== 'scheme' && key !== 'scopes') {
      throw badSecurity(where, `\`security\` has the key "${key}", but takes only "scheme" and "scopes"; requirements by name belong into \`schema.security\``)
    }
    if (member[key] === undefined) {
      throw badSecurity(where, `the \`${key}\` of an alternative in \`security\` is undefined: look for a missing import, or one that is circular`)
    }
  }
  const node = nodeOf(member.scheme)
  if (node === undefined) throw badSecurity(where, 'a `scheme` in `security` was not made by a factory of `app.authSchemes`')
  if (node.registration !== registration) throw foreignScheme(where, node.definition.name)
  const { scopes = [] } = member
  if (!isScopeList(scopes)) {
    throw badSecurity(where, `the \`scopes\` required of "${node.definition.name}" must be an array of scope names`)
  }
  checkScopes(where, node.definition, scopes)
  return { node, scopes: [...scopes] }
}

const isAnonymous = (value: unknown): boolean => isPlainObject(value) && Reflect.ownKeys(value).length === 0

/** Returns true for an object of no class. A promise, a map or a scheme has no keys either, and must not pass for `{}`. */
export function isPlainObject (value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object' || nodeOf(value) !== undefined) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Returns true for an array of scope names (RFC 6749 section 3.3). */
export function isScopeList (value: unknown): value is readonly string[] {
  return Array.isArray(value) && Array.from(value).every((scope) => typeof scope === 'string' && isScope(scope))
}

/** @throws `FST_AUTH_UNKNOWN_SCOPE` for a scope that the scheme does not declare */
export function checkScopes (where: string, { name, declaredScopes }: SchemeDefinition, scopes: readonly string[]): void {
  if (declaredScopes === null) return
  const unknown = scopes.find((scope) => !declaredScopes.has(scope))
  if (unknown !== undefined) throw unknownScope(where, name, unknown, [...declaredScopes])
}
