/** NestJS on its FastifyAdapter: its routes are guarded as any others, and its exception filters send the refusals. */

import t, { type Test } from 'tap'
import './nest/helpers'
import {
  All, BadGatewayException, Body, Catch, Controller, ForbiddenException, Get, Injectable, Module, Param, Post, Req,
  UnauthorizedException, UseGuards, VersioningType, createParamDecorator,
  type ArgumentsHost, type CanActivate, type ExecutionContext, type MiddlewareConsumer, type NestModule
} from '@nestjs/common'
import { BaseExceptionFilter, NestFactory } from '@nestjs/core'
import { FastifyAdapter, RouteSchema, type NestFastifyApplication } from '@nestjs/platform-fastify'
import middie from '@fastify/middie'
import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidCredentialsError, authSchemes, type AuthSchemesOptions, type HookName } from '../../lib'
import {
  INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, bearer, challengesOf, documentOf, openapi31
} from '../helpers'

/** A boot that fails rejects; by default Nest ends the process. */
const QUIET = { logger: false, abortOnError: false } as const

type Decorator = (...args: any[]) => unknown

/** Applies decorators as functions, because the decorators of Nest are not those of ECMAScript. */
function decorate (
  Class: Function, name: string, decorators: readonly Decorator[], parameters: readonly Decorator[] = []
): void {
  const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name)
  for (const decorator of decorators) decorator(Class.prototype, name, descriptor)
  for (const [index, decorator] of parameters.entries()) decorator(Class.prototype, name, index)
}

interface Options {
  readonly plugin?: AuthSchemesOptions
  readonly secured?: boolean
  readonly adapter?: object
  /** Called before the plugin is registered, and before and after Nest has made the application. */
  readonly prepare?: (fastify: FastifyInstance) => Promise<void>
  readonly declare?: (fastify: FastifyInstance) => void
  readonly configure?: (app: NestFastifyApplication) => void
  /** `security` in the schema of the class, and of its method `schema`. */
  readonly onClass?: readonly object[]
  readonly onMethod?: readonly object[]
  readonly filter?: boolean
  readonly middleware?: boolean
}

function schemesOf (fastify: FastifyInstance) {
  return fastify.authSchemes.httpBearer({
    verify: ({ credentials }) => {
      if (credentials === 'described') throw new InvalidCredentialsError('The token has expired')
      if (credentials === 'plain') throw Object.assign(new Error('The account is disabled'), { statusCode: 403 })
      if (credentials === 'unauthorized') throw new UnauthorizedException('By Nest')
      if (credentials === 'forbidden') throw new ForbiddenException('By Nest')
      if (credentials === 'failing') throw new Error('The database is down')
      return credentials === 'good' ? { name: 'alice', scopes: ['items'] } : null
    }
  })
}

