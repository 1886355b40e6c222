/** The user's own parts of a document, and functions that rewrite it. */

import t from 'tap'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import Fastify from 'fastify'
import { authSchemes, type AuthSchemesOptions } from '../../lib'
import { ERROR_SCHEMA } from '../../lib/openapi/operation'
import { createApp, documentOf, openapi31 } from '../helpers'
import { assertValid, handler, operationsIn } from './helpers'

for (const swaggerFirst of [true, false]) {
  const order = swaggerFirst ? 'swagger first' : 'the plugin first'
  async function create (options: FastifyDynamicSwaggerOptions, own: AuthSchemesOptions = {}) {
    const app = Fastify()
    if (swaggerFirst) await app.register(swagger, options)
    await app.register(authSchemes, own)
    if (!swaggerFirst) await app.register(swagger, options)
    return app
  }

  t.test(`paths, webhooks and path items of the user name schemes, which are declared, and are left as written: ${order}`, async (t) => {
    const responses = { 200: { description: 'OK' } }
    const naming = (name: string): object => ({ responses, security: [{ [name]: [] }] })
    const own = {
      paths: { '/elsewhere': { get: naming('HTTPBearer'), parameters: [], summary: 'Own' } },
      webhooks: { event: { post: naming('APIKeyHeader') } },
      components: { pathItems: { Shared: { get: naming('HTTPBasic') } }, securitySchemes: { Own: { type: 'http', scheme: 'x' } } }
    }
    const app = await create({ openapi: { ...openapi31.openapi, ...structuredClone(own) as object } })
    for (const make of [() => app.authSchemes.httpBearer(), () => app.authSchemes.apiKeyHeader({ name: 'k' }), () => app.authSchemes.httpBasic(), () => app.authSchemes.httpDigest()]) make()
    app.get('/a', { security: [] }, handler)
    await app.ready()
    const document = documentOf(app)
    t.strictSame(document.paths['/elsewhere'], own.paths['/elsewhere'])
    t.strictSame(document.webhooks, own.webhooks)
    t.strictSame(document.components.pathItems, own.components.pathItems)
    t.strictSame(Object.keys(document.components.securitySchemes).sort(), ['APIKeyHeader', 'HTTPBasic', 'HTTPBearer', 'Own'])
    t.strictSame(document.paths['/a'].get.security, [])
    await assertValid(document)
  })

  t.test(`a path of the user at which a route stands, too, keeps its own operations: ${order}`, async (t) => {
    const post = { responses: { 200: { description: 'OK' } }, security: [{ HTTPBearer: [] }] }
    const app = await create({ openapi: { ...openapi31.openapi, paths: { '/a': { post: structuredClone(post) } } } })
    app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
    await app.ready()
    t.strictSame(documentOf(app).paths['/a'].post, post)
    t.strictSame(operationsIn(documentOf(app)), { 'post /a': [[{ HTTPBearer: [] }], '200'], 'get /a': [[{ HTTPBearer: [] }], '200,401'] })
  })

  t.test(`transformObject may clone the document, and replace it: ${order}`, async (t) => {
    const app = await create({
      ...openapi31,
      transformObject: ({ openapiObject }: any) => {
        const clone = structuredClone(openapiObject)
        return { ...clone, 'x-cloned': Object.keys(clone.paths) }
      }
    })
    app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
    app.get('/b', handler)
    await app.ready()
    for (let i = 0; i < 2; i++) {
      t.strictSame(operationsIn(documentOf(app)), { 'get /a': [[{ HTTPBearer: [] }], '200,401'], 'get /b': [undefined, '200'] })
      t.strictSame(documentOf(app)['x-cloned'], ['/a', '/b'])
      await new Promise((resolve) => { setImmediate(resolve) })
    }
  })

  t.test(`a transform that drops x- keys and changes the URL keeps the lock: ${order}`, async (t) => {
    const transform = ({ schema, url }: any): any => ({
      schema: Object.fromEntries(Object.entries(schema ?? {}).filter(([key]) => !key.startsWith('x-') && key !== 'security')),
      url: `/moved${url}`
    })
    const app = await create({ ...openapi31, transform })
    const scheme = app.authSchemes.httpBearer()
    app.get('/a', { security: [{ scheme }], schema: { summary: 'A' } }, handler)
    app.get('/b', { schema: { security: [{ HTTPBearer: [] }] } }, handler)
    app.get('/c', { security: [] }, handler)
    await app.ready()
    t.strictSame(operationsIn(documentOf(app)), { 'get /moved/a': [[{ HTTPBearer: [] }], '200,401'], 'get /moved/b': [[{ HTTPBearer: [] }], '200,401'], 'get /moved/c': [[], '200'] })
  })

  t.test(`a HEAD route with an operationId shows what its GET route shows, whatever is hidden or moved: ${order}`, async (t) => {
    for (const prefix of ['', '/moved']) {
      const transform = ({ schema, url }: any): any => ({ schema, url: `${prefix}${url}` })
      const app = await create({ ...openapi31, exposeHeadRoutes: true, transform })
      const security = [{ scheme: app.authSchemes.httpBearer() }]
      app.get('/a', { security, schema: { operationId: 'a' } }, handler)
      app.get('/b', { security: [], schema: { operationId: 'b' } }, handler)
      app.get('/v', { security: [], schema: { operationId: 'v' }, constraints: { version: '1.0.0' } }, handler)
      app.get('/v', { security, schema: { hide: true }, constraints: { version: '2.0.0' } }, handler)
      await app.ready()
      const [locked, open] = [[[{ HTTPBearer: [] }], '200,401'], [[], '200']]
      const expected = { 'get /a': locked, 'head /a': locked, 'get /b': open, 'head /b': open, 'get /v': open, 'head /v': open }
      t.strictSame(operationsIn(documentOf(app)), Object.fromEntries(Object.entries(expected).map(([key, value]) => [key.replace('/', `${prefix}/`), value])))
    }
  })

  t.test(`errorSchema replaces the schema of error bodies, and the name is one that the user's schemas leave free: ${order}`, async (t) => {
    const errorSchema = { type: 'object', properties: { fault: { type: 'string' } } }
    const own = { type: 'string' } as const
    const app = await create({ openapi: { ...openapi31.openapi, components: { schemas: { AuthError: own } } } }, { errorSchema })
    const scheme = app.authSchemes.httpBearer()
    for (const url of ['/a', '/b']) app.get(url, { security: [{ scheme }] }, handler)
    await app.ready()
    const { components, paths } = documentOf(app)
    t.strictSame(components.schemas, { AuthError: own, AuthError_: errorSchema })
    for (const url of ['/a', '/b']) {
      t.strictSame(paths[url].get.responses[401].content, { 'application/json': { schema: { $ref: '#/components/schemas/AuthError_' } } })
    }
  })

  t.test(`a lock at the root of the document that enforces nothing is logged at boot: ${order}`, async (t) => {
    const lines: string[] = []
    const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => { lines.push(JSON.parse(line).msg) } } } })
    const options = { openapi: { ...openapi31.openapi, security: [{ HTTPBearer: [] }] } }
    if (swaggerFirst) await app.register(swagger, options)
    await app.register(authSchemes)
    if (!swaggerFirst) await app.register(swagger, options)
    app.authSchemes.httpBearer({ verify: false })
    app.get('/silent', { exposeHeadRoute: false }, handler)
    app.get('/public', { security: [] }, handler)
    await app.ready()
    t.strictSame(lines, ['the root of the OpenAPI document requires HTTPBearer, which enforces nothing: these routes are public, and documented so: GET /silent. Require the scheme by `app.secure`, and leave it out of the root'])
  })
}

