import Fastify, { type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import type {} from '@fastify/rate-limit'
import type {} from '@fastify/websocket'
import type { TypeBoxTypeProvider } from './type-provider'
import { expect, test } from 'tstyche'
import { TokenResponse, type AnyAuth, type Auth, type HTTPAuthorizationCredentials, type HTTPBasicCredentials, type Scheme } from '../../lib'

const app = Fastify()
const { authSchemes } = app

const basic = authSchemes.httpBasic({ verify: async ({ username }) => username === 'x' ? { id: 1 } : null })
const optional = authSchemes.httpBasic({ autoError: false })
const bearer = authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', verify: (token) => ({ sub: token, admin: true }) })

type BasicAuth = Auth<HTTPBasicCredentials, { id: number }>
type BearerAuth = Auth<string, { sub: string, admin: boolean }>

test('one scheme gives its Auth', () => {
  app.get('/a', { security: [{ scheme: basic, scopes: ['x'] }] }, async (request) => {
    expect(request.auth).type.toBe<BasicAuth>()
    expect(request.auth.user.id).type.toBe<number>()
    return request.auth.user.id + 1
  })
})

test('alternatives give their union', () => {
  app.get('/c', { security: [{ scheme: bearer }, { scheme: basic }] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | BasicAuth>()
    const { user } = request.auth
    return 'sub' in user ? user.sub : user.id
  })
})

test('autoError: false adds null', () => {
  app.get('/opt', { security: [{ scheme: optional }] }, async (request) => {
    expect(request.auth).type.toBe<Auth<HTTPBasicCredentials, undefined> | null>()
    expect(request.auth?.credentials.username).type.toBe<string | undefined>()
    // @ts-expect-error 'request.auth' is possibly 'null'
    return request.auth.credentials.username
  })
})

test('autoError that is only known as a boolean adds null', () => {
  const autoError = Math.random() > 0.5
  const scheme = authSchemes.httpBasic({ autoError })
  expect(scheme).type.toBe<Scheme<Auth<HTTPBasicCredentials, undefined> | null>>()
})

test('a group gives the union of its members', () => {
  app.get('/and', { security: [[{ scheme: bearer }, { scheme: basic }]] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | BasicAuth>()
  })
  app.get('/and2', { security: [[{ scheme: bearer }, { scheme: bearer }], { scheme: bearer }] }, async (request) => {
    const credentials: string = request.auth.credentials
    expect(bearer.from(request)).type.toBe<BearerAuth | null>()
    return [credentials, bearer.from(request)?.user.sub]
  })
})

test('an empty list gives null', () => {
  app.get('/pub', { security: [] }, async (request) => { expect(request.auth).type.toBe<null>() })
})

test('a body schema changes nothing', () => {
  app.post('/body', { security: [{ scheme: bearer }], schema: { body: Type.Object({ a: Type.String() }) } }, async (request) => request.auth.user.sub)
  app.withTypeProvider<TypeBoxTypeProvider>().post('/typed', {
    security: [{ scheme: bearer }],
    schema: { body: Type.Object({ a: Type.String() }) }
  }, async (request) => {
    expect(request.body.a).type.toBe<string>()
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('lists kept in a constant are inferred', () => {
  const routes = [{ scheme: bearer }] as const
  app.get('/const', { security: routes }, async (request) => { expect(request.auth.user.sub).type.toBe<string>() })
})

test('a list that may be empty, and one that may hold {}, add null', () => {
  const shared = [{ scheme: bearer }]
  app.get('/shared', { security: shared }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  const maybe = [{ scheme: bearer }, {}]
  app.get('/maybe', { security: maybe }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  app.get('/spread', { security: [{ scheme: basic }, ...shared] }, async (request) => { expect(request.auth).type.toBe<BasicAuth | BearerAuth>() })
  app.get('/either', { security: [shared.length > 0 ? { scheme: bearer } : {}] }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  app.get('/some', { security: shared.length > 0 ? [{ scheme: bearer }] : [] }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
})

test('where a route may have no security, request.auth may be anything', () => {
  app.get('/some', { security: app.hasPlugin('x') ? [{ scheme: bearer }] : undefined }, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
  app.get('/some', { ...(app.hasPlugin('x') ? { security: [{ scheme: bearer }] } : {}) }, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
  const route: RouteOptions = { method: 'GET', url: '/', security: [{ scheme: bearer }], handler: async (request) => { expect(request.auth).type.toBe<AnyAuth>() } }
  app.route(route)
  app.get<{ Querystring: { page: number } }>('/generics', { security: [{ scheme: bearer }] }, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
})

test('hooks that run where nobody is authenticated know null', () => {
  app.get('/hooks', {
    security: [{ scheme: bearer }],
    preHandler: async (request) => { expect(request.auth).type.toBe<BearerAuth>() },
    onRequest: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    onSend: async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() },
    errorHandler: (error, request) => { expect(request.auth).type.toBe<BearerAuth | null>(); throw error }
  }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
})

test('a websocket', () => {
  app.get('/socket', { websocket: true, security: [{ scheme: bearer }] }, (socket, request) => {
    expect(socket.close).type.toBeCallableWith()
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('{} adds null', () => {
  app.get('/maybe', { security: [{ scheme: bearer }, {}] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | null>()
    // @ts-expect-error 'request.auth' is possibly 'null'
    request.auth.user.sub.slice()
    return request.auth?.user.sub
  })
  app.get('/maybe2', { security: [{ scheme: bearer }, { scheme: basic }, {}] }, async (request) => {
    const { auth } = request
    if (auth === null) return 'anonymous'
    return 'sub' in auth.user ? auth.user.sub : auth.user.id
  })
  app.get('/maybeand', { security: [[{ scheme: bearer }, { scheme: bearer }], {}] }, async (request) => request.auth?.user.sub)
})

test('anything but a list of requirements is an error', () => {
  // @ts-expect-error is not assignable
  app.get('/bad', { security: [{ scheme: 'nope' }] }, async () => 1)
  // @ts-expect-error is not assignable
  app.get('/bad2', { security: [{ scheme: bearer, scopes: 'read' }] }, async () => 1)
  // @ts-expect-error does not exist in type 'Security'
  app.get('/bad3', { security: { scheme: bearer } }, async () => 1)
  // @ts-expect-error is not assignable to type 'Alternative<any>'
  app.get('/bad4', { security: [bearer] }, async () => 1)
})

test('a full route declaration is typed too', () => {
  app.route({
    method: 'GET',
    url: '/route',
    security: [{ scheme: basic }],
    handler: async (request) => { expect(request.auth).type.toBe<BasicAuth>() }
  })
})

test('without a security of its own request.auth may be anything but is never any', () => {
  app.get('/none', async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
})

test('a config is the route\'s own affair', () => {
  app.get('/config', { config: { audience: 'x' }, security: [{ scheme: bearer }] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
    expect(request.routeOptions.config.audience).type.toBe<string>()
  })
  app.get('/limit', { security: [{ scheme: bearer }], config: { rateLimit: { keyGenerator: (request) => request.ip } } }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('token follows the credentials', () => {
  expect<BasicAuth['token']>().type.toBe<null>()
  expect<BearerAuth['token']>().type.toBe<string>()
  expect<Auth<HTTPAuthorizationCredentials, undefined>['token']>().type.toBe<string>()
  expect<NonNullable<AnyAuth>['token']>().type.toBe<string | null>()
})

test('an Auth goes where one of wider types is wanted', () => {
  expect<BasicAuth>().type.toBeAssignableTo<AnyAuth>()
  expect<BearerAuth>().type.toBeAssignableTo<Auth<unknown, { sub: string }>>()
  expect<BasicAuth>().type.not.toBeAssignableTo<Auth<unknown, { sub: string }>>()
})

test('beside a hook of other types request.auth is inferred, and beside one that is written there', () => {
  const hook = async (request: FastifyRequest): Promise<void> => { request.log.info(request.auth) }
  app.get('/typed', { security: [{ scheme: bearer }], preHandler: hook }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
  const owner = async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply): Promise<void> => { reply.header('x', request.params.id) }
  app.get('/:id', { security: [{ scheme: bearer }], preHandler: owner }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
    expect(request.params).type.toBe<{ id: string }>()
  })
  app.get('/written', { security: [{ scheme: bearer }], preHandler: async (request) => { await hook(request) } }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('a derived scheme has the user of its own verify', () => {
  const derived = basic.derive({
    verify: (user, { credentials, scopes }) => {
      expect(user).type.toBe<{ id: number }>()
      expect(credentials).type.toBe<HTTPBasicCredentials>()
      expect(scopes).type.toBe<readonly string[]>()
      return { name: credentials.username }
    }
  })
  expect(derived).type.toBe<Scheme<Auth<HTTPBasicCredentials, { name: string }>>>()
  expect(basic.derive({ scopes: ['x'] })).type.toBe<Scheme<BasicAuth>>()
  app.get('/derived', { security: [{ scheme: derived }] }, async (request) => {
    expect(request.auth.user.name).type.toBe<string>()
    expect(basic.from(request)?.user.id).type.toBe<number | undefined>()
  })
})

test('a scheme is a hook of a route', () => {
  app.get('/hook', { preHandler: basic.preHandler }, async () => 1)
  app.get('/hooks', { onRequest: [basic.preHandler], preValidation: [basic.preHandler] }, async () => 1)
})

test('options of the factories', () => {
  // @ts-expect-error Property 'name' is missing
  authSchemes.apiKeyHeader({})
  // @ts-expect-error Property 'tokenUrl' is missing
  authSchemes.oauth2PasswordBearer({})
  // @ts-expect-error is not assignable to type
  authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: ['read'] })
  // @ts-expect-error is not assignable to type
  authSchemes.httpBearer({ verify: (token: number) => token })
  authSchemes.httpBearer({
    verify: ({ scheme, credentials }, { request, scopeStr }) => {
      expect(scheme).type.toBe<string>()
      expect(credentials).type.toBe<string>()
      expect(scopeStr).type.toBe<string>()
      expect(request.url).type.toBe<string>()
      return { roles: ['admin'] }
    },
    grantedScopes: (user) => {
      expect(user).type.toBe<{ roles: string[] }>()
      return user.roles
    }
  })
})

test('the contract of a token response is its schema\'s', () => {
  type Members = Static<typeof TokenResponse>
  expect<{ readonly [K in keyof Members]: Members[K] }>().type.toBeAssignableTo<TokenResponse>()
  expect<TokenResponse>().type.toBeAssignableTo<Members>()
})

test('a token form hands over the login', () => {
  app.tokenForm('/token', (form, request, reply) => {
    expect(form.username).type.toBe<string>()
    expect(form.scopes).type.toBe<string[]>()
    expect(form.client_id).type.toBe<string | undefined>()
    expect(reply).type.toBeAssignableTo<FastifyReply>()
    return { access_token: form.username, token_type: 'bearer', id_token: request.id }
  })
  app.tokenForm('/strict', { strict: true, bodyLimit: 1000 }, async () => ({ access_token: 'x', token_type: 'bearer' }))
  app.tokenForm('/grants', {
    authenticateClient: (id, secret) => {
      expect(id).type.toBe<string>()
      expect(secret).type.toBe<string | undefined>()
      return null
    },
    grants: {
      refresh_token: ({ refresh_token: token }) => ({ access_token: token, token_type: 'bearer', scopes: ['a'] }),
      client_credentials: ({ client_secret: secret }) => ({ access_token: secret, token_type: 'bearer' }),
      authorization_code: ({ code_verifier: verifier, client_id: id }) => {
        expect(verifier).type.toBe<string | undefined>()
        return { access_token: id, token_type: 'bearer' }
      }
    }
  })
  // @ts-expect-error Property 'access_token' is missing
  app.tokenForm('/bad', () => ({ token_type: 'bearer' }))
  // @ts-expect-error 'security' does not exist in type 'TokenFormOptions'
  app.tokenForm('/bad', { security: [] }, () => ({ access_token: '', token_type: 'bearer' }))
})
