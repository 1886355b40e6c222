import t from 'tap'
import Fastify from 'fastify'
import { listed, readPrintedRoutes, routesBelow } from '../../lib/security/early'

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

t.test('only routes below a prefix may belong to its context', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  for (const url of ['/api/a', '/b']) app.get(url, async () => {})
  t.strictSame(routesBelow('/api', app.printRoutes()), [{ method: 'GET', url: '/api/a' }])
  t.equal(listed(routesBelow('', app.printRoutes())), 'GET /api/a, GET /b')
})
