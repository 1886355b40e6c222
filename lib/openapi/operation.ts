/** One operation of the document, completed from what its route requires. */

import { membersOf, toRequirement, type Group, type Member, type Requirement } from '../request/requirement'

/** A part of a document, as @fastify/swagger builds it. */
export type DocumentObject = Record<string, any>

/** Names the route of an operation until it is completed: extension members of a schema are copied to its operation. */
export const MARK = 'x-fastify-auth-schemes'

/** What a requirement is in one document. */
export interface Told {
  readonly definitions: ReadonlyArray<Member['definition']>
  readonly security: readonly DocumentObject[]
  /** The statuses that it may be answered with, and their descriptions. */
  readonly refusals: Readonly<Record<string, string>>
  /** The parameters that `security` tells already: whether each of its alternatives needs them. */
  readonly parameters: ReadonlyMap<string, boolean>
}

/** @param document read for its version */
export function tell (groups: readonly Group[], document: DocumentObject): Told {
  const requirement = toRequirement(groups)
  const members = membersOf(requirement)
  const scoped = members.some(({ definition, scopes }) => scopes.length > 0 && definition.verify !== undefined)
  return {
    definitions: members.map(({ definition }) => definition),
    security: toSecurity(requirement, document),
    refusals: members.length === 0 ? {} : { 401: 'Not authenticated', ...scoped ? { 403: 'Not enough permissions' } : {} },
    parameters: parametersOf(requirement)
  }
}

function parametersOf ({ alternatives, optional }: Requirement): Told['parameters'] {
  const needed = alternatives.map(({ members }) => members.map(({ definition: { openapi } }) => parameterKey(openapi.type === 'apiKey' ? openapi : { in: 'header', name: 'authorization' })))
  return new Map(needed.flat().map((key) => [key, !optional && needed.every((keys) => keys.includes(key))]))
}

/**
 * Completes an operation: `security`, the answers 401 and 403, no parameter for what `security` already tells, and no mark.
 *
 * @param told what the route requires; `null`: it says nothing
 * @param document read for its root-level `security`
 */
export function completeOperation (operation: DocumentObject, told: Told | null, document: DocumentObject): DocumentObject {
  if (told === null) {
    const { [MARK]: _, security: __, ...rest } = operation
    return Array.isArray(document.security) ? { ...rest, security: [] } : rest
  }
  const { [MARK]: _, security: __, parameters, responses, ...rest } = operation
  const others = (parameters as DocumentObject[] | undefined)?.filter((parameter) => !isTold(parameter, told)) ?? []
  return {
    ...rest,
    ...others.length > 0 ? { parameters: others } : {},
    security: told.security.map(copy),
    responses: withRefusals(responses, told.refusals)
  }
}

/** What the route's own schema demands of every request, and `security` not of each, must stay to be seen. */
function isTold (parameter: DocumentObject, { parameters }: Told): boolean {
  const isNeeded = parameters.get(parameterKey(parameter))
  return isNeeded !== undefined && (isNeeded || parameter.required !== true)
}

// New objects for each operation: YAML would write a shared one as an alias.
function copy (alternative: DocumentObject): DocumentObject {
  return Object.fromEntries(Object.entries(alternative).map(([name, scopes]) => [name, [...scopes]]))
}

/** OpenAPI's Security Requirement Objects: one for each alternative, `{}` last where authentication is optional. */
export function toSecurity (requirement: Requirement, document: DocumentObject): DocumentObject[] {
  const written = new Map<string, DocumentObject>()
  for (const { members } of requirement.alternatives) {
    const scopesByName = new Map<string, Set<string>>()
    for (const { definition, scopes } of members) {
      const named = mayNameScopes(definition, document) ? scopes : []
      scopesByName.set(definition.name, new Set([...scopesByName.get(definition.name) ?? [], ...named]))
    }
    const key = JSON.stringify([...scopesByName].map(([name, scopes]) => [name, ...[...scopes].sort()]).sort())
    if (!written.has(key)) written.set(key, Object.fromEntries([...scopesByName].map(([name, scopes]) => [name, [...scopes]])))
  }
  return [...written.values(), ...requirement.optional ? [{}] : []]
}

/** Only OAuth2 and OpenID Connect have scopes in OpenAPI 3.0; from 3.1 on the others may name roles. */
function mayNameScopes ({ openapi }: Member['definition'], document: DocumentObject): boolean {
  return openapi.type === 'oauth2' || openapi.type === 'openIdConnect' || !String(document.openapi).startsWith('3.0')
}

function withRefusals (responses: DocumentObject = {}, refusals: Told['refusals']): DocumentObject {
  const all = { ...responses }
  for (const [status, description] of Object.entries(refusals)) all[status] = ownResponse(responses, status) ?? errorResponse(description)
  return all
}

/** What the route itself says of the status; Fastify serializes errors by it. */
function ownResponse (responses: DocumentObject, status: string): DocumentObject | undefined {
  if (Object.hasOwn(responses, status)) return responses[status]
  const range = responses['4XX'] ?? responses['4xx'] ?? responses.default
  return range === undefined ? undefined : structuredClone(range)
}

/** Fastify's error body, as new objects, too. */
function errorResponse (description: string): DocumentObject {
  const schema = {
    type: 'object',
    properties: {
      statusCode: { type: 'integer' },
      code: { type: 'string' },
      error: { type: 'string' },
      message: { type: 'string' }
    },
    required: ['statusCode', 'code', 'error', 'message']
  }
  return { description, content: { 'application/json': { schema } } }
}

function parameterKey ({ in: location, name }: DocumentObject): string {
  return `${location} ${location === 'header' ? String(name).toLowerCase() : name}`
}
