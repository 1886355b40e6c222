import t from 'tap'
import { add, basesOf, both, normalize, type Alternative, type Requirement } from '../../lib/requirement/combine'
import { readSecurity } from '../../lib/requirement/read'
import { basic, bearer, maybe, node, oauth2, perhaps, registration, textOf } from './helpers'

const read = (...security: unknown[]): Requirement => readSecurity('x', security, registration)
const [onlyBearer, onlyBasic] = [read({ scheme: bearer }), read({ scheme: basic })]

t.test('add: a child that declares nothing has its parent\'s requirement, and the other way round', async (t) => {
  t.equal(add('x', null, null), null)
  t.equal(add('x', onlyBearer, null), onlyBearer)
  t.equal(add('x', null, onlyBasic), onlyBasic)
  t.strictSame(add('x', [], null), [])
})

t.test('add: [] of the child is public, whatever the parent requires, and [] of the parent takes nothing from the child', async (t) => {
  t.strictSame(add('x', onlyBearer, []), [])
  t.equal(add('x', [], onlyBasic), onlyBasic)
})

t.test('add: both are required where both declare something', async (t) => {
  t.strictSame(textOf(add('x', onlyBearer, onlyBasic)), ['HTTPBearer & HTTPBasic: HTTPBasic'])
  t.strictSame(textOf(add('x', onlyBearer, onlyBasic, ({ subject }) => subject)), ['HTTPBearer & HTTPBasic: HTTPBearer'])
})

t.test('both: every alternative of the one with every one of the other, the parent\'s schemes first', async (t) => {
  t.strictSame(textOf(both('x', read({ scheme: bearer }, { scheme: maybe }), read({ scheme: basic }, { scheme: oauth2, scopes: ['a'] }))), [
    'HTTPBearer & HTTPBasic: HTTPBasic',
    'HTTPBearer & OAuth2PasswordBearer a: OAuth2PasswordBearer',
    'Maybe & HTTPBasic: HTTPBasic',
    'Maybe & OAuth2PasswordBearer a: OAuth2PasswordBearer',
    'HTTPBasic without (HTTPBearer) (Maybe): HTTPBasic',
    'OAuth2PasswordBearer a without (HTTPBearer) (Maybe): OAuth2PasswordBearer'
  ])
})

t.test('both: an alternative that came of {} remembers what was left out', async (t) => {
  t.strictSame(textOf(both('x', read({ scheme: bearer }, {}), read({ scheme: basic }, {}))), [
    'HTTPBearer & HTTPBasic: HTTPBasic',
    'HTTPBearer without (HTTPBasic): nobody',
    'HTTPBasic without (HTTPBearer): HTTPBasic',
    ' without (HTTPBearer) (HTTPBasic): nobody'
  ])
})

t.test('both: a scheme that the one requires cannot be left out by the other', async (t) => {
  t.strictSame(textOf(both('x', read({ scheme: oauth2 }), read({ scheme: oauth2, scopes: ['a'] }, {}))),
    ['OAuth2PasswordBearer & OAuth2PasswordBearer a: OAuth2PasswordBearer'], 'the alternative that contradicts itself is dropped')
  t.strictSame(textOf(both('x', read({ scheme: bearer.derive({}) }), read({ scheme: bearer }, {}))),
    ['HTTPBearer & HTTPBearer: HTTPBearer'], 'a derived scheme counts as its base')
  t.strictSame(textOf(both('x', read([{ scheme: bearer }, { scheme: basic }], {}), read({ scheme: bearer }))),
    ['HTTPBearer & HTTPBasic: HTTPBearer', 'HTTPBearer without (HTTPBearer & HTTPBasic): HTTPBearer'],
    'one member that is there contradicts nothing while another is absent')
  t.strictSame(textOf(both('x', read([{ scheme: bearer }, { scheme: basic }]), read([{ scheme: basic }, { scheme: bearer }], {}))),
    ['HTTPBearer & HTTPBasic: HTTPBasic'])
})

t.test('both: a requirement that is repeated is required once', async (t) => {
  const list = read({ scheme: bearer, scopes: ['a', 'b'] }, { scheme: basic })
  let sum = list
  for (let i = 0; i < 30; i++) sum = both('x', sum, read({ scheme: bearer, scopes: ['b', 'a'] }, { scheme: basic }))
  t.strictSame(textOf(sum)?.map((text) => text.split(':')[0]).sort(), ['HTTPBasic', 'HTTPBearer b a', 'HTTPBearer b a & HTTPBasic'])
})

t.test('normalize: alternatives of the same schemes, scopes and absences are one, in whatever order', async (t) => {
  const [a, b] = [{ node: node(oauth2), scopes: ['a', 'b'] }, { node: node(basic), scopes: [] }]
  const [m, p] = [node(maybe), node(perhaps)]
  const alternatives: Alternative[] = [
    { entries: [a, b], leftOut: [[m, p], [m]], subject: node(oauth2) },
    { entries: [b, { ...a, scopes: ['b', 'a'] }, a], leftOut: [[m], [p, m], [m]], subject: node(basic) }
  ]
  t.strictSame(textOf(normalize('x', alternatives)), ['OAuth2PasswordBearer a b & HTTPBasic without (Maybe & Perhaps) (Maybe): OAuth2PasswordBearer'])
  const distinct: Alternative[] = [
    { entries: [a], leftOut: [], subject: null },
    { entries: [{ ...a, scopes: ['a'] }], leftOut: [], subject: null },
    { entries: [a], leftOut: [[m]], subject: null },
    { entries: [a], leftOut: [[m, p]], subject: null },
    { entries: [a], leftOut: [[m], [p]], subject: null },
    { entries: [a, b], leftOut: [], subject: null }
  ]
  t.equal(normalize('x', distinct).length, distinct.length)
})

t.test('normalize: the alternative without entries is last', async (t) => {
  const nobody = { entries: [], leftOut: [], subject: null }
  t.strictSame(textOf(normalize('x', [nobody, ...onlyBearer, nobody])), ['HTTPBearer: HTTPBearer', ': nobody'])
  t.strictSame(normalize('x', []), [])
})

t.test('normalize: 256 alternatives are allowed, and more are refused', async (t) => {
  const many = (count: number): Alternative[] =>
    Array.from({ length: count }, (_, i) => ({ entries: [{ node: node(bearer), scopes: [`s${i}`] }], leftOut: [], subject: null }))
  t.equal(normalize('GET /', many(256)).length, 256)
  t.throws(() => normalize('GET /', many(257)), {
    code: 'FST_AUTH_BAD_SECURITY',
    message: 'GET /: `security` has more than 256 alternatives, multiplied by those of the parent contexts; require fewer schemes at once'
  })
})

t.test('basesOf: each base once', async (t) => {
  t.strictSame(basesOf([bearer, bearer.derive({}), basic].map((scheme) => ({ node: node(scheme), scopes: [] }))).map(({ id }) => id), [node(bearer).id, node(basic).id])
})
