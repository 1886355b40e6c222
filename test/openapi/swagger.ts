import t from 'tap'
import Fastify from 'fastify'
import swagger from '@fastify/swagger'
import { authSchemes } from '../../lib'
import { isProbe, onOperation } from '../../lib/openapi/swagger'
import { documentOf, openapi31 } from '../helpers'

t.test('other onRoute hooks see one hidden route, and nothing answers there', async (t) => {
  const app = Fastify()
  const seen: string[] = []
  app.addHook('onRoute', (route) => {
    seen.push(`${String(route.method)} ${route.url} ${String((route.schema as any)?.hide)}`)
    t.equal(isProbe(route), route.url === '/fastify-auth-schemes')
  })
  await app.register(swagger, openapi31)
  await app.register(authSchemes)
  app.get('/a', async () => 1)
  await app.ready()
  t.strictSame(seen, ['GET /fastify-auth-schemes true', 'GET /a undefined', 'HEAD /a undefined'])
  t.equal((await app.inject('/fastify-auth-schemes')).statusCode, 404)
  t.strictSame(Object.keys(documentOf(app).paths), ['/a'])
})

t.test('without @fastify/swagger there is no probe', async (t) => {
  const app = Fastify()
  const seen: string[] = []
  app.addHook('onRoute', (route) => { seen.push(route.url) })
  await app.register(authSchemes)
  app.get('/a', { exposeHeadRoute: false, security: [{ scheme: app.authSchemes.httpBearer() }] }, async () => 1)
  await app.ready()
  t.strictSame(seen, ['/a'])
  t.equal((await app.inject('/a')).statusCode, 401)
})

t.test('a plugin that declares more for each URL does not meet one of the application', async (t) => {
  const app = Fastify()
  app.addHook('onRoute', function (route) {
    if (route.method === 'GET') this.options(route.url, async () => 'options')
  })
  await app.register(swagger, openapi31)
  await app.register(authSchemes)
  app.get('/', async () => 1)
  await app.ready()
  t.equal((await app.inject({ method: 'OPTIONS', url: '/' })).body, 'options')
})

t.test('what another plugin makes of it responds as a URL without a route does', async (t) => {
  const app = Fastify()
  app.addHook('onRoute', function (route) {
    if (!route.url.startsWith('/v2')) this.route({ method: route.method, url: `/v2${route.url}`, exposeHeadRoute: false, handler: route.handler })
  })
  await app.register(swagger, openapi31)
  await app.register(authSchemes)
  t.equal((await app.inject('/v2/fastify-auth-schemes')).statusCode, 404)
})

t.test('an onRoute hook of the application that throws is not hidden', async (t) => {
  const app = Fastify()
  app.addHook('onRoute', () => { throw new Error('mine') })
  await app.register(swagger, openapi31)
  await t.rejects(async () => { await app.register(authSchemes) }, { message: 'mine' })
})

t.test('@fastify/swagger may come later, in whichever context, and several times', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  const scheme = app.authSchemes.httpBearer()
  const key = app.authSchemes.apiKeyHeader({ name: 'k' })
  const basic = app.authSchemes.httpBasic()
  app.get('/before', { security: [{ scheme }] }, async () => 1)
  await app.register(swagger, openapi31)
  await app.register(async (child) => { child.get('/first', { security: [{ scheme }] }, async () => 1) })
  await app.register(async (child) => {
    child.get('/second', { security: [{ scheme: key }] }, async () => 1)
    await child.register(swagger, { ...openapi31, decorator: 'inner' as 'swagger' })
    child.get('/third', { security: [{ scheme: key }] }, async () => 1)
    child.get('/hidden', { schema: { hide: true }, security: [{ scheme: basic }] }, async () => 1)
    child.addHook('onReady', async () => {
      const { paths, components } = (child as any).inner()
      t.strictSame(Object.keys(paths), ['/third'])
      t.strictSame(Object.keys(components.securitySchemes), ['APIKeyHeader'])
      t.strictSame(paths['/third'].get.security, [{ APIKeyHeader: [] }])
    })
  })
  await app.register(swagger, { ...openapi31, decorator: 'another' as 'swagger' })
  app.get('/last', { security: [{ scheme: basic }] }, async () => 1)
  await app.ready()
  const { paths, components } = documentOf(app)
  t.strictSame(Object.fromEntries(Object.entries<any>(paths).map(([path, { get }]) => [path, get.security])), {
    '/first': [{ HTTPBearer: [] }],
    '/second': [{ APIKeyHeader: [] }],
    '/third': [{ APIKeyHeader: [] }],
    '/last': [{ HTTPBasic: [] }]
  })
  t.strictSame(Object.keys(components.securitySchemes), ['HTTPBearer', 'APIKeyHeader', 'HTTPBasic'])
  t.strictSame(Object.keys((app as any).another().paths), ['/last'])
  t.strictSame((app as any).another().paths['/last'].get.security, [{ HTTPBasic: [] }])
})

t.test('two registrations of the plugin write into one document', async (t) => {
  const app = Fastify()
  await app.register(swagger, openapi31)
  for (const name of ['one', 'two']) {
    app.register(async (child) => {
      await child.register(authSchemes)
      child.get(`/${name}`, { security: [{ scheme: child.authSchemes.httpBearer({ schemeName: name }) }] }, async () => 1)
    })
  }
  await app.ready()
  const { paths, components } = documentOf(app)
  t.strictSame([paths['/one'].get.security, paths['/two'].get.security], [[{ one: [] }], [{ two: [] }]])
  t.strictSame(Object.keys(components.securitySchemes), ['one', 'two'])
  for (const url of ['/one', '/two']) t.equal((await app.inject(url)).statusCode, 401)
})

t.test('what stands there already is left as it is, beside what is written', async (t) => {
  const own = { responses: {} }
  const document = { components: { schemas: {} as object }, paths: { '/a': { get: own } } as any }
  const written: string[] = []
  onOperation(document, ({ method, path, operation }) => {
    written.push(`${method} ${path}`)
    return { ...operation, done: true }
  })
  document.paths['/a'] = { ...document.paths['/a'], post: { responses: {} } }
  document.components.schemas = { A: {} }
  t.strictSame(written, ['post /a'])
  await null
  t.equal(document.paths['/a'].get, own)
  t.strictSame(document.paths['/a'].post, { responses: {}, done: true })
  t.strictSame(document.components.schemas, { A: {} })
})
