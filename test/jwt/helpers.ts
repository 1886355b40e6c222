/** Keys and tokens for the tests of JWTs. */

import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { startProvider, type FakeProvider } from '../provider/helpers'

export const AUDIENCE = 'https://api.example.com'

export interface TestKey {
  readonly kid: string
  readonly alg: string
  readonly jwk: Record<string, unknown>
  readonly privateKey: any
}

export async function createKey (kid: string, alg = 'ES256'): Promise<TestKey> {
  const { exportJWK, generateKeyPair } = await import('jose')
  const { privateKey, publicKey } = await generateKeyPair(alg)
  return { kid, alg, jwk: { ...await exportJWK(publicKey), kid, alg, use: 'sig' }, privateKey }
}

/** Signs a payload as it is written, with a header. */
export async function signRaw (key: TestKey, payload: string | Uint8Array, header: Record<string, unknown> = {}): Promise<string> {
  const { CompactSign } = await import('jose')
  const protectedHeader = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header } as { alg: string }
  return await new CompactSign(typeof payload === 'string' ? new TextEncoder().encode(payload) : payload).setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader))).sign(key.privateKey)
}

export const seconds = (milliseconds = Date.now()): number => Math.floor(milliseconds / 1000)

export const claimsFor = (issuer: string, claims: object = {}): Record<string, unknown> =>
  ({ iss: issuer, aud: AUDIENCE, sub: 'alice', exp: seconds() + 3600, iat: seconds(), jti: randomUUID(), scope: 'items:read', ...claims })

/** An issuer with keys: `jwks` may be changed at any time. */
export interface FakeIssuer extends FakeProvider {
  readonly jwks: { keys: unknown }
  readonly token: (key: TestKey, claims?: object, header?: Record<string, unknown>) => Promise<string>
}

export async function startIssuer (t: Test, ...keys: readonly TestKey[]): Promise<FakeIssuer> {
  const provider = await startProvider(t)
  const jwks = { keys: keys.map(({ jwk }) => jwk) as unknown }
  provider.routes.set('/jwks', jwks)
  return Object.assign(provider, {
    jwks,
    token: async (key: TestKey, claims: object = {}, header: Record<string, unknown> = {}) => await signRaw(key, JSON.stringify(claimsFor(provider.issuer, claims)), header)
  })
}
