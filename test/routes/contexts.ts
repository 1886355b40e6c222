import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Requirement } from '../../lib/requirement/combine'
import { readSecurity } from '../../lib/requirement/read'
import { Contexts } from '../../lib/routes/contexts'
import { basic, bearer, registration, textOf } from '../requirement/helpers'

const read = (...security: unknown[]): Requirement => readSecurity('x', security, registration)
const [onlyBearer, onlyBasic] = [read({ scheme: bearer }), read({ scheme: basic })]

/** Returns contexts, each the child of the one before. */
async function nested (count: number): Promise<[FastifyInstance, ...FastifyInstance[]]> {
  const app = Fastify()
  const all: [FastifyInstance, ...FastifyInstance[]] = [app]
  const register = async (parent: FastifyInstance): Promise<void> => {
    if (all.length === count) return
    await parent.register(async (child) => {
      all.push(child)
      await register(child)
    })
  }
  await register(app)
  return all
}

t.test('contexts add up, the parent first, and several declarations of one context do, too', async (t) => {
  const contexts = new Contexts()
  const [root, child, grandchild] = await nested(3)
  contexts.declare(grandchild as object, onlyBasic, 'x')
  contexts.declare(root, onlyBearer, 'x')
  contexts.declare(child as object, onlyBearer, 'x')
  contexts.declare(child as object, onlyBasic, 'x')
  t.strictSame(contexts.declaredBy(child as object), [onlyBearer, onlyBasic])
  t.strictSame(contexts.declaredBy(Fastify()), [])
  t.strictSame(textOf(contexts.of(root, 'x')), ['HTTPBearer: HTTPBearer'])
  t.strictSame(textOf(contexts.of(child as object, 'x')), ['HTTPBearer & HTTPBasic: HTTPBasic'])
  t.strictSame(textOf(contexts.of(grandchild as object, 'x')), ['HTTPBearer & HTTPBasic: HTTPBasic'])
  t.equal(contexts.of(Fastify(), 'x'), null)
})

t.test('`request.auth` is of the innermost context that names a scheme, in the accepted alternative', async (t) => {
  const contexts = new Contexts()
  const [root, child] = await nested(2)
  contexts.declare(root, onlyBearer, 'x')
  contexts.declare(child as object, read({ scheme: basic }, {}), 'x')
  t.strictSame(textOf(contexts.of(child as object, 'x')), ['HTTPBearer & HTTPBasic: HTTPBasic', 'HTTPBearer without (HTTPBasic): HTTPBearer'])
})

t.test('[] is the way out, for the context and those of its children that declare nothing', async (t) => {
  const contexts = new Contexts()
  const [root, open, inner] = await nested(3)
  contexts.declare(root, onlyBearer, 'x')
  contexts.declare(open as object, [], 'x')
  t.strictSame(contexts.of(open as object, 'x'), [])
  t.strictSame(contexts.of(inner as object, 'x'), [])
  t.strictSame(textOf(contexts.of(root, 'x')), ['HTTPBearer: HTTPBearer'])
})

t.test('a child of a public context may require something', async (t) => {
  const contexts = new Contexts()
  const [root, open, inner] = await nested(3)
  contexts.declare(root, onlyBearer, 'x')
  contexts.declare(open as object, [], 'x')
  contexts.declare(inner as object, onlyBasic, 'x')
  t.strictSame(textOf(contexts.of(inner as object, 'x')), ['HTTPBasic: HTTPBasic'])
})

t.test('a context declares something where it or a parent does', async (t) => {
  const contexts = new Contexts()
  const [root, child, grandchild] = await nested(3)
  contexts.declare(child as object, [], 'x')
  t.strictSame([root, child, grandchild].map((context) => contexts.declares(context as object)), [false, true, true])
  t.equal(contexts.sealed, false, 'asking for it seals nothing')
})

t.test('a context is either public or requires something', async (t) => {
  const expected = { code: 'FST_AUTH_BAD_SECURITY', message: 'secure: a context is either public by `secure([])` or requires something; declare one of them' }
  for (const [first, second] of [[onlyBearer, []], [[], onlyBearer], [[], []]] as const) {
    const contexts = new Contexts()
    const context = Fastify()
    contexts.declare(context, first, 'secure')
    t.throws(() => { contexts.declare(context, second, 'secure') }, expected)
    t.strictSame(contexts.declaredBy(context), [first])
  }
})

t.test('nothing is declared once a requirement was resolved, or all is loaded', async (t) => {
  const expected = { code: 'FST_AUTH_BAD_SECURITY', message: 'secure: the application is loaded; declare what a context requires before it is ready' }
  for (const seal of [(contexts: Contexts) => contexts.of(Fastify(), 'x'), (contexts: Contexts) => { contexts.seal() }]) {
    const contexts = new Contexts()
    t.equal(contexts.sealed, false)
    seal(contexts)
    t.equal(contexts.sealed, true)
    for (const requirement of [onlyBearer, []]) t.throws(() => { contexts.declare(Fastify(), requirement, 'secure') }, expected)
  }
})
