import t from 'tap'
import { createScheme } from '../../lib/scheme'
import { httpBasic, httpBearer } from '../../lib/schemes/http'
import { add, Contexts } from '../../lib/routes/contexts'
import { normalize, type Groups } from '../../lib/requirement/read'

const owner = {}
const bearer = normalize('x', [{ scheme: createScheme(httpBearer(), owner) }], owner)
const basic = normalize('x', [{ scheme: createScheme(httpBasic(), owner) }], owner)
const names = (groups: Groups | null): string[] | undefined => groups?.map(({ entries }) => entries.map(({ node }) => node.definition.name).join(' & '))

t.test('contexts add up, outer first, and several declarations of one do too', async (t) => {
  const contexts = new Contexts()
  const root = {}
  const child = Object.create(root)
  const grandchild = Object.create(child)
  contexts.declare(grandchild, basic, 'x')
  contexts.declare(root, bearer, 'x')
  contexts.declare(child, bearer, 'x')
  contexts.declare(child, basic, 'x')
  t.strictSame(contexts.declaredBy(child), [bearer, basic])
  t.strictSame(names(contexts.of(root, 'x')), ['HTTPBearer'])
  t.strictSame(names(contexts.of(child, 'x')), ['HTTPBearer & HTTPBasic'])
  t.strictSame(names(contexts.of(grandchild, 'x')), ['HTTPBearer & HTTPBasic'])
  t.equal(contexts.of({}, 'x'), null)
})

t.test('`request.auth` is of the innermost context that names a scheme, in the accepted alternative', async (t) => {
  const contexts = new Contexts()
  const root = {}
  const child = Object.create(root)
  const optional = normalize('x', [{ scheme: createScheme(httpBasic(), owner) }, {}], owner)
  contexts.declare(root, bearer, 'x')
  contexts.declare(child, optional, 'x')
  t.strictSame(contexts.of(child, 'x')?.map(({ own }) => own?.definition.name), ['HTTPBasic', 'HTTPBearer'])
  t.strictSame(add('x', contexts.of(child, 'x'), optional)?.map(({ own }) => own?.definition.name), ['HTTPBasic', undefined], 'but what a route says itself is its own')
})

t.test('[] is the way out, for the context and those in it that say nothing', async (t) => {
  const contexts = new Contexts()
  const root = {}
  const open = Object.create(root)
  const inner = Object.create(open)
  contexts.declare(root, bearer, 'x')
  contexts.declare(open, [], 'x')
  contexts.declare(inner, basic, 'x')
  t.strictSame(contexts.of(open, 'x'), [])
  t.strictSame(contexts.of(Object.create(open), 'x'), [])
  t.strictSame(names(contexts.of(inner, 'x')), ['HTTPBasic'])
})

t.test('a context is either public or requires something', async (t) => {
  const expected = { code: 'FST_AUTH_BAD_SECURITY', message: 'secure: a context is either public by `secure([])` or requires something; declare one of them' }
  for (const [first, second] of [[bearer, []], [[], bearer]] as const) {
    const contexts = new Contexts()
    const context = {}
    contexts.declare(context, first, 'secure')
    t.throws(() => { contexts.declare(context, second, 'secure') }, expected)
  }
})

t.test('nothing is added once a route was asked for', async (t) => {
  const contexts = new Contexts()
  t.equal(contexts.sealed, false)
  contexts.of({}, 'x')
  t.equal(contexts.sealed, true)
  t.throws(() => { contexts.declare({}, bearer, 'secure') }, { message: 'secure: the application is loaded; declare what a context requires before it is ready' })
})

t.test('contexts are known once they are added', async (t) => {
  const contexts = new Contexts()
  const context = {}
  t.notOk(contexts.has(context))
  contexts.add(context)
  t.ok(contexts.has(context))
})

t.test('add: what is said within what is said around', async (t) => {
  t.equal(add('x', null, null), null)
  t.equal(add('x', bearer, null), bearer)
  t.equal(add('x', null, basic), basic)
  t.strictSame(add('x', bearer, []), [])
  t.equal(add('x', [], basic), basic)
  t.strictSame(names(add('x', bearer, basic)), ['HTTPBearer & HTTPBasic'])
})
