/** The answers of a token endpoint (RFC 6749 sections 5.1 and 5.2). */

import { Type, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { OAuth2Error } from '../errors'
import { toErrorDescription, writeChallenge } from '../header/challenge'
import { statusOf } from '../outcome'
import type { TokenResponse as TokenResponseBody } from '../../types/token-form'

/** The answer of a token endpoint (RFC 6749 section 5.1). Further members are allowed. */
export const TokenResponse = Type.Object({
  access_token: Type.String({ description: 'The token' }),
  token_type: Type.String({ description: 'How the token is sent: bearer' }),
  expires_in: Type.Optional(Type.Integer({ description: 'Seconds until the token expires' })),
  refresh_token: Type.Optional(Type.String({ description: 'A token to get the next one with' })),
  scope: Type.Optional(Type.String({ description: 'The granted scopes, separated by spaces' }))
}, { additionalProperties: true })
export type TokenResponse = TokenResponseBody

const GrantedScopes = Type.Array(Type.String())

const ErrorResponse = Type.Object({
  error: Type.String({ description: 'A code of RFC 6749 section 5.2' }),
  error_description: Type.Optional(Type.String())
})

/** The only content type that a token endpoint takes. */
export const FORM = 'application/x-www-form-urlencoded'

/** The response schemas of the route, for the document. */
export function responses (): Record<string, TSchema> {
  const error = (description: string) => ({ ...ErrorResponse, description })
  return {
    200: { ...TokenResponse, description: 'The token' },
    400: error('The request is invalid, or the grant was refused'),
    401: error('The client is unknown, or did not authenticate'),
    413: error('The body is too large'),
    415: error('The body is not a form')
  }
}

/**
 * What is sent of what a handler gave: `scope` tells the granted scopes where they differ from those asked for.
 *
 * @throws {OAuth2Error} `server_error`, for anything but a token response
 */
export function toResponse (given: unknown, asked: readonly string[]): unknown {
  if (!Value.Check(TokenResponse, given)) throw new OAuth2Error('server_error', 'the handler of the token endpoint gave no TokenResponse')
  const { scopes, ...response } = given as TokenResponseBody & { scopes?: unknown }
  if (scopes === undefined) return response
  if (!Value.Check(GrantedScopes, scopes)) throw new OAuth2Error('server_error', 'the `scopes` that the handler of the token endpoint gave are no array of strings')
  const same = new Set(asked).size === new Set(scopes).size && asked.every((scope) => scopes.includes(scope))
  return same ? response : { scope: scopes.join(' '), ...response }
}

export async function noStore (_request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  reply.header('Cache-Control', 'no-store')
  reply.header('Pragma', 'no-cache')
  return payload
}

/** Answers every error in the form of RFC 6749 section 5.2. */
export function answerError (realm: string | undefined) {
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
