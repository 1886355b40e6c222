import t from 'tap'
import Fastify from 'fastify'
import { contextsWithin, listed, readPrintedRoutes } from '../lib/fastify-internals'

t.test('every route that Fastify prints is read', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  const declared: string[] = []
  app.addHook('onRoute', ({ method, url }) => { for (const name of [method].flat()) declared.push(`${name} ${url}`) })
  const handler = async (): Promise<void> => {}
  for (const url of ['/', '/items', '/items/:id', '/it', '/item', '/file/:name(^\\d+$)', '/f/:a-:b.png', '/w/*', '/sp ace (x)', '/sp ace (GET)', '/a/b/c/d/e', '/ünï']) app.get(url, handler)
  app.post('/items/:id/sub', handler)
  app.get('/constrained', { constraints: { version: '1.0.0' } }, handler)
  app.get('/constrained', { constraints: { version: '2.0.0', host: 'a.b' } }, handler)
  app.get('/constrained/below', handler)
  app.options('*', handler)
  app.all('/all', handler)
  await app.ready()
  t.strictSame(readPrintedRoutes(app.printRoutes()).map(({ method, url }) => `${method} ${url}`).sort(), declared.sort())
})

t.test('no routes are none', async (t) => {
  t.strictSame(readPrintedRoutes(Fastify().printRoutes()), [])
})

t.test('the contexts within a context, however deep', async (t) => {
  const app = Fastify()
  t.strictSame(contextsWithin(app), { known: true, contexts: [] })
  const prefixes = ['/a', '/b']
  await app.register(async (outer) => { await outer.register(async () => {}, { prefix: '/b' }) }, { prefix: '/a' })
  t.strictSame(contextsWithin(app).contexts.map(({ prefix }) => prefix), [prefixes[0], prefixes.join('')])
  t.strictSame(contextsWithin({}), { known: false, contexts: [] })
})

t.test('a list of routes for messages', async (t) => {
  t.equal(listed([{ method: 'GET', url: '/api/a' }, { method: 'PUT', url: '/b' }]), 'GET /api/a, PUT /b')
})
