/** The type of `request.auth` for each form of a route, under each TypeScript. */

import Fastify, {
  type FastifyContextConfig, type FastifyInstance, type FastifyPluginAsync, type FastifyPluginOptions,
  type FastifyReply, type FastifyRequest, type FastifyTypeProvider, type RawServerDefault, type RouteHandlerMethod,
  type RouteOptions, type RouteShorthandOptions, type preHandlerHookHandler
} from 'fastify'
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import {
  InvalidCredentialsError,
  type AnyAuth, type Auth, type HTTPBasicCredentials, type Requirement, type Scheme, type Security, type Verify
} from 'fastify-auth-schemes'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
/** Compiles only if both types are the same. */
const same = <A, B>(equal: Equal<A, B>): boolean => equal

interface TypeBoxTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

const app = Fastify()
const { authSchemes } = app
const bearer = authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', verify: (token) => ({ sub: token }) })
const basic = authSchemes.httpBasic({ verify: async ({ username }) => username === 'x' ? { id: 1 } : null })
const optional = authSchemes.httpBasic({ autoError: false })
type Bearer = Auth<string, { sub: string }>
type Basic = Auth<HTTPBasicCredentials, { id: number }>
const security = [{ scheme: bearer }] as const
const some = app.hasPlugin('some')
const plain = async (request: FastifyRequest): Promise<void> => { request.log.info(request.auth) }
const owner = async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply): Promise<void> => {
  reply.header('x', request.params.id)
}
const body = Type.Object({ a: Type.String() })

// Lists
app.get('/', { security: [{ scheme: bearer }] }, async (request) => same<typeof request.auth, Bearer>(true))
app.get('/', { security: [{ scheme: bearer }, { scheme: basic }] }, async (request) =>
  same<typeof request.auth, Bearer | Basic>(true))
app.get('/', { security: [[{ scheme: bearer }, { scheme: basic }]] }, async (request) =>
  same<typeof request.auth, Bearer | Basic>(true))
app.get('/', { security: [{ scheme: bearer }, {}] }, async (request) => same<typeof request.auth, Bearer | null>(true))
app.get('/', { security: [{ scheme: optional }] }, async (request) =>
  same<typeof request.auth, Auth<HTTPBasicCredentials, undefined> | null>(true))
app.get('/', { security: [] }, async (request) => same<typeof request.auth, null>(true))
app.get('/', { security }, async (request) => same<typeof request.auth, Bearer>(true))
const constOptional = [{ scheme: bearer }, {}] as const
app.get('/', { security: constOptional }, async (request) => same<typeof request.auth, Bearer | null>(true))
const list = [{ scheme: bearer }]
app.get('/', { security: list }, async (request) => same<typeof request.auth, Bearer | null>(true))
const listOptional = [{ scheme: bearer }, {}]
app.get('/', { security: listOptional }, async (request) => same<typeof request.auth, Bearer | null>(true))
app.get('/', { security: ['a'].map(() => ({ scheme: bearer })) }, async (request) =>
  same<typeof request.auth, Bearer | null>(true))
app.get('/', { security: some ? [{ scheme: bearer }] : [] }, async (request) =>
  same<typeof request.auth, Bearer | null>(true))
app.get('/', { security: [some ? { scheme: bearer } : {}] }, async (request) =>
  same<typeof request.auth, Bearer | null>(true))
app.get('/', { security: some ? [{ scheme: bearer }] : undefined }, async (request) =>
  same<typeof request.auth, AnyAuth>(true))
app.get('/', { ...(some ? { security: [{ scheme: bearer }] } : {}) }, async (request) =>
  same<typeof request.auth, AnyAuth>(true))
app.get('/', { security: [{ scheme: basic }, ...list] }, async (request) =>
  same<typeof request.auth, Basic | Bearer>(true))
const requirements: Requirement[] = []
app.get('/', { security: requirements }, async (request) => same<typeof request.auth, AnyAuth>(true))
const scheme: Scheme<any> = bearer
app.get('/', { security: [{ scheme }] }, async (request) => same<typeof request.auth, AnyAuth>(true))
const typed: Security = [{ scheme: bearer }]
app.get('/', { security: typed }, async (request) => same<typeof request.auth, AnyAuth>(true))

