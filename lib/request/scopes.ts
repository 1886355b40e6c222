/** The scopes that a user was granted, and whether they suffice. */

import { verifyFailed } from '../errors'
import type { SchemeDefinition } from '../schemes/definition'

/** Whether a user has all the scopes that are required. Names are compared whole. */
export function isGranted (definition: SchemeDefinition, user: unknown, required: readonly string[]): boolean {
  const granted = grantedScopes(definition, user)
  return granted !== null && required.every((scope) => granted.includes(scope))
}

/** The scopes of a user, `null` where none are to be found. */
function grantedScopes (definition: SchemeDefinition, user: unknown): readonly unknown[] | null {
  if (definition.grantedScopes !== undefined) {
    const granted = definition.grantedScopes(user)
    if (granted === null || granted === undefined) return null
    if (!Array.isArray(granted)) throw verifyFailed(definition.name, '`grantedScopes` must return an array of strings')
    return granted
  }
  const { scopes, scope } = user as { scopes?: unknown, scope?: unknown }
  if (Array.isArray(scopes)) return scopes
  return typeof scope === 'string' ? scope.split(' ') : null
}
