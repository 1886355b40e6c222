/** Applications whose schemas are zod's: their transforms document their own routes, and leave ours alone. */

import t from 'tap'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import * as typeProvider from 'fastify-type-provider-zod'
import * as zodOpenApi from 'fastify-zod-openapi'
import { z } from 'zod'
import { authSchemes } from '../../lib'
import { bearer, documentOf } from '../helpers'
import { assertValid } from '../openapi/helpers'

const providers: ReadonlyArray<readonly [name: string, options: object, prepare: (app: FastifyInstance) => Promise<void>]> = [
  ['fastify-type-provider-zod', { transform: typeProvider.jsonSchemaTransform, transformObject: typeProvider.jsonSchemaTransformObject }, async () => {}],
  ['fastify-zod-openapi', zodOpenApi.fastifyZodOpenApiTransformers, async (app) => { await app.register(zodOpenApi.fastifyZodOpenApiPlugin) }]
]
const compilers = {
  'fastify-type-provider-zod': typeProvider,
  'fastify-zod-openapi': zodOpenApi
} as unknown as Record<string, { validatorCompiler: any, serializerCompiler: any }>

for (const [name, options, prepare] of providers) {
  for (const version of ['3.0.3', '3.1.0']) {
    for (const swaggerFirst of [true, false]) {
      t.test(`${name}, OpenAPI ${version}, @fastify/swagger ${swaggerFirst ? 'before' : 'after'} the plugin`, async (t) => {
        const app = Fastify()
        const { validatorCompiler, serializerCompiler } = compilers[name] as { validatorCompiler: any, serializerCompiler: any }
        app.setValidatorCompiler(validatorCompiler)
        app.setSerializerCompiler(serializerCompiler)
        const document = async (): Promise<void> => {
          await prepare(app)
          await app.register(swagger, { openapi: { openapi: version, info: { title: 'Zod', version: '1.0.0' } }, ...options } as object)
        }
        if (swaggerFirst) await document()
        await app.register(authSchemes, { explicit: true })
        if (!swaggerFirst) await document()
        const oauth2 = app.authSchemes.oauth2PasswordBearer({ tokenUrl: '/token', scopes: { a: 'A' }, verify: (token) => ({ token, scopes: ['a'] }) })
        const key = app.authSchemes.apiKeyQuery({ name: 'key', verify: (value) => value === 'good' })
        app.tokenForm('/token', async ({ username }) => ({ access_token: username, token_type: 'bearer' }))
        app.post('/items', {
          security: [{ scheme: oauth2, scopes: ['a'] }],
          schema: { body: z.object({ name: z.string() }), response: { 200: z.object({ token: z.string() }) } }
        } as object, async (request) => ({ token: (request.auth as any).token }))
        app.get('/search', { security: [{ scheme: key }], schema: { querystring: z.strictObject({ q: z.string() }) } } as object, async (request) => request.query)
        await app.ready()

        const { paths, components } = documentOf(app)
        await assertValid(documentOf(app))
        t.strictSame(paths['/items'].post.security, [{ OAuth2PasswordBearer: ['a'] }])
        t.strictSame(Object.keys(paths['/items'].post.responses), ['200', '401', '403'])
        t.strictSame(Object.keys(paths['/items'].post.requestBody.content['application/json'].schema.properties), ['name'])
        t.strictSame(paths['/search'].get.parameters.map(({ name }: any) => name), ['q'])
        t.strictSame(Object.keys(components.securitySchemes).sort(), ['APIKeyQuery', 'OAuth2PasswordBearer'])
        const { requestBody, responses, security } = paths['/token'].post
        t.strictSame(security, [])
        const { properties, required } = requestBody.content['application/x-www-form-urlencoded'].schema
        t.strictSame(required, ['username', 'password'])
        t.strictSame(properties.password, { type: 'string', format: 'password', description: 'The password' })
        t.strictSame(properties.grant_type, version === '3.0.3' ? { type: 'string', enum: ['password'] } : { type: 'string', const: 'password' })
        t.strictSame(Object.keys(responses), ['200', '400', '401', '413', '415'])

        const login = await app.inject({ method: 'POST', url: '/token', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'username=me&password=x' })
        t.strictSame(login.json(), { access_token: 'me', token_type: 'bearer' })
        t.strictSame((await app.inject({ method: 'POST', url: '/items', headers: bearer('me'), payload: { name: 'x' } })).json(), { token: 'me' })
        t.equal((await app.inject({ method: 'POST', url: '/items', payload: { name: 'x' } })).statusCode, 401)
        t.strictSame((await app.inject('/search?q=1&key=good')).json(), { q: '1' })
        t.equal((await app.inject('/search?q=1')).statusCode, 401)
      })
    }
  }
}

t.test('a transform that moves or hides routes does so with the token endpoint, too', async (t) => {
  const app = Fastify()
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'x', version: '1' } },
    transform: ({ schema, url }: any) => ({ schema: { ...schema, hide: url === '/hidden' }, url: `/api${url}` })
  })
  await app.register(authSchemes)
  for (const path of ['/token', '/hidden']) app.tokenForm(path, { schema: { summary: 'Log in' } }, async () => ({ access_token: 'x', token_type: 'bearer' }))
  await app.ready()
  const { paths } = documentOf(app)
  t.strictSame(Object.keys(paths), ['/api/token'])
  t.equal(paths['/api/token'].post.summary, 'Log in')
  t.ok(paths['/api/token'].post.requestBody.required)
})
