/** How a drawn application is built, and a drawn request written. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Scheme } from '../../lib'
import { createApp } from '../helpers'
import { byteSequence, makeIdentity } from '../tls/helpers'
import { AMBIENT, AUDIENCES, RESOURCES, SCOPES, resourceOf, type ApplicationModel, type ContextModel, type EntryModel, type RouteModel, type SchemeModel, type SecurityModel, type SentModel, type Time } from './applications-model'

const EVERYTHING = ['object', ...SCOPES, ...AUDIENCES].join('.')

/** A schema that fills in what was not sent: that is not what the client sent, and must not let in. */
const FILLING = {
  querystring: { type: 'object', properties: { key: { default: EVERYTHING } } },
  headers: { type: 'object', properties: { authorization: { default: `Bearer ${EVERYTHING}` }, 'x-key': { default: EVERYTHING } } }
}

/** Returns the result of `verify` for credentials, or throws its error. */
function answer (text: string): unknown {
  const [kind, ...rest] = text.split('.')
  const granted = rest.filter((scope) => !scope.startsWith('@'))
  const meant = rest.filter((audience) => audience.startsWith('@')).map((audience) => RESOURCES[Number(audience.slice(1))]?.aud)
  const named = meant.length === 0 ? {} : { aud: meant.length === 1 ? meant[0] : meant }
  switch (kind) {
    case 'true': return true
    case 'null': return null
    case 'undefined': return undefined
    case 'zero': return 0
    case 'empty': return ''
    case 'object': return { scopes: granted, ...named }
    case 'scope': return { scope: granted.join(' '), ...named }
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

const certificates = new Map<string, string>()

/** The header with a certificate of that name. */
function certificateOf (name: string): string {
  const header = certificates.get(name) ?? byteSequence(makeIdentity(name).certificate)
  certificates.set(name, header)
  return header
}

/** The text that was sent, of what a scheme extracted. `oauth2` gives the whole header. */
const textOf = (credentials: any): string => credentials.subject?.slice('CN='.length) ?? (credentials.username ?? credentials.credentials ?? credentials).replace(/^Bearer +/i, '')

export const nameOf = ({ factory }: SchemeModel, index: number): string => `${factory}.${index}`

function createSchemes (app: FastifyInstance, model: SchemeModel, index: number): Scheme[] {
  const { factory, autoError, verify, grantedScopes, derived, trustedOrigins } = model
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
    openIdConnect: { openIdConnectUrl: '/.well-known/openid-configuration' },
    mutualTLS: { header: { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' } }
  }
  const resource = resourceOf(model)
  const options = {
    ...own[factory],
    ...resource === null ? {} : { resource: { url: resource.url, authorizationServers: ['https://as.example'] } },
    ...trustedOrigins !== undefined && AMBIENT.includes(factory) ? { trustedOrigins } : {},
    schemeName: nameOf(model, index),
    autoError,
    ...verify === 'none' ? {} : { verify: (credentials: unknown) => giving(verify, () => answer(textOf(credentials))) },
    ...grantedScopes && verify !== 'none' ? { grantedScopes: (user: any) => Array.isArray(user?.scopes) ? user.scopes : typeof user?.scope === 'string' ? user.scope.split(' ') : null } : {}
  }
  const chain: Scheme[] = [(app.authSchemes[factory] as (options: unknown) => Scheme)(options)]
  for (const { scopes, verify, answer: kind } of derived) {
    const check = (user: any): unknown => giving(verify as Time, () => kind === 'user' ? user ?? {} : answer(kind))
    chain.push((chain.at(-1) as Scheme).derive({ scopes: [...scopes], ...verify === 'none' ? {} : { verify: check } }))
  }
  return chain
}

/** `schema.security` names each scheme once in an alternative, and its name stands for the base. */
export function entriesByName (entries: readonly EntryModel[], count: number): EntryModel[] {
  const bySchemes = new Map(entries.map((entry) => [entry.scheme % count, { ...entry, depth: 0 }]))
  return [...bySchemes.values()]
}

/** A context of a drawn application, with the addresses that are in it. */
export interface Place {
  /** The context, with those around it, the outermost first. */
  readonly contexts: readonly ContextModel[]
  readonly prefix: string
  readonly routes: ReadonlyArray<{ readonly url: string, readonly route: RouteModel }>
  readonly within: readonly Place[]
}

/** Gives each route its address. */
export function placeOf (context: ContextModel, around: readonly ContextModel[] = [], outer = '', numbers = { route: 0, prefix: 0 }): Place {
  const contexts = [...around, context]
  const prefix = context.prefix && around.length > 0 ? `${outer}/p${numbers.prefix++}` : outer
  const routes = context.routes.map((route) => ({ url: `${prefix}/${numbers.route++}`, route }))
  return { contexts, prefix, routes, within: context.children.map((child) => placeOf(child, contexts, prefix, numbers)) }
}

/** True if the context has a not-found handler: each prefix can have one. */
export const hasNotFound = ({ prefix, notFound }: ContextModel, isOutermost: boolean): boolean => notFound && (prefix || isOutermost)

/** Builds the application. Where a handler runs, the answer's `x-ran` names the scheme of `request.auth`. */
export async function build ({ hook, schemes: models, context: outermost }: ApplicationModel): Promise<FastifyInstance> {
  const app = await createApp({ hook })
  app.addContentTypeParser('*', (_request, payload, done) => { payload.resume().on('end', () => { done(null) }) })
  const schemes = models.map((model, index) => createSchemes(app, model, index))

  const schemeOf = ({ scheme, depth }: EntryModel): Scheme => {
    const chain = schemes[scheme % schemes.length] as Scheme[]
    return chain[depth % chain.length] as Scheme
  }
  const toEntry = (entry: EntryModel): object => ({ scheme: schemeOf(entry), scopes: [...entry.scopes] })
  const toSecurity = (security: SecurityModel): any[] =>
    security.map((alternative) => alternative === 'anonymous' ? {} : Array.isArray(alternative) ? alternative.map(toEntry) : toEntry(alternative as EntryModel))
  const toSecurityByName = (security: SecurityModel): any[] => security.map((alternative) => alternative === 'anonymous'
    ? {}
    : Object.fromEntries(entriesByName([alternative].flat() as EntryModel[], schemes.length).map((entry) => [schemeOf(entry).name, [...entry.scopes]])))

  const ran = (status: number) => async (request: FastifyRequest, reply: FastifyReply) => {
    reply.code(status).header('x-ran', request.auth?.scheme ?? 'anonymous')
    return {}
  }

  async function fill (context: FastifyInstance, { contexts, prefix, routes, within }: Place): Promise<void> {
    const model = contexts.at(-1) as ContextModel
    const { secure, secureLast } = model
    const declare = (): void => { if (secure !== null) context.secure(toSecurity(secure)) }
    if (!secureLast) declare()
    if (hasNotFound(model, contexts.length === 1)) context.setNotFoundHandler(ran(404))
    for (const { url, route: { security, byName, hook, methods, defaults, body } } of routes) {
      context.route({
        url: url.slice(prefix.length),
        method: [...methods],
        ...security === 'says nothing' || byName ? {} : { security: toSecurity(security) },
        schema: {
          ...security !== 'says nothing' && byName ? { security: toSecurityByName(security) } : {},
          ...defaults ? FILLING : {},
          ...demandsBody({ body, methods }) ? { body: { type: 'object', required: ['content'] } } : {}
        },
        ...hook === null ? {} : { [hook.name]: schemeOf(hook.entry).preHandler },
        handler: ran(200)
      })
    }
    for (const place of within) {
      const registered = context.register(async (inner) => { await fill(inner, place) }, { prefix: place.prefix.slice(prefix.length) })
      if ((place.contexts.at(-1) as ContextModel).awaited) await registered
    }
    if (secureLast) declare()
  }
  await fill(app, placeOf(outermost))
  await app.ready()
  return app
}

/** Bodies of GET routes cannot be described. */
export const demandsBody = ({ body, methods }: Pick<RouteModel, 'body' | 'methods'>): boolean => body && !methods.includes('GET')

const BODIES = { none: undefined, valid: '{"content":""}', invalid: '{"other":""}', unparsable: '{' }

export function toRequest (method: string, url: string, { authorization, header, query, cookie, certificate, origin, site, upgrade, body }: SentModel) {
  const headers: Record<string, string> = {}
  if (authorization !== null) {
    const { scheme, value } = authorization
    const written = scheme === 'Basic' && value !== null && !value.includes('"') ? Buffer.from(`${value}:password`).toString('base64') : value
    headers.authorization = written === null ? scheme : `${scheme} ${written}`
  }
  if (header !== null) headers['x-key'] = header
  if (certificate !== null) headers['client-cert'] = certificate === '' ? ':AAAA:' : certificateOf(certificate)
  if (origin !== null) headers.origin = origin
  if (site !== null) headers['sec-fetch-site'] = site
  if (upgrade) headers.upgrade = 'websocket'
  if (cookie !== null) headers.cookie = `key=${cookie}`
  if (method === 'POST' && body !== 'none') headers['content-type'] = 'application/json'
  const keys = query === null ? [] : [query].flat().map((key) => `key=${key}`)
  return { method: method as 'GET', url: keys.length === 0 ? url : `${url}?${keys.join('&')}`, headers, payload: method === 'POST' ? BODIES[body] : undefined }
}
