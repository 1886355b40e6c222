/** The token endpoint: a login form, parsed, validated and answered as RFC 6749 asks. */

import formbody from '@fastify/formbody'
import { FormatRegistry, Type, type Static, type TSchema } from '@sinclair/typebox'
import { Value, ValueErrorType } from '@sinclair/typebox/value'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { OAuth2Error, badOption } from './errors'
import { ABSENT, MALFORMED, readAuthorization } from './header/authorization'
import { readBasicCredentials } from './header/basic-credentials'
import { toErrorDescription, writeChallenge } from './header/challenge'
import { statusOf } from './request/authenticate'
import type { OAuth2PasswordForm, TokenFormHandler, TokenResponse as TokenResponseBody } from '../types/token-form'

// TypeBox refuses formats that it does not know. This one, OpenAPI's, allows any string.
if (!FormatRegistry.Has('password')) FormatRegistry.Set('password', () => true)

const Secret = (description: string) => Type.String({ format: 'password', description })

const fields = {
  username: Type.String({ description: 'The user name' }),
  password: Secret('The password'),
  scope: Type.Optional(Type.String({ description: 'The scopes asked for, separated by spaces' })),
  client_id: Type.Optional(Type.String({ description: 'The client, unless it authenticates by HTTP Basic' })),
  client_secret: Type.Optional(Secret('The secret of the client'))
}

/** The form of the password grant (RFC 6749 section 4.3.2); `grant_type` may be left out. */
export const OAuth2PasswordRequestForm = Type.Object({ grant_type: Type.Optional(Type.Literal('password')), ...fields })
export type OAuth2PasswordRequestForm = Static<typeof OAuth2PasswordRequestForm>

/** The form of the password grant, with `grant_type` as the RFC requires it. */
export const OAuth2PasswordRequestFormStrict = Type.Object({ grant_type: Type.Literal('password'), ...fields })
export type OAuth2PasswordRequestFormStrict = Static<typeof OAuth2PasswordRequestFormStrict>

/** The answer of a token endpoint (RFC 6749 section 5.1). Further members are allowed. */
export const TokenResponse = Type.Object({
  access_token: Type.String({ description: 'The token' }),
  token_type: Type.String({ description: 'How the token is sent: bearer' }),
  expires_in: Type.Optional(Type.Integer({ description: 'Seconds until the token expires' })),
  refresh_token: Type.Optional(Type.String({ description: 'A token to get the next one with' })),
  scope: Type.Optional(Type.String({ description: 'The granted scopes, separated by spaces' }))
}, { additionalProperties: true })
export type TokenResponse = TokenResponseBody

const ErrorResponse = Type.Object({
  error: Type.String({ description: 'A code of RFC 6749 section 5.2' }),
  error_description: Type.Optional(Type.String())
})

const FORM = 'application/x-www-form-urlencoded'

// What the endpoint decides by itself.
const RESERVED = ['security', 'method', 'url', 'path', 'handler', 'validatorCompiler', 'serializerCompiler', 'attachValidation']

// What a schema describes to machines. The rest of it is for readers of the document.
const VALIDATED = ['body', 'querystring', 'query', 'params', 'headers', 'response', 'security']

/**
 * Registers the endpoint in a context of its own, whose only content type is the form's.
 *
 * @param realm of the `Basic` challenge that goes with `invalid_client`
 * @throws {TypeError} for a bad argument or option, naming it
 */
export function registerTokenForm (app: FastifyInstance, realm: string | undefined, path: unknown, ...rest: unknown[]): void {
  const where = 'tokenForm'
  const [options, handler] = rest.length > 1 ? rest : [{}, rest[0]]
  if (typeof path !== 'string') throw badOption(where, 'the path must be a string')
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw badOption(where, 'the options must be an object')
  if (typeof handler !== 'function') throw badOption(where, 'the handler must be a function')
  for (const key of RESERVED) {
    if (key in options) throw badOption(where, `there is no option \`${key}\`: the endpoint is public, and decides by itself how it is reached and validated`)
  }
  const { strict = false, schema, onSend, ...others } = options as Partial<RouteOptions> & { strict?: unknown }
  if (typeof strict !== 'boolean') throw badOption(where, 'the option `strict` must be true or false')
  if (schema !== undefined && (schema === null || typeof schema !== 'object')) throw badOption(where, 'the option `schema` must be an object')
  for (const part of VALIDATED) {
    if (schema !== undefined && part in schema) throw badOption(where, `the option \`schema\` must not have a \`${part}\`: the form and the answers have their own`)
  }

  const form = strict ? OAuth2PasswordRequestFormStrict : OAuth2PasswordRequestForm
  app.register(async (context) => {
    context.removeAllContentTypeParsers()
    await context.register(formbody)
    context.route({
      errorHandler: answerError(realm),
      ...others,
      method: 'POST',
      url: path,
      security: [],
      onSend: [noStore, ...[onSend ?? []].flat()],
      schema: { ...schema, consumes: [FORM], body: form, response: responses() },
      // Whatever compilers the application has set are for its own schemas.
      validatorCompiler: () => () => true,
      serializerCompiler: () => JSON.stringify,
      handler: answer(form, handler as TokenFormHandler)
    })
  })
}

