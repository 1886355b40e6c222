/** One operation of the document, completed from the requirement of its route. */

import type { Requirement } from '../requirement/combine'
import { toPlan, type Member, type Plan } from '../requirement/plan'
import type { DocumentObject } from './swagger'

/**
 * Parts of an operation, in a route's `config`: they are put in when it is written. A user's `transform` for schemas of
 * another kind, such as zod's, does not see them.
 */
export const kOperation: unique symbol = Symbol('fastify-auth-schemes.operation')

/** Returns the parts of an operation in a route's `config`, in the version of the document: 3.0 has no `const`. */
export function partsOf (options: object | undefined, document: DocumentObject): DocumentObject {
  const { config } = (options ?? {}) as { config?: { readonly [kOperation]?: object } }
  const parts = config?.[kOperation]
  // Nearly all routes have none.
  if (parts === undefined) return {}
  const has = isLaterThan30(document)
  return JSON.parse(JSON.stringify(parts), (_key, value) => {
    if (has || value === null || typeof value !== 'object' || !Object.hasOwn(value, 'const')) return value
    const { const: only, ...rest } = value
    return { ...rest, enum: [only] }
  })
}

/** Returns true for a document of OpenAPI 3.1 or later. */
export const isLaterThan30 = ({ openapi }: DocumentObject): boolean => !String(openapi).startsWith('3.0')

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
  headers: {
    'WWW-Authenticate': {
      description: 'A challenge for each scheme (RFC 9110 section 11.6.1)',
      schema: { type: 'string' }
    }
  }
}
const FORBIDDEN: Refusal = { description: 'Not enough permissions' }
const FORBIDDEN_TO_ORIGINS: Refusal = { description: 'Not enough permissions, or sent by a page of another origin' }

/**
 * Returns a requirement as a document shows it.
 *
 * @param document read for its version
 */
export function describe (requirement: Requirement, document: DocumentObject): Description {
  const plan = toPlan(requirement)
  const { members } = plan
  const verifies = members.some(({ checks }) => checks.some(({ comparesScopes }) => comparesScopes))
  const checksOrigins = members.some(({ definition }) => definition.trustedOrigins !== null)
  // A `verify` may refuse with 403 without any required scopes. A request of any method may have `Upgrade`.
  const forbidden = checksOrigins ? FORBIDDEN_TO_ORIGINS : verifies ? FORBIDDEN : undefined
  return {
    definitions: members.map(({ definition }) => definition),
    security: requirement.length === 0 ? [] : toSecurity(plan, document),
    refusals: members.length === 0 ? {} : { 401: UNAUTHORIZED, ...forbidden && { 403: forbidden } },
    parameters: parametersOf(plan)
  }
}

function parametersOf ({ alternatives }: Plan): Description['parameters'] {
  const needed = alternatives.map(({ members }) => members.flatMap(({ definition: { openapi } }) => {
    // Clients send no parameter with a certificate: a header that has it is the proxy's.
    if (openapi.type === 'mutualTLS') return []
    return [parameterKey(openapi.type === 'apiKey' ? openapi : { in: 'header', name: 'authorization' })]
  }))
  return new Map(needed.flat().map((key) => [key, needed.every((keys) => keys.includes(key))]))
}

/**
 * Returns an operation with `security` and the responses 401 and 403, without parameters that `security` documents.
 *
 * @param description the requirement of the route; `null`: none is declared
 * @param document read for its root-level `security`
 * @param errorSchema the reference to the schema of an error's body, such as `#/components/schemas/AuthError`
 */
export function completeOperation (
  operation: DocumentObject, description: Description | null, document: DocumentObject, errorSchema: string
): DocumentObject {
  const { security: _, ...undeclared } = operation
  if (description === null) return Array.isArray(document.security) ? { ...undeclared, security: [] } : undeclared
  const { parameters, responses, ...rest } = undeclared
  const others = ((parameters ?? []) as DocumentObject[]).filter((parameter) => !isDocumented(parameter, description))
  return {
    ...rest,
    ...others.length > 0 ? { parameters: others } : {},
    security: description.security.map(copy),
    responses: withRefusals(responses, description.refusals, errorSchema)
  }
}

/** Returns true for a parameter of `security`, unless the route's schema requires it and an alternative does not. */
function isDocumented (parameter: DocumentObject, { parameters }: Description): boolean {
  const isNeeded = parameters.get(parameterKey(parameter))
  return isNeeded !== undefined && (isNeeded || parameter.required !== true)
}

// New objects for each operation: YAML would write a shared one as an alias.
function copy (alternative: DocumentObject): DocumentObject {
  return Object.fromEntries(Object.entries(alternative).map(([name, scopes]) => [name, [...scopes]]))
}

/** Returns OpenAPI's Security Requirement Objects, one for each alternative; `{}` is last. */
export function toSecurity ({ alternatives }: Plan, document: DocumentObject): DocumentObject[] {
  const written = new Map<string, DocumentObject>()
  for (const { members } of alternatives) {
    const scopesByName = new Map<string, Set<string>>()
    for (const { definition, scopes } of members) {
      const named = mayNameScopes(definition, document) ? scopes : []
      scopesByName.set(definition.name, new Set([...scopesByName.get(definition.name) ?? [], ...named]))
    }
    const key = JSON.stringify([...scopesByName].map(([name, scopes]) => [name, ...[...scopes].sort()]).sort())
    if (written.has(key)) continue
    written.set(key, Object.fromEntries([...scopesByName].map(([name, scopes]) => [name, [...scopes]])))
  }
  return [...written.values()]
}

/** Returns true for OAuth2 and OpenID Connect and, from OpenAPI 3.1 on, for all schemes. */
function mayNameScopes ({ openapi }: Member['definition'], document: DocumentObject): boolean {
  return openapi.type === 'oauth2' || openapi.type === 'openIdConnect' || isLaterThan30(document)
}

function withRefusals (
  responses: DocumentObject = {}, refusals: Description['refusals'], errorSchema: string
): DocumentObject {
  const all = { ...responses }
  for (const [status, refusal] of Object.entries(refusals)) {
    all[status] = documentedResponse(responses, status) ??
      { ...structuredClone(refusal), content: { 'application/json': { schema: { $ref: errorSchema } } } }
  }
  return all
}

/** Returns the response that the route's schema documents for the status: Fastify serializes errors by that schema. */
function documentedResponse (responses: DocumentObject, status: string): DocumentObject | undefined {
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
