/** `jwtVerifier`: tokens of providers elsewhere. */

import { badOption } from '../errors'
import { askerOf } from '../provider/ask'
import { fixed, Kept, type Source } from '../provider/kept'
import { audiences, optionalFunction, readOptions, wholeNumber, type Options } from '../provider/options'
import type { Clock } from '../provider/reports'
import { issuerUrl } from '../provider/url'
import type { TokenClaims } from '../../types/token-claims'
import type { TokenVerifier } from '../../types/token-verifier'
import { requireJose } from './jose'
import { keyFetcher, publicKeys, usableKeys, type KeySet } from './keys'
import { createVerifier, type Trusted } from './verifier'

const WHERE = 'jwtVerifier'

const OPTIONAL = ['typ', 'algorithms', 'claims', 'keys', 'clockTolerance', 'cache', 'timeout', 'staleFor', 'fetch']

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** The inner factory: the clock is given, so that tests can move it. */
export function createJwtVerifier (issuers: unknown, clock: Clock): TokenVerifier<TokenClaims> {
  requireJose(WHERE)
  const list: readonly unknown[] = Array.isArray(issuers) ? Array.from(issuers) : [issuers]
  const trusted = list.map((options) => trustedOf(options, clock))
  if (trusted.length === 0) throw badOption(WHERE, 'at least one issuer is needed')
  if (new Set(trusted.map(({ issuer }) => issuer)).size < trusted.length) {
    throw badOption(WHERE, 'an issuer stands in the list twice')
  }
  return createVerifier(trusted, clock)
}

function trustedOf (options: unknown, clock: Clock): Trusted {
  const checked = readOptions(WHERE, options, ['issuer', 'audience'], OPTIONAL)
  const issuer = issuerUrl(WHERE, checked, 'issuer')
  const algorithms = algorithmsOf(checked)
  const { typ = 'at+jwt' } = checked
  if (typ !== 'at+jwt' && typ !== 'JWT') throw badOption(WHERE, 'the option `typ` must be \'at+jwt\' or \'JWT\'')
  return {
    issuer,
    algorithms,
    typ,
    claims: optionalFunction(WHERE, checked, 'claims'),
    tolerance: wholeNumber(WHERE, checked, 'clockTolerance', 5, 0, 300) * 1000,
    cache: wholeNumber(WHERE, checked, 'cache', 1000, 0),
    keys: keysOf(checked, issuer, algorithms, clock),
    // The last, as it may log.
    audience: audiences(WHERE, checked)
  }
}

function algorithmsOf ({ algorithms = ALGORITHMS }: Options): readonly string[] {
  const list: readonly unknown[] = Array.isArray(algorithms) ? Array.from(algorithms) : []
  if (list.length === 0 || !list.every((name) => (ALGORITHMS as readonly unknown[]).includes(name))) {
    throw badOption(WHERE, `the option \`algorithms\` must be a list of some of ${ALGORITHMS.join(', ')}`)
  }
  return list as readonly string[]
}

function keysOf (options: Options, issuer: string, algorithms: readonly string[], clock: Clock): Source<KeySet> {
  const asker = askerOf(WHERE, options)
  const staleFor = wholeNumber(WHERE, options, 'staleFor', 3_600_000, 0)
  const { keys } = options
  if (keys === undefined || typeof keys === 'string') {
    const url = keys === undefined ? undefined : issuerUrl(WHERE, options, 'keys')
    return new Kept(keyFetcher(asker, issuer, url, algorithms), clock, staleFor)
  }
  try {
    const orThrow = { warn (_details: object, message: string) { throw new Error(message) } }
    const given = usableKeys(structuredClone(keys) as Options, orThrow)
    return fixed(async () => await publicKeys(given, algorithms))
  } catch (error) {
    throw badOption(
      WHERE,
      `the option \`keys\` must be a URL, or a JSON Web Key Set whose keys can verify: ${(error as Error).message}`
    )
  }
}
