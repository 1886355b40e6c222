/** One question to an introspection endpoint (RFC 7662 section 2). */

import { clientRefused, providerUnavailable } from '../errors'
import { ask, objectOf, type ProviderResponse, type Asker } from '../provider/ask'
import type { Claims } from '../provider/claims'
import { membersOf } from '../provider/json'
import { RETRY } from '../provider/kept'
import type { Refused } from '../provider/reports'
import type { Credentials } from './client'

/** The members of an active token, or why it is refused. */
export type Introspected = { readonly claims: Claims } | { readonly refused: Refused }

const OF_OTHERS = 'some endpoints respond so to a token that they did not make; ' +
  'if it was a good one, look at the option `endpoint` or `issuer`, and at the rights of the client'

/**
 * Asks whether a token is active.
 *
 * @throws `FST_AUTH_VERIFY_FAILED` where the endpoint refuses the client
 * @throws `FST_AUTH_PROVIDER_UNAVAILABLE` where there is no response, or none that can be read
 */
export async function introspect (
  asker: Asker, endpoint: string, credentials: Credentials, token: string
): Promise<Introspected> {
  const response = await orUnavailable(async () => await ask(asker, endpoint, {
    method: 'POST',
    headers: { authorization: await credentials(), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString()
  }))
  const { status } = response
  if (status === 401 || isInvalidClient(response)) throw clientRefused()
  if (status >= 400 && status < 500) {
    return { refused: { reason: `the introspection endpoint responded with ${status}`, cure: OF_OTHERS } }
  }
  const claims: Claims = await orUnavailable(async () => ({ ...objectOf(response) }))
  if (claims.active !== true) return { refused: { reason: 'it is not active' } }
  return Number.isNaN(membersOf(claims)) ? { refused: { reason: 'its members are nested too deep' } } : { claims }
}

async function orUnavailable<T> (step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    throw providerUnavailable(RETRY / 1000, cause)
  }
}

/** RFC 6749 section 5.2, which some servers send with 400. */
function isInvalidClient ({ status, body }: ProviderResponse): boolean {
  if (status < 400 || status >= 500) return false
  try {
    return JSON.parse(body.toString()).error === 'invalid_client'
  } catch {
    return false
  }
}
