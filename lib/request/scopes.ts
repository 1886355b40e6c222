/** The scopes granted to a user, compared with those that are required. */

import { verifyFailed } from '../errors'
import type { SchemeDefinition } from '../schemes/definition'

/** Returns true if a user has all required scopes. Names are compared whole. */
export function isGranted (definition: SchemeDefinition, user: unknown, required: readonly string[]): boolean {
  const granted = grantedScopes(definition, user)
  return granted !== null && required.every((scope) => granted.includes(scope))
}

/** Returns the scopes of a user; `null` if there are none. */
function grantedScopes (definition: SchemeDefinition, user: unknown): readonly unknown[] | null {
  if (definition.grantedScopes === undefined) {
    const { scopes, scope } = user as { scopes?: unknown, scope?: unknown }
    return toList(scopes) ?? toList(scope)
  }
  const granted = definition.grantedScopes(user)
  const list = toList(granted)
  if (list === null && granted !== null && granted !== undefined) {
    throw verifyFailed(definition.name,
      '`grantedScopes` must return an array of strings, or a string of scopes separated by spaces')
  }
  return list
}

/** Returns scopes as an array: an array as it is, a string split at spaces; `null` for anything else. */
function toList (scopes: unknown): readonly unknown[] | null {
  if (typeof scopes === 'string') return scopes.split(' ')
  return Array.isArray(scopes) ? scopes : null
}
