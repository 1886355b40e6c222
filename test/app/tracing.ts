/** @fastify/otel: spans of requests that `security` accepts or refuses. */

import t from 'tap'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes } from '../../lib'
import { NOT_AUTHENTICATED, bearer } from '../helpers'

interface Recorded {
  readonly name: string
  readonly parent: unknown
  readonly attributes: Record<string, unknown>
  readonly exceptions: string[]
  status: { readonly code: number, readonly message?: string } | null
  ended: boolean
}

/** A provider that keeps the spans. Status 2 is an error. */
function recorder () {
  const spans: Recorded[] = []
  const tracer = {
    startSpan (name: string, { attributes = {} }: { attributes?: object } = {}, parent?: unknown) {
      const state = { attributes: { ...attributes }, exceptions: [], status: null, ended: false }
      const recorded: Recorded = { name, parent, ...state }
      spans.push(recorded)
      const span = {
        setAttribute: (key: string, value: unknown) => span.setAttributes({ [key]: value }),
        setAttributes: (values: object) => {
          Object.assign(recorded.attributes, values)
          return span
        },
        setStatus: (status: Recorded['status']) => {
          recorded.status = status
          return span
        },
        recordException: ({ message }: Error) => { recorded.exceptions.push(message) },
        end: () => { recorded.ended = true },
        isRecording: () => true,
        spanContext: () => ({ traceId: '', spanId: '', traceFlags: 0 })
      }
      return span
    }
  }
  return { spans, provider: { getTracer: () => tracer } as any }
}

type Config = ConstructorParameters<typeof FastifyOtelInstrumentation>[0]

function instrument (config?: Config) {
  const { spans, provider } = recorder()
  const otel = new FastifyOtelInstrumentation(config)
  otel.setTracerProvider(provider)
  return { otel, spans }
}

/** A secured application, whose `verify` has a span of its own. */
function declare (app: FastifyInstance) {
  const contexts: unknown[] = []
  const key = app.authSchemes.apiKeyQuery({ name: 'key', verify: (value) => value === 'k3y' })
  const token = app.authSchemes.httpBearer({
    verify: async ({ credentials }, { request }) => {
      const { context, span, tracer } = request.opentelemetry()
      contexts.push(context)
      const own = tracer.startSpan('verify', {}, context ?? undefined)
      try {
        if (credentials !== 'good') return null
        span?.setAttribute('user.id', 'alice')
        return { name: 'alice' }
      } finally {
        own.end()
      }
    }
  })
  app.addHook('onError', async (request, _reply, error) => {
    request.opentelemetry().span?.setAttribute('error.type', error.code)
  })
  app.addHook('preParsing', async (request) => {
    request.opentelemetry().span?.setAttribute('scheme', String(request.auth?.scheme))
  })
  app.secure([{ scheme: token }, { scheme: key }])
  app.get('/', async (request) => request.auth?.scheme)
  app.get('/untraced', { config: { otel: false } }, async (request) => request.auth?.scheme)
  return { contexts }
}

type Prepare = (otel: any) => Promise<FastifyInstance>
const orders: ReadonlyArray<readonly [order: string, config: Config, prepare: Prepare]> = [
  ['before the plugin', {}, async (otel) => {
    const app = Fastify()
    await app.register(otel.plugin())
    await app.register(authSchemes)
    return app
  }],
  ['at the initialization of Fastify', { registerOnInitialization: true }, async () => {
    const app = Fastify()
    await app.register(authSchemes)
    return app
  }],
  ...[false, ['preHandler', 'onSend']].map((instrumentHooks) =>
    [`after the plugin, with instrumentHooks: ${String(instrumentHooks)}`, { instrumentHooks }, async (otel: any) => {
      const app = Fastify()
      await app.register(authSchemes)
      await app.register(otel.plugin())
      return app
    }] as const) as any
]
for (const [order, config, prepare] of orders) {
  t.test(`accepted and refused requests have their span, and \`verify\` may have one below: ${order}`, async (t) => {
    const { otel, spans } = instrument(config)
    const app = await prepare(otel)
    const { contexts } = declare(app)
    const refused = await app.inject('/')
    t.strictSame(refused.json(), NOT_AUTHENTICATED)
    const [first, ...others] = spans.splice(0)
    t.equal(first?.name, 'request')
    t.strictSame(others.filter(({ name }) => name === 'verify' || name.startsWith('handler')), [])
    t.match(first, {
      ended: true,
      attributes: { 'http.route': '/', 'http.response.status_code': 401, 'error.type': 'FST_AUTH_NOT_AUTHENTICATED' },
      status: { code: 2, message: 'Not authenticated' }
    })
    t.strictSame(first?.exceptions, ['Not authenticated'])
    t.notOk('scheme' in (first?.attributes ?? {}), 'the hooks behind did not run')

    t.equal((await app.inject({ url: '/', headers: bearer('good') })).body, 'HTTPBearer')
    const [request] = spans
    t.match(request, {
      ended: true,
      attributes: { 'http.response.status_code': 200, 'user.id': 'alice', scheme: 'HTTPBearer' }
    })
    t.strictSame(request?.exceptions, [])
    t.equal(request?.status, null)
    const verify = spans.find(({ name }) => name === 'verify')
    t.ok(verify?.ended)
    t.ok(verify?.parent !== undefined && verify.parent === contexts[0], 'it is below the span of the request')
    t.ok(spans.some(({ name }) => name.startsWith('handler')))
    t.strictSame(spans.filter(({ ended }) => !ended), [])
    otel.disable()
  })
}

t.test('unknown URLs and routes that are not traced are guarded', async (t) => {
  const { otel, spans } = instrument()
  const app = Fastify()
  await app.register(otel.plugin())
  await app.register(authSchemes)
  declare(app)
  t.strictSame((await app.inject('/unknown')).json(), NOT_AUTHENTICATED)
  const [first] = spans.splice(0)
  t.match(first, { ended: true, attributes: { 'http.response.status_code': 401 } })
  t.equal(first?.status, null, 'the span of an unknown URL is no error')
  t.equal((await app.inject({ url: '/unknown', headers: bearer('good') })).statusCode, 404)
  spans.splice(0)
  t.strictSame((await app.inject('/untraced')).json(), NOT_AUTHENTICATED)
  t.strictSame(spans, [])
})

t.test('the span has the query, and with it an API key, unless `requestHook` takes it away', async (t) => {
  for (const hidden of [false, true]) {
    const requestHook: NonNullable<Config>['requestHook'] = (span, request) => {
      span.setAttribute('url.path', request.url.replace(/\?.*$/s, ''))
    }
    const { otel, spans } = instrument({ recordExceptions: false, ...hidden ? { requestHook } : {} })
    const app = Fastify()
    await app.register(otel.plugin())
    await app.register(authSchemes)
    declare(app)
    t.equal((await app.inject('/?key=k3y')).body, 'APIKeyQuery')
    t.equal(spans[0]?.attributes['url.path'], hidden ? '/' : '/?key=k3y')
    t.equal(JSON.stringify(spans).includes('k3y'), !hidden)
    spans.splice(0)
    await app.inject({ url: '/', headers: bearer('s3cret') })
    t.equal(JSON.stringify(spans).includes('s3cret'), false)
    t.match(spans[0]?.status, { code: 2 }, 'without exceptions, too, a refusal is an error')
    t.strictSame(spans[0]?.exceptions, [])
  }
})
