import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { authSchemes } from '../lib'
import { descendantsOf, parentOf, parentsOf, printedRoutes, secondaryServersOf, timesRegistered } from '../lib/fastify-internals'

const changed = (what: string) => ({
  code: 'FST_AUTH_UNGUARDED_ROUTE',
  message: `Cannot enforce \`security\` on any route: this version of Fastify keeps ${what} in another form than fastify-auth-schemes knows; ` +
    'install a version of Fastify that its README names, or a newer one of the plugin'
})
const handler = async (): Promise<void> => {}
const kRegistered = Symbol.for('registered-plugin')

function childrenKey (app: object): symbol {
  return Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.children') as symbol
}

/** An application with a context `/a`, and `/a/b` in it. */
async function nested (): Promise<[app: FastifyInstance, a: FastifyInstance, b: FastifyInstance]> {
  const app = Fastify()
  const contexts = [] as unknown as [FastifyInstance, FastifyInstance]
  await app.register(async (a) => {
    contexts.push(a)
    await a.register(async (b) => { contexts.push(b) }, { prefix: '/b' })
  }, { prefix: '/a' })
  return [app, ...contexts]
}

t.test('parents, from the nearest to the root', async (t) => {
  const [app, a, b] = await nested()
  t.equal(parentOf(app), null)
  t.equal(parentOf(b), a)
  t.strictSame(parentsOf(app).length, 0)
  t.ok(parentsOf(b).length === 2 && parentsOf(b)[0] === a && parentsOf(b)[1] === app)
})

t.test('descendants, at every depth', async (t) => {
  const [app, a, b] = await nested()
  t.ok(descendantsOf(app).length === 2 && descendantsOf(app)[0] === a && descendantsOf(app)[1] === b)
  t.ok(descendantsOf(a).length === 1 && descendantsOf(a)[0] === b)
  t.equal(descendantsOf(b).length, 0)
})

t.test('printed routes are all that were declared', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  const declared: string[] = []
  app.addHook('onRoute', ({ method, url }) => { for (const name of [method].flat()) declared.push(`${name} ${url}`) })
  const urls = [
    '/', '/items', '/items/:id', '/it', '/item', '/file/:name(^\\d+$)', '/f/:a-:b.png', '/w/*', '/line\u2028separator', '/sp ace (x)', '/sp ace (GET)', '/a/b/c/d/e', '/ünï'
  ]
  for (const url of urls) app.get(url, handler)
  app.post('/items/:id/sub', handler)
  app.get('/constrained', { constraints: { version: '1.0.0' } }, handler)
  app.get('/constrained', { constraints: { version: '2.0.0', host: 'a.b' } }, handler)
  app.get('/constrained/below', handler)
  app.options('*', handler)
  app.all('/all', handler)
  await app.ready()
  t.strictSame(printedRoutes(app).map(({ method, url }) => `${method} ${url}`).sort(), declared.sort())
})

t.test('an application without routes prints none', async (t) => {
  t.strictSame(printedRoutes(Fastify()), [])
})

t.test('a route `*` alone, such as the preflight route of @fastify/cors, is found', async (t) => {
  const app = Fastify()
  app.options('*', async () => '')
  t.strictSame(printedRoutes(app), [{ method: 'OPTIONS', url: '*' }])
  app.get('/a', { exposeHeadRoute: false }, async () => '')
  t.strictSame(printedRoutes(app).sort((a, b) => a.url < b.url ? -1 : 1),
    [{ method: 'OPTIONS', url: '*' }, { method: 'GET', url: '/a' }])
})

t.test('registrations of a plugin are counted in a context and its parents', async (t) => {
  const plugin = fastifyPlugin(async () => {}, { name: 'counted' })
  const app = Fastify()
  t.equal(timesRegistered(app, 'counted'), 0)
  await app.register(plugin)
  await app.register(async (child) => {
    t.equal(timesRegistered(child, 'counted'), 1)
    await child.register(plugin)
    t.equal(timesRegistered(child, 'counted'), 2)
  })
  await app.register(async (sibling) => { t.equal(timesRegistered(sibling, 'counted'), 1) })
  t.equal(timesRegistered(app, 'counted'), 1)
  t.equal(timesRegistered(app, 'other'), 0)
})

