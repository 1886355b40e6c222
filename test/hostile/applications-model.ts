/** Applications as plain data, which can be drawn at random, shrunk and printed; and what requests to them carry. */

import fc from 'fast-check'
import type { HookName } from '../../lib'

// Each begins or ends as another does.
export const SCOPES = ['read', 'read-all', 'ad', 'admin'] as const

/** The protected resources: their URL, the URL of their metadata, and an `aud` that names them. */
export const RESOURCES = [
  { url: 'https://a.example/api', metadataUrl: 'https://a.example/.well-known/oauth-protected-resource/api', aud: 'https://a.example/api' },
  { url: 'https://b.example', metadataUrl: 'https://b.example/.well-known/oauth-protected-resource', aud: 'https://b.example/' }
] as const

/** For which resources credentials are meant, by their place in the list: `@0`. */
export const AUDIENCES = ['@0', '@1'] as const

const FACTORIES = [
  'apiKeyCookie', 'apiKeyHeader', 'apiKeyQuery', 'httpBase', 'httpBasic', 'httpBearer', 'httpDigest',
  'oauth2', 'oauth2PasswordBearer', 'oauth2AuthorizationCodeBearer', 'oauth2ClientCredentialsBearer', 'openIdConnect', 'mutualTLS'
] as const

const TIMES = ['at once', 'as a promise', 'late', 'as a thenable'] as const

/** When a `verify` answers. */
export type Time = typeof TIMES[number]

/** The results of a `verify`, which the credentials name. */
const ANSWERS = [
  'true', 'false', 'null', 'undefined', 'zero', 'empty', 'object', 'scope', 'error', 'strange',
  'throws', 'throws418', 'throws401', 'throws403', 'throwsText', 'throwsUndefined'
] as const

/** The results of the check of a derived scheme: the user that it was called with, or one of the above. */
const DERIVED_ANSWERS = ['user', 'false', 'null', 'undefined', 'zero', 'throws', 'throws418', 'throws401', 'throws403', 'throwsUndefined'] as const

/** `verify` is `'none'` where there is none. */
interface DerivedModel { readonly scopes: readonly string[], readonly verify: Time | 'none', readonly answer: typeof DERIVED_ANSWERS[number] }

export interface SchemeModel {
  readonly factory: typeof FACTORIES[number]
  readonly autoError: boolean
  readonly verify: Time | 'none'
  readonly grantedScopes: boolean
  /** The place of its resource, as far as it is of the bearer family and has a `verify`; `null`: none. */
  readonly resource: number | null
  readonly trustedOrigins: typeof TRUSTED[number]
  /** The chain of `derive`. */
  readonly derived: readonly DerivedModel[]
}

/** `scheme` and `depth`, the place in its chain, count round: whatever number they are, there is one. */
export interface EntryModel { readonly scheme: number, readonly depth: number, readonly scopes: readonly string[] }
type AlternativeModel = EntryModel | readonly EntryModel[] | 'anonymous'
export type SecurityModel = readonly AlternativeModel[]

export interface RouteModel {
  readonly security: SecurityModel | 'says nothing'
  /** True if it is written as `schema.security`, which has no derived schemes. */
  readonly byName: boolean
  readonly hook: { readonly name: 'onRequest' | 'preValidation' | 'preHandler', readonly entry: EntryModel } | null
  readonly methods: ReadonlyArray<'GET' | 'POST' | 'DELETE' | 'OPTIONS'>
  /** True if its schema fills in good credentials where none were sent. */
  readonly defaults: boolean
  /** True if it demands a body, as far as its methods may have one. */
  readonly body: boolean
}

export interface ContextModel {
  readonly prefix: boolean
  /** True if it has a not-found handler of its own, as far as it has a prefix. */
  readonly notFound: boolean
  readonly secure: SecurityModel | null
  /** True if that is declared after the routes and the child contexts. */
  readonly secureLast: boolean
  readonly awaited: boolean
  readonly routes: readonly RouteModel[]
  readonly children: readonly ContextModel[]
}

