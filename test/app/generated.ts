/**
 * Generated applications: whatever contexts, requirements and orders of registration there are, each route answers as the document says.
 * The reference is an evaluator of its own, over the document that was emitted.
 */

import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { Scheme } from '../../lib'
import { createApp, documentOf } from '../helpers'

const APPLICATIONS = 200
const ROUTES = 500
const FIRST_SEED = 20260101

const SCOPES = ['read', 'write', 'admin'] as const
const NAMES = ['OAuth2PasswordBearer', 'APIKeyHeader', 'APIKeyQuery', 'APIKeyCookie'] as const
type Name = typeof NAMES[number]

/** What is sent for a scheme: the scopes that are granted to it, or a secret that is refused. */
type Sent = Partial<Record<Name, readonly string[] | 'refused'>>

/** A generator of random numbers that a seed repeats (mulberry32). */
function randomOf (seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    chance: (probability: number): boolean => next() < probability,
    pick: <T>(list: readonly T[]): T => list[below(list.length)] as T,
    some: <T>(list: readonly T[]): T[] => list.filter(() => next() < 0.3),
    shuffle: <T>(list: T[]): T[] => {
      for (let i = list.length - 1; i > 0; i--) {
        const j = below(i + 1)
        ;[list[i], list[j]] = [list[j] as T, list[i] as T]
      }
      return list
    }
  }
}

type Random = ReturnType<typeof randomOf>

async function generate (random: Random): Promise<FastifyInstance> {
  const app = await createApp({ hook: random.pick(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) })
  const asynchronous = random.chance(0.5)
  const verify = (secret: string): any => {
    const user = secret.startsWith('good') && { scopes: secret.split('.').slice(1) }
    return asynchronous ? Promise.resolve(user) : user
  }
  const scopes = Object.fromEntries(SCOPES.map((scope) => [scope, scope]))
  const { oauth2PasswordBearer, apiKeyHeader, apiKeyQuery, apiKeyCookie } = app.authSchemes
  const optional = { verify, autoError: false as const }
  const bases: Scheme[] = [
    oauth2PasswordBearer({ tokenUrl: 'token', scopes, verify }), oauth2PasswordBearer({ tokenUrl: 'token', scopes, ...optional }),
    apiKeyHeader({ name: 'x-key', verify }), apiKeyHeader({ name: 'x-key', ...optional }),
    apiKeyQuery({ name: 'key', verify }), apiKeyCookie({ name: 'key', verify })
  ]
  const derived = bases.map((scheme) => scheme.derive({ scopes: random.some(SCOPES), verify: (user: unknown) => user }))
  const deeper = derived.map((scheme) => scheme.derive({ scopes: random.some(SCOPES) }))
  const schemes = [...bases, ...bases, ...derived, ...deeper]

  // Two schemes of one name may stand side by side, but an evaluator that knows only names cannot tell them apart within one alternative.
  const requirement = (): { scheme: Scheme, scopes?: string[] } => ({ scheme: random.pick(schemes), ...random.chance(0.5) ? { scopes: random.some(SCOPES) } : {} })
  const alternative = (): any => random.chance(0.08) ? {} : random.chance(0.3) ? [requirement(), requirement()] : requirement()
  const security = (most: number): any[] => Array.from({ length: 1 + random.below(most) }, alternative)

  let routes = 0
  async function fill (context: FastifyInstance, depth: number, share: number): Promise<void> {
    const steps: Array<() => unknown> = Array.from({ length: share }, () => () => {
      const url = `/r${routes++}`
      const kind = random.below(10)
      const options = kind === 0 ? {} : kind === 1 ? { security: [] } : kind === 2 ? { security: [], preHandler: random.pick(schemes).preHandler } : { security: security(2) }
      context.get(url, { exposeHeadRoute: false, ...options }, async () => 'ran')
    })
    if (random.chance(depth === 0 ? 0.3 : 0.5)) {
      const declared = random.chance(0.15) ? [] : security(2)
      steps.push(() => { context.secure(declared) })
    }
    if (depth < 4) {
      for (let i = 0; i < 2; i++) {
        const child = async (inner: FastifyInstance): Promise<void> => { await fill(inner, depth + 1, Math.max(1, Math.floor(share / 2))) }
        steps.push(random.chance(0.3) ? async () => { await context.register(child) } : () => { context.register(child) })
      }
    }
    for (const step of random.shuffle(steps)) await step()
  }
  await fill(app, 0, ROUTES / 5)
  await app.ready()
  t.ok(routes >= ROUTES * 0.9, `${routes} routes`)
  return app
}

