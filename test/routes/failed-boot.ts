import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes } from '../../lib'
import { keepBootError } from '../../lib/routes/failed-boot'

const mistakes: ReadonlyArray<readonly [rule: string, explicit: boolean, add: (app: FastifyInstance) => void, code: string]> = [
  ['our own check when all is loaded', true, () => {}, 'FST_AUTH_UNDECLARED_ROUTE'],
  ['a mistake in a later plugin', false, (app) => {
    app.register(async (child) => { child.get('/bad', { security: 1 } as object, async () => {}) })
  }, 'FST_AUTH_BAD_SECURITY'],
  ['an error of another plugin', false, (app) => {
    app.register(async () => { throw Object.assign(new Error('secret detail'), { code: 'OTHER' }) })
  }, 'OTHER'],
  ['an error of another onReady hook', false, (app) => {
    app.addHook('onReady', async () => { throw Object.assign(new Error('secret detail'), { code: 'OTHER' }) })
  }, 'OTHER']
]

for (const [rule, explicit, add, code] of mistakes) {
  t.test(`a boot that failed is never served: ${rule}`, async (t) => {
    const app = Fastify()
    let runs = 0
    await app.register(authSchemes, { explicit })
    app.get('/open', async () => { runs++ })
    add(app)
    for (let i = 0; i < 3; i++) {
      for (const url of ['/open', '/unknown']) {
        await t.rejects(Promise.resolve(app.inject(url)), { code }, `${url} ${i}`)
        t.match(await new Promise((resolve) => { app.inject(url, resolve) }), { code }, `${url} ${i}, by callback`)
      }
    }
    await t.rejects(Promise.resolve(app.ready()), { code })
    t.match(await new Promise((resolve) => { app.ready(resolve) }), { code })

    // Whoever makes the server listen by hand gets no further.
    await new Promise<void>((resolve) => { app.server.listen(0, '127.0.0.1', resolve) })
    t.teardown(() => { app.server.close() })
    const { port } = app.server.address() as { port: number }
    const response = await fetch(`http://127.0.0.1:${port}/open`)
    t.equal(response.status, 500)
    t.strictSame(await response.json(), { statusCode: 500, code, error: 'Internal Server Error', message: 'The application failed to start' })
    t.equal(runs, 0, 'no handler ran')
  })
}

t.test('a boot that succeeds is served, in each way to ask for it', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  app.get('/', async () => 'ran')
  t.equal(await app.ready(), app)
  t.equal(await new Promise((resolve) => { app.ready(resolve) }), null)
  t.equal((await app.inject('/')).body, 'ran')
})

t.test('what is thrown may be no error', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  app.addHook('onReady', (done) => { done('text' as unknown as Error) })
  for (let i = 0; i < 2; i++) await t.rejects(Promise.resolve(app.inject('/')))
})

t.test('an application is watched once', async (t) => {
  const app = Fastify()
  keepBootError(app)
  const { ready } = app
  keepBootError(app)
  t.equal(app.ready, ready)
  await app.close()
})