export interface ApplicationModel {
  readonly hook: HookName
  readonly schemes: readonly SchemeModel[]
  readonly context: ContextModel
}

const OAUTH2 = { type: 'oauth2' }

/** The schemes in the document, as far as they describe how credentials are sent. */
export const OPENAPI: Record<SchemeModel['factory'], { readonly type: string, readonly in?: string, readonly name?: string, readonly scheme?: string }> = {
  apiKeyCookie: { type: 'apiKey', in: 'cookie', name: 'key' },
  apiKeyHeader: { type: 'apiKey', in: 'header', name: 'x-key' },
  apiKeyQuery: { type: 'apiKey', in: 'query', name: 'key' },
  httpBase: { type: 'http', scheme: 'other' },
  httpBasic: { type: 'http', scheme: 'basic' },
  httpBearer: { type: 'http', scheme: 'bearer' },
  httpDigest: { type: 'http', scheme: 'digest' },
  oauth2: OAUTH2,
  oauth2PasswordBearer: OAUTH2,
  oauth2AuthorizationCodeBearer: OAUTH2,
  oauth2ClientCredentialsBearer: OAUTH2,
  openIdConnect: { type: 'openIdConnect' },
  mutualTLS: { type: 'mutualTLS' }
}

/** The resource of a scheme; `null`: it has none. */
export function resourceOf ({ factory, verify, resource }: SchemeModel): typeof RESOURCES[number] | null {
  const { type, scheme } = OPENAPI[factory]
  const isBearer = !['apiKey', 'mutualTLS'].includes(type) && (scheme ?? 'bearer') === 'bearer'
  return isBearer && verify !== 'none' && resource !== null ? RESOURCES[resource] ?? null : null
}

/** Credentials that browsers send by themselves. */
export const AMBIENT: ReadonlyArray<SchemeModel['factory']> = ['apiKeyCookie', 'httpBasic', 'httpDigest', 'mutualTLS']

export const OWN_ORIGIN = 'http://localhost'
const LISTED_ORIGIN = 'https://app.example'
const FOREIGN_ORIGINS = ['https://evil.example', 'https://localhost', 'http://localhost:8080', 'http://localhost.evil.example', 'null'] as const

/** The option `trustedOrigins`, as far as the scheme takes it. */
const TRUSTED = [undefined, [LISTED_ORIGIN], '*'] as const

/** The credentials of a request, in each place that a scheme may read. `null`: none. */
export interface SentModel {
  readonly authorization: { readonly scheme: string, readonly value: string | null } | null
  readonly header: string | null
  readonly query: string | readonly string[] | null
  readonly cookie: string | null
  /** The name in a certificate that a proxy passes on; empty: something else in its place. */
  readonly certificate: string | null
  readonly origin: string | null
  /** `Sec-Fetch-Site`. */
  readonly site: string | null
  readonly upgrade: boolean
  /** Of POST requests. */
  readonly body: 'none' | 'valid' | 'invalid' | 'unparsable'
}

const scopes = fc.subarray([...SCOPES])

// More of what lets in than of all else together, or hardly a request would get through.
const audiences = fc.oneof({ weight: 4, arbitrary: fc.constant([...AUDIENCES]) }, { weight: 1, arbitrary: fc.subarray([...AUDIENCES]) })
const credentials = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(scopes, audiences).map(([granted, meant]) => ['object', ...granted, ...meant].join('.')) },
  { weight: 2, arbitrary: fc.constant(['object', ...SCOPES, ...AUDIENCES].join('.')) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...ANSWERS), scopes, audiences).map(([answer, granted, meant]) => [answer, ...granted, ...meant].join('.')) }
)

const derived: fc.Arbitrary<DerivedModel> = fc.record({
  scopes,
  verify: fc.constantFrom(...TIMES, 'none'),
  answer: fc.oneof({ weight: 3, arbitrary: fc.constant('user' as const) }, { weight: 1, arbitrary: fc.constantFrom(...DERIVED_ANSWERS) })
})

