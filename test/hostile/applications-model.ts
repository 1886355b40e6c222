/** Applications as plain data, which can be drawn at random, shrunk and printed; how they are built; and what their documents promise. */

import fc from 'fast-check'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { HookName, Scheme } from '../../lib'
import { createApp } from '../helpers'

const SCOPES = ['read', 'write', 'admin'] as const
const FACTORIES = [
  'apiKeyCookie', 'apiKeyHeader', 'apiKeyQuery', 'httpBase', 'httpBasic', 'httpBearer', 'httpDigest',
  'oauth2', 'oauth2PasswordBearer', 'oauth2AuthorizationCodeBearer', 'oauth2ClientCredentialsBearer', 'openIdConnect'
] as const
const TIMES = ['at once', 'as a promise', 'late', 'as a thenable'] as const

/** What a `verify` does with credentials: they say it themselves. */
const ANSWERS = [
  'true', 'false', 'null', 'undefined', 'zero', 'empty', 'object', 'scope', 'error', 'strange',
  'throws', 'throws418', 'throws401', 'throws403', 'throwsText', 'throwsUndefined'
] as const

type Time = typeof TIMES[number]

interface SchemeModel {
  readonly factory: typeof FACTORIES[number]
  readonly autoError: boolean
  readonly verify: Time | 'none'
  readonly grantedScopes: boolean
  /** The chain of `derive`: the scopes of each, and when its check answers. */
  readonly derived: ReadonlyArray<{ readonly scopes: readonly string[], readonly verify: Time | 'none' }>
}

interface EntryModel { readonly scheme: number, readonly depth: number, readonly scopes: readonly string[] }
type AlternativeModel = EntryModel | readonly EntryModel[] | 'anonymous'
type SecurityModel = readonly AlternativeModel[]

interface RouteModel {
  readonly security: SecurityModel | 'says nothing'
  readonly hook: { readonly name: 'onRequest' | 'preValidation' | 'preHandler', readonly entry: EntryModel } | null
  readonly methods: readonly string[]
}

interface ContextModel {
  readonly secure: SecurityModel | null
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

/** What a request carries, in each of the places where a scheme may look. `null`: nothing. */
export interface SentModel {
  readonly authorization: { readonly scheme: string, readonly value: string | null } | null
  readonly header: string | null
  readonly query: string | readonly string[] | null
  readonly cookie: string | null
}

const scopes = fc.subarray([...SCOPES])

// More of what lets in than of all else together, or hardly a request would get through.
const credentials = fc.oneof(
  { weight: 4, arbitrary: scopes.map((granted) => ['object', ...granted].join('.')) },
  { weight: 2, arbitrary: fc.constant(['object', ...SCOPES].join('.')) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...ANSWERS), scopes).map(([answer, granted]) => [answer, ...granted].join('.')) }
)

const scheme: fc.Arbitrary<SchemeModel> = fc.record({
  factory: fc.constantFrom(...FACTORIES),
  autoError: fc.nat(4).map((number) => number > 0),
  verify: fc.constantFrom(...TIMES, ...TIMES, 'none'),
  grantedScopes: fc.boolean(),
  derived: fc.array(fc.record({ scopes, verify: fc.constantFrom(...TIMES, 'none') }), { maxLength: 2 })
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
  hook: fc.option(fc.record({ name: fc.constantFrom('onRequest', 'preValidation', 'preHandler'), entry }), { freq: 5 }),
  methods: fc.subarray(['GET', 'POST', 'DELETE', 'OPTIONS'], { minLength: 1 })
})

