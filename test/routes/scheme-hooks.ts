import t from 'tap'
import type { RouteOptions } from 'fastify'
import { refuseCrossSite } from '../../lib'
import { nodeOfHook } from '../../lib/requirement/node'
import { declareHooks, schemesInHooks } from '../../lib/routes/scheme-hooks'
import { createScheme, routeHookOf } from '../../lib/scheme'
import { httpBearer } from '../../lib/schemes/http'
import { bearer as withToken, createApp } from '../helpers'
import { basic, bearer, node, registration } from '../requirement/helpers'

const own = async (): Promise<void> => {}
const options = (hooks: object): RouteOptions => hooks as RouteOptions
const namesIn = (hooks: object): string[] =>
  schemesInHooks('GET /', options(hooks), registration).map(({ hook, node }) => `${hook} ${node.definition.name}`)

t.test('schemes are found in every form of hook, in the order in which they run', async (t) => {
  t.strictSame(namesIn({}), [])
  t.strictSame(namesIn({ onRequest: own, preHandler: [own] }), [])
  t.strictSame(namesIn({ preHandler: bearer.preHandler }), ['preHandler HTTPBearer'])
  t.strictSame(namesIn({ preHandler: [own, basic.preHandler], preValidation: [bearer.preHandler], onRequest: [basic.preHandler, own, bearer.preHandler] }),
    ['onRequest HTTPBasic', 'onRequest HTTPBearer', 'preValidation HTTPBearer', 'preHandler HTTPBasic'])
})

t.test('a value that is no hook is left to Fastify', async (t) => {
  for (const value of [undefined, null, 'x', [],
    [undefined, null]]) t.strictSame(namesIn({ preHandler: value, onSend: value }), [])
})

const misplaced = ['preParsing', 'preSerialization', 'onSend', 'onResponse', 'onError', 'onTimeout', 'onRequestAbort']
for (const hook of misplaced) {
  t.test(`a scheme guards nothing in ${hook}, so it is refused there`, async (t) => {
    for (const hooks of [bearer.preHandler, [own, bearer.preHandler]]) {
      t.throws(() => namesIn({ [hook]: hooks }), {
        code: 'FST_AUTH_BAD_SECURITY',
        message: `GET /: the \`preHandler\` of "HTTPBearer" cannot stand in \`${hook}\`; put it into onRequest, preValidation or preHandler`
      })
    }
  })
}

t.test('a scheme of another registration is refused', async (t) => {
  const foreign = createScheme(httpBearer(), { ...registration })
  t.throws(() => namesIn({ preHandler: [own, foreign.preHandler] }), {
    code: 'FST_AUTH_UNKNOWN_SCHEME',
    message: 'GET /: the scheme "HTTPBearer" belongs to another application or to another registration of the plugin'
  })
})

t.test('on a route that declares it, a scheme\'s hook is replaced by one that knows it; the rest and the user\'s array stay', async (t) => {
  const hooks = Object.freeze([own, bearer.preHandler]) as any
  const route = options({ onRequest: bearer.preHandler, preHandler: hooks, onSend: own })
  declareHooks(route, schemesInHooks('GET /', route, registration))
  t.strictSame(hooks.map((hook: unknown) => hook === own || hook === bearer.preHandler), [true, true])
  const [first, second] = route.preHandler as unknown as unknown[]
  t.equal(first, own)
  t.equal(second, routeHookOf(node(bearer)))
  t.equal((route.onRequest as unknown as unknown[])[0], routeHookOf(node(bearer)))
  t.equal(nodeOfHook(second), node(bearer))
  t.equal(route.onSend, own)
  t.strictSame(namesIn(route), ['onRequest HTTPBearer', 'preHandler HTTPBearer'], 'they are found again')
})

t.test('a scheme in the hook of a route is enforced, and nothing is logged', async (t) => {
  const lines: string[] = []
  const app = await createApp({ explicit: true, server: { logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } } })
  const scheme = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })
  let ran = 0
  app.get('/', { preHandler: scheme.preHandler }, async () => ++ran)
  t.equal((await app.inject('/')).statusCode, 401)
  t.equal((await app.inject({ url: '/', headers: withToken('bad') })).statusCode, 401)
  t.equal(ran, 0)
  t.equal((await app.inject({ url: '/', headers: withToken('good') })).statusCode, 200)
  t.strictSame(lines, [])
})

t.test('refuseCrossSite fails the boot where it guards nothing', async (t) => {
  for (const hook of ['preParsing', 'preSerialization', 'onSend', 'onResponse', 'onError', 'onTimeout', 'onRequestAbort'] as const) {
    const app = await createApp()
    for (const hooks of [refuseCrossSite(), [async () => {}, refuseCrossSite()]]) {
      t.throws(() => app.post('/', { [hook]: hooks, security: [] }, async () => ''), {
        code: 'FST_AUTH_BAD_SECURITY',
        message: `POST /: \`refuseCrossSite\` guards nothing in \`${hook}\`; put it into onRequest, preValidation or preHandler`
      })
    }
  }
})