// Beside other options
app.get('/', { security, config: { audience: 'x' } }, async (request) =>
  same<typeof request.auth, Bearer>(true) && same<typeof request.routeOptions.config.audience, string>(true))
app.get('/', { security }, async (request): Promise<FastifyContextConfig> => request.routeOptions.config)
app.get('/', { security, preHandler: plain }, async (request) => same<typeof request.auth, Bearer>(true))
app.get('/', { security, onRequest: [plain, plain] }, async (request) => same<typeof request.auth, Bearer>(true))
app.get('/', { security, preHandler: [async (request) => { await plain(request) }, plain] }, async (request) =>
  same<typeof request.auth, Bearer>(true))
const hook: preHandlerHookHandler = (request, reply, done) => { done() }
app.get('/', { security, preHandler: hook }, async (request) => same<typeof request.auth, Bearer>(true))
app.get('/:id', { security, preHandler: owner }, async (request) =>
  same<typeof request.auth, Bearer>(true) && same<typeof request.params, { id: string }>(true))
app.get('/', {
  security,
  preHandler: async (request) => { same<typeof request.auth, Bearer>(true) },
  onRequest: async (request) => { same<typeof request.auth, Bearer | null>(true) },
  preParsing: async (request) => { same<typeof request.auth, Bearer | null>(true) },
  preValidation: async (request) => { same<typeof request.auth, Bearer | null>(true) },
  onError: async (request) => { same<typeof request.auth, Bearer | null>(true) },
  onSend: async (request) => { same<typeof request.auth, Bearer | null>(true) },
  onResponse: async (request) => { same<typeof request.auth, Bearer | null>(true) },
  errorHandler: (error, request) => { same<typeof request.auth, Bearer | null>(true); throw error }
}, async (request) => same<typeof request.auth, Bearer>(true))
// @ts-expect-error request.auth is null after a refusal
app.get('/', { security, onError: async (request) => { request.log.info(request.auth.user.sub) } }, async () => 1)
const response = { 200: Type.Object({ b: Type.String() }) }
const typebox = app.withTypeProvider<TypeBoxTypeProvider>()
typebox.post('/', { security, schema: { body, response } }, async (request) => {
  same<typeof request.auth, Bearer>(true)
  return { b: request.body.a }
})
// @ts-expect-error the response is another
typebox.post('/', { security, schema: { body, response } }, async () => ({ b: 1 }))
const plugin: FastifyPluginAsync<FastifyPluginOptions, RawServerDefault, TypeBoxTypeProvider> = async (app) => {
  app.post('/', { security, schema: { body } }, async (request) =>
    same<typeof request.auth, Bearer>(true) && same<typeof request.body, { a: string }>(true))
}
app.register(plugin)

// app.route, and options in a constant
app.route({ method: 'GET', url: '/', security, handler: async (request) => same<typeof request.auth, Bearer>(true) })
app.route({ method: 'GET', url: '/', security, async handler (request) { same<typeof request.auth, Bearer>(true) } })
app.get('/', { security, handler: async (request) => same<typeof request.auth, Bearer>(true) })
app.route({
  method: 'GET',
  url: '/:id',
  security,
  preHandler: owner,
  handler: async (request) =>
    same<typeof request.auth, Bearer>(true) && same<typeof request.params, { id: string }>(true)
})
const route: RouteOptions = {
  method: 'GET', url: '/', security, handler: async (request) => same<typeof request.auth, AnyAuth>(true)
}
app.route(route)
const shorthand: RouteShorthandOptions = { security }
app.get('/', shorthand, async (request) => same<typeof request.auth, AnyAuth>(true))
const untyped = { security: [{ scheme: bearer }], config: { audience: 'x' } }
app.get('/', untyped, async (request) => same<typeof request.auth, Bearer | null>(true))
const satisfied = { security: [{ scheme: bearer }] } satisfies RouteShorthandOptions
app.get('/', satisfied, async (request) => same<typeof request.auth, Bearer>(true))

