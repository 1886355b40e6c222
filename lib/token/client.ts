/** The client of a token endpoint (RFC 6749 section 2.3.1): HTTP Basic, or fields of the form. */

import type { FastifyRequest } from 'fastify'
import { OAuth2Error } from '../errors'
import { ABSENT, MALFORMED, readAuthorization } from '../header/authorization'
import { readBasicCredentials } from '../header/basic-credentials'
import { isRefusal } from '../outcome'
import type { TokenFormOptions } from '../../types/token-form'
import type { Fields } from './forms'

export interface Client { readonly client_id: string | undefined, readonly client_secret: string | undefined }

/**
 * The client that a form came from, as far as it was sent, after `authenticate` accepted it.
 *
 * @throws {OAuth2Error} for credentials that are malformed, sent twice, missing where the grant needs them, or refused
 */
export async function readClient (request: FastifyRequest, fields: Fields, authenticate: TokenFormOptions['authenticateClient']): Promise<Client> {
  const client = credentialsOf(request, fields)
  const { client_id: id, client_secret: secret } = client
  if (fields.grant_type === 'client_credentials' && (id === undefined || secret === undefined)) {
    throw new OAuth2Error('invalid_client', 'The client must authenticate')
  }
  if (id === undefined && (secret !== undefined || fields.grant_type === 'authorization_code')) throw new OAuth2Error('invalid_request', 'The field client_id is missing')
  if (authenticate !== undefined && id !== undefined) {
    if (isRefusal(await authenticate(id, secret, request))) throw new OAuth2Error('invalid_client', 'The client is unknown, or its credentials are wrong')
  }
  return client
}

function credentialsOf (request: FastifyRequest, { client_id: id, client_secret: secret }: Fields): Client {
  const authorization = readAuthorization(request.headers.authorization, 'basic')
  if (authorization === ABSENT) return { client_id: id, client_secret: secret }
  const credentials = authorization === MALFORMED ? MALFORMED : readBasicCredentials(authorization.credentials)
  if (credentials === MALFORMED) throw new OAuth2Error('invalid_client', 'The Authorization header is malformed')
  if (id !== undefined || secret !== undefined) {
    throw new OAuth2Error('invalid_request', 'The client must authenticate by the Authorization header or by fields, not by both')
  }
  return { client_id: formDecode(credentials.username), client_secret: formDecode(credentials.password) }
}

/** Id and secret are form-encoded before they are joined. An empty one counts as not sent. */
function formDecode (text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')) || undefined
  } catch {
    throw new OAuth2Error('invalid_client', 'The client credentials are not form-encoded')
  }
}