const depth = fc.createDepthIdentifier()
const { context } = fc.letrec<{ context: ContextModel }>((tie) => ({
  context: fc.record({
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
  cookie: fc.option(fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 6, arbitrary: credentials }), { freq: 6 })
})

/** What `verify` gives for credentials, or throws. */
function answer (text: string): unknown {
  const [kind, ...granted] = text.split('.')
  switch (kind) {
    case 'true': return true
    case 'null': return null
    case 'undefined': return undefined
    case 'zero': return 0
    case 'empty': return ''
    case 'object': return { scopes: granted }
    case 'scope': return { scope: granted.join(' ') }
    case 'error': return new Error('returned')
    case 'strange': return { scopes: { length: 1, 0: 'read', includes: () => true } }
    case 'throws': throw new Error('thrown')
    case 'throws418': throw Object.assign(new Error('teapot'), { statusCode: 418 })
    case 'throws401': throw Object.assign(new Error('refused'), { statusCode: 401 })
    case 'throws403': throw Object.assign(new Error('forbidden'), { statusCode: 403 })
    // eslint-disable-next-line no-throw-literal
    case 'throwsText': throw 'text'
    // eslint-disable-next-line no-throw-literal
    case 'throwsUndefined': throw undefined
    default: return false
  }
}

/** Gives what a function gives, when it is time. */
function giving (time: Time, give: () => unknown): unknown {
  switch (time) {
    case 'at once': return give()
    case 'as a promise': return (async () => give())()
    case 'late': return new Promise((resolve) => { setImmediate(resolve) }).then(give)
    case 'as a thenable': return {
      then (resolve: (value: unknown) => void, reject: (reason: unknown) => void) {
        try {
          resolve(give())
        } catch (error) {
          reject(error)
        }
      }
    }
  }
}

/** The text that was sent, of what a scheme extracted. `oauth2` gives the whole header. */
const textOf = (credentials: any): string => (credentials.username ?? credentials.credentials ?? credentials).replace(/^Bearer +/i, '')

function createScheme (app: FastifyInstance, { factory, autoError, verify, grantedScopes, derived }: SchemeModel, index: number): Scheme[] {
  const flow = { tokenUrl: '/token', scopes: Object.fromEntries(SCOPES.map((scope) => [scope, scope])) }
  const own: Record<SchemeModel['factory'], object> = {
    apiKeyCookie: { name: 'key' },
    apiKeyHeader: { name: 'x-key' },
    apiKeyQuery: { name: 'key' },
    httpBase: { scheme: 'other' },
    httpBasic: {},
    httpBearer: {},
    httpDigest: {},
    oauth2: { flows: { password: flow } },
    oauth2PasswordBearer: flow,
    oauth2AuthorizationCodeBearer: { ...flow, authorizationUrl: '/authorize' },
    oauth2ClientCredentialsBearer: flow,
    openIdConnect: { openIdConnectUrl: '/.well-known/openid-configuration' }
  }
  const options = {
    ...own[factory],
    // The name tells what the document does not: which scheme takes any header, and which is not verified.
    schemeName: `${factory}.${verify === 'none' ? 'unverified' : 'verified'}.${index}`,
    autoError,
    ...verify === 'none' ? {} : { verify: (credentials: unknown) => giving(verify, () => answer(textOf(credentials))) },
    ...grantedScopes && verify !== 'none' ? { grantedScopes: (user: any) => Array.isArray(user?.scopes) ? user.scopes : typeof user?.scope === 'string' ? user.scope.split(' ') : null } : {}
  }
  const chain: Scheme[] = [(app.authSchemes[factory] as (options: unknown) => Scheme)(options)]
  for (const { scopes, verify } of derived) {
    const base = chain.at(-1) as Scheme
    // Its check gives the user that it got: what it would refuse, no document could tell.
    chain.push(base.derive({ scopes: [...scopes], ...verify === 'none' ? {} : { verify: (user: any) => giving(verify, () => user ?? {}) } }))
  }
  return chain
}

/** Builds the application. Each route answers `{ ran, scheme, optional }`. */
export async function build ({ hook, schemes: models, context: outermost }: ApplicationModel): Promise<FastifyInstance> {
  const app = await createApp({ hook })
  app.addContentTypeParser('*', (_request, payload, done) => { payload.resume().on('end', () => { done(null) }) })
  const schemes = models.map((model, index) => createScheme(app, model, index))
  const schemeOf = ({ scheme, depth }: EntryModel): Scheme => {
    const chain = schemes[scheme % schemes.length] as Scheme[]
    return chain[Math.min(depth, chain.length - 1)] as Scheme
  }
  const toEntry = (entry: EntryModel): object => ({ scheme: schemeOf(entry), scopes: [...entry.scopes] })
  const toSecurity = (security: SecurityModel): any[] =>
    security.map((alternative) => alternative === 'anonymous' ? {} : Array.isArray(alternative) ? alternative.map(toEntry) : toEntry(alternative as EntryModel))

  /** Whether the route's own requirement can be met by nothing: `request.auth` is then `null`, whatever its context required. */
  const isOptional = (security: SecurityModel): boolean => security.some((alternative) => alternative === 'anonymous' ||
    [alternative].flat().every((entry) => !(models[(entry as EntryModel).scheme % models.length] as SchemeModel).autoError))

  let routes = 0
  async function fill (context: FastifyInstance, model: ContextModel): Promise<void> {
    const { secure } = model
    const declare = (): void => { if (secure !== null) context.secure(toSecurity(secure)) }
    if (!model.secureLast) declare()
    for (const { security, hook, methods } of model.routes) {
      context.route({
        url: `/${routes++}`,
        method: [...methods],
        ...security === 'says nothing' ? {} : { security: toSecurity(security) },
        // What the document calls one requirement, a hook asks for after the rest: the order of refusals would be another. So it stands alone.
        ...hook === null ? {} : { security: [], [hook.name]: schemeOf(hook.entry).preHandler },
        handler: async (request: FastifyRequest) => ({ ran: true, scheme: request.auth?.scheme ?? null, optional: security !== 'says nothing' && isOptional(security) })
      })
    }
    for (const child of model.children) {
      const registered = context.register(async (inner) => { await fill(inner, child) })
      if (child.awaited) await registered
    }
    if (model.secureLast) declare()
  }
  await fill(app, outermost)
  await app.ready()
  return app
}

export function toRequest ({ authorization, header, query, cookie }: SentModel): { query: string, headers: Record<string, string> } {
  const headers: Record<string, string> = {}
  if (authorization !== null) {
    const { scheme, value } = authorization
    const written = scheme === 'Basic' && value !== null && !value.includes('"') ? Buffer.from(`${value}:password`).toString('base64') : value
    headers.authorization = written === null ? scheme : `${scheme} ${written}`
  }
  if (header !== null) headers['x-key'] = header
  if (cookie !== null) headers.cookie = `key=${cookie}`
  const keys = query === null ? [] : [query].flat().map((key) => `key=${key}`)
  return { query: keys.length === 0 ? '' : `?${keys.join('&')}`, headers }
}

const ABSENT = Symbol('absent')
const MALFORMED = Symbol('malformed')

/** The text that a request carries for a scheme of the document. */
function found ({ authorization, header, query, cookie }: SentModel, name: string, scheme: any): string | typeof ABSENT | typeof MALFORMED {
  if (scheme.type === 'apiKey') {
    const value = scheme.in === 'header' ? header : scheme.in === 'query' ? query : cookie
    return Array.isArray(value) ? MALFORMED : value === null || value === '' ? ABSENT : value as string
  }
  if (authorization === null) return ABSENT
  const { scheme: sentScheme, value } = authorization
  // Any `Authorization` will do, and it is the bearer token that says what to do with it.
  if (name.startsWith('oauth2.')) return sentScheme.toLowerCase() === 'bearer' ? value ?? sentScheme : `${sentScheme} …`
  const wanted = scheme.type === 'http' ? scheme.scheme : 'bearer'
  if (sentScheme.toLowerCase() !== wanted) return ABSENT
  if (value === null) return wanted === 'basic' ? MALFORMED : ABSENT
  // Digest and others are taken as they are.
  return value.includes('"') && (wanted === 'basic' || wanted === 'bearer') ? MALFORMED : value
}

interface Verdict { readonly outcome: 'accepted' | 'refused' | 'insufficient' | 'absent' | 'malformed' | 'failed', readonly status?: number }

function judge (name: string, text: string, required: readonly string[]): Verdict {
  if (name.includes('.unverified.')) return { outcome: 'accepted' }
  const [kind, ...granted] = text.split('.') as [string, ...string[]]
  switch (kind) {
    case 'throws': case 'throwsText': case 'throwsUndefined': return { outcome: 'failed', status: 500 }
    case 'throws418': return { outcome: 'failed', status: 418 }
    case 'throws401': return { outcome: 'refused', status: 401 }
    case 'throws403': return { outcome: 'refused', status: 403 }
    case 'true': case 'zero': case 'empty': case 'error': case 'strange': return { outcome: required.length === 0 ? 'accepted' : 'insufficient' }
    case 'object': case 'scope': return { outcome: required.every((scope) => granted.includes(scope)) ? 'accepted' : 'insufficient' }
    default: return { outcome: 'refused' }
  }
}

/** What a document promises: the status, the schemes one of which `request.auth` names, and the challenges. */
export interface Promised { readonly status: number, readonly schemes: ReadonlyArray<string | null>, readonly challenges: readonly string[] | null }

export function promised (document: any, security: ReadonlyArray<Record<string, string[]>> | undefined, sent: SentModel): Promised {
  if (security === undefined || security.length === 0) return { status: 200, schemes: [null], challenges: [] }
  const schemes = document.components.securitySchemes
  const verdicts = new Map<string, Verdict>()
  const met = new Set<string>()
  let refusal: number | undefined
  for (const alternative of security) {
    const members = Object.entries(alternative)
    if (members.length === 0) continue
    const texts = members.map(([name]) => found(sent, name, schemes[name]))
    if (texts.includes(MALFORMED)) met.add('malformed')
    if (texts.includes(MALFORMED) || texts.includes(ABSENT)) continue
    let last: Verdict = { outcome: 'accepted' }
    for (const [i, [name, required]] of members.entries()) {
      last = judge(name, texts[i] as string, required)
      if (last.outcome === 'failed') return { status: last.status as number, schemes: [], challenges: null }
      verdicts.set(`${name} ${required.join(' ')}`, last)
      if (last.outcome !== 'accepted') break
    }
    if (last.outcome === 'accepted') return { status: 200, schemes: members.map(([name]) => name), challenges: [] }
    met.add(last.outcome)
    // Of several refusals, one that was thrown says more than one that was returned.
    if (last.outcome === 'refused') refusal ??= last.status
  }
  if (met.size === 0 && security.some((alternative) => Object.keys(alternative).length === 0)) return { status: 200, schemes: [null], challenges: [] }

  const status = met.has('insufficient') ? 403 : met.has('refused') ? refusal ?? 401 : 401
  if (status === 403 && !met.has('insufficient')) return { status, schemes: [], challenges: null }
  const lines = security.flatMap((alternative) => Object.entries(alternative)).flatMap(([name, required]) => {
    const { type, scheme } = schemes[name]
    const outcome = verdicts.get(`${name} ${required.join(' ')}`)?.outcome
    if (status === 403 && outcome !== 'insufficient') return []
    if (type === 'apiKey') return ['APIKey']
    if (type === 'http' && scheme !== 'bearer') return [`${scheme.charAt(0).toUpperCase()}${scheme.slice(1)}`]
    const error = outcome === 'insufficient' && status === 403 ? 'insufficient_scope' : outcome === 'refused' ? 'invalid_token' : undefined
    const parameters = [...error === undefined ? [] : [`error="${error}"`], ...required.length === 0 ? [] : [`scope="${required.join(' ')}"`]]
    return [parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`]
  })
  return { status, schemes: [], challenges: [...new Set(lines)].sort() }
}
