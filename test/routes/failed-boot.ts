import t from 'tap'
import { createServer } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes } from '../../lib'
import { watchBoot } from '../../lib/routes/failed-boot'

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
    t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
    t.strictSame(await response.json(), { statusCode: 500, code, error: 'Internal Server Error', message: 'The application failed to start' })
    t.equal(runs, 0, 'no handler ran')
  })
}

t.test('a boot that succeeds is served, in each way to ask for it', async (t) => {
  const app = Fastify()
  await app.register(authSchemes, { explicit: true })
  app.get('/', { security: [] }, async () => 'ran')
  t.match(await new Promise((resolve) => { app.inject('/', (_error, response) => { resolve(response) }) }), { body: 'ran' })
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

t.test('a boot that had begun before the plugin was loaded is not served either', async (t) => {
  const registrations: ReadonlyArray<readonly [rule: string, options: object, code: string]> = [
    ['a check of ours', { explicit: true }, 'FST_AUTH_UNDECLARED_ROUTE'],
    ['its own options', { explict: true }, 'FST_AUTH_BAD_OPTION']
  ]
  for (const [rule, options, code] of registrations) {
    for (const start of ['inject', 'ready'] as const) {
      const app = Fastify()
      let runs = 0
      app.register(authSchemes, options)
      app.register(async (child) => { child.get('/open', async () => { runs++ }) })
      if (start === 'ready') await t.rejects(Promise.resolve(app.ready()), { code }, rule)
      const sent = Array.from({ length: 3 }, () => Promise.resolve(app.inject('/open')))
      for (const response of sent) await t.rejects(response, { code }, `${rule}, at once`)
      for (let i = 0; i < 3; i++) {
        await t.rejects(Promise.resolve(app.inject('/open')), { code }, `${rule}, ${i}`)
        t.match(await new Promise((resolve) => { app.inject('/open', resolve) }), { code }, `${rule}, ${i}, by callback`)
      }
      t.equal(runs, 0)
    }
  }
})

t.test('a registration that failed and was caught lets nobody in', async (t) => {
  const app = Fastify()
  await t.rejects(Promise.resolve(app.register(authSchemes, { explict: true } as object)), { code: 'FST_AUTH_BAD_OPTION' })
  app.get('/open', async () => 'ran')
  for (let i = 0; i < 2; i++) await t.rejects(Promise.resolve(app.inject('/open')), { code: 'FST_AUTH_BAD_OPTION' })
})

t.test('a secure that failed and was caught fails the boot', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  app.register(async (child) => {
    t.throws(() => { child.secure([{ scheme: undefined }] as any) }, { code: 'FST_AUTH_BAD_SECURITY' })
    child.get('/admin', async () => 'ran')
  })
  await t.rejects(Promise.resolve(app.inject('/admin')), { code: 'FST_AUTH_BAD_SECURITY' })
  await t.rejects(Promise.resolve(app.inject('/admin')), { code: 'FST_AUTH_BAD_SECURITY' })
})

t.test('with explicit, a handler that was taken before the failure serves nothing', async (t) => {
  let taken: ((request: any, response: any) => void) | undefined
  const app = Fastify({
    serverFactory: (handler) => {
      taken = handler as typeof taken
      return createServer()
    }
  })
  await app.register(authSchemes, { explicit: true })
  app.get('/open', async () => 'ran')
  await t.rejects(Promise.resolve(app.ready()), { code: 'FST_AUTH_UNDECLARED_ROUTE' })
  const server = createServer(taken)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  const response = await fetch(`http://127.0.0.1:${(server.address() as { port: number }).port}/open`)
  t.equal(response.status, 500)
  t.match(await response.json(), { message: 'The application failed to start' })
})

t.test('a chain of light-my-request is made before the boot and after it, and fails after a failure', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  app.get('/', async () => 'ran')
  t.equal((await app.inject().get('/').end()).body, 'ran')
  t.equal((await app.inject().get('/').end()).body, 'ran')
  const failed = Fastify()
  await failed.register(authSchemes, { explicit: true })
  failed.get('/', async () => 'ran')
  await t.rejects(Promise.resolve(failed.ready()))
  await t.rejects(Promise.resolve(failed.inject() as unknown), { code: 'FST_AUTH_UNDECLARED_ROUTE' })
})

t.test('an application is watched once, until every registration is complete', async (t) => {
  const app = Fastify()
  const first = watchBoot(app)
  const { ready } = app
  const second = watchBoot(app)
  t.equal(app.ready, ready)
  app.get('/', async () => 'ran')
  first.complete()
  t.equal((await app.inject('/')).body, 'ran', 'the boot succeeded')
  second.fail(new Error('second'))
  second.fail(new Error('third'))
  await t.rejects(Promise.resolve(app.inject('/')), { message: 'second' })
})
