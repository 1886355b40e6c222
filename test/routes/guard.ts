import t from 'tap'
import Fastify from 'fastify'
import type { Requirement } from '../../lib/requirement/combine'
import { readSecurity } from '../../lib/requirement/read'
import { Contexts } from '../../lib/routes/contexts'
import { Guard, keyOf, type SchemeInHook } from '../../lib/routes/guard'
import { createScheme } from '../../lib/scheme'
import { httpBearer } from '../../lib/schemes/http'
import { basic, bearer, maybe, node, oauth2, registration, textOf } from '../requirement/helpers'

const read = (...security: unknown[]): Requirement => readSecurity('x', security, registration)
const inHook = (scheme: object): SchemeInHook => ({ hook: 'onRequest', node: node(scheme) })
const onlyBearer = read({ scheme: bearer })

function guardOf (own: Requirement | null, inHooks: SchemeInHook[] = [], parent?: Requirement): Guard {
  const contexts = new Contexts()
  const context = Fastify()
  if (parent !== undefined) contexts.declare(context, parent, 'x')
  return new Guard('GET /', 'onRequest', contexts, context, own, inHooks)
}

t.test('the requirement of a route is added to that of its context', async (t) => {
  t.strictSame(textOf(guardOf(read({ scheme: basic }), [], onlyBearer).requirement),
    ['HTTPBearer & HTTPBasic: HTTPBasic'])
  t.strictSame(textOf(guardOf(null, [], onlyBearer).requirement), ['HTTPBearer: HTTPBearer'])
  t.strictSame(textOf(guardOf(read({ scheme: basic }, {}), [], onlyBearer).requirement),
    ['HTTPBearer & HTTPBasic: HTTPBasic',
      'HTTPBearer without (HTTPBasic): nobody'], '`request.auth` is never of a scheme that the route did not name')
  t.equal(guardOf(null).requirement, null)
  t.strictSame(guardOf([], [], onlyBearer).requirement, [])
})

t.test('a guard is resolved once, and seals its contexts', async (t) => {
  const guard = guardOf(read({ scheme: basic }), [], onlyBearer)
  t.equal(guard.contexts.sealed, false, 'not before it is asked: contexts may declare more')
  const resolved = guard.resolve()
  t.equal(guard.resolve(), resolved)
  t.equal(guard.requirement, resolved.requirement)
  t.equal(guard.contexts.sealed, true)
})

t.test('a public route passes every request as nobody', async (t) => {
  for (const guard of [guardOf(null), guardOf([], [], onlyBearer)]) {
    const { alternatives, challenges } = guard.resolve().plan
    t.strictSame(alternatives, [{ members: [], checks: [], leftOut: [], subject: null }])
    t.strictSame(challenges, [])
  }
})

t.test('a scheme in a hook is required, too, and is documented, but not enforced twice', async (t) => {
  const guard = guardOf(onlyBearer, [inHook(basic)])
  t.strictSame(textOf(guard.requirement), ['HTTPBearer & HTTPBasic: HTTPBasic'])
  t.strictSame(guard.resolve().plan.challenges, ['Bearer'])
  t.strictSame(textOf(guardOf(null, [inHook(basic)]).requirement), ['HTTPBasic: HTTPBasic'])
  t.strictSame(textOf(guardOf(null, [inHook(basic), inHook(bearer)]).requirement),
    ['HTTPBasic & HTTPBearer: HTTPBearer'])
})

t.test('a route that names its scheme in a hook has its `request.auth` from there, and not of its context',
  async (t) => {
    t.equal(guardOf(null, [inHook(basic)], onlyBearer).resolve().plan.alternatives[0]?.subject, null)
    t.strictSame(textOf(guardOf(null, [inHook(basic)], onlyBearer).requirement), ['HTTPBearer & HTTPBasic: HTTPBasic'])
    t.equal(guardOf(onlyBearer, [inHook(basic)]).resolve().plan.alternatives[0]?.subject?.node, node(bearer))
  })

t.test('a scheme in a hook that is optional stands alone', async (t) => {
  for (const guard of [guardOf([], [inHook(maybe)]), guardOf(null, [inHook(maybe)])]) {
    t.strictSame(textOf(guard.requirement), ['Maybe: Maybe', ' without (Maybe): nobody'])
  }
  const bad = [
    guardOf(onlyBearer, [inHook(maybe)]), guardOf(read({ scheme: bearer }, {}), [inHook(basic)]), guardOf(null,
      [inHook(basic)], read({ scheme: bearer }, {})),
    guardOf(null, [inHook(maybe), inHook(basic)])
  ]
  for (const guard of bad) {
    t.throws(() => guard.resolve(), {
      code: 'FST_AUTH_BAD_SECURITY',
      message: 'GET /: authentication that is optional cannot be combined with a scheme in a hook of the route; require both in one `security`'
    })
    t.throws(() => guard.requirement, { code: 'FST_AUTH_BAD_SECURITY' }, 'each time')
  }
})

