/** The definition of a scheme, and the checks of the options that all factories share. */

import type { IncomingHttpHeaders } from 'node:http'
import { badOption } from '../errors'
import { ABSENT, MALFORMED } from '../header/authorization'
import { isRealm, isScope } from '../header/challenge'
import type { ProtectedResource } from '../../types/resource'
import type { VerifyContext } from '../../types/scheme'
import type { TrustedOrigins } from './trusted-origins'

/** Credentials, or one of the two ways in which there are none. */
export type Extraction = {} | typeof ABSENT | typeof MALFORMED

/** The source of credentials: a request, or its parts as they were before validation rewrote them. */
export interface CredentialSource {
  readonly headers: IncomingHttpHeaders
  readonly query: unknown
  /** The cookies that @fastify/cookie parsed, if it ran before. */
  readonly cookies?: unknown
  readonly raw: {
    readonly url?: string | undefined
    /** Names and values in turn, as they were received. */
    readonly rawHeaders: readonly string[]
    readonly socket: Peer
  }
  /** The Fastify instance of the route, on which @fastify/cookie keeps its parser. */
  readonly server: object
  readonly method: string
  /** The host and the protocol, which the option `trustProxy` of Fastify decides. */
  readonly host: string
  readonly protocol: string
}

/** The connection of a request. */
export interface Peer {
  /** `undefined` for Unix sockets, and for connections that are gone. */
  readonly remoteAddress?: string | undefined
  /** The server that accepted the connection. */
  readonly server?: { readonly address: () => unknown }
  /** True if the client has sent a certificate that was verified, or has resumed a session. */
  readonly authorized?: boolean
  readonly authorizationError?: unknown
}

/** OpenAPI's Security Scheme Object. */
type SecuritySchemeObject = Readonly<Record<string, unknown>> &
  { readonly type: 'apiKey' | 'http' | 'mutualTLS' | 'oauth2' | 'openIdConnect' }

/** The challenge of a scheme, without the parameters that depend on the request. */
interface ChallengeTemplate {
  readonly scheme: string
  readonly realm?: string | undefined
  /** `true` for the bearer family: a challenge has `error`, `error_description` and `scope` (RFC 6750 section 3). */
  readonly bearer: boolean
}

/** The API to which the tokens of a scheme are bound (RFC 9728, RFC 8707). */
export interface ResourceDefinition {
  /** The part that users get by `scheme.resource`. */
  readonly info: ProtectedResource
  /** The path of the metadata. */
  readonly metadataPath: string
  /** The members of the metadata. Without `scopes_supported` the routes decide. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** The parts of a definition that differ between the families of schemes. */
export interface SchemeKind {
  readonly openapi: SecuritySchemeObject
  readonly challenge: ChallengeTemplate
  /** The scopes that may be required of the scheme; `null`: any. */
  readonly declaredScopes: ReadonlySet<string> | null
  /** The credentials as one string. */
  readonly tokenOf: (credentials: any) => string | null
  readonly extract: (source: CredentialSource) => Extraction
  /** For credentials that browsers send by themselves; `null` for all others. */
  readonly trustedOrigins: TrustedOrigins
  /** True if the credentials are the certificate of the connection, which the server must ask for. */
  readonly ofConnection?: true
  /** The default credentials of a test that overrides the scheme. */
  readonly emptyCredentials: {}
  /** The API to which tokens are bound. Default: none is named. */
  readonly resource?: ResourceDefinition | null
}

/** A scheme, ready to be required. */
export interface SchemeDefinition extends SchemeKind {
  readonly name: string
  readonly resource: ResourceDefinition | null
  readonly autoError: boolean
  readonly verify: ((credentials: any, context: VerifyContext) => unknown) | undefined
  /** `true` if the option `verify` is `false`: the credentials are not verified, on purpose. */
  readonly extractionOnly: boolean
  readonly grantedScopes: ((user: any) => unknown) | undefined
}

/** A factory that takes the plugin's realm as its second argument. */
export type DefineScheme = (options: any, realm: string | undefined) => SchemeDefinition

/** Checked options: an object without unknown or `undefined` members. */
export type Options = Readonly<Record<string, unknown>>

const COMMON = ['schemeName', 'description', 'autoError', 'verify', 'grantedScopes']

// The keys of OpenAPI's Components Object.
const COMPONENT_NAME = /^[A-Za-z0-9._-]+$/

/** Returns the definition of a scheme: its kind, with the options that every factory takes, checked. */
export function define (factory: string, options: Options, defaultName: string, kind: SchemeKind): SchemeDefinition {
  const name = optionalString(factory, options, 'schemeName') ?? defaultName
  if (!COMPONENT_NAME.test(name) || name === '__proto__') {
    throw badOption(factory, 'the option `schemeName` must consist of A-Z, a-z, 0-9, ".", "-" and "_"')
  }
  if (options.autoError !== undefined && typeof options.autoError !== 'boolean') {
    throw badOption(factory, 'the option `autoError` must be true or false')
  }
  const extractionOnly = options.verify === false
  const verify = extractionOnly ? undefined : optionalFunction(factory, options, 'verify')
  const grantedScopes = optionalFunction(factory, options, 'grantedScopes')
  if (grantedScopes !== undefined && verify === undefined) {
    throw badOption(factory,
      'the option `grantedScopes` needs the option `verify`: without it there is no user to read them from')
  }
  const { resource = null } = kind
  return { ...kind, name, resource, autoError: options.autoError ?? true, verify, extractionOnly, grantedScopes }
}

const LEAVE_OUT = 'leave it out, or import it from a module that does not import this one (a circular import)'

/**
 * Throws for an option that is `undefined` but present: a check must not disappear because its module was not loaded
 * yet.
 *
 * @param where the factory or method that was called
 * @param what the options, for the message. Default: `the option`
 * @throws {TypeError} naming the option
 */
export function refuseUndefined (where: string, options: object, what = 'the option'): void {
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined) continue
    throw badOption(where, `${what} \`${key}\` is undefined: ${LEAVE_OUT}`)
  }
}