const scheme: fc.Arbitrary<SchemeModel> = fc.record({
  factory: fc.constantFrom(...FACTORIES),
  autoError: fc.nat(5).map((number) => number > 0),
  verify: fc.constantFrom(...TIMES, ...TIMES, 'none'),
  grantedScopes: fc.boolean(),
  resource: fc.option(fc.nat(RESOURCES.length - 1), { freq: 2 }),
  trustedOrigins: fc.constantFrom(...TRUSTED),
  derived: fc.array(derived, { maxLength: 2 })
})

const entry: fc.Arbitrary<EntryModel> = fc.record({ scheme: fc.nat(7), depth: fc.nat(2), scopes: fc.oneof(fc.constant([]), scopes) })
const alternative: fc.Arbitrary<AlternativeModel> = fc.oneof(
  { weight: 8, arbitrary: entry },
  { weight: 4, arbitrary: fc.array(entry, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant('anonymous' as const) }
)
const security = fc.array(alternative, { maxLength: 3 })

const route: fc.Arbitrary<RouteModel> = fc.record({
  security: fc.oneof({ weight: 5, arbitrary: security }, { weight: 1, arbitrary: fc.constant('says nothing' as const) }),
  byName: fc.nat(3).map((number) => number === 3),
  hook: fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.record({ name: fc.constantFrom('onRequest', 'preValidation', 'preHandler'), entry }) }),
  methods: fc.subarray(['GET', 'POST', 'DELETE', 'OPTIONS'], { minLength: 1 }),
  defaults: fc.nat(3).map((number) => number === 3),
  body: fc.boolean()
})

const depth = fc.createDepthIdentifier()
const { context } = fc.letrec<{ context: ContextModel }>((tie) => ({
  context: fc.record({
    prefix: fc.boolean(),
    notFound: fc.boolean(),
    secure: fc.option(security, { freq: 2 }),
    secureLast: fc.boolean(),
    awaited: fc.boolean(),
    routes: fc.array(route, { minLength: 1, maxLength: 4 }),
    children: fc.oneof({ maxDepth: 3, depthIdentifier: depth }, fc.constant([]), fc.array(tie('context'), { minLength: 1, maxLength: 2 }))
  })
}))

export const application: fc.Arbitrary<ApplicationModel> = fc.record({
  hook: fc.constantFrom<HookName>('onRequest', 'onRequest', 'preParsing', 'preValidation', 'preHandler'),
  schemes: fc.array(scheme, { minLength: 1, maxLength: 5 }),
  context
})

export const sent: fc.Arbitrary<SentModel> = fc.record({
  authorization: fc.option(fc.record({
    scheme: fc.constantFrom('Bearer', 'Bearer', 'bearer', 'Basic', 'Digest', 'Other', 'Unknown'),
    // No credentials, malformed ones, or those that speak for themselves.
    value: fc.oneof({ weight: 1, arbitrary: fc.constantFrom(null, 'a "b"') }, { weight: 6, arbitrary: credentials })
  }), { freq: 6 }),
  header: fc.option(fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 6, arbitrary: credentials }), { freq: 6 }),
  query: fc.option(fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constant(['object', 'object']) }, { weight: 6, arbitrary: credentials }), { freq: 6 }),
  cookie: fc.option(fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 6, arbitrary: credentials }), { freq: 6 }),
  certificate: fc.option(fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 6, arbitrary: credentials }), { freq: 6 }),
  origin: fc.option(fc.constantFrom(OWN_ORIGIN, LISTED_ORIGIN, ...FOREIGN_ORIGINS), { freq: 1 }),
  site: fc.option(fc.constantFrom('same-origin', 'none', 'same-site', 'cross-site'), { freq: 1 }),
  upgrade: fc.nat(9).map((number) => number === 9),
  body: fc.constantFrom('none', 'valid', 'valid', 'valid', 'invalid', 'unparsable')
})