t.test('one schema of error bodies serves all operations', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ verify: () => null })
  for (const url of ['/a', '/b']) app.get(url, { security: [{ scheme }] }, handler)
  await app.ready()
  const { components, paths } = documentOf(app)
  t.strictSame(components.schemas, { AuthError: ERROR_SCHEMA })
  const reference = { 'application/json': { schema: { $ref: '#/components/schemas/AuthError' } } }
  for (const url of ['/a', '/b']) for (const status of [401, 403]) t.strictSame(paths[url].get.responses[status].content, reference)
})

t.test('a HEAD route that is shown where its GET route is hidden keeps its lock, whoever reads the routes', async (t) => {
  const app = Fastify()
  await app.register(swagger, {
    ...openapi31,
    exposeHeadRoutes: true,
    // Reading all members of the route must not count as its being written.
    transform: ({ schema, url, route }: any) => ({ schema: { ...schema, hide: { ...route }.method === 'GET' }, url })
  } as object)
  await app.register(authSchemes)
  app.get('/a', { security: [{ scheme: app.authSchemes.httpBearer({ verify: () => true }) }], schema: { operationId: 'a' } as object }, async () => 'ran')
  await app.ready()
  const { paths } = documentOf(app)
  t.strictSame(Object.keys(paths['/a']), ['head'])
  t.strictSame(paths['/a'].head.security, [{ HTTPBearer: [] }])
})

t.test('a route outside of the plugin\'s context is left as it is, but for a lock of the root', async (t) => {
  for (const locked of [false, true]) {
    const app = Fastify({ exposeHeadRoutes: false })
    const root = locked ? { security: [{ HTTPBearer: [] }] } : {}
    await app.register(swagger, { openapi: { ...openapi31.openapi, ...root } } as FastifyDynamicSwaggerOptions)
    await app.register(async (child) => {
      await child.register(authSchemes)
      child.get('/inside', { security: [{ scheme: child.authSchemes.httpBearer({ verify: () => true }) }] }, handler)
    })
    app.get('/outside', handler)
    await app.ready()
    const { paths } = documentOf(app)
    t.strictSame(paths['/inside'].get.security, [{ HTTPBearer: [] }])
    t.strictSame(paths['/outside'].get.security, locked ? [] : undefined)
  }
})
