/** The option `resource`: the API as a protected resource of OAuth2 (RFC 9728), the only audience of its tokens. */

import { badOption } from '../errors'
import { isScope } from '../header/challenge'
import {
  checkNested, defined, optionalString, requiredString, type Options, type ResourceDefinition
} from './definition'

const MEMBERS = ['url', 'authorizationServers', 'audience', 'scopes', 'name', 'documentation']

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

// RFC 8252 section 7.3, and the name for it.
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

// Visible ASCII (RFC 3986 section 2), so that no parser strips anything; no user, query or fragment.
const WRITTEN = /^https?:\/\/[!-~]+$/
const HAS_OTHER_PARTS = /[?#\\]|^https?:\/\/[^/]*@/

/**
 * Returns the option `resource` of a scheme, checked; `null` if it is left out.
 *
 * @param factory the factory that was called
 * @param options the options of the scheme
 * @param declaredScopes the scopes that the scheme declares; `null`: any
 * @throws {TypeError} naming the member at fault
 */
export function readResource (
  factory: string, options: Options, declaredScopes: ReadonlySet<string> | null
): ResourceDefinition | null {
  if (options.resource === undefined) return null
  const where = `${factory}.resource`
  const members = checkNested(factory, options, 'resource', MEMBERS)
  if (typeof options.verify !== 'function') {
    throw badOption(factory, 'the option `resource` needs a `verify`: without it no token is bound to this API')
  }
  const url = readUrl(where, members)
  const { origin, pathname } = new URL(url)
  const metadataPath = WELL_KNOWN + (pathname === '/' ? '' : pathname)
  const metadata = {
    resource: url,
    authorization_servers: readIssuers(where, members),
    scopes_supported: readScopes(where, members, declaredScopes),
    bearer_methods_supported: ['header'],
    resource_name: optionalString(where, members, 'name'),
    resource_documentation: readDocumentation(where, members)
  }
  const audiences = readAudiences(where, members, url)
  return {
    info: Object.freeze({ url, metadataUrl: origin + metadataPath, audiences }),
    metadataPath,
    metadata: defined(metadata)
  }
}

/** Returns true for an https URL, or an http URL of this machine, without user, query and fragment. */
function isUrl (url: string): boolean {
  if (!WRITTEN.test(url) || HAS_OTHER_PARTS.test(url) || !URL.canParse(url)) return false
  const { protocol, hostname, username } = new URL(url)
  if (username !== '') return false
  return protocol === 'https:' || LOOPBACK.test(hostname)
}

const URL_RULE = 'without user, query and fragment; http is allowed on loopback alone'

function readUrl (where: string, members: Options): string {
  const url = requiredString(where, members, 'url')
  const href = URL.canParse(url) ? new URL(url).href : url
  if (HAS_OTHER_PARTS.test(url) || !isUrl(href)) {
    throw badOption(where, `the option \`url\` must be an absolute https URL ${URL_RULE}`)
  }
  // Fastify's router reads `*` as a wildcard and decodes escapes, some of them twice.
  if (/[*%]/.test(new URL(href).pathname)) {
    throw badOption(where, 'the option `url` must not have `*`, `%` or a character that URLs escape in its path')
  }
  if (url !== href && `${url}/` !== href) throw badOption(where, `the option \`url\` must be written as "${href}"`)
  return url
}

/** Returns issuers as they were written: clients compare them letter by letter (RFC 8414 section 3.3). */
function readIssuers (where: string, members: Options): readonly string[] {
  const { authorizationServers: issuers } = members
  const isList = Array.isArray(issuers) && issuers.length > 0
  if (!isList || !Array.from<unknown>(issuers).every((issuer) => typeof issuer === 'string' && isUrl(issuer))) {
    throw badOption(where, 'the option `authorizationServers` must be an array of issuers, at least one: ' +
      `https URLs ${URL_RULE}`)
  }
  return [...issuers]
}

/** Returns the values of `aud` that are accepted. A bare origin counts with and without its slash. */
function readAudiences (where: string, { audience }: Options, url: string): readonly string[] {
  const list: unknown[] = audience === undefined ? [url] : Array.isArray(audience) ? Array.from(audience) : [audience]
  if (list.length === 0 || !list.every((name) => typeof name === 'string' && name !== '')) {
    throw badOption(where, 'the option `audience` must be a string, or an array of strings, none of them empty')
  }
  const both = (list as string[]).flatMap((name) => isBareOrigin(name) ? [name, otherForm(name)] : [name])
  return Object.freeze([...new Set(both)])
}

const isBareOrigin = (name: string): boolean => /^https?:\/\/[^/?#]+\/?$/.test(name)
const otherForm = (origin: string): string => origin.endsWith('/') ? origin.slice(0, -1) : `${origin}/`

function readScopes (
  where: string, { scopes }: Options, declared: ReadonlySet<string> | null
): readonly string[] | undefined {
  if (scopes === undefined) return undefined
  const isList = Array.isArray(scopes) && scopes.length > 0
  if (!isList || !Array.from<unknown>(scopes).every((scope) => typeof scope === 'string' && isScope(scope))) {
    throw badOption(where, 'the option `scopes` must be an array of scope names, at least one')
  }
  if (scopes.includes('offline_access')) {
    throw badOption(where, 'the option `scopes` must not have "offline_access": ' +
      'it asks the authorization server for a refresh token, and grants nothing here')
  }
  const unknown = declared === null ? undefined : scopes.find((scope) => !declared.has(scope))
  if (unknown !== undefined) {
    throw badOption(where, `the option \`scopes\` has "${unknown}", which the scheme does not declare`)
  }
  return [...new Set(scopes)]
}

function readDocumentation (where: string, members: Options): string | undefined {
  const url = optionalString(where, members, 'documentation')
  if (url !== undefined && !(/^https?:\/\/[!-~]+$/.test(url) && URL.canParse(url))) {
    throw badOption(where, 'the option `documentation` must be an absolute URL')
  }
  return url
}
