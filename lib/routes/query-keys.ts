/**
 * Query keys that `security` reads. The route's schema may allow no further keys, so a key that the schema does not
 * name is removed from the query before validation.
 */

import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { Requirement } from '../requirement/combine'

type Properties = Readonly<Record<string, unknown>>

// The members of JSON Schema, and of the definitions of zod, that hold further schemas of the same object.
const NESTED = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'left', 'right', 'in', 'out', 'innerType', 'options']

/** Appends a `preValidation` hook to a route whose query is validated. */
export function removeQueryKeys (
  options: RouteOptions, server: FastifyInstance, requirementOf: () => Requirement | null
): void {
  const { querystring, query = querystring } = (options.schema ?? {}) as { querystring?: unknown, query?: unknown }
  if (query === undefined) return
  let keys: readonly string[] | undefined
  function authSchemesQueryKeys (request: FastifyRequest, _reply: unknown, done: () => void): void {
    keys ??= queryKeysOf(requirementOf()).filter((key) => !names(query, key, server))
    for (const key of keys) delete (request.query as Record<string, unknown>)[key]
    done()
  }
  const { preValidation } = options
  options.preValidation = [...[preValidation ?? []].flat(), authSchemesQueryKeys] as typeof preValidation
}

function queryKeysOf (requirement: Requirement | null): string[] {
  const places = (requirement ?? []).flatMap(({ entries }) => entries.map(({ node }) => node.definition.openapi))
  return [...new Set(places.filter((place) => place.in === 'query').map(({ name }) => name as string))]
}

/** Returns true if a schema, JSON Schema or zod's, has a property of that name. */
function names (schema: unknown, key: string, server: FastifyInstance, seen = new Set<unknown>()): boolean {
  if (schema === null || typeof schema !== 'object' || seen.has(schema)) return false
  seen.add(schema)
  if (Array.isArray(schema)) return schema.some((each) => names(each, key, server, seen))
  const { properties, shape, $ref, _zod } = schema as Properties & { readonly _zod?: { readonly def?: unknown } }
  const hasKey = (members: unknown): boolean =>
    typeof members === 'object' && members !== null && Object.hasOwn(members, key)
  if (hasKey(properties) || hasKey(shape)) return true
  if (typeof $ref === 'string' && names(server.getSchema($ref.replace(/#.*$/, '')), key, server, seen)) return true
  return names(_zod?.def, key, server, seen) ||
    NESTED.some((member) => names((schema as Properties)[member], key, server, seen))
}
