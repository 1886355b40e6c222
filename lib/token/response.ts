/** The responses of a token endpoint (RFC 6749 sections 5.1 and 5.2). */

import { Type, type TObject, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { OAuth2Error, isOAuth2Error } from '../errors'
import { toErrorDescription, writeChallenge } from '../header/challenge'
import { statusOf } from '../outcome'
import type { TokenResponse as TokenResponseBody } from '../../types/token-form'

const tokenResponse = {
  access_token: Type.String({ description: 'The token' }),
  token_type: Type.String({ description: 'How the token is sent: bearer' }),
  expires_in: Type.Optional(Type.Integer({ description: 'Seconds until the token expires' })),
  refresh_token: Type.Optional(Type.String({ description: 'A token to get the next one with' })),
  scope: Type.Optional(Type.String({ description: 'The granted scopes, separated by spaces' }))
}
/** The type of the schema `TokenResponse`. */
export interface TokenResponseSchema extends TObject<typeof tokenResponse> {}
/** The response of a token endpoint (RFC 6749 section 5.1). Further members are allowed. */
export const TokenResponse: TokenResponseSchema = Type.Object(tokenResponse, { additionalProperties: true })
/** The body of a successful response of a token endpoint. */
export interface TokenResponse extends TokenResponseBody {}

const GrantedScopes = Type.Array(Type.String())

const ErrorResponse = Type.Object({
  error: Type.String({ description: 'A code of RFC 6749 section 5.2' }),
  error_description: Type.Optional(Type.String())
})

/** The only content type that a token endpoint takes. */
const FORM = 'application/x-www-form-urlencoded'

/** Returns the Request Body Object of the operation. */
export function requestBody (schema: TSchema): object {
  return { required: true, content: { [FORM]: { schema } } }
}

/** Returns the Responses Object of the operation. */
export function responses (): Record<string, object> {
  const response = (description: string, schema: TSchema = ErrorResponse) =>
    ({ description, content: { 'application/json': { schema } } })
  return {
    200: response('The token', TokenResponse),
    400: response('The request is invalid, or the grant was refused'),
    401: response('The client is unknown, or did not authenticate'),
    413: response('The body is too large'),
    415: response('The body is not a form')
  }
}

/**
 * Returns the response for a handler's value. `scope` has the granted scopes if they differ from those asked for.
 *
 * @throws {OAuth2Error} `server_error`, for anything but a token response
 */
export function toResponse (given: unknown, asked: readonly string[]): unknown {
  if (!Value.Check(TokenResponse, given)) {
    throw new OAuth2Error('server_error',
      'the handler must return { access_token, token_type }, or throw an OAuth2Error')
  }
  const { scopes, ...response } = given as TokenResponseBody & { scopes?: unknown }
  if (scopes === undefined) return response
  if (!Value.Check(GrantedScopes, scopes)) {
    throw new OAuth2Error('server_error',
      'the `scopes` that the handler of the token endpoint gave are no array of strings')
  }
  const same = new Set(asked).size === new Set(scopes).size && asked.every((scope) => scopes.includes(scope))
  return same ? response : { scope: scopes.join(' '), ...response }
}

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' }
const JSON_TYPE = 'application/json; charset=utf-8'

type Headers = Readonly<Record<string, string>>

interface SentResponse { readonly statusCode: number, readonly headers: Headers, readonly body: Buffer }

// By reply; `null` for one that an `onSend` hook failed on.
const sentResponses = new WeakMap<FastifyReply, SentResponse | null>()

/** Sets the headers that every response of the endpoint has, before anything can fail. */
export async function noStore (_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers(NO_STORE)
}

/**
 * Sends a response of the endpoint as bytes, past `preSerialization` and the serializers of the application.
 */
export function sendResponse (
  reply: FastifyReply, statusCode: number, content: unknown, headers: Headers = {}
): FastifyReply {
  const body = Buffer.from(JSON.stringify(content))
  const response = { statusCode, headers: { ...headers, ...NO_STORE, 'content-type': JSON_TYPE }, body }
  sentResponses.set(reply, response)
  return reply.code(statusCode).headers(response.headers).send(response.body)
}

/**
 * The last `onSend` hook: restores a response that other hooks of the application have changed. A compressed body stays
 * compressed.
 */
export async function seal (_request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const response = sentResponses.get(reply)
  reply.headers(response?.headers ?? NO_STORE)
  if (response === undefined || response === null) return payload
  reply.code(response.statusCode)
  return reply.hasHeader('content-encoding') ? payload : response.body
}

/**
 * Responds to every error in the form of RFC 6749 section 5.2.
 *
 * After a response only an `onSend` hook can fail, and it would fail again on the response to its error: that response
 * passes by all hooks.
 */
export function respondToError (realm: string | undefined) {
  return function tokenFormError (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const isLate = sentResponses.has(reply)
    const sent = isLate ? new OAuth2Error('server_error') : toOAuth2Error(error)
    if (sent.statusCode >= 500) request.log.error(error)
    const description = sent.code === 'server_error' ? undefined : sent.description
    const described = description === undefined ? {} : { error_description: toErrorDescription(description) }
    const content = { error: sent.code, ...described }
    const challenge = { 'www-authenticate': writeChallenge('Basic', { realm }) }
    if (isLate) respondPastHooks(reply, sent.statusCode, content)
    else sendResponse(reply, sent.statusCode, content, sent.code === 'invalid_client' ? challenge : {})
  }
}

function respondPastHooks (reply: FastifyReply, statusCode: number, content: object): void {
  reply.hijack()
  if (reply.raw.headersSent) return
  reply.raw.writeHead(statusCode, { ...NO_STORE, 'content-type': JSON_TYPE }).end(JSON.stringify(content))
}

/**
 * An error handler of the application, given for this endpoint: it responds now, and the response that the
 * endpoint has sent before must not be restored.
 */
export function givenErrorHandler (handler: Exclude<RouteOptions['errorHandler'], undefined>): typeof handler {
  return function tokenFormOwnError (error, request, reply) {
    if (sentResponses.has(reply)) sentResponses.set(reply, null)
    return handler.call(this, error, request, reply)
  }
}

function toOAuth2Error (error: unknown): OAuth2Error {
  let statusCode = 500
  try {
    if (isOAuth2Error(error)) return error
    statusCode = statusOf(error as Error)
  } catch {
    // The thrown value cannot be read: it is handled as any other failure of the server.
  }
  if (statusCode >= 500) return new OAuth2Error('server_error', undefined, { statusCode })
  const description = statusCode === 415 ? `The Content-Type must be ${FORM}` : (error as Error).message
  return new OAuth2Error('invalid_request', description, { statusCode })
}