t.test('the servers beside the first one, from every context', async (t) => {
  const [app, a] = await nested()
  t.strictSame(secondaryServersOf(app), [])
  await app.listen({ port: 0, host: 'localhost' })
  t.teardown(async () => { await app.close() })
  const addresses = secondaryServersOf(a).map((server) => server.address())
  t.strictSame([...addresses, app.server.address()], app.addresses())
})

t.test('a context without a prototype is no context', async (t) => {
  const [app, a] = await nested()
  Object.setPrototypeOf(app, null)
  for (const read of [() => parentOf(app), () => parentsOf(app), () => parentsOf(a)]) {
    t.throws(read,
      changed('the chain of contexts'))
  }
})

const bad: ReadonlyArray<readonly [rule: string, tamper: (app: any, key: symbol) => void]> = [
  ['under another symbol', (app, key) => {
    const children = app[key]
    delete app[key]
    Object.setPrototypeOf(app, { [key]: children })
  }],
  ['no array', (app, key) => { Object.defineProperty(app, key, { value: new Set(app[key]) }) }],
  ['with a member that is no context', (app, key) => { app[key].push({}) }],
  ['with a member that is no object', (app, key) => { app[key].push('child') }],
  ['with a context that does not inherit from its parent', (app, key) => { app[key].push(Fastify()) }],
  ['with a context that inherits by way of another object', (app, key) => { app[key][0] = Object.create(app[key][0]) }]
]
for (const [rule, tamper] of bad) {
  t.test(`a list of child contexts in another form throws: ${rule}`, async (t) => {
    const [app] = await nested()
    tamper(app, childrenKey(app))
    t.throws(() => descendantsOf(app), changed('the list of child contexts'))
  })
}

t.test('a list of child contexts in another form throws, at every depth', async (t) => {
  const [app, a] = await nested();
  (a as any)[childrenKey(a)].push({})
  t.throws(() => descendantsOf(app), changed('the list of child contexts'))
})

for (const servers of [undefined, null, {}, new Set(), [{}], [null]]) {
  t.test(`a list of servers in another form throws: ${JSON.stringify(servers)}`, async (t) => {
    const [app, a] = await nested() as any[]
    app[Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.serverBindings') as symbol] = servers
    for (const context of [app, a]) t.throws(() => secondaryServersOf(context), changed('the list of servers'))
  })
}

t.test('printed routes in another form throw', async (t) => {
  const rows: unknown[] = [undefined, null, [], {}, ['/a (GET)'], Promise.resolve('/a (GET)'), '/a', '/a [GET]',
    '└── /a get', 'GET /a', '└── /\n    └── a',
    '/a (GET)', '└── /a (GET)\n└── /b', '└── /\n        └── a (GET)', '└── /\n└── /b (GET)', '└── /a (get)', 'x']
  for (const printed of rows) {
    t.throws(() => printedRoutes({ printRoutes: () => printed as string }),
      changed('`printRoutes()`'), JSON.stringify(printed))
  }
})

t.test('a list of registered plugins in another form throws', async (t) => {
  for (const names of [undefined, null, {}, 'plugin', new Set(['plugin']), new Map(), { length: '1' }]) {
    const app = Fastify()
    Object.defineProperty(app, kRegistered, { value: names })
    t.throws(() => timesRegistered(app, 'plugin'), changed('the list of registered plugins'))
  }
  t.throws(() => timesRegistered({}, 'plugin'), changed('the list of registered plugins'))
})

const boots: ReadonlyArray<readonly [what: string, tamper: (app: any) => void]> = [
  ['the chain of contexts', (app) => { Object.setPrototypeOf(app, null) }],
  ['the list of child contexts', (app) => { bad[0]?.[1](app, childrenKey(app)) }],
  ['`printRoutes()`', (app) => { app.printRoutes = () => '/early [GET]' }],
  ['the list of registered plugins', (app) => {
    // Fastify itself fails on anything that has no `push` or no `includes`.
    app[kRegistered] = { push () {}, includes: () => false, __proto__: { [Symbol.iterator]: Array.prototype[Symbol.iterator] } }
  }]
]
for (const [what, tamper] of boots) {
  t.test(`the boot fails where Fastify keeps ${what} in another form, and no request is answered`, async (t) => {
    const app = Fastify()
    let ran = 0
    await app.register(async (child) => { child.get('/early', async () => ++ran) })
    tamper(app)
    app.register(authSchemes)
    await t.rejects(async () => { await app.ready() }, changed(what))
    t.equal(ran, 0)
  })
}
