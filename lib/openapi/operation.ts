/** One operation of the document, completed from what its route requires. */

import type { Requirement } from '../requirement/combine'
import { toPlan, type Member, type Plan } from '../requirement/plan'
import type { DocumentObject } from './swagger'

/**
 * Parts of an operation, in a route's `config`: they are put in when it is written. A user's `transform` for schemas of
 * another kind, such as zod's, does not see them.
 */
export const kOperation: unique symbol = Symbol('fastify-auth-schemes.operation')

/** Returns the parts of an operation that a route's `config` has, for the version of the document: 3.0 has no `const`. */
export function partsOf (options: object | undefined, document: DocumentObject): DocumentObject {
  const { config } = (options ?? {}) as { config?: { readonly [kOperation]?: object } }
  const has = isLaterThan30(document)
  return JSON.parse(JSON.stringify(config?.[kOperation] ?? {}), (_key, value) => {
    if (has || value === null || typeof value !== 'object' || !Object.hasOwn(value, 'const')) return value
    const { const: only, ...rest } = value
    return { ...rest, enum: [only] }
  })
}

const isLaterThan30 = ({ openapi }: DocumentObject): boolean => !String(openapi).startsWith('3.0')

/** A requirement, as one document shows it. */
export interface Description {
  readonly definitions: ReadonlyArray<Member['definition']>
  readonly security: readonly DocumentObject[]
  /** The responses of a refusal, by status. */
  readonly refusals: Readonly<Record<string, Refusal>>
  /** The parameters that `security` documents already, and whether each of its alternatives needs them. */
  readonly parameters: ReadonlyMap<string, boolean>
}

/** A response without its body. */
interface Refusal { readonly description: string, readonly headers?: DocumentObject }

const UNAUTHORIZED: Refusal = {
  description: 'Not authenticated',
  headers: { 'WWW-Authenticate': { description: 'A challenge for each scheme (RFC 9110 section 11.6.1)', schema: { type: 'string' } } }
}
const FORBIDDEN: Refusal = { description: 'Not enough permissions' }

/** @param document read for its version */
export function describe (requirement: Requirement, document: DocumentObject): Description {
  const plan = toPlan(requirement)
  const { members } = plan
  const verifies = members.some(({ checks }) => checks.some(({ comparesScopes }) => comparesScopes))
  return {
    definitions: members.map(({ definition }) => definition),
    security: requirement.length === 0 ? [] : toSecurity(plan, document),
    // A `verify` may answer 403, whether scopes are required or not.
    refusals: members.length === 0 ? {} : { 401: UNAUTHORIZED, ...verifies ? { 403: FORBIDDEN } : {} },
    parameters: parametersOf(plan)
  }
}

function parametersOf ({ alternatives }: Plan): Description['parameters'] {
  const needed = alternatives.map(({ members }) => members.map(({ definition: { openapi } }) =>
    parameterKey(openapi.type === 'apiKey' ? openapi : { in: 'header', name: 'authorization' })))
  return new Map(needed.flat().map((key) => [key, needed.every((keys) => keys.includes(key))]))
}

/**
 * Completes an operation: `security`, the responses 401 and 403, and no parameter for what `security` documents already.
 *
 * @param description what the route requires; `null`: nothing is declared
 * @param document read for its root-level `security`
 * @param errorSchema where the schema of an error's body stands, as `#/components/schemas/…`
 */
export function completeOperation (operation: DocumentObject, description: Description | null, document: DocumentObject, errorSchema: string): DocumentObject {
  const { security: _, ...undeclared } = operation
  if (description === null) return Array.isArray(document.security) ? { ...undeclared, security: [] } : undeclared
  const { parameters, responses, ...rest } = undeclared
  const others = (parameters as DocumentObject[] | undefined)?.filter((parameter) => !isDocumented(parameter, description)) ?? []
  return {
    ...rest,
    ...others.length > 0 ? { parameters: others } : {},
    security: description.security.map(copy),
    responses: withRefusals(responses, description.refusals, errorSchema)
  }
}

/** A parameter that the route's own schema requires of every request, and `security` not of each, stays. */
function isDocumented (parameter: DocumentObject, { parameters }: Description): boolean {
  const isNeeded = parameters.get(parameterKey(parameter))
  return isNeeded !== undefined && (isNeeded || parameter.required !== true)
}

// New objects for each operation: YAML would write a shared one as an alias.
function copy (alternative: DocumentObject): DocumentObject {
  return Object.fromEntries(Object.entries(alternative).map(([name, scopes]) => [name, [...scopes]]))
}

/** Returns OpenAPI's Security Requirement Objects: one for each alternative, `{}` last where authentication is optional. */
export function toSecurity ({ alternatives }: Plan, document: DocumentObject): DocumentObject[] {
  const written = new Map<string, DocumentObject>()
  for (const { members } of alternatives) {
    const scopesByName = new Map<string, Set<string>>()
    for (const { definition, scopes } of members) {
      const named = mayNameScopes(definition, document) ? scopes : []
      scopesByName.set(definition.name, new Set([...scopesByName.get(definition.name) ?? [], ...named]))
    }
    const key = JSON.stringify([...scopesByName].map(([name, scopes]) => [name, ...[...scopes].sort()]).sort())
    if (!written.has(key)) written.set(key, Object.fromEntries([...scopesByName].map(([name, scopes]) => [name, [...scopes]])))
  }
  return [...written.values()]
}

/** Only OAuth2 and OpenID Connect have scopes in OpenAPI 3.0; from 3.1 on the others may name roles. */
function mayNameScopes ({ openapi }: Member['definition'], document: DocumentObject): boolean {
  return openapi.type === 'oauth2' || openapi.type === 'openIdConnect' || isLaterThan30(document)
}

function withRefusals (responses: DocumentObject = {}, refusals: Description['refusals'], errorSchema: string): DocumentObject {
  const all = { ...responses }
  for (const [status, refusal] of Object.entries(refusals)) {
    all[status] = ownResponse(responses, status) ??
      { ...structuredClone(refusal), content: { 'application/json': { schema: { $ref: errorSchema } } } }
  }
  return all
}

/** Returns what the route itself documents of the status; Fastify serializes errors by it. */
function ownResponse (responses: DocumentObject, status: string): DocumentObject | undefined {
  if (Object.hasOwn(responses, status)) return responses[status]
  const range = responses['4XX'] ?? responses['4xx'] ?? responses.default
  return range === undefined ? undefined : structuredClone(range)
}

/** Fastify's error body. A `code` is missing where a `verify` throws an error without one. */
export const ERROR_SCHEMA = {
  type: 'object',
  properties: {
    statusCode: { type: 'integer', description: 'The status' },
    code: { type: 'string', description: 'A code for programs' },
    error: { type: 'string', description: 'The name of the status' },
    message: { type: 'string', description: 'A sentence for people' }
  },
  required: ['statusCode', 'error', 'message']
}

function parameterKey ({ in: location, name }: DocumentObject): string {
  return `${location} ${location === 'header' ? String(name).toLowerCase() : name}`
}