async function create (t: Test, options: Options = {}) {
  const ran: string[] = []
  const lines: any[] = []
  const adapter = new FastifyAdapter({
    logger: { level: 'debug', stream: { write: (line: string) => { lines.push(JSON.parse(line)) } } },
    ...options.adapter
  })
  const fastify: FastifyInstance = adapter.getInstance()
  await options.prepare?.(fastify)
  await fastify.register(swagger, openapi31)
  await fastify.register(authSchemes, options.plugin ?? {})
  const token = schemesOf(fastify)
  if (options.secured !== false) fastify.secure([{ scheme: token }])
  const errors: Array<string | undefined> = []
  fastify.addHook('onError', async (_request, _reply, error) => { errors.push(error.code) })
  options.declare?.(fastify)

  class Guard implements CanActivate {
    canActivate (context: ExecutionContext): boolean {
      const request = context.switchToHttp().getRequest<FastifyRequest>()
      ran.push(`guard: ${token.from(request)?.user.name ?? 'nobody'}`)
      if (request.headers['x-more'] !== undefined) token.require(request, { scopes: ['more'] })
      return request.headers['x-deny'] === undefined
    }
  }
  Injectable()(Guard)
  const User = createParamDecorator((_data: unknown, context) =>
    token.require(context.switchToHttp().getRequest()).user)

  class Items {
    list (request: FastifyRequest): unknown { return this.#run('list', { auth: request.auth?.user ?? null }) }
    one (id: string, user: object): unknown { return this.#run('one', { id, user }) }
    create (body: object): unknown { return this.#run('create', body) }
    all (): string { return this.#run('all', 'all') }
    more (request: FastifyRequest): unknown {
      return this.#run('more', token.require(request, { scopes: ['more'] }).user)
    }

    fail (kind: string): void {
      const upstream = Object.assign(new Error('s3cret'), { statusCode: 401 })
      throw kind === 'wrapped' ? new BadGatewayException('Upstream', { cause: upstream }) : upstream
    }

    schema (request: FastifyRequest): unknown { return this.#run('schema', { auth: request.auth?.user ?? null }) }
    #run <T>(name: string, value: T): T {
      ran.push(name)
      return value
    }
  }
  decorate(Items, 'list', [Get()], [Req()])
  decorate(Items, 'one', [Get('one/:id')], [Param('id'), User()])
  decorate(Items, 'create', [Post()], [Body()])
  decorate(Items, 'all', [All('all')])
  decorate(Items, 'fail', [Get('fail/:kind')], [Param('kind')])
  decorate(Items, 'more', [Get('more')], [Req()])
  const { onClass, onMethod } = options
  const schemaOf = (security: readonly object[] | undefined): Decorator[] =>
    security === undefined ? [] : [RouteSchema({ security } as object) as Decorator]
  decorate(Items, 'schema', [Get('schema'), ...schemaOf(onMethod)], [Req()])
  for (const decorator of schemaOf(onClass)) decorator(Items)
  UseGuards(Guard)(Items)
  Controller('items')(Items)

  class AppModule implements NestModule {
    configure (consumer: MiddlewareConsumer): void {
      if (options.middleware !== true) return
      consumer.apply((request: any, response: any, next: () => void) => {
        ran.push(`middleware: ${'auth' in request}`)
        if (String(request.originalUrl).includes('respond')) response.end('middleware')
        else next()
      }).forRoutes('*path')
    }
  }
  Module({ controllers: [Items], providers: [Guard] })(AppModule)

  /** Gives refusals back to Fastify, which sends its own body and puts the challenges on the response. */
  class Refusals extends BaseExceptionFilter {
    override catch (exception: any, host: ArgumentsHost): void {
      const reply = host.switchToHttp().getResponse<FastifyReply>()
      const isOurs = (error: any): boolean => String(error?.code).startsWith('FST_AUTH_')
      const error = isOurs(exception?.cause) ? exception.cause : exception
      if (isOurs(error) || reply.statusCode === 401 || reply.statusCode === 403) reply.send(error)
      else super.catch(exception, host)
    }
  }
  Catch()(Refusals)

  const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, QUIET)
  t.teardown(async () => { await app.close() })
  app.setGlobalPrefix('api')
  if (options.filter === true) app.useGlobalFilters(new Refusals(adapter))
  options.configure?.(app)
  await app.init()
  const warnings = () => lines.filter(({ level }) => level === 40).map(({ msg }): string => msg)
  return { app, fastify, ran, warnings, errors }
}

const REFUSED = { statusCode: 401, message: 'Not authenticated' }
const FORBIDDEN = { statusCode: 403, message: 'Not enough permissions' }
const invalid = (message: string) => ({ statusCode: 401, message })

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as HookName[]) {
  t.test(`it refuses before the guards of Nest, which see \`request.auth\`: in ${hook}`, async (t) => {
    const { fastify, ran } = await create(t, { plugin: { explicit: true, hook } })
    const calls = [
      ['GET', '/api/items'], ['POST', '/api/items'], ['GET', '/api/items/one/1'], ['GET', '/api/items/one/'],
      ['PUT', '/api/items/all'], ['OPTIONS', '/api/items/all'], ['PROPFIND', '/api/items/all'],
      ['GET', '/unknown'], ['GET', '/api'], ['POST', '/api/items/unknown']
    ]
    for (const [method, url] of calls) {
      const absent = await fastify.inject({ method, url } as any)
      t.equal(absent.statusCode, 401, `${method} ${url}`)
      t.strictSame(absent.json(), REFUSED)
      t.strictSame(challengesOf(absent), ['Bearer'])
      const refused = await fastify.inject({ method, url, headers: bearer('bad') } as any)
      t.strictSame(refused.json(), invalid('Invalid authentication credentials'))
      t.strictSame(challengesOf(refused), ['Bearer error="invalid_token"'])
    }
    t.equal((await fastify.inject({ method: 'HEAD', url: '/api/items' })).statusCode, 401)
    t.strictSame(ran, [])
    const list = await fastify.inject({ url: '/api/items', headers: bearer('good') })
    t.strictSame(list.json(), { auth: { name: 'alice', scopes: ['items'] } })
    const one = await fastify.inject({ url: '/api/items/one/1', headers: bearer('good') })
    t.strictSame(one.json(), { id: '1', user: { name: 'alice', scopes: ['items'] } })
    t.strictSame(ran.splice(0), ['guard: alice', 'list', 'guard: alice', 'one'])
    const denied = await fastify.inject({ url: '/api/items', headers: { ...bearer('good'), 'x-deny': '1' } })
    t.equal(denied.statusCode, 403, 'a guard of Nest denies after that')
    t.strictSame(ran, ['guard: alice'])
    for (const url of ['/unknown', '/api/items/one/']) {
      t.equal((await fastify.inject({ url, headers: bearer('good') })).statusCode, 404)
    }
    t.ok(fastify.authSchemes.routes().every((route) => !route.public))
    t.strictSame(documentOf(fastify).paths['/api/items'].post.security, [{ HTTPBearer: [] }])
  })
}

t.test('over the network: a refused body is not parsed, and an accepted one is', async (t) => {
  const { app, ran } = await create(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const url = `${await app.getUrl()}/api/items`
  const post = async (body: string, headers: Record<string, string> = {}) =>
    await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
  const refused = await post('{')
  t.equal(refused.status, 401)
  t.equal(refused.headers.get('www-authenticate'), 'Bearer')
  t.equal((await post('{', bearer('good'))).status, 400)
  t.strictSame(ran, [])
  t.strictSame(await (await post('{"a":1}', bearer('good'))).json(), { a: 1 })
  t.strictSame(ran, ['guard: alice', 'create'])
})

t.test('RouteSchema with `security` adds to the context, makes public, and is documented', async (t) => {
  const open = await create(t, { plugin: { explicit: true }, onMethod: [] })
  t.strictSame((await open.fastify.inject('/api/items/schema')).json(), { auth: null })
  t.strictSame(open.ran, ['guard: nobody', 'schema'])
  t.strictSame(documentOf(open.fastify).paths['/api/items/schema'].get.security, [])
  t.equal((await open.fastify.inject('/api/items')).statusCode, 401)

  const { fastify, ran } = await create(t, { plugin: { explicit: true }, onMethod: [{ HTTPBearer: ['admin'] }] })
  const response = await fastify.inject({ url: '/api/items/schema', headers: bearer('good') })
  t.equal(response.statusCode, 403)
  t.strictSame(response.json(), FORBIDDEN)
  t.strictSame(challengesOf(response), ['Bearer error="insufficient_scope", scope="admin"'])
  t.strictSame(documentOf(fastify).paths['/api/items/schema'].get.security, [{ HTTPBearer: ['admin'] }])
  t.strictSame(ran, [])
})

const failing: ReadonlyArray<readonly [rule: string, options: Options, code: string, message: RegExp]> = [
  ['a route for which nothing is declared', { secured: false, plugin: { explicit: true } },
    'FST_AUTH_UNDECLARED_ROUTE', /GET \/api\/items, HEAD \/api\/items,/],
  ['RouteSchema on the class, which Nest does not read',
    { secured: false, plugin: { explicit: true }, onClass: [{ HTTPBearer: [] }], onMethod: [{ HTTPBearer: [] }] },
    'FST_AUTH_UNDECLARED_ROUTE', /GET \/api\/items, HEAD \/api\/items,/],
  ['RouteSchema with an unknown scheme', { onMethod: [{ Bearer: [] }] }, 'FST_AUTH_UNKNOWN_SCHEME', /"Bearer"/]
]
for (const [rule, options, code, message] of failing) {
  t.test(`the boot fails: ${rule}`, async (t) => {
    const started = create(t, options).then(async ({ app }) => { await app.listen({ port: 0, host: '127.0.0.1' }) })
    await t.rejects(started, { code, message })
  })
}

t.test('the plugin after `app.init()` fails the boot of a secured application', async (t) => {
  class Late { get (): string { return 'ran' } }
  decorate(Late, 'get', [Get()])
  Controller('late')(Late)
  class LateModule {}
  Module({ controllers: [Late] })(LateModule)
  const app = await NestFactory.create<NestFastifyApplication>(LateModule, new FastifyAdapter(), QUIET)
  t.teardown(async () => { await app.close() })
  await app.init()
  await app.register(authSchemes)
  const fastify = app.getHttpAdapter().getInstance()
  const expected = { code: 'FST_AUTH_UNGUARDED_ROUTE', message: /GET \/late/ }
  t.throws(() => { fastify.secure([{ scheme: schemesOf(fastify) }]) }, expected)
  await t.rejects(app.listen({ port: 0, host: '127.0.0.1' }), expected)
})

const EXPIRED = 'Bearer error="invalid_token", error_description="The token has expired"'
const thrown: ReadonlyArray<readonly [credentials: string, own: object, filtered: object, challenges: string[]]> = [
  ['described', { statusCode: 500, message: 'Internal server error' },
    { ...INVALID_CREDENTIALS, message: 'The token has expired' }, [EXPIRED]],
  ['plain', { statusCode: 500, message: 'Internal server error' },
    { statusCode: 403, error: 'Forbidden', message: 'The account is disabled' }, []],
  ['unauthorized', { message: 'By Nest', error: 'Unauthorized', statusCode: 401 },
    { message: 'By Nest', error: 'Unauthorized', statusCode: 401 }, ['Bearer error="invalid_token"']],
  ['forbidden', { message: 'By Nest', error: 'Forbidden', statusCode: 403 },
    { message: 'By Nest', error: 'Forbidden', statusCode: 403 }, []],
  ['failing', { statusCode: 500, message: 'Internal server error' },
    { statusCode: 500, message: 'Internal server error' }, []],
  ['bad', invalid('Invalid authentication credentials'), INVALID_CREDENTIALS, ['Bearer error="invalid_token"']]
]
for (const [credentials, own, filtered, challenges] of thrown) {
  t.test(`what verify throws lets nobody in; a filter gives refusals back to Fastify: ${credentials}`, async (t) => {
    for (const filter of [false, true]) {
      const { fastify, ran, errors } = await create(t, { filter })
      const response = await fastify.inject({ url: '/api/items', headers: bearer(credentials) })
      const expected: any = filter ? filtered : own
      t.equal(response.statusCode, expected.statusCode)
      t.strictSame(response.json(), expected)
      t.strictSame(challengesOf(response), challenges)
      t.strictSame(ran, [])
      t.equal(errors.length, 1, 'onError hooks run once')
    }
  })
}

t.test('`require` in a handler or a guard: 403 without a challenge; with the filter, as without Nest', async (t) => {
  for (const filter of [false, true]) {
    for (const [url, own] of [['/api/items/more', {}], ['/api/items', { 'x-more': '1' }]] as const) {
      const { fastify, ran, errors } = await create(t, { filter })
      const response = await fastify.inject({ url, headers: { ...bearer('good'), ...own } })
      t.equal(response.statusCode, 403)
      t.strictSame(response.json(), filter ? INSUFFICIENT_SCOPE : FORBIDDEN)
      t.strictSame(challengesOf(response), filter ? ['Bearer error="insufficient_scope", scope="more"'] : [])
      t.strictSame(ran, ['guard: alice'])
      t.strictSame(errors, filter ? ['FST_AUTH_INSUFFICIENT_SCOPE'] : [], 'without it, no onError hook runs')
    }
  }
})

t.test('the filter leaves all other errors to Nest', async (t) => {
  const { fastify } = await create(t, { filter: true })
  const ask = async (url: string) => (await fastify.inject({ url, headers: bearer('good') })).json()
  t.strictSame(await ask('/unknown'), { message: 'Cannot GET /unknown', error: 'Not Found', statusCode: 404 })
  t.strictSame(await ask('/api/items/fail/plain'), { statusCode: 500, message: 'Internal server error' })
  t.strictSame(await ask('/api/items/fail/wrapped'), { message: 'Upstream', error: 'Bad Gateway', statusCode: 502 })
  t.strictSame((await fastify.inject('/unknown')).json(), NOT_AUTHENTICATED)
})

t.test('a middleware runs in front of the guard, without `auth`, which is logged at boot', async (t) => {
  const { fastify, ran, warnings } = await create(t, { middleware: true })
  t.equal((await fastify.inject('/api/items')).statusCode, 401)
  t.strictSame(ran.splice(0), ['middleware: false'])
  t.equal((await fastify.inject('/api/items?respond')).body, 'middleware', 'what it sends is not guarded')
  t.equal(warnings().filter((line) => line.includes('`use`')).length, 1)
})

t.test('with `skipMiddie` there is none, or it runs behind the guard', async (t) => {
  const without = await create(t, { adapter: { skipMiddie: true } })
  t.equal((await without.fastify.inject('/api/items')).statusCode, 401)
  t.equal((await without.fastify.inject({ url: '/api/items', headers: bearer('good') })).statusCode, 200)
  t.strictSame(without.warnings(), [])
  const { fastify, ran } = await create(t, {
    middleware: true,
    adapter: { skipMiddie: true },
    prepare: async (fastify) => { await fastify.register(middie, { hook: 'preHandler' }) }
  })
  t.equal((await fastify.inject('/api/items?respond')).statusCode, 401)
  t.strictSame(ran, [])
  t.equal((await fastify.inject({ url: '/api/items?respond', headers: bearer('good') })).body, 'middleware')
  t.strictSame(ran, ['middleware: false'])
})

t.test('preflight requests pass, by `enableCors()` and before the plugin', async (t) => {
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' }
  const { fastify } = await create(t, { plugin: { explicit: true }, configure: (app) => { app.enableCors() } })
  for (const url of ['/api/items', '/unknown']) {
    t.equal((await fastify.inject({ method: 'OPTIONS', url, headers })).statusCode, 204)
    const response = await fastify.inject({ url, headers })
    t.equal(response.statusCode, 401)
    t.equal(response.headers['access-control-allow-origin'], '*')
  }
})

t.test('versions by header are guarded one by one, and an unknown version as an unknown URL', async (t) => {
  const { fastify } = await create(t, {
    plugin: { explicit: true },
    configure: (app) => {
      app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: '1' })
    }
  })
  for (const [version, status] of [['1', 200], ['2', 404]] as const) {
    const ask = async (headers: object) =>
      (await fastify.inject({ url: '/api/items', headers: { 'x-version': version, ...headers } })).statusCode
    t.equal(await ask({}), 401)
    t.equal(await ask(bearer('good')), status)
  }
})

t.test('the token endpoint responds as it does without Nest', async (t) => {
  const { fastify } = await create(t, {
    plugin: { explicit: true },
    filter: true,
    declare: (fastify) => {
      fastify.tokenForm('/token', async ({ username }) => ({ access_token: username, token_type: 'bearer' }))
    }
  })
  const post = async (payload: string, type = 'application/x-www-form-urlencoded') =>
    await fastify.inject({ method: 'POST', url: '/token', payload, headers: { 'content-type': type } })
  t.strictSame((await post('username=a&password=b')).json(), { access_token: 'a', token_type: 'bearer' })
  const missing = await post('username=a')
  t.equal(missing.statusCode, 400)
  t.equal(missing.json().error, 'invalid_request')
  const json = await post('{}', 'application/json')
  t.equal(json.statusCode, 415)
  t.equal(json.json().error, 'invalid_request')
  t.equal(json.headers['cache-control'], 'no-store')
})
