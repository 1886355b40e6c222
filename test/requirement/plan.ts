import t from 'tap'
import type { Requirement } from '../../lib/requirement/combine'
import type { SchemeNode } from '../../lib/requirement/node'
import { challengeOf, toPlan, type Plan } from '../../lib/requirement/plan'
import { readSecurity } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { httpBasic, httpBearer } from '../../lib/schemes/http'
import { basic, bearer, maybe, node, perhaps, registration } from './helpers'

const read = (...security: unknown[]): Requirement => readSecurity('x', security, registration)
const planOf = (...security: unknown[]): Plan => toPlan(read(...security))
const verify = (): boolean => true
const idsOf = (checks: ReadonlyArray<{ readonly node: SchemeNode }> | undefined): number[] | undefined => checks?.map(({ node }) => node.id)

t.test('scopes of one scheme unite: in the order of listing, then those of derivations, the outermost first',
  async (t) => {
    const b = bearer.derive({ scopes: ['b', 'x'] })
    const c = b.derive({ scopes: ['c'] })
    const { alternatives: [alternative] } = planOf([{ scheme: bearer, scopes: ['x'] }, { scheme: c, scopes: ['y', 'x'] }])
    t.equal(alternative?.members.length, 1)
    const [member] = alternative?.members ?? []
    t.strictSame(member?.scopes, ['x', 'y', 'c', 'b'])
    t.equal(member?.scopeStr, 'x y c b')
    t.ok(Object.isFrozen(member?.scopes), 'no verify can change what is required')
    t.strictSame(idsOf(member?.checks), [bearer, b, c].map((scheme) => node(scheme).id))
    t.strictSame(member?.checks.map(({ parent }) => parent?.node.id ?? null), [null, node(bearer).id, node(b).id])
    t.ok(member?.checks.every(({ scopes }) => scopes === member.scopes), 'each verify is called with the union')
    t.equal(alternative?.subject?.node, node(bearer))
  })

t.test('the subject is the check of the scheme that the route lists', async (t) => {
  const derived = bearer.derive({})
  t.equal(planOf({ scheme: derived }).alternatives[0]?.subject?.node, node(derived))
  t.equal(toPlan(read({ scheme: bearer }).map((each) => ({ ...each, subject: null }))).alternatives[0]?.subject, null)
})

t.test('a check that two derived schemes share runs once', async (t) => {
  const b = bearer.derive({})
  const [c, d] = [b.derive({}), b.derive({})]
  const { alternatives: [alternative], checkCount, sourceCount } = planOf([{ scheme: c }, { scheme: d }])
  t.strictSame(idsOf(alternative?.checks), [bearer, b, c, d].map((scheme) => node(scheme).id))
  t.equal(checkCount, 4)
  t.equal(sourceCount, 1)
})

t.test('alternatives share a check where scheme and scopes are the same', async (t) => {
  const { alternatives: [first, second, third, fourth], checkCount, sourceCount } = planOf(
    [{ scheme: bearer, scopes: ['x', 'z'] },
      { scheme: basic }], { scheme: bearer, scopes: ['z', 'x'] }, { scheme: bearer, scopes: ['y'] }, { scheme: bearer })
  t.equal(checkCount, 4)
  t.equal(sourceCount, 2)
  t.equal(first?.checks[0], second?.checks[0])
  t.strictSame(second?.members[0]?.scopes, ['x', 'z'], 'a shared check has one order of scopes')
  t.not(second?.checks[0], third?.checks[0])
  t.not(third?.checks[0], fourth?.checks[0])
  t.strictSame([first, second, third, fourth].map((each) => each?.members[0]?.source.index), [0, 0, 0, 0])
  t.equal(first?.members[1]?.source.index, 1)
})

t.test('the indexes of checks and sources are distinct, and below their counts', async (t) => {
  const derived = Array.from({ length: 13 }, () => bearer.derive({}))
  const plan = planOf(...derived.map((scheme) => ({ scheme })), [{ scheme: basic }, { scheme: maybe }])
  const checks = new Set(plan.alternatives.flatMap((alternative) => alternative.checks))
  t.equal(checks.size, plan.checkCount)
  t.strictSame([...checks].map(({ index }) => index).sort((a, b) => a - b),
    Array.from({ length: plan.checkCount }, (_, i) => i))
  const sources = new Set([...plan.members.map(({ source }) => source),
    ...plan.alternatives.flatMap(({ leftOut }) => leftOut.flat())])
  t.strictSame([...sources].map(({ index }) => index).sort((a, b) => a - b),
    Array.from({ length: plan.sourceCount }, (_, i) => i))
})

