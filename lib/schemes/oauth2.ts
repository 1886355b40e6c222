/** OAuth2 (RFC 6749) and its flows. The tokens are bearer tokens (RFC 6750). */

import { ABSENT, MALFORMED, trimSpaces } from '../header/authorization'
import {
  asString, checkNested, define, defined, optionalString, requiredString, schemeOptions, scopeDescriptions,
  type Options, type SchemeDefinition, type SchemeKind
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
  const checked = schemeOptions(where, options, ['flows', 'resource'])
  return define(where, checked, 'OAuth2', {
    ...flowsKind(where, checked, readFlows(where, checked), pluginRealm),
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
  const checked = schemeOptions(where, options, [...own, 'resource'])
  return define(where, checked, className, {
    ...flowsKind(where, checked, { [flow]: readFlow(where, flow, checked) }, realm),
    extract: (request) => bearerToken(request.headers.authorization)
  })
}

/** Returns the bearer token as a string. */
export function bearerToken (header: unknown): string | typeof ABSENT | typeof MALFORMED {
  const bearer = readBearer(header)
  return typeof bearer === 'symbol' ? bearer : bearer.credentials
}

function flowsKind (
  where: string, options: Options, flows: Readonly<Record<string, Flow>>, realm: string | undefined
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

function readFlows (where: string, options: Options): Readonly<Record<string, Flow>> {
  const flows = checkNested(where, options, 'flows', Object.keys(REQUIRED_URLS))
  return Object.fromEntries(Object.keys(flows).map((name) => {
    const flow = checkNested(`${where}.flows`, flows, name, [...URLS, 'scopes'])
    return [name, readFlow(`${where}.flows.${name}`, name, flow)]
  }))
}

function readFlow (where: string, name: string, flow: Options): Flow {
  for (const url of REQUIRED_URLS[name] as readonly string[]) requiredString(where, flow, url)
  const urls = Object.fromEntries(URLS.map((url) => [url, optionalString(where, flow, url)]))
  return { ...defined(urls), scopes: scopeDescriptions(where, flow.scopes) }
}
