import t from 'tap'
import { createScheme, nodeOf } from '../../lib/scheme'
import type { SchemeNode } from '../../lib/requirement/plan'
import { httpBasic, httpBearer } from '../../lib/schemes/http'
import { oauth2PasswordBearer } from '../../lib/schemes/oauth2'
import { Contexts } from '../../lib/routes/contexts'
import { Declaration, keyOf, type SchemeInHook } from '../../lib/routes/guard'
import { normalize, type Groups } from '../../lib/requirement/read'

const owner = {}
const bearer = createScheme(httpBearer(), owner)
const maybe = createScheme(httpBearer({ schemeName: 'Maybe', autoError: false }), owner)
const basic = createScheme(httpBasic(), owner)
const oauth2 = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' } }), owner)
const groups = (...security: unknown[]): Groups => normalize('x', security, owner)
const inHook = (scheme: object): SchemeInHook => ({ hook: 'onRequest', node: nodeOf(scheme) as SchemeNode })
const names = (list: Groups | null): string[] | undefined => list?.map(({ entries }) => entries.map(({ node }) => node.definition.name).join(' & '))

function declare (own: Groups | null, inHooks: SchemeInHook[] = [], around?: Groups): Declaration {
  const contexts = new Contexts()
  const context = {}
  if (around !== undefined) contexts.declare(context, around, 'x')
  return new Declaration('GET /', 'onRequest', contexts, context, own, inHooks)
}

t.test('what a route says is added to what its context requires, once', async (t) => {
  t.strictSame(names(declare(groups({ scheme: basic }), [], groups({ scheme: bearer })).groups), ['HTTPBearer & HTTPBasic'])
  t.strictSame(names(declare(null, [], groups({ scheme: bearer })).groups), ['HTTPBearer'])
  t.equal(declare(null).groups, null)
  t.match(declare(null).requirement, { alternatives: [], optional: true })
  t.match(declare([], [], groups({ scheme: bearer })).requirement, { alternatives: [], optional: true })
  const declaration = declare(groups({ scheme: basic }))
  t.equal(declaration.groups, declaration.groups)
  t.equal(declaration.requirement, declaration.requirement)
  t.equal(declaration.requirement.alternatives.length, 1)
})

t.test('schemes in hooks are required, too, and are whose request.auth is where the route says nothing else', async (t) => {
  const declaration = declare(null, [inHook(basic)], groups({ scheme: bearer }))
  t.strictSame(names(declaration.groups), ['HTTPBearer & HTTPBasic'])
  t.equal(declaration.groups?.[0]?.own, nodeOf(basic))
  t.strictSame(names(declare(null, [inHook(basic)]).groups), ['HTTPBasic'])
  t.equal(declare(groups({ scheme: bearer }), [inHook(basic)]).requirement.alternatives[0]?.members.length, 2)
})

t.test('a scheme in a hook that is optional stands alone', async (t) => {
  t.strictSame(names(declare([], [inHook(maybe)]).groups), ['Maybe', ''])
  for (const declaration of [declare(groups({ scheme: bearer }), [inHook(maybe)]), declare(groups({ scheme: bearer }, {}), [inHook(basic)])]) {
    t.throws(() => declaration.groups, { code: 'FST_AUTH_BAD_SECURITY', message: /^GET \/: authentication that is optional cannot be combined/ })
  }
})

t.test('the guard is in the form of its step, and the same for all', async (t) => {
  const contexts = new Contexts()
  t.equal(new Declaration('x', 'onRequest', contexts, {}, null, []).guard.length, 3)
  t.equal(new Declaration('x', 'preParsing', contexts, {}, null, []).guard.length, 4)
})

t.test('keys tell all requirements apart, whatever characters a scope has', async (t) => {
  const free = createScheme(httpBearer({ schemeName: 'Free' }), owner)
  const id = nodeOf(free)?.id
  const lists = [
    null, [], groups({}), groups({ scheme: bearer }), groups({ scheme: basic }), groups({ scheme: bearer }, {}), groups({}, { scheme: bearer }),
    groups({ scheme: bearer }, { scheme: basic }), groups([{ scheme: bearer }, { scheme: basic }]), groups([{ scheme: basic }, { scheme: bearer }]),
    groups({ scheme: oauth2, scopes: ['a'] }), groups({ scheme: oauth2, scopes: ['a', 'b'] }), groups({ scheme: oauth2, scopes: ['b', 'a'] }),
    groups([{ scheme: free, scopes: ['a'] }, { scheme: free, scopes: ['b'] }]), groups({ scheme: free, scopes: [`a&${id}`, 'b'] }), groups({ scheme: free, scopes: [`a|${id}`, 'b'] }), groups({ scheme: free, scopes: [`a,${id}`, 'b'] }),
    groups({ scheme: free, scopes: ['a'] }, { scheme: free, scopes: ['b'] }), groups({ scheme: free, scopes: ['nothing'] })
  ]
  t.equal(new Set(lists.map(keyOf)).size, lists.length)
  t.equal(keyOf(groups({ scheme: oauth2, scopes: ['a'] })), keyOf(groups({ scheme: oauth2, scopes: ['a'] })))
})

t.test('groups that differ in the scopes of a later member do not share a key', async (t) => {
  const keys = [['a'], ['b'], ['a', 'b'], []].map((scopes) => keyOf(groups([{ scheme: bearer }, { scheme: oauth2, scopes }])))
  t.equal(new Set(keys).size, keys.length)
})
