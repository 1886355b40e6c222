/** The verifiers: tokens that are kept, tokens that are not, and forged ones beside a bare route. */

import { once } from 'node:events'
import autocannon from 'autocannon'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { jwtIssuer, jwtVerifier } from '../dist/lib/jwt/index.mjs'
import { authSchemes } from '../dist/lib/index.mjs'
import { BEARER, SECRET, USER, forgedJwt, jwt, ownJwt } from './apps.mjs'
import { caller, hookOf, resetOurs } from './hooks.mjs'
import { serve, throughput } from './http.mjs'
import { compare, row } from './measure.mjs'

const SECONDS = Number(process.env.SECONDS ?? 2)
const FORGED_A_SECOND = 10_000

const [issuer, audience] = ['https://login.example.com', 'https://api.example.com']
const context = { request: { log: { debug () {}, warn () {} } }, scopes: [], scopeStr: '' }

async function overHttp (rounds, what, against, [ours, ourHeaders], [theirs, theirHeaders], bar) {
  const measured = await compare(rounds, async () => await throughput(ours, ourHeaders, 200), async () => await throughput(theirs, theirHeaders, 200))
  return [row(`HTTP: ${what}`, against, 'requests/s', measured, bar === undefined ? undefined : ['at least', bar])]
}

/** Nanoseconds a verification, 64 in flight. */
async function timed (verify, calls = 20_000) {
  const start = process.hrtime.bigint()
  for (let done = 0; done < calls; done += 64) await Promise.all(Array.from({ length: 64 }, verify))
  return Number(process.hrtime.bigint() - start) / calls
}

async function miss (rounds, alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const keys = { keys: [await exportJWK(publicKey)] }
  const token = await new SignJWT({ scope: 'a b' }).setProtectedHeader({ alg, typ: 'at+jwt' }).setIssuer(issuer).setAudience(audience).setSubject(USER).setExpirationTime('1h').sign(privateKey)
  const verify = jwtVerifier({ issuer, audience, keys, cache: 0 })
  const find = createLocalJWKSet(keys)
  const options = { issuer, audience, typ: 'at+jwt', algorithms: [alg], requiredClaims: ['sub', 'exp'] }
  const measured = await compare(rounds, async () => await timed(() => verify(token, context)), async () => await timed(() => jwtVerify(token, find, options)))
  return [row(`verifier: ${alg}, not kept`, 'jose by hand', 'ns', measured, ['at most', 1.1])]
}

async function missOfOwn (rounds) {
  const { authorization } = await ownJwt()
  const token = authorization.slice('Bearer '.length)
  const { verify } = jwtIssuer({ secret: SECRET, issuer: 'item-store', expiresIn: 3600, cache: 0 })
  const secret = new TextEncoder().encode(SECRET)
  const options = { issuer: 'item-store', audience: 'item-store', typ: 'at+jwt', algorithms: ['HS256'], requiredClaims: ['sub', 'exp'] }
  const measured = await compare(rounds, async () => await timed(() => verify(token, context)), async () => await timed(() => jwtVerify(token, secret, options)))
  return [row('verifier: HS256, not kept', 'jose by hand', 'ns', measured, ['at most', 1.1])]
}

/**
 * The hook of a route alone, with a token that is kept: it has to stay under four microseconds, whatever others take.
 */
async function hit (rounds) {
  const headers = await ownJwt()
  const { verify } = jwtIssuer({ secret: SECRET, issuer: 'item-store', expiresIn: 3600 })
  await verify(headers.authorization, context)
  const ours = caller(await hookOf(async (app) => {
    await app.register(authSchemes)
    return { route: { security: [{ scheme: app.authSchemes.httpBearer({ verify }) }] }, reset: resetOurs }
  }), headers, true, 100_000)
  const measured = await compare(rounds, ours, async () => 4000)
  return [row('hook: JWT, kept', 'a bar of 4 µs', 'ns', measured, ['at most', 1])]
}

/** Returns the requests a second of a bare route, while another route gets 10,000 requests a second. */
async function beside (name, headers) {
  const { child, url } = await serve(name)
  const noise = autocannon({ url: `${url}secured`, headers, connections: 20, overallRate: FORGED_A_SECOND, duration: SECONDS + 2 })
  await new Promise((resolve) => { setTimeout(resolve, 500) })
  const result = await autocannon({ url, connections: 20, pipelining: 4, duration: SECONDS })
  noise.stop()
  await noise
  child.kill()
  await once(child, 'exit')
  if (result.statusCodeStats[200]?.count !== result.requests.total) throw new Error(`${name}: ${JSON.stringify(result.statusCodeStats)}`)
  return result.requests.average
}

async function forged (rounds) {
  const headers = await forgedJwt()
  const measured = await compare(rounds, async () => await beside('verifierBeside', headers), async () => await beside('signatureBeside', {}))
  return [row(`HTTP: a bare route beside ${FORGED_A_SECOND.toLocaleString('en')} forged JWTs a second`, 'beside as many signatures alone', 'requests/s', measured, ['at least', 0.95])]
}

/** One comparison by its number; `null` after the last. */
export async function tokens (rounds, number) {
  const [own, plain] = [await ownJwt(), await jwt()]
  const comparisons = [
    async () => await overHttp(rounds, 'JWT (HS256), kept', '@fastify/jwt', ['verifier', own], ['jwt', plain], 1.3),
    async () => await overHttp(rounds, 'JWT (HS256), kept', '@fastify/jwt with its cache', ['verifier', own], ['jwtCached', plain]),
    async () => await overHttp(rounds, 'JWT (HS256), kept', 'our opaque bearer token', ['verifier', own], ['bearer', BEARER], 0.95),
    async () => await overHttp(rounds, 'JWT (HS256), not kept', '@fastify/jwt', ['verifierUncached', own], ['jwt', plain]),
    async () => await hit(rounds),
    ...['RS256', 'ES256', 'EdDSA'].map((alg) => async () => await miss(rounds, alg)),
    async () => await missOfOwn(rounds),
    async () => await forged(rounds)
  ]
  return number < comparisons.length ? await comparisons[number]() : null
}
