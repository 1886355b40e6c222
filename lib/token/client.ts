/**
 * The client of a token endpoint (RFC 6749 section 2.3.1): HTTP Basic, where clients are authenticated, or fields of
 * the form.
 */

import type { FastifyRequest } from 'fastify'
import { OAuth2Error, isOAuth2Error } from '../errors'
import { ABSENT, MALFORMED, readAuthorization } from '../header/authorization'
import { readBasicCredentials } from '../header/basic-credentials'
import { isRefusal, statusOf } from '../outcome'
import type { TokenFormOptions } from '../../types/token-form'
import { isClientId, isClientSecret, type Fields } from './forms'

type AuthenticateClient = NonNullable<TokenFormOptions['authenticateClient']>

export interface Client { readonly client_id: string | undefined, readonly client_secret: string | undefined }

/**
 * The client that a form came from, as far as it was sent, after `authenticate` accepted it.
 *
 * @throws {OAuth2Error} for credentials that are malformed, sent twice, missing where the grant needs them, or refused
 */
export async function readClient (
  request: FastifyRequest, fields: Fields, authenticate: TokenFormOptions['authenticateClient']
): Promise<Client> {
  // If clients are not authenticated, the header is for others: a proxy, or the whole site.
  const client = authenticate === undefined ? ofFields(fields) : credentialsOf(request, fields)
  const { client_id: id, client_secret: secret } = client
  if (fields.grant_type === 'client_credentials' && (id === undefined || secret === undefined)) {
    throw new OAuth2Error('invalid_client', 'The client must authenticate')
  }
  if (id === undefined && (secret !== undefined || fields.grant_type === 'authorization_code')) {
    throw new OAuth2Error('invalid_request', 'The field client_id is missing')
  }
  if (authenticate !== undefined && id !== undefined && isRefusal(await decide(authenticate, id, secret, request))) {
    throw new OAuth2Error('invalid_client', 'The client is unknown, or its credentials are wrong')
  }
  return client
}

/** Returns the decision of the application. A 401 that `authenticate` throws refuses the client. */
async function decide (
  authenticate: AuthenticateClient, id: string, secret: string | undefined, request: FastifyRequest
): Promise<unknown> {
  try {
    const decision = await authenticate(id, secret, request)
    if (decision instanceof Error) throw decision
    return decision
  } catch (error) {
    if (isOAuth2Error(error) || statusOf(error as Error) !== 401) throw error
    throw new OAuth2Error('invalid_client', (error as Error).message)
  }
}

const ofFields = ({ client_id: id, client_secret: secret }: Fields): Client =>
  ({ client_id: id, client_secret: secret })

function credentialsOf (request: FastifyRequest, fields: Fields): Client {
  const authorization = readAuthorization(request.headers.authorization, 'basic')
  if (authorization === ABSENT) return ofFields(fields)
  const credentials = authorization === MALFORMED ? MALFORMED : readBasicCredentials(authorization.credentials)
  if (credentials === MALFORMED) throw new OAuth2Error('invalid_client', 'The Authorization header is malformed')
  const client = {
    client_id: formDecode(credentials.username, isClientId),
    client_secret: formDecode(credentials.password, isClientSecret)
  }
  if (fields.client_secret !== undefined || (fields.client_id !== undefined && fields.client_id !== client.client_id)) {
    throw new OAuth2Error('invalid_request',
      'The field client_id or client_secret is not that of the Authorization header: send the client by one of them')
  }
  return client
}

/** Id and secret are form-encoded before they are joined. An empty one counts as not sent. */
function formDecode (encoded: string, isAllowed: (text: string) => boolean): string | undefined {
  if (encoded === '') return undefined
  const text = decode(encoded)
  if (text === null) throw new OAuth2Error('invalid_client', 'The client credentials are not form-encoded')
  if (!isAllowed(text)) {
    throw new OAuth2Error('invalid_client', 'The client credentials have characters that they may not have')
  }
  return text
}

function decode (encoded: string): string | null {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return null
  }
}