// Handlers with types of their own
app.get<{ Querystring: { page: number } }>('/', { security }, async (request) =>
  same<typeof request.auth, AnyAuth>(true) && same<typeof request.query.page, number>(true))
app.get('/', { security }, async (request: FastifyRequest<{ Querystring: { page: number } }>, reply: FastifyReply) => {
  reply.header('x', request.query.page)
  return same<typeof request.auth, AnyAuth>(true)
})
const handler: RouteHandlerMethod = async (request) => same<typeof request.auth, AnyAuth>(true)
app.get('/', { security }, handler)
const authenticated = async (request: FastifyRequest & { auth: Bearer }): Promise<string> => request.auth.user.sub
app.get('/', { security }, authenticated)
// @ts-expect-error it may be null
app.get('/', { security: [{ scheme: bearer }, {}] }, authenticated)
// @ts-expect-error it is another
app.get('/', { security: [{ scheme: basic }] }, authenticated)
const page = async (request: FastifyRequest<{ Querystring: { page: number } }> & { auth: Bearer }): Promise<string> =>
  request.auth.user.sub
// @ts-expect-error generics, too
app.get('/', { security }, page)
const log = (request: FastifyRequest, reply: FastifyReply): void => { reply.header('x', request.id) }
app.get('/', { security }, async (request, reply) => {
  log(request, reply)
  return (request as FastifyRequest<{ Params: { id: string } }>).params.id
})
app.get<{ Params: { id: string } }>('/:id', async (request, reply) => { log(request, reply) })
type Handler = Parameters<FastifyInstance['route']>[0]['handler']
same<Parameters<Handler>[0]['auth'], AnyAuth>(true)

// No security
app.get('/', async (request) => same<typeof request.auth, AnyAuth>(true))
app.get('/', { config: { audience: 'x' } }, async (request) => same<typeof request.auth, AnyAuth>(true))
app.addHook('onRequest', async (request) => { same<typeof request.auth, AnyAuth>(true) })
app.setErrorHandler((error, request) => { same<typeof request.auth, AnyAuth>(true); throw error })

// No list of alternatives
// @ts-expect-error
app.get('/', { security: [{ scheme: 'nope' }] }, async () => 1)
// @ts-expect-error
app.get('/', { security: [{ scheme: bearer, scopes: 'read' }] }, async () => 1)
// @ts-expect-error
app.get('/', { security: { scheme: bearer } }, async () => 1)
// @ts-expect-error
app.get('/', { security: [bearer] }, async () => 1)

// Schemes
const returned = authSchemes.apiKeyQuery({
  name: 'k',
  verify: (key) => key === 'x' ? { id: 1 } : key === 'y' ? new Error('no') : new InvalidCredentialsError('no'),
  grantedScopes: (user) => same<typeof user, { id: number }>(true) ? 'a b' : null
})
same<typeof returned, Scheme<Auth<string, { id: number }>>>(true)
const late = authSchemes.apiKeyQuery({
  name: 'k', verify: async (key) => key === 'x' ? { id: 1 } : key === 'y' ? null : new TypeError('no')
})
same<typeof late, Scheme<Auth<string, { id: number }>>>(true)
const derived = late.derive({ verify: (user) => user.id === 1 ? { admin: true } : new InvalidCredentialsError('no') })
same<typeof derived, Scheme<Auth<string, { admin: boolean }>>>(true)
const extracted = authSchemes.httpBasic({ verify: false })
same<typeof extracted, Scheme<Auth<HTTPBasicCredentials, undefined>>>(true)
const message = authSchemes.apiKeyQuery({ name: 'k', verify: (key) => ({ name: key, message: key }) })
same<typeof message, Scheme<Auth<string, { name: string, message: string }>>>(true)
export function make<User> (verify: Verify<string, User>): (request: FastifyRequest) => User {
  const scheme = authSchemes.apiKeyQuery({ name: 'k', verify })
  return (request) => scheme.require(request).user
}
app.get<{ Querystring: { page: number } }>('/', { security }, async (request) => {
  const auth = bearer.require(request, { scopes: ['admin'] })
  const found = bearer.from(request)
  return same<typeof auth, Bearer>(true) && same<typeof found, Bearer | null>(true)
})
