import t from 'tap'
import type { SchemeNode } from '../../lib/requirement/plan'
import { ANONYMOUS, challengeOf, membersOf, pathFromBase, soleGroups, toRequirement } from '../../lib/requirement/plan'
import { httpBasic, httpBearer } from '../../lib/schemes/http'

let id = 0
const base = (options: object = {}, factory = httpBearer): SchemeNode =>
  ({ id: ++id, owner: {}, definition: factory(options), parent: null, scopes: [], verify: undefined, override: null })
const derive = (parent: SchemeNode, scopes: string[]): SchemeNode => ({ ...parent, id: ++id, parent, scopes })
const entry = (node: SchemeNode, ...scopes: string[]) => ({ node, scopes })

t.test('scopes of one scheme unite: in the order of listing, then those of derivations, the outermost first', async (t) => {
  const a = base()
  const b = derive(a, ['b', 'x'])
  const c = derive(b, ['c'])
  const { alternatives: [alternative] } = toRequirement([{ entries: [entry(a, 'x'), entry(c, 'y', 'x')], own: c }])
  t.strictSame(alternative?.members.length, 1)
  t.strictSame(alternative?.members[0]?.scopes, ['x', 'y', 'c', 'b'])
  t.equal(alternative?.members[0]?.scopeStr, 'x y c b')
  t.ok(Object.isFrozen(alternative?.members[0]?.scopes), 'no verify can change what is required')
  t.strictSame(alternative?.members[0]?.checks.map(({ node }) => node.id), [a.id, b.id, c.id])
  t.strictSame(alternative?.members[0]?.checks.map(({ parent }) => parent?.node.id), [undefined, a.id, b.id])
  t.equal(alternative?.own?.node, c)
  t.strictSame(pathFromBase(c), [a, b, c])
})

t.test('what two derived schemes share is checked once', async (t) => {
  const a = base()
  const b = derive(a, [])
  const [c, d] = [derive(b, []), derive(b, [])]
  const { alternatives: [alternative], size } = toRequirement([{ entries: [entry(c), entry(d)], own: c }])
  t.strictSame(alternative?.members[0]?.checks.map(({ node }) => node.id), [a.id, b.id, c.id, d.id])
  t.equal(size, 4)
})

t.test('alternatives share a check where scheme and scopes are the same', async (t) => {
  const [a, b] = [base(), base({}, httpBasic)]
  const { alternatives, size } = toRequirement([
    { entries: [entry(a, 'x'), entry(b)], own: a },
    { entries: [entry(a, 'x')], own: a },
    { entries: [entry(a, 'y')], own: a }
  ])
  t.equal(size, 3)
  t.equal(alternatives[0]?.members[0]?.checks[0], alternatives[1]?.members[0]?.checks[0])
  t.not(alternatives[1]?.members[0]?.checks[0], alternatives[2]?.members[0]?.checks[0])
})

t.test('alternatives that ask for the same are one, in whatever order', async (t) => {
  const [a, b] = [base(), base({}, httpBasic)]
  const { alternatives } = toRequirement([
    { entries: [entry(a, 'x', 'y'), entry(b)], own: a },
    { entries: [entry(b), entry(a, 'y', 'x')], own: b }
  ])
  t.equal(alternatives.length, 1)
  t.equal(alternatives[0]?.own?.node, a)
  const [c, d] = [derive(a, []), derive(a, [])]
  t.equal(toRequirement([{ entries: [entry(c), entry(d)], own: c }, { entries: [entry(d), entry(c)], own: c }]).alternatives.length, 1)
})

t.test('checks are told apart by all digits of their numbers', async (t) => {
  const a = base()
  const derived = Array.from({ length: 13 }, () => derive(a, []))
  const groups = [...derived.map((node) => ({ entries: [entry(node)], own: node })), ...derived.map((node) => ({ entries: [entry(derived[0] as SchemeNode), entry(node)], own: node }))]
  t.equal(toRequirement(groups).alternatives.length, 25)
})

t.test('the empty group makes it optional, wherever it stands', async (t) => {
  const a = base()
  t.match(toRequirement([ANONYMOUS, { entries: [entry(a)], own: null }]), { optional: true, alternatives: [{ own: null }] })
  t.strictSame(toRequirement([ANONYMOUS]), { optional: true, alternatives: [], size: 0, challenges: [] })
  t.strictSame(toRequirement([]), { optional: false, alternatives: [], size: 0, challenges: [] }, 'nothing at all lets nobody in')
})

t.test('the members of all alternatives, in order', async (t) => {
  const [a, b] = [base(), base({}, httpBasic)]
  const requirement = toRequirement([{ entries: [entry(b), entry(a)], own: b }, { entries: [entry(a)], own: a }])
  t.strictSame(membersOf(requirement).map(({ definition }) => definition.name), ['HTTPBasic', 'HTTPBearer', 'HTTPBearer'])
  t.strictSame(membersOf(toRequirement([])), [])
})

t.test('a scheme alone is optional where it has autoError: false', async (t) => {
  const [a, b] = [base(), base({ autoError: false })]
  t.strictSame(soleGroups(a), [{ entries: [entry(a)], own: a }])
  t.strictSame(soleGroups(b), [{ entries: [entry(b)], own: b }, ANONYMOUS])
})

t.test('only the bearer family tells errors and scopes', async (t) => {
  t.equal(challengeOf(httpBearer({}, 'r'), 'a b', 'e', 'd'), 'Bearer realm="r", error="e", error_description="d", scope="a b"')
  t.equal(challengeOf(httpBasic({}, 'r'), 'a b', 'e', 'd'), 'Basic realm="r"')
  const [a, b] = [base(), base({}, httpBasic)]
  t.strictSame(toRequirement([{ entries: [entry(a, 'x'), entry(b, 'x')], own: a }, { entries: [entry(a, 'y')], own: a }]).challenges,
    ['Bearer scope="x"', 'Basic', 'Bearer scope="y"'])
})
