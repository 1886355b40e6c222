import t from 'tap'
import { isVerified, nodeOf, nodeOfHook, pathFromBase, remember } from '../../lib/requirement/node'
import { createScheme } from '../../lib/scheme'
import { httpBearer } from '../../lib/schemes/http'
import { bearer, node, registration } from './helpers'

t.test('a scheme and its hook lead to one node, and nothing else does', async (t) => {
  const found = nodeOf(bearer)
  t.equal(found?.definition.name, 'HTTPBearer')
  t.equal(nodeOfHook(bearer.preHandler), found)
  for (const other of [undefined, null, 'HTTPBearer', 1, {}, { ...bearer }, Object.create(bearer), () => {}]) {
    t.equal(nodeOf(other), undefined)
    t.equal(nodeOfHook(other), undefined)
  }
  t.equal(nodeOf(bearer.preHandler), undefined)
  t.equal(nodeOfHook(bearer), undefined)
})

t.test('a scheme may have several hooks', async (t) => {
  const [scheme, first, second] = [{}, () => {}, () => {}]
  remember(node(bearer), scheme, [first, second])
  t.strictSame([nodeOf(scheme), nodeOfHook(first), nodeOfHook(second)].map((each) => each === node(bearer)), [true, true, true])
})

t.test('the path of a derived scheme starts at its base', async (t) => {
  const derived = bearer.derive({})
  const twice = derived.derive({})
  t.strictSame(pathFromBase(node(twice)).map(({ id }) => id), [bearer, derived, twice].map((scheme) => node(scheme).id))
  t.strictSame(pathFromBase(node(bearer)).map(({ id }) => id), [node(bearer).id])
  t.ok([bearer, derived, twice].every((scheme) => node(scheme).base === node(bearer)))
})

t.test('a scheme is verified where the base or a derived check verifies', async (t) => {
  const verify = (): boolean => true
  const checked = createScheme(httpBearer({ verify }), registration)
  const rows: ReadonlyArray<readonly [scheme: object, verified: boolean]> = [
    [bearer, false],
    [bearer.derive({ scopes: ['a'] }), false],
    [bearer.derive({ verify }), true],
    [bearer.derive({ verify }).derive({ scopes: ['a'] }), true],
    [checked, true],
    [checked.derive({}), true],
    [createScheme(httpBearer({ verify: false }), registration), false]
  ]
  for (const [scheme, verified] of rows) t.equal(isVerified(node(scheme)), verified)
})