t.test('a guard declares something where the route or its context does', async (t) => {
  t.strictSame([guardOf(null), guardOf([]), guardOf(null, [], []),
    guardOf(null, [inHook(basic)])].map(({ declares }) => declares), [false, true, true, true])
})

t.test('a guard includes a scheme that is in all of its alternatives', async (t) => {
  const derived = bearer.derive({})
  const rows: ReadonlyArray<readonly [guard: Guard, scheme: object, includes: boolean]> = [
    [guardOf(onlyBearer), bearer, true],
    [guardOf(onlyBearer), basic, false],
    [guardOf(onlyBearer), derived, false],
    [guardOf(read({ scheme: derived })), bearer, true],
    [guardOf(read({ scheme: derived })), derived, true],
    [guardOf(read({ scheme: bearer }, { scheme: basic })), bearer, false],
    [guardOf(read([{ scheme: basic }, { scheme: bearer }])), bearer, true],
    [guardOf(read({ scheme: bearer }, {})), bearer, false],
    [guardOf(null, [], onlyBearer), bearer, true],
    [guardOf(null, [inHook(bearer)]), bearer, true],
    [guardOf([], [], onlyBearer), bearer, false],
    [guardOf(null), bearer, false]
  ]
  for (const [guard, scheme, includes] of rows) t.equal(guard.includes(node(scheme)), includes)
})

t.test('requirements that differ have different keys, whatever characters a scope has', async (t) => {
  const free = createScheme(httpBearer({ schemeName: 'Free' }), registration)
  const { id } = node(free)
  const scoped = (...scopes: string[]): Requirement => read({ scheme: free, scopes })
  const lists = [
    null, [], read({}), onlyBearer, read({ scheme: basic }), read({ scheme: bearer },
      {}), read({ scheme: maybe }), read({ scheme: basic }, {}),
    read({ scheme: bearer },
      { scheme: basic }), read([{ scheme: bearer }, { scheme: basic }]), read([{ scheme: basic }, { scheme: bearer }]),
    read({ scheme: oauth2, scopes: ['a'] }), read({ scheme: oauth2, scopes: ['a', 'b'] }), read({ scheme: oauth2, scopes: ['b', 'a'] }),
    read([{ scheme: free, scopes: ['a'] }, { scheme: free, scopes: ['b'] }]), read({ scheme: free, scopes: ['a'] },
      { scheme: free, scopes: ['b'] }),
    scoped(`a&${id}`, 'b'), scoped(`a|${id}`, 'b'), scoped(`a,${id}`,
      'b'), scoped('nothing'), scoped('undefined'), scoped(),
    read([{ scheme: bearer }, { scheme: oauth2, scopes: ['a'] }]), read([{ scheme: bearer },
      { scheme: oauth2, scopes: ['b'] }]),
    read([{ scheme: bearer }, { scheme: oauth2, scopes: ['a', 'b'] }]), read([{ scheme: bearer }, { scheme: oauth2 }]),
    read([{ scheme: maybe },
      { scheme: basic }]), [{ entries: [], leftOut: [[node(bearer)], [node(basic)]], subject: null }],
    [{ entries: [], leftOut: [[node(bearer), node(basic)]], subject: null }], onlyBearer.map((each) => ({ ...each, subject: null }))
  ]
  t.equal(new Set(lists.map(keyOf)).size, lists.length)
  t.equal(keyOf(read({ scheme: oauth2, scopes: ['a'] })), keyOf(read({ scheme: oauth2, scopes: ['a'] })))
})

t.test('the member of a scheme is found in any alternative, with the scopes that it requires', async (t) => {
  const guard = guardOf(read({ scheme: basic }, { scheme: oauth2, scopes: ['a'] }), [], onlyBearer)
  t.equal(guard.memberOf(node(oauth2))?.scopeStr, 'a')
  t.equal(guard.memberOf(node(bearer))?.scopeStr, '')
  t.equal(guard.memberOf(node(maybe)), undefined)
  t.equal(guardOf(null).memberOf(node(bearer)), undefined)
})
