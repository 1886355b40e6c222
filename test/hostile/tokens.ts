/** Mutations of a good token: none is accepted, and none makes anything but a refusal. 20,000 in a test run, 200,000 by `npm run fuzz`. */

import t from 'tap'
import { randomInt } from 'node:crypto'
import { createJwtVerifier } from '../../lib/jwt/provider'
import { createKey, signRaw, AUDIENCE, claimsFor } from '../jwt/helpers'
import { recordingLog } from '../provider/helpers'

const RUNS = process.env.FUZZ_MINUTES === undefined ? 20_000 : 200_000
const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))

/** Numbers below a bound, the same for the same seed (mulberry32). */
function randomOf (from: number): (bound: number) => number {
  let state = from
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"{}'
const VALUES = [null, true, false, 0, -1, 1e300, '', 'none', 'HS256', 'ES256', '__proto__', [], {}, ['at+jwt'], { kty: 'oct', k: '' }]
const NAMES = ['alg', 'kid', 'typ', 'crit', 'b64', 'jku', 'jwk', 'x5u', 'iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'scope', 'cnf', '__proto__', 'constructor']

/** The object in a segment; what an earlier mutation broke counts as empty. */
function decode (segment = ''): Record<string, unknown> {
  try {
    return { ...JSON.parse(Buffer.from(segment, 'base64url').toString()) }
  } catch {
    return {}
  }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const MUTATIONS: ReadonlyArray<(token: string, random: (bound: number) => number) => string> = [
  // A character replaced, left out, put in, or exchanged with the next.
  (token, random) => { const at = random(token.length); return token.slice(0, at) + ALPHABET.charAt(random(ALPHABET.length)) + token.slice(at + 1) },
  (token, random) => { const at = random(token.length); return token.slice(0, at) + token.slice(at + 1) },
  (token, random) => { const at = random(token.length); return token.slice(0, at) + ALPHABET.charAt(random(ALPHABET.length)) + token.slice(at) },
  (token, random) => { const at = random(token.length - 1); return token.slice(0, at) + token.charAt(at + 1) + token.charAt(at) + token.slice(at + 2) },
  // A bit of the decoded bytes, a piece cut, a piece twice.
  (token, random) => {
    const segments = token.split('.')
    const which = random(3)
    const bytes = Buffer.from(segments[which] ?? '', 'base64url')
    const at = random(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << random(8))
    segments[which] = bytes.toString('base64url')
    return segments.join('.')
  },
  (token, random) => token.slice(0, random(token.length)),
  (token, random) => { const at = random(token.length); return token.slice(0, at) + token.slice(random(at + 1)) },
  // A member set, or taken out.
  (token, random) => {
    const segments = token.split('.')
    const which = random(2)
    const value = decode(segments[which])
    Object.defineProperty(value, NAMES[random(NAMES.length)] as string, { value: VALUES[random(VALUES.length)], enumerable: true, configurable: true })
    segments[which] = encode(value)
    return segments.join('.')
  },
  (token, random) => {
    const segments = token.split('.')
    const which = random(2)
    const value = decode(segments[which])
    const names = Object.keys(value)
    segments[which] = encode({ ...value, [names[random(names.length + 1)] ?? 'none']: undefined })
    return segments.join('.')
  },
  // Segments in another order.
  (token, random) => { const segments = token.split('.'); return [0, 1, 2].map(() => segments[random(3)]).join('.') }
]

for (const alg of ['RS256', 'EdDSA']) {
  t.test(`${RUNS / 2} mutations, ${alg}, seed ${seed}`, { timeout: 600_000 }, async (t) => {
    const issuer = 'https://login.example.com'
    const key = await createKey('key', alg)
    const verify = createJwtVerifier({ issuer, audience: AUDIENCE, keys: { keys: [key.jwk] } }, Date.now)
    const { context } = recordingLog()
    context.request.log.debug = () => {}
    const good = await signRaw(key, JSON.stringify(claimsFor(issuer)))
    t.ok(await verify(good, context))
    const random = randomOf(seed)
    let tried = 0
    const wrong: unknown[] = []
    while (tried < RUNS / 2) {
      let token = good
      for (let n = 0; n <= random(2); n++) token = (MUTATIONS[random(MUTATIONS.length)] as typeof MUTATIONS[number])(token, random)
      if (token === good || token.length < 2) continue
      tried++
      const outcome = await Promise.resolve(verify(token, context)).catch((error) => error)
      if (outcome !== null) wrong.push([token, outcome])
    }
    t.strictSame(wrong, [])
    t.ok(await verify(good, context), 'the good one is still accepted')
  })
}