/** The answer that the document promises. */
function promised (security: Array<Record<string, string[]>> | undefined, sent: Sent): number {
  if (security === undefined || security.length === 0) return 200
  let worst = 0
  for (const alternative of security) {
    const required = Object.entries(alternative) as Array<[Name, string[]]>
    if (required.length === 0) continue
    if (required.some(([name]) => sent[name] === undefined)) continue
    const failed = required.find(([name, scopes]) => sent[name] === 'refused' || scopes.some((scope) => !(sent[name] as string[]).includes(scope)))
    if (failed === undefined) return 200
    worst = Math.max(worst, sent[failed[0]] === 'refused' ? 401 : 403)
  }
  if (worst > 0) return worst
  return security.some((alternative) => Object.keys(alternative).length === 0) ? 200 : 401
}

function request (url: string, sent: Sent): { url: string, headers: Record<string, string> } {
  const secret = (name: Name): string | undefined => sent[name] === undefined ? undefined : sent[name] === 'refused' ? 'bad' : ['good', ...sent[name]].join('.')
  const [token, header, query, cookie] = NAMES.map(secret)
  return {
    url: query === undefined ? url : `${url}?key=${query}`,
    headers: {
      ...token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...header === undefined ? {} : { 'x-key': header },
      ...cookie === undefined ? {} : { cookie: `key=${cookie}` }
    }
  }
}

/** Nothing; each scheme alone; all of them, rightly, with too few scopes, and one refused. */
function attempts (random: Random): Sent[] {
  const all = Object.fromEntries(NAMES.map((name) => [name, SCOPES])) as Sent
  const missing = random.pick(SCOPES)
  return [
    {},
    ...NAMES.map((name) => ({ [name]: SCOPES })),
    all,
    Object.fromEntries(NAMES.map((name) => [name, SCOPES.filter((scope) => scope !== missing)])),
    { ...all, [random.pick(NAMES)]: 'refused' }
  ]
}

t.test(`${APPLICATIONS} applications answer as their documents say`, async (t) => {
  let asked = 0
  const answered: Record<number, number> = {}
  let refused = 0
  for (let i = 0; i < APPLICATIONS + refused; i++) {
    const seed = FIRST_SEED + i
    const random = randomOf(seed)
    let app: FastifyInstance
    try {
      app = await generate(random)
    } catch (error) {
      // Contexts may multiply to more than is allowed: that the boot fails is right, and another application takes the place.
      t.match(error, { code: 'FST_AUTH_BAD_SECURITY', message: /more than 256 alternatives/ }, `seed ${seed}`)
      refused++
      continue
    }
    const wrong: string[] = []
    for (const [path, item] of Object.entries<any>(documentOf(app).paths)) {
      for (const sent of attempts(random)) {
        const { statusCode } = await app.inject(request(path, sent))
        const expected = promised(item.get.security, sent)
        asked++
        answered[statusCode] = (answered[statusCode] ?? 0) + 1
        if (statusCode !== expected) wrong.push(`seed ${seed}: ${path} ${JSON.stringify(item.get.security)} with ${JSON.stringify(sent)}: ${statusCode}, not ${expected}`)
      }
    }
    t.strictSame(wrong, [], `seed ${seed}`)
    await app.close()
    // Without a turn of the event loop nothing of the application would be released.
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  t.ok(refused < APPLICATIONS / 5, `${refused} applications failed to boot`)
  t.comment(`${asked} requests, answered ${JSON.stringify(answered)}`)
  for (const status of [200, 401, 403]) t.ok((answered[status] ?? 0) > asked / 50, `${status} is among the answers`)
})
