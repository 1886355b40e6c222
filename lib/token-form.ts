/** The token endpoint: forms of several grants, parsed, validated, handled, and responded to by RFC 6749. */

import formbody from '@fastify/formbody'
import { Type, type TObject } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { badOption } from './errors'
import { kOperation } from './openapi/operation'
import { isPlainObject } from './requirement/read'
import { isObject, refuseUndefined } from './schemes/definition'
import {
  respondToError, noStore, givenErrorHandler, requestBody, responses, seal, sendResponse, toResponse
} from './token/response'
import { readClient } from './token/client'
import { GRANT_TYPES, parseForm, readForm, schemasOf, splitScope } from './token/forms'
import type { GrantHandler, TokenFormOptions } from '../types/token-form'

/** In bytes. A login, a code or a token is far smaller. */
const BODY_LIMIT = 16384

// Route options that the endpoint sets itself.
const RESERVED = [
  'security', 'method', 'url', 'path', 'handler', 'validatorCompiler', 'serializerCompiler', 'attachValidation'
]

// Route options of Fastify that have a meaning here. Another key is a mistake, and one that is meant to guard something
// must not go unnoticed.
const ALLOWED = [
  'strict', 'grants', 'authenticateClient', 'schema', 'bodyLimit', 'config', 'constraints', 'errorHandler',
  'childLoggerFactory', 'handlerTimeout', 'logLevel', 'logSerializers',
  'prefixTrailingSlash', 'schemaErrorFormatter', 'onRequest', 'preParsing', 'preValidation', 'preHandler',
  'preSerialization', 'onSend', 'onResponse', 'onTimeout', 'onError', 'onRequestAbort'
]

// The parts of a schema by which Fastify validates and serializes. The other parts are for readers of the document.
const VALIDATED = ['body', 'querystring', 'query', 'params', 'headers', 'response', 'security']

type Handlers = ReadonlyMap<string, GrantHandler<any>>

/** The arguments of `tokenForm`, checked. */
interface Endpoint {
  readonly strict: boolean
  readonly handlers: Handlers
  readonly authenticateClient: TokenFormOptions['authenticateClient']
  /** Route options. */
  readonly others: Partial<RouteOptions>
}

/**
 * Registers the endpoint in a context of its own, whose only content type is the form's.
 *
 * @param realm of the `Basic` challenge that goes with `invalid_client`
 * @throws {TypeError} for a bad argument or option, naming it
 */
export function registerTokenForm (
  app: FastifyInstance, realm: string | undefined, path: unknown, ...rest: unknown[]
): void {
  const where = 'tokenForm'
  if (typeof path !== 'string') throw badOption(where, 'the path must be a string')
  const [options, handler] = rest.length < 2 && typeof rest[0] !== 'object' ? [{}, rest[0]] : rest
  const { strict, handlers, authenticateClient, others } = checkEndpoint(where, options, handler)
  const { schema, onRequest, errorHandler: own, ...route } = others
  const schemas = schemasOf([...handlers.keys()], strict)
  const [form, ...further] = [...schemas.values()] as [TObject, ...TObject[]]
  const body = further.length === 0 ? form : Type.Union([form, ...further])
  app.register(async (context) => {
    context.removeAllContentTypeParsers()
    await context.register(formbody, { parser: parseForm })
    // Twice, as the handler of the context and of the route: Fastify goes to the next one where an `onSend` hook fails
    // on a response of the first.
    const errorHandler = respondToError(realm)
    context.setErrorHandler(errorHandler)
    // Last of all, so that no hook of a route comes after it.
    context.addHook('onRoute', (last) => { last.onSend = [...[last.onSend ?? []].flat(), seal] })
    context.route({
      errorHandler: own === undefined ? errorHandler : givenErrorHandler(own),
      bodyLimit: BODY_LIMIT,
      ...route,
      method: 'POST',
      url: path,
      security: [],
      onRequest: [noStore, ...[onRequest ?? []].flat()],
      // The form is documented apart, and validated by the handler: compilers and transforms of the application are for
      // its own schemas.
      schema: { ...schema },
      config: { ...route.config, [kOperation]: { requestBody: requestBody(body), responses: responses() } } as object,
      handler: handle(schemas, handlers, authenticateClient)
    })
  })
}

