/** One operation of the document, completed from what its route requires. */

import { membersOf, toRequirement, type Group, type Member, type Requirement } from '../request/requirement'

/** A part of a document, as @fastify/swagger builds it. */
export type DocumentObject = Record<string, any>

/**
 * Completes an operation: `security`, the answers 401 and 403, and no parameter for what `security` already tells.
 *
 * @param groups what the route requires; `null`: it says nothing
 * @param document read for its version and its root-level `security`
 */
export function completeOperation (operation: DocumentObject, groups: readonly Group[] | null, document: DocumentObject): DocumentObject {
  const { security: _, ...rest } = operation
  if (groups === null) return Array.isArray(document.security) ? { ...rest, security: [] } : rest
  const requirement = toRequirement(groups)
  const parameters = withoutCredentials(operation.parameters, membersOf(requirement))
  const { parameters: __, ...others } = rest
  return {
    ...others,
    ...(parameters.length > 0 ? { parameters } : {}),
    security: toSecurity(requirement, document),
    responses: withErrors(operation.responses, requirement)
  }
}

/** The schemes that a route uses. */
export function schemesOf (groups: readonly Group[] | null): Array<Member['definition']> {
  return (groups ?? []).flatMap(({ entries }) => entries.map(({ node }) => node.definition))
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
    const alternative = Object.fromEntries([...scopesByName].map(([name, scopes]) => [name, [...scopes]]))
    written.set(JSON.stringify(alternative), alternative)
  }
  return [...written.values(), ...requirement.optional ? [{}] : []]
}

/** Only OAuth2 and OpenID Connect have scopes in OpenAPI 3.0; from 3.1 on the others may name roles. */
function mayNameScopes ({ openapi }: Member['definition'], document: DocumentObject): boolean {
  return openapi.type === 'oauth2' || openapi.type === 'openIdConnect' || !String(document.openapi).startsWith('3.0')
}

function withErrors (responses: DocumentObject, requirement: Requirement): DocumentObject {
  const members = membersOf(requirement)
  if (members.length === 0) return responses
  const scoped = members.some(({ definition, scopes }) => scopes.length > 0 && definition.verify !== undefined)
  return {
    ...responses,
    401: ownResponse(responses, '401') ?? errorResponse('Not authenticated'),
    ...(scoped ? { 403: ownResponse(responses, '403') ?? errorResponse('Not enough permissions') } : {})
  }
}

/** What the route itself says of the status; Fastify serializes errors by it. */
function ownResponse (responses: DocumentObject, status: string): DocumentObject | undefined {
  if (Object.hasOwn(responses, status)) return responses[status]
  const range = responses['4XX'] ?? responses['4xx'] ?? responses.default
  return range === undefined ? undefined : structuredClone(range)
}

/** Fastify's error body. A new object each time: YAML would write a shared one as an alias. */
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

function withoutCredentials (parameters: DocumentObject[] | undefined, members: readonly Member[]): DocumentObject[] {
  const hidden = new Set(members.map(({ definition: { openapi } }) =>
    openapi.type === 'apiKey' ? parameterKey(openapi) : parameterKey({ in: 'header', name: 'authorization' })))
  return (parameters ?? []).filter((parameter) => !hidden.has(parameterKey(parameter)))
}

function parameterKey ({ in: location, name }: DocumentObject): string {
  return `${location} ${location === 'header' ? String(name).toLowerCase() : name}`
}
