/** The `verify` for tokens that only their provider can read. */

import { badOption, InvalidCredentialsError } from '../errors'
import { askerOf } from '../provider/ask'
import { fixed, Kept } from '../provider/kept'
import { fetchUrl } from '../provider/metadata'
import { audiences, optionalFunction, readOptions, wholeNumber } from '../provider/options'
import { Reports, type Clock, type Context, type Log, type Refused } from '../provider/reports'
import { digestOf, tokenOf } from '../provider/token'
import { TokenCache } from '../provider/token-cache'
import { endpointUrl, issuerUrl } from '../provider/url'
import type { IntrospectedToken } from '../../types/token-claims'
import type { TokenVerifier } from '../../types/token-verifier'
import { credentialsOf } from './client'
import { introspect } from './ask'
import { judgeIntrospected, type AskedOfIntrospected } from './claims'

const WHERE = 'introspectionVerifier'

const OPTIONAL = ['endpoint', 'issuer', 'claims', 'maxAge', 'cache', 'fetch', 'timeout']

// For `exp` and `nbf`, in milliseconds: the provider has checked them by its own clock.
const TOLERANCE = 5000

const NO_TOKEN: Outcome = { refused: { reason: 'it is no token, or too long' } }

type Outcome = { readonly accepted: IntrospectedToken } | { readonly refused: Refused }

/** The inner factory: the clock is given, so that tests can move it. */
export function createIntrospectionVerifier (options: unknown, clock: Clock): TokenVerifier<IntrospectedToken> {
  const checked = readOptions(WHERE, options, ['client', 'audience'], OPTIONAL)
  if ('endpoint' in checked === 'issuer' in checked) {
    throw badOption(WHERE, 'one of the options `endpoint` and `issuer` is required, and not both')
  }
  const asker = askerOf(WHERE, checked)
  const issuer = 'issuer' in checked ? issuerUrl(WHERE, checked, 'issuer') : null
  const given = issuer === null ? endpointUrl(WHERE, checked, 'endpoint') : null
  const endpoint = given === null
    ? new Kept(async () => await fetchUrl(asker, issuer as string, 'introspection_endpoint'), clock, Infinity)
    : fixed(async () => given)
  const credentials = credentialsOf(WHERE, checked.client)
  const maxAge = wholeNumber(WHERE, checked, 'maxAge', 0, 0)
  const kept = new TokenCache<IntrospectedToken>(wholeNumber(WHERE, checked, 'cache', 1000, 0))
  const claims = optionalFunction<NonNullable<AskedOfIntrospected['claims']>>(WHERE, checked, 'claims')
  const asked: AskedOfIntrospected = { issuer, tolerance: TOLERANCE, claims, audience: audiences(WHERE, checked) }
  const reports = new Reports(clock)
  const pending = new Map<string, Promise<Outcome>>()

  async function decide (token: string, digest: string, url: string): Promise<Outcome> {
    const response = await introspect(asker, url, credentials, token)
    if ('refused' in response) return response
    const now = clock()
    const refused = judgeIntrospected(response.claims, asked, now)
    if (refused !== null) return { refused }
    const accepted = response.claims as unknown as IntrospectedToken
    if (maxAge > 0) kept.set(digest, accepted, Math.min(now + maxAge, (accepted.exp ?? Infinity) * 1000))
    return { accepted }
  }

  /** The same token is asked about once at a time. */
  async function decideOnce (token: string, digest: string, log: Log): Promise<Outcome> {
    const url = await endpoint.get(log)
    let asking = pending.get(digest)
    if (asking === undefined) {
      asking = decide(token, digest, url).finally(() => { pending.delete(digest) })
      pending.set(digest, asking)
    }
    return await asking
  }

  async function verifyNow (token: string | null, digest: string, log: Log): Promise<IntrospectedToken | null> {
    const outcome = token === null ? NO_TOKEN : await decideOnce(token, digest, log)
    if ('accepted' in outcome) return outcome.accepted
    reports.refused(log, issuer ?? '', outcome.refused)
    if (outcome.refused.description !== undefined) throw new InvalidCredentialsError(outcome.refused.description)
    return null
  }

  return Object.freeze(Object.assign(function verify (credentials: unknown, { request: { log } }: Context) {
    const token = tokenOf(credentials)
    const digest = token === null ? '' : digestOf(token)
    return kept.get(digest, clock()) ?? verifyNow(token, digest, log)
  }, {
    async prepare () { await endpoint.get() }
  }))
}