function handle (
  schemas: ReadonlyMap<string, TObject>, handlers: Handlers, authenticateClient: TokenFormOptions['authenticateClient']
) {
  return async function tokenForm (request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const fields = readForm(schemas, request.headers['content-type'], request.body)
    const scopes = splitScope(fields.scope)
    const { scope: _, ...named } = fields
    const client = await readClient(request, fields, authenticateClient)
    const form = { ...named, ...'scope' in fields ? { scopes } : {}, ...client }
    const handler = handlers.get(fields.grant_type ?? 'password') as GrantHandler<unknown>
    const { given, hasResponded } = await watch(reply, async () => await handler(form, request, reply))
    if (given === undefined && hasResponded) return reply
    if (given instanceof Error) throw given
    return sendResponse(reply, 200, toResponse(given, scopes))
  }
}

/**
 * Runs a handler, and returns its value, and whether it has sent a response by itself, even if hooks still run for it.
 * A handler that did neither would leave the request open. A response of its own is sent past the application's
 * serializers, as one that it returns.
 */
async function watch (
  reply: FastifyReply, run: () => Promise<unknown>
): Promise<{ readonly given: unknown, readonly hasResponded: boolean }> {
  const { send } = reply
  let wasCalled = false
  reply.send = (payload?: unknown) => {
    wasCalled = true
    reply.send = send
    return isPlainObject(payload) ? sendResponse(reply, reply.statusCode, payload) : send.call(reply, payload)
  }
  try {
    const given = await run()
    return { given, hasResponded: wasCalled || reply.sent }
  } finally {
    // Errors, and what the endpoint sends, take the way of every response.
    reply.send = send
  }
}

function checkEndpoint (where: string, options: unknown, handler: unknown): Endpoint {
  if (!isObject(options)) throw badOption(where, 'the options must be an object')
  for (const key of Object.keys(options)) {
    if (RESERVED.includes(key)) {
      throw badOption(where,
        `there is no option \`${key}\`: the endpoint is public, and decides by itself how it is reached and validated`)
    }
    if (!ALLOWED.includes(key)) {
      throw badOption(where,
        `there is no option \`${key}\`: it takes strict, grants, authenticateClient and Fastify's route options`)
    }
  }
  refuseUndefined(where, options)
  const { strict = false, grants, authenticateClient, ...others } =
    options as Omit<Partial<RouteOptions>, 'schema'> & Record<string, unknown>
  if (typeof strict !== 'boolean') throw badOption(where, 'the option `strict` must be true or false')
  if (authenticateClient !== undefined && typeof authenticateClient !== 'function') {
    throw badOption(where, 'the option `authenticateClient` must be a function')
  }
  if (others.errorHandler !== undefined && typeof others.errorHandler !== 'function') {
    throw badOption(where, 'the option `errorHandler` must be a function')
  }
  checkSchema(where, others.schema)
  const handlers = checkHandlers(where, grants, handler)
  if (handlers.has('client_credentials') && authenticateClient === undefined) {
    throw badOption(where,
      'the grant "client_credentials" lets in whoever names a client, so it needs the option `authenticateClient`')
  }
  return {
    strict,
    handlers,
    authenticateClient: authenticateClient as Endpoint['authenticateClient'],
    others: others as Partial<RouteOptions>
  }
}

function checkSchema (where: string, schema: unknown): void {
  if (schema === undefined) return
  if (schema === null || typeof schema !== 'object') throw badOption(where, 'the option `schema` must be an object')
  for (const part of VALIDATED) {
    if (part in schema) {
      throw badOption(where,
        `the option \`schema\` must not have a \`${part}\`: the form and the responses have their own`)
    }
  }
}

function checkHandlers (where: string, grants: unknown, handler: unknown): Handlers {
  if (grants === undefined) {
    if (typeof handler !== 'function') throw badOption(where, 'the handler must be a function')
    return new Map([['password', handler as GrantHandler<unknown>]])
  }
  if (handler !== undefined) {
    throw badOption(where, 'there is either a handler or the option `grants`; make the handler `grants.password`')
  }
  if (!isObject(grants)) throw badOption(where, 'the option `grants` must be an object of handlers')
  refuseUndefined(where, grants, 'the grant')
  const entries = Object.entries(grants)
  for (const [grant, candidate] of entries) {
    if (!GRANT_TYPES.includes(grant)) {
      throw badOption(where, `the option \`grants\` has no grant "${grant}": there are ${GRANT_TYPES.join(', ')}`)
    }
    if (typeof candidate !== 'function') {
      throw badOption(where, `the handler of the grant "${grant}" must be a function`)
    }
  }
  if (entries.length === 0) throw badOption(where, 'the option `grants` must have at least one handler')
  return new Map(entries as Array<[string, GrantHandler<unknown>]>)
}
