/** An audit log and metrics by hooks of the application: each refusal once, by its code, and each accepted request. */

import t from 'tap'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyRequest } from 'fastify'
import { InvalidCredentialsError, OAuth2Error, authSchemes, type HookName } from '../../lib'
import { bearer } from '../helpers'
import { listen, openSocket } from './helpers'

interface Event {
  readonly event: string
  readonly route: string | undefined
  readonly status: number
  readonly user: string | undefined
}

async function create (hook: HookName = 'onRequest', level = 'info') {
  const lines: any[] = []
  const app = Fastify({ logger: { level, stream: { write: (line: string) => { lines.push(JSON.parse(line)) } } } })
  await app.register(websocket)
  await app.register(authSchemes, { hook })
  const events: Event[] = []
  const note = (event: string, { routeOptions, auth }: FastifyRequest, status: number): void => {
    events.push({ event, route: routeOptions.url, status, user: (auth as any)?.user.name })
  }
  app.addHook('onError', async (request, reply, error) => {
    const { code = error.name } = error
    const isRefusal = reply.statusCode === 401 || reply.statusCode === 403
    if (isRefusal || code.startsWith('FST_AUTH_') || error instanceof OAuth2Error) note(code, request, reply.statusCode)
  })
  app.addHook('onResponse', async (request, reply) => {
    if (request.auth !== null) note('accepted', request, reply.statusCode)
  })
  const token = app.authSchemes.httpBearer({
    verify: ({ credentials }) => {
      if (credentials === 'described') throw new InvalidCredentialsError('The token has expired')
      if (credentials === 'own') throw Object.assign(new Error('s3cret'), { statusCode: 403 })
      if (credentials === 'failing') throw new Error('The database is down')
      // eslint-disable-next-line no-throw-literal
      if (credentials === 'broken') throw 's3cret'
      return credentials === 'good' ? { name: 'alice', scopes: ['items'] } : null
    }
  })
  app.tokenForm('/token', async () => { throw new OAuth2Error('invalid_grant', 'Incorrect username or password') })
  app.get('/public', { security: [] }, async () => 'public')
  app.get('/items/:id', { security: [{ scheme: token, scopes: ['items'] }] }, async () => [])
  app.get('/admin', { security: [{ scheme: token, scopes: ['admin'] }] }, async () => [])
  app.get('/more', { security: [{ scheme: token }] }, async (request) => token.require(request, { scopes: ['more'] }))
  app.get('/own', { security: [{ scheme: token }] }, async () => {
    throw Object.assign(new Error('Not yours'), { statusCode: 403 })
  })
  app.get('/live', { websocket: true, security: [{ scheme: token }] }, (socket) => { socket.close() })
  app.secure([{ scheme: token }])
  return { app, events, lines }
}

const INVALID = 'FST_AUTH_INVALID_CREDENTIALS'
const rows: ReadonlyArray<readonly [url: string, token: string | null, ...events: Event[]]> = [
  ['/items/1', null, { event: 'FST_AUTH_NOT_AUTHENTICATED', route: '/items/:id', status: 401, user: undefined }],
  ['/items/1', 'a b', { event: 'FST_AUTH_NOT_AUTHENTICATED', route: '/items/:id', status: 401, user: undefined }],
  ['/items/1', 'bad', { event: INVALID, route: '/items/:id', status: 401, user: undefined }],
  ['/items/1', 'described', { event: INVALID, route: '/items/:id', status: 401, user: undefined }],
  ['/items/1', 'own', { event: 'Error', route: '/items/:id', status: 403, user: undefined }],
  ['/items/1', 'broken', { event: 'FST_AUTH_VERIFY_FAILED', route: '/items/:id', status: 200, user: undefined }],
  ['/items/1', 'failing'],
  ['/items/1', 'good', { event: 'accepted', route: '/items/:id', status: 200, user: 'alice' }],
  ['/admin', 'good', { event: 'FST_AUTH_INSUFFICIENT_SCOPE', route: '/admin', status: 403, user: undefined }],
  ['/more', 'good', { event: 'FST_AUTH_INSUFFICIENT_SCOPE', route: '/more', status: 403, user: 'alice' },
    { event: 'accepted', route: '/more', status: 403, user: 'alice' }],
  ['/own', 'good', { event: 'accepted', route: '/own', status: 403, user: 'alice' }],
  ['/public', 'good'],
  ['/unknown', null, { event: 'FST_AUTH_NOT_AUTHENTICATED', route: undefined, status: 401, user: undefined }],
  ['/unknown', 'good', { event: 'accepted', route: undefined, status: 404, user: 'alice' }]
]
for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as HookName[]) {
  t.test(`each refusal is noted once, and each accepted request at its end: in ${hook}`, async (t) => {
    const { app, events } = await create(hook)
    for (const [url, token, ...expected] of rows) {
      await app.inject({ url, headers: token === null ? {} : bearer(token) })
      t.strictSame(events.splice(0), expected, `${url} ${String(token)}`)
    }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    await app.inject({ method: 'POST', url: '/token', payload: 'username=a&password=b', headers })
    t.strictSame(events.splice(0), [{ event: 'invalid_grant', route: '/token', status: 200, user: undefined }])
    const port = await listen(t, app)
    await openSocket(t, port, '/live')
    t.strictSame(events, [{ event: 'FST_AUTH_NOT_AUTHENTICATED', route: '/live', status: 401, user: undefined }])
  })
}

t.test('the log of a refusal: two lines beside that of the request at `info`, its reasons at `debug`', async (t) => {
  const { app, lines } = await create('onRequest', 'debug')
  await app.ready()
  lines.splice(0)
  await app.inject({ url: '/items/1', headers: bearer('s3cret') })
  t.match(lines, [
    { level: 30, req: { method: 'GET', url: '/items/1' }, msg: 'incoming request' },
    { level: 20, schemes: ['HTTPBearer (items): refused'], msg: 'the request is refused by `security`' },
    {
      level: 30,
      res: { statusCode: 401 },
      err: { type: 'FastifyError', code: 'FST_AUTH_INVALID_CREDENTIALS', statusCode: 401 },
      msg: 'Invalid authentication credentials'
    },
    { level: 30, res: { statusCode: 401 }, msg: 'request completed' }
  ])
  t.equal(lines.length, 4)
  t.equal(JSON.stringify(lines).includes('s3cret'), false)
})