function answer (schema: TSchema, handler: TokenFormHandler) {
  return async function tokenForm (request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const response: unknown = await handler(readForm(schema, request), request, reply)
    // The handler has sent its answer by itself, and hooks may still be at work on it.
    if (response === undefined) return reply
    if (!Value.Check(TokenResponse, response)) throw new OAuth2Error('server_error', 'the handler of the token endpoint returned no TokenResponse')
    return response
  }
}

/** The form that was sent. Throws an `OAuth2Error` for anything that is not one. */
function readForm (schema: TSchema, request: FastifyRequest): OAuth2PasswordForm {
  const { body } = request
  if (body === null || typeof body !== 'object') throw new OAuth2Error('invalid_request', 'The body is empty')
  const sent: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ''))
  if (typeof sent.grant_type === 'string' && sent.grant_type !== 'password') {
    throw new OAuth2Error('unsupported_grant_type', 'The grant type must be password')
  }
  if (!Value.Check(schema, sent)) throw new OAuth2Error('invalid_request', describe(schema, sent))
  const { grant_type: grantType, username, password, scope, ...client } = sent as Readonly<Record<string, string>>
  return {
    grant_type: grantType as 'password' | undefined,
    username: username as string,
    password: password as string,
    scopes: scope?.split(/\s+/).filter((name) => name !== '') ?? [],
    ...readClient(request, client)
  }
}

/** Which field is wrong, without its value. */
function describe (schema: TSchema, sent: unknown): string {
  const error = Value.Errors(schema, sent).First()
  const field = error?.path.slice(1)
  return error?.type === ValueErrorType.ObjectRequiredProperty ? `The field ${field} is missing` : `The field ${field} must be sent once`
}

/** Client credentials by HTTP Basic or as fields, never both (RFC 6749 section 2.3.1). */
function readClient (request: FastifyRequest, fields: Readonly<Record<string, string>>): Pick<OAuth2PasswordForm, 'client_id' | 'client_secret'> {
  const { client_id: id, client_secret: secret } = fields
  const authorization = readAuthorization(request.headers.authorization, 'basic')
  if (authorization === ABSENT) return { client_id: id, client_secret: secret }
  const credentials = authorization === MALFORMED ? MALFORMED : readBasicCredentials(authorization.credentials)
  if (credentials === MALFORMED) throw new OAuth2Error('invalid_client', 'The Authorization header is malformed')
  if (id !== undefined || secret !== undefined) {
    throw new OAuth2Error('invalid_request', 'The client must authenticate by the Authorization header or by fields, not by both')
  }
  return { client_id: formDecode(credentials.username), client_secret: formDecode(credentials.password) }
}

function formDecode (text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')) || undefined
  } catch {
    throw new OAuth2Error('invalid_client', 'The client credentials are not form-encoded')
  }
}

async function noStore (_request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  reply.header('Cache-Control', 'no-store')
  reply.header('Pragma', 'no-cache')
  return payload
}

/** Answers every error in the form of RFC 6749 section 5.2. */
function answerError (realm: string | undefined) {
  return function tokenFormError (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const told = error instanceof OAuth2Error ? error : toOAuth2Error(error)
    if (told.statusCode >= 500) request.log.error(error)
    if (told.code === 'invalid_client') reply.header('WWW-Authenticate', writeChallenge('Basic', { realm }))
    const description = told.code === 'server_error' ? undefined : told.description
    reply.code(told.statusCode).send({
      error: told.code,
      ...(description === undefined ? {} : { error_description: toErrorDescription(description) })
    })
  }
}

function toOAuth2Error (error: unknown): OAuth2Error {
  let statusCode = 500
  try {
    statusCode = statusOf(error as Error)
  } catch {
    // Whatever was thrown cannot be read: it is told as any other failure of ours.
  }
  if (statusCode >= 500) return new OAuth2Error('server_error', undefined, { statusCode })
  const description = statusCode === 415 ? `The Content-Type must be ${FORM}` : (error as Error).message
  return new OAuth2Error('invalid_request', description, { statusCode })
}

function responses (): Record<string, TSchema> {
  const error = (description: string) => ({ ...ErrorResponse, description })
  return {
    200: { ...TokenResponse, description: 'The token' },
    400: error('The request is invalid, or the grant was refused'),
    401: error('The client is unknown, or did not authenticate'),
    413: error('The body is too large'),
    415: error('The body is not a form')
  }
}
