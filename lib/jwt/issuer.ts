/** `jwtIssuer`: tokens of one's own, signed and verified by one object. */

import { randomUUID, type webcrypto } from 'node:crypto'
import { badOption } from '../errors'
import { fixed } from '../provider/kept'
import { isText, readOptions, requiredText, wholeNumber, type Options } from '../provider/options'
import type { Clock } from '../provider/reports'
import type { JwtIssuer } from '../../types/token-verifier'
import { requireJose } from './jose'
import { importSecret, secretKeys } from './keys'
import { createVerifier } from './verifier'

const WHERE = 'jwtIssuer'

// RFC 7518 section 3.2: a key of the size of the hash output, or larger.
const LEAST_BYTES = 32

// Members that are set, and may not be given.
const OWN = ['typ', 'iss', 'aud', 'iat', 'exp', 'jti', 'scope', 'cnf']

// scope-token, RFC 6749 section 3.3.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

const LONGEST_TOKEN = 16 * 1024

/** The inner factory: the clock is given, so that tests can move it. */
export function createJwtIssuer (options: unknown, clock: Clock): JwtIssuer<Record<string, unknown>> {
  requireJose(WHERE)
  const checked = readOptions(WHERE, options, ['secret', 'issuer', 'expiresIn'], ['audience', 'cache'])
  const issuer = requiredText(WHERE, checked, 'issuer')
  const audience = 'audience' in checked ? requiredText(WHERE, checked, 'audience') : issuer
  const expiresIn = wholeNumber(WHERE, checked, 'expiresIn', undefined, 1)
  const cache = wholeNumber(WHERE, checked, 'cache', 1000, 0)
  const bytes = secretsOf(checked)
  const secrets = fixed(async () => await Promise.all(bytes.map(importSecret)))
  const verify = createVerifier([{
    issuer,
    audience: [audience],
    typ: 'at+jwt',
    algorithms: ['HS256'],
    claims: undefined,
    tolerance: 0,
    cache,
    keys: fixed(async () => await secretKeys(await secrets.get()))
  }], clock)
  return Object.freeze({
    async sign (claims: { readonly sub: string, readonly scopes?: readonly string[] } & Record<string, unknown>) {
      const { scopes, ...rest } = checkClaims(claims)
      const { SignJWT } = await import('jose')
      const [secret] = await secrets.get()
      const now = Math.floor(clock() / 1000)
      const times = { iat: now, exp: now + expiresIn }
      const own = { iss: issuer, aud: audience, ...times, jti: randomUUID(), scope: scopes.join(' ') }
      const token = await new SignJWT({ ...rest, ...own })
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(secret as webcrypto.CryptoKey)
      if (token.length > LONGEST_TOKEN) {
        throw badOption(
          `${WHERE}.sign`,
          `the token is longer than ${LONGEST_TOKEN} characters, and would not be accepted`
        )
      }
      return token
    },
    verify,
    expiresIn
  })
}

function secretsOf ({ secret }: Options): readonly Uint8Array[] {
  const list: readonly unknown[] = Array.isArray(secret) ? Array.from(secret) : [secret]
  if (list.length === 0) throw badOption(WHERE, 'the option `secret` must not be an empty list')
  return list.map((one) => {
    if (typeof one !== 'string' && !(one instanceof Uint8Array)) {
      throw badOption(WHERE, 'the option `secret` must be a string, bytes, or a list of these')
    }
    const bytes = Buffer.from(one)
    if (bytes.length < LEAST_BYTES) {
      throw badOption(WHERE, `the option \`secret\` must have at least ${LEAST_BYTES} bytes`)
    }
    if (isKeyFile(bytes.toString('latin1').trim())) {
      throw badOption(WHERE, 'the option `secret` must be no PEM and no JWK: a public key is no secret')
    }
    return bytes
  })
}

function isKeyFile (text: string): boolean {
  if (text.startsWith('-----BEGIN')) return true
  try {
    const { kty, keys } = JSON.parse(text)
    return kty !== undefined || keys !== undefined
  } catch {
    return false
  }
}

function checkClaims (claims: unknown): Record<string, unknown> & { readonly scopes: readonly string[] } {
  const where = `${WHERE}.sign`
  if (claims === null || typeof claims !== 'object' || Array.isArray(claims)) {
    throw badOption(where, 'the claims must be an object')
  }
  const { scopes = [], ...rest } = claims as Record<string, unknown>
  for (const [name, value] of Object.entries(claims)) {
    if (OWN.includes(name)) throw badOption(where, `\`${name}\` cannot be given`)
    if (value === undefined) throw badOption(where, `\`${name}\` is undefined`)
  }
  if (!isText(rest.sub)) throw badOption(where, '`sub` must be a string that is not empty')
  if (!Array.isArray(scopes) || !Array.from(scopes).every((scope) => typeof scope === 'string' && SCOPE.test(scope))) {
    throw badOption(where, '`scopes` must be a list of scope names')
  }
  return { ...rest, scopes }
}