t.test('scopes are compared with the user of the first check that verifies', async (t) => {
  const verified = createScheme(httpBearer({ schemeName: 'Verified', verify }), registration)
  const rows: ReadonlyArray<readonly [rule: string, scheme: object, compares: boolean[]]> = [
    ['the base verifies', verified, [true]],
    ['base and derived verify', verified.derive({ verify }), [true, false]],
    ['a derived scheme verifies', bearer.derive({ verify }), [false, true]],
    ['the second derived scheme verifies', bearer.derive({ scopes: ['a'] }).derive({ verify }).derive({ verify }),
      [false, false, true, false]],
    ['none verifies', bearer.derive({ scopes: ['a'] }), [false, false]]
  ]
  for (const [rule, scheme, compares] of rows) {
    t.strictSame(planOf({ scheme }).members[0]?.checks.map(({ comparesScopes }) => comparesScopes), compares, rule)
  }
})

t.test('checks that were derived side by side compare scopes each, and alternatives share them', async (t) => {
  const [first, second] = [bearer.derive({ verify }), bearer.derive({ verify })]
  const { alternatives: [both, alone] } = planOf([{ scheme: first }, { scheme: second }], { scheme: second })
  const compares = (alternative: typeof both): boolean[] | undefined => alternative?.checks.map(({ comparesScopes }) => comparesScopes)
  t.strictSame(compares(both), [false, true, true])
  t.strictSame(compares(alone), [false, true])
  t.equal(both?.checks[2], alone?.checks[1])
  t.equal(alone?.checks[1]?.parent, alone?.checks[0], 'each hangs on a check of its own alternative')
})

t.test('a scheme that is left out is extracted, and is in no challenge', async (t) => {
  const plan = planOf([{ scheme: maybe }, { scheme: perhaps }, { scheme: basic }])
  t.strictSame(plan.alternatives.map(({ leftOut }) => leftOut.map((group) => group.map(({ base }) => base.definition.name))),
    [[], [['Maybe']], [['Perhaps']], [['Maybe'], ['Perhaps']]])
  t.equal(plan.alternatives[1]?.leftOut[0]?.[0], plan.alternatives[0]?.members[0]?.source,
    'each source is extracted once')
  const { challenges, members, sourceCount } = toPlan([{ entries: [{ node: node(basic), scopes: [] }], leftOut: [[node(maybe)]], subject: null }])
  t.strictSame(challenges, ['Basic'])
  t.equal(members.length, 1)
  t.equal(sourceCount, 2)
})

t.test('the members of all alternatives, in order', async (t) => {
  t.strictSame(planOf([{ scheme: basic }, { scheme: bearer }],
    { scheme: bearer }).members.map(({ definition }) => definition.name),
  ['HTTPBasic', 'HTTPBearer', 'HTTPBearer'])
})

t.test('null and [] pass every request as nobody', async (t) => {
  const nobody = { alternatives: [{ members: [], checks: [], leftOut: [], subject: null }], members: [], checkCount: 0, sourceCount: 0, challengers: [], challenges: [] }
  for (const requirement of [null, []]) t.strictSame(toPlan(requirement), nobody)
})

t.test('one challenge for each scheme and set of scopes', async (t) => {
  t.strictSame(planOf([{ scheme: bearer, scopes: ['x'] }, { scheme: basic, scopes: ['x'] }],
    { scheme: bearer, scopes: ['y'] }, { scheme: basic }).challenges,
  ['Bearer scope="x"', 'Basic', 'Bearer scope="y"'])
})

t.test('only the bearer family names errors and scopes', async (t) => {
  const details = { error: 'e', error_description: 'd' }
  t.equal(challengeOf(httpBearer({}, 'r'), 'a b', details),
    'Bearer realm="r", error="e", scope="a b", error_description="d"')
  t.equal(challengeOf(httpBearer({}, 'r'), 'a b'), 'Bearer realm="r", scope="a b"')
  t.equal(challengeOf(httpBearer(), ''), 'Bearer')
  t.equal(challengeOf(httpBasic({}, 'r'), 'a b', details), 'Basic realm="r"')
})

t.test('a resource is named behind the realm, and its scheme comes first among the challenges', async (t) => {
  const resource = { url: 'https://api.example', authorizationServers: ['https://as.example'] }
  const bound = createScheme(httpBearer({ schemeName: 'Bound', resource, verify: () => true }, 'r'), registration)
  const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource"'
  t.equal(challengeOf(node(bound).definition, 'a', { error: 'e' }), `Bearer realm="r", ${metadata}, error="e", scope="a"`)
  const { challenges, challengers, members } = planOf([{ scheme: basic }, { scheme: bound }, { scheme: bearer }])
  t.strictSame(challenges, [`Bearer realm="r", ${metadata}`, 'Basic', 'Bearer'])
  const namesOf = (list: typeof members): string[] => list.map(({ definition }) => definition.name)
  t.strictSame([namesOf(members), namesOf(challengers)],
    [['HTTPBasic', 'Bound', 'HTTPBearer'], ['Bound', 'HTTPBasic', 'HTTPBearer']])
})