/** Returns true for an object that is no array. */
export const isObject = (value: unknown): value is Options =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

/** Returns the options if they are an object, none of them unknown and none `undefined`; else throws a `TypeError`. */
export function checkOptions (where: string, options: unknown, known: readonly string[]): Options {
  if (!isObject(options)) throw badOption(where, 'the options must be an object')
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw badOption(where, `there is no option \`${unknown}\`: it takes ${known.join(', ')}`)
  }
  refuseUndefined(where, options)
  return options
}

/** Returns an option that has options itself, checked in the same way. */
export function checkNested (where: string, options: Options, key: string, known: readonly string[]): Options {
  if (!isObject(options[key])) throw badOption(where, `the option \`${key}\` must be an object`)
  return checkOptions(`${where}.${key}`, options[key], known)
}

/** Returns the options of a factory, checked: its own, and those that every factory takes. */
export function schemeOptions (factory: string, options: unknown, own: readonly string[]): Options {
  const checked = checkOptions(factory, options, [...own, ...COMMON])
  const { description } = checked
  if (description !== undefined && typeof description !== 'string') {
    throw badOption(factory, 'the option `description` must be a string')
  }
  return checked
}

export function requiredString (factory: string, options: Options, key: string): string {
  const value = options[key]
  if (typeof value !== 'string' || value === '') {
    throw badOption(factory, `the option \`${key}\` must be a string that is not empty`)
  }
  return value
}

export function optionalString (factory: string, options: Options, key: string): string | undefined {
  return options[key] === undefined ? undefined : requiredString(factory, options, key)
}

function optionalFunction (factory: string, options: Options, key: string): ((...args: any[]) => unknown) | undefined {
  const value = options[key]
  if (value !== undefined && typeof value !== 'function') {
    const otherwise = key === 'verify' ? ', or false for credentials that are not verified' : ''
    throw badOption(factory, `the option \`${key}\` must be a function${otherwise}`)
  }
  return value as ((...args: any[]) => unknown) | undefined
}

export function optionalRealm (where: string, realm: unknown): string | undefined {
  if (realm !== undefined && (typeof realm !== 'string' || !isRealm(realm))) {
    throw badOption(where, 'the option `realm` must be a string of ASCII characters, none of them a control character')
  }
  return realm
}

/** Returns the `scopes` of a flow: names with their descriptions. */
export function scopeDescriptions (factory: string, scopes: unknown): Readonly<Record<string, string>> {
  if (scopes === undefined) return {}
  if (!isObject(scopes)) {
    throw badOption(factory, 'the option `scopes` must be an object of scope names and their descriptions')
  }
  for (const [name, description] of Object.entries(scopes)) {
    if (!isScope(name)) {
      throw badOption(factory, `the option \`scopes\` names "${name}", which is no scope: ` +
        'white space, quotes, backslashes and non-ASCII characters are not allowed')
    }
    if (typeof description !== 'string') {
      throw badOption(factory, `the option \`scopes\` must describe "${name}" with a string`)
    }
  }
  return { ...scopes } as Readonly<Record<string, string>>
}

/** Returns the object without its `undefined` members. */
export function defined<T extends object> (object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}

// CTL, RFC 5234 appendix B.1.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/

/**
 * Returns an API key: the string in an object's own property. An empty one is absent; anything but one string without
 * control characters is malformed.
 */
export function ownString (object: unknown, key: string): string | typeof ABSENT | typeof MALFORMED {
  if (object === null || typeof object !== 'object' || !Object.hasOwn(object, key)) return ABSENT
  const value = (object as Record<string, unknown>)[key]
  if (value === undefined || value === '') return ABSENT
  return typeof value === 'string' && !CONTROL.test(value) ? value : MALFORMED
}

export const asString = (credentials: string): string => credentials
