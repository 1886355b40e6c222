/** The option `security` of a route or a context, checked and turned into a requirement. */

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
 * @throws `FST_AUTH_BAD_SECURITY`, `FST_AUTH_UNKNOWN_SCHEME` or `FST_AUTH_UNKNOWN_SCOPE` for anything but such a list
 */
export function readSecurity (where: string, security: unknown, registration: Registration): Requirement {
  if (!Array.isArray(security)) {
    throw badSecurity(where, '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public')
  }
  // Array.from turns a hole into `undefined`, which is refused; `flatMap` alone would skip it.
  const written = Array.from(security).flatMap((alternative) => readAlternative(where, alternative, registration))
  const needed = written.filter(({ entries }) => entries.length > 0)
  if (needed.length === written.length) return normalize(where, needed)
  return normalize(where, [...needed, passing(needed.map(({ entries }) => basesOf(entries)))])
}

/** Returns the requirement of one scheme alone. */
export function soleRequirement (where: string, node: SchemeNode): Requirement {
  const alone: Alternative = { entries: [{ node, scopes: [] }], leftOut: [], subject: node }
  return normalize(where, node.definition.autoError ? [alone] : [alone, passing([[node.base]])])
}

/** Returns the alternative without schemes: the request passes as nobody if one scheme of each set is absent. */
const passing = (leftOut: Alternative['leftOut']): Alternative => ({ entries: [], leftOut, subject: null })

function readAlternative (where: string, alternative: unknown, registration: Registration): Requirement {
  if (isAnonymous(alternative)) return [passing([])]
  if (!Array.isArray(alternative)) return withAndWithoutOptional(where, [readEntry(where, alternative, registration)])
  if (alternative.length === 0) {
    throw badSecurity(where, 'an alternative in `security` is an empty array; write {} for optional authentication')
  }
  if (alternative.some(isAnonymous)) {
    throw badSecurity(where,
      '{} stands inside an alternative in `security`; for optional authentication it stands beside the alternative')
  }
  return withAndWithoutOptional(where, Array.from(alternative).map((member) => readEntry(where, member, registration)))
}

/**
 * Returns an alternative in all its forms: with and without each member whose scheme has `autoError: false`. The one
 * with all members comes first.
 */
function withAndWithoutOptional (where: string, entries: readonly Entry[]): Requirement {
  let forms: Requirement = [passing([])]
  for (const entry of entries) {
    const { definition: { autoError }, base } = entry.node
    const included = forms.map((form) =>
      ({ ...form, entries: [...form.entries, entry], subject: form.subject ?? entry.node }))
    const excluded = autoError ? [] : forms.map((form) => ({ ...form, leftOut: [...form.leftOut, [base]] }))
    forms = normalize(where, [...included, ...excluded])
  }
  return forms
}

function readEntry (where: string, member: unknown, registration: Registration): Entry {
  if (!isPlainObject(member)) {
    throw badSecurity(where, 'each alternative in `security` must be { scheme, scopes? }, an array of these, or {}')
  }
  for (const key of Object.keys(member)) {
    if (key !== 'scheme' && key !== 'scopes') {
      throw badSecurity(where, `\`security\` has the key "${key}", but takes only "scheme" and "scopes"; ` +
        'requirements by name belong into `schema.security`')
    }
    if (member[key] === undefined) {
      throw badSecurity(where, `the \`${key}\` of an alternative in \`security\` is undefined: ` +
        'look for a missing import, or one that is circular')
    }
  }
  const node = nodeOf(member.scheme)
  if (node === undefined) {
    throw badSecurity(where, 'a `scheme` in `security` was not made by a factory of `app.authSchemes`')
  }
  if (node.registration !== registration) throw foreignScheme(where, node.definition.name)
  const { scopes = [] } = member
  if (!isScopeList(scopes)) {
    throw badSecurity(where, `the \`scopes\` required of "${node.definition.name}" must be an array of scope names`)
  }
  checkScopes(where, node.definition, scopes)
  return { node, scopes: [...scopes] }
}

const isAnonymous = (value: unknown): boolean => isPlainObject(value) && Reflect.ownKeys(value).length === 0

/** Returns true for an object of no class: a promise, a map or a scheme without keys must not pass for `{}`. */
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
export function checkScopes (where: string, definition: SchemeDefinition, scopes: readonly string[]): void {
  const { name, declaredScopes } = definition
  if (declaredScopes === null) return
  const unknown = scopes.find((scope) => !declaredScopes.has(scope))
  if (unknown !== undefined) throw unknownScope(where, name, unknown, [...declaredScopes])
}
