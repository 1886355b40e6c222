import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { Type } from '@sinclair/typebox'
import { authSchemes, type HookName } from '../../lib'
import { removeQueryKeys } from '../../lib/routes/query-keys'

const strict = { type: 'object', properties: { q: { type: 'string' } }, additionalProperties: false }
const named = { type: 'object', properties: { key: { type: 'string' } }, additionalProperties: false }

async function create (hook: HookName): Promise<{ app: FastifyInstance, scheme: any }> {
  const app = Fastify({ ajv: { customOptions: { removeAdditional: false } } })
  await app.register(authSchemes, { hook })
  return { app, scheme: app.authSchemes.apiKeyQuery({ name: 'key', verify: (key) => key === 'good' }) }
}

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
  t.test(`a key that security reads is not judged by a schema that does not name it, enforced in ${hook}`, async (t) => {
    const { app, scheme } = await create(hook)
    app.addSchema({ $id: 'named', ...named })
    const security = [{ scheme }]
    const schemas: ReadonlyArray<readonly [url: string, querystring: unknown, query: object, options?: object]> = [
      ['/strict', strict, {}],
      ['/typebox', Type.Object({ q: Type.Optional(Type.String()) }, { additionalProperties: false }), {}],
      ['/zod', z.strictObject({ q: z.string().optional() }), {}, { validatorCompiler }],
      ['/named', named, { key: 'good' }],
      ['/ref', { $ref: 'named#' }, { key: 'good' }],
      ['/allOf', { allOf: [{ type: 'object' }, { $ref: 'named#' }] }, { key: 'good' }],
      ['/zod/named', z.intersection(z.object({ q: z.string().optional() }), z.object({ key: z.string().optional() })), { key: 'good' }, { validatorCompiler }],
      ['/cyclic', Object.assign(strict, {}), {}]
    ]
    for (const [url, querystring, , options] of schemas) {
      const schema = { querystring } as object
      app.get(url, { security, schema, ...options }, async (request) => ({ ran: true, query: request.query }))
      app.get(`${url}/hook`, { preHandler: scheme.preHandler, schema, ...options }, async (request) => ({ ran: true, query: request.query }))
    }
    for (const [url, , query] of schemas) {
      for (const each of [url, `${url}/hook`]) {
        t.strictSame((await app.inject(`${each}?key=good`)).json(), { ran: true, query }, each)
        t.equal((await app.inject(`${each}?key=bad`)).statusCode, 401, `${each}, refused`)
        t.equal((await app.inject(each)).statusCode, 401, `${each}, absent`)
      }
      t.equal((await app.inject(`${url}?key=good&more=1`)).statusCode, url === '/zod/named' ? 200 : 400, 'the rest is judged')
    }
  })
}

t.test('a query that is not validated keeps the key', async (t) => {
  const { app, scheme } = await create('onRequest')
  app.get('/', { security: [{ scheme }] }, async (request) => request.query)
  t.strictSame((await app.inject('/?key=good')).json(), { key: 'good' })
})

t.test('the hooks of the route stay in their form and their place, whichever they are', async (t) => {
  const { app, scheme } = await create('preValidation')
  const order: string[] = []
  const note = (name: string) => async () => { order.push(name) }
  const own = [note('first'), note('second')]
  app.get('/array', { security: [{ scheme }], preValidation: own, schema: { querystring: strict } }, async () => order.splice(0))
  app.get('/one', { security: [{ scheme }], preValidation: own[0], schema: { querystring: strict } } as object, async () => order.splice(0))
  t.strictSame((await app.inject('/array?key=good')).json(), ['first', 'second'])
  t.strictSame((await app.inject('/one?key=good')).json(), ['first'])
  t.equal(own.length, 2)
})

t.test('a context that is secured later takes its key out, too', async (t) => {
  const { app, scheme } = await create('onRequest')
  app.get('/', { schema: { querystring: strict } }, async (request) => request.query)
  app.secure([{ scheme }])
  t.strictSame((await app.inject('/?key=good')).json(), {})
})

t.test('a schema that contains itself is read once', async (t) => {
  const { app, scheme } = await create('onRequest')
  const cyclic: any = { properties: {}, allOf: [] }
  cyclic.allOf.push(cyclic, null, 1)
  app.get('/', { security: [{ scheme }], schema: { querystring: cyclic }, validatorCompiler: () => () => true }, async (request) => request.query)
  t.strictSame((await app.inject('/?key=good')).json(), {})
})

t.test('a route that declares nothing keeps its query', async (t) => {
  const app = Fastify()
  const options: any = { schema: { querystring: strict } }
  removeQueryKeys(options, app, () => null)
  const query = { key: 'x' }
  options.preValidation[0]({ query }, {}, () => {})
  t.strictSame(query, { key: 'x' })
})

t.test('a key of a header or a cookie is not taken out of the query', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  const { apiKeyHeader, apiKeyCookie } = app.authSchemes
  const verify = (): boolean => true
  app.get('/', {
    security: [{ scheme: apiKeyHeader({ name: 'h', verify }) }, { scheme: apiKeyCookie({ name: 'c', verify }) }],
    schema: { querystring: { type: 'object', properties: { q: { type: 'string' } } } }
  }, async (request) => request.query)
  t.strictSame((await app.inject({ url: '/?h=1&c=2', headers: { h: 'x' } })).json(), { h: '1', c: '2' })
})
