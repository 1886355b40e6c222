/** OAuth2 (RFC 6749) and its flows. The tokens are bearer tokens (RFC 6750). */

import { badOption } from '../errors'
import { ABSENT, MALFORMED, trimSpaces } from '../header/authorization'
import {
  asString, checkOptions, define, defined, optionalString, refuseUndefined, requiredString, scopeDescriptions, type
  SchemeDefinition, type SchemeKind
} from './definition'
import { readBearer } from './http'
import { readResource } from './resource'

type Flow = Readonly<Record<string, unknown>> & { readonly scopes: Readonly<Record<string, string>> }

// The URLs that each flow must have (OpenAPI's OAuth Flow Object).
const REQUIRED_URLS: Readonly<Record<string, readonly string[]>> = {
  implicit: ['authorizationUrl'],
  password: ['tokenUrl'],
  clientCredentials: ['tokenUrl'],
  authorizationCode: ['authorizationUrl', 'tokenUrl']
}

const URLS = ['authorizationUrl', 'tokenUrl', 'refreshUrl']

/** Any flows. The credentials are the whole value of `Authorization`, of any scheme name. */
export function oauth2 (options: unknown, pluginRealm?: string): SchemeDefinition {
  const where = 'oauth2'
  const checked = checkOptions(where, options, ['flows', 'resource'])
  const { flows } = checked
  if (flows === null || typeof flows !== 'object' || Array.isArray(flows)) {
    throw badOption(where, 'the option `flows` must be an object of OAuth2 flows')
  }
  refuseUndefined(where, flows, 'the flow')
  const written = Object.fromEntries(Object.entries(flows).map(([name, flow]) => [name, writeFlow(where, name, flow)]))
  return define(where, checked, 'OAuth2', {
    ...flowsKind(where, checked, written, pluginRealm),
    extract (request) {
      const header: unknown = request.headers.authorization
      if (header === undefined) return ABSENT
      if (typeof header !== 'string') return MALFORMED
      const value = trimSpaces(header)
      return value === '' ? ABSENT : value
    }
  })
}

/** The resource owner password flow, whose tokens come from `tokenUrl`. */
export function oauth2PasswordBearer (options: unknown, pluginRealm?: string): SchemeDefinition {
  return singleFlow('oauth2PasswordBearer', 'OAuth2PasswordBearer', 'password',
    ['tokenUrl', 'refreshUrl', 'scopes'], options, pluginRealm)
}

/** The authorization code flow, whose tokens come from `tokenUrl` after a visit to `authorizationUrl`. */
export function oauth2AuthorizationCodeBearer (options: unknown, pluginRealm?: string): SchemeDefinition {
  return singleFlow('oauth2AuthorizationCodeBearer', 'OAuth2AuthorizationCodeBearer', 'authorizationCode',
    ['authorizationUrl', 'tokenUrl', 'refreshUrl', 'scopes'], options, pluginRealm)
}

/** The client credentials flow, for programs that act for themselves. */
export function oauth2ClientCredentialsBearer (options: unknown, pluginRealm?: string): SchemeDefinition {
  return singleFlow('oauth2ClientCredentialsBearer', 'OAuth2ClientCredentialsBearer', 'clientCredentials',
    ['tokenUrl', 'scopes'], options, pluginRealm)
}

function singleFlow (
  where: string, className: string, flow: string, own: readonly string[], options: unknown, realm: string | undefined
): SchemeDefinition {
  const checked = checkOptions(where, options, [...own, 'resource'])
  const members = defined(Object.fromEntries(own.map((key) => [key, checked[key]])))
  return define(where, checked, className, {
    ...flowsKind(where, checked, { [flow]: writeFlow(where, flow, members) }, realm),
    extract: (request) => bearerToken(request.headers.authorization)
  })
}

/** Returns the bearer token as a string. */
export function bearerToken (header: unknown): string | typeof ABSENT | typeof MALFORMED {
  const bearer = readBearer(header)
  return typeof bearer === 'symbol' ? bearer : bearer.credentials
}

function flowsKind (
  where: string, options: Readonly<Record<string, unknown>>, flows: Readonly<Record<string, Flow>>,
  realm: string | undefined
): Omit<SchemeKind, 'extract'> {
  const declaredScopes = new Set(Object.values(flows).flatMap((flow) => Object.keys(flow.scopes)))
  return {
    openapi: defined({ type: 'oauth2', description: options.description, flows }),
    challenge: { scheme: 'Bearer', realm, bearer: true },
    declaredScopes,
    tokenOf: asString,
    emptyCredentials: '',
    resource: readResource(where, options, declaredScopes),
    trustedOrigins: null
  }
}

function writeFlow (where: string, name: string, flow: unknown): Flow {
  const required = Object.hasOwn(REQUIRED_URLS, name) ? REQUIRED_URLS[name] : undefined
  if (required === undefined) {
    throw badOption(where,
      `the option \`flows\` has no flow "${name}": there are ${Object.keys(REQUIRED_URLS).join(', ')}`)
  }
  if (flow === null || typeof flow !== 'object') throw badOption(where, `the flow "${name}" must be an object`)
  const members = flow as Readonly<Record<string, unknown>>
  for (const key of Object.keys(members)) {
    if (!URLS.includes(key) && key !== 'scopes') throw badOption(where, `the flow "${name}" has no member "${key}"`)
  }
  refuseUndefined(where, members, `in the flow "${name}" the member`)
  for (const url of required) requiredString(where, members, url)
  const urls = Object.fromEntries(URLS.map((url) => [url, optionalString(where, members, url)]))
  return { ...defined(urls), scopes: scopeDescriptions(where, members.scopes) }
}
