import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { authSchemes, refuseCrossSite } from '../../lib'
import { CROSS_SITE, createApp } from '../helpers'

const OWN = { host: 'app.example', origin: 'http://app.example', 'sec-fetch-site': 'same-origin' }
const FOREIGN = { host: 'app.example', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

t.test('the login of another site is refused before the form is read, in the form of the endpoint', async (t) => {
  const app = await createApp()
  let logins = 0
  app.tokenForm('/token', { onRequest: refuseCrossSite({ trustedOrigins: ['https://web.example'] }) }, async (_form, _request, reply) => {
    logins++
    reply.header('set-cookie', 'sid=1')
    return { access_token: 't', token_type: 'bearer' }
  })
  const post = async (headers: object) => await app.inject({
    method: 'POST', url: '/token', headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, payload: 'username=mallory&password=x'
  })
  for (const headers of [FOREIGN, { ...FOREIGN, 'sec-fetch-site': 'same-site' }, { host: 'app.example', origin: 'null' }]) {
    const response = await post(headers)
    t.equal(response.statusCode, 403)
    t.strictSame(response.json(), { error: 'invalid_request', error_description: CROSS_SITE.message })
    t.equal(response.headers['set-cookie'], undefined)
    t.equal(response.headers['www-authenticate'], undefined)
  }
  t.equal(logins, 0)
  for (const headers of [OWN, {}, { ...FOREIGN, origin: 'https://web.example' }]) {
    const response = await post(headers)
    t.equal(response.statusCode, 200)
    t.equal(response.headers['set-cookie'], 'sid=1')
  }
  t.equal(logins, 3)
})

async function ask (app: FastifyInstance, method: 'GET' | 'POST', headers: object): Promise<readonly [status: number, code: unknown]> {
  const response = await app.inject({ method, url: '/', headers: headers as Record<string, string> })
  return [response.statusCode, response.json().code]
}

const refused = [403, 'FST_AUTH_CROSS_SITE'] as const
const passed = [200, undefined] as const

t.test('on a route and on an instance, with the plugin and without it', async (t) => {
  for (const withPlugin of [true, false]) {
    for (const place of ['route', 'instance']) {
      const app = Fastify()
      if (withPlugin) await app.register(authSchemes)
      let ran = 0
      if (place === 'instance') app.addHook('onRequest', refuseCrossSite())
      app.route({ method: ['GET', 'POST'], url: '/', ...place === 'route' ? { onRequest: [refuseCrossSite()] } : {}, handler: async () => ({ ran: ++ran }) })
      t.strictSame(await ask(app, 'POST', FOREIGN), refused, `${place}, ${withPlugin}`)
      t.strictSame(await ask(app, 'GET', { ...FOREIGN, upgrade: 'websocket' }), refused)
      t.equal(ran, 0)
      for (const headers of [OWN, {}]) t.strictSame(await ask(app, 'POST', headers), passed)
      t.strictSame(await ask(app, 'GET', FOREIGN), passed)
      t.equal(ran, 3)
    }
  }
})

t.test('headers are read as they were sent, if it stands behind validation', async (t) => {
  const app = await createApp()
  const schema = { headers: { type: 'object', additionalProperties: false, properties: { 'sec-fetch-site': { type: 'string', default: 'same-origin' } } } }
  let ran = 0
  app.post('/', { schema, preHandler: refuseCrossSite() }, async () => ({ ran: ++ran }))
  t.strictSame(await ask(app, 'POST', FOREIGN), refused)
  t.strictSame(await ask(app, 'POST', { host: 'app.example', origin: 'https://evil.example' }), refused)
  t.equal(ran, 0)
  t.strictSame(await ask(app, 'POST', { host: 'app.example', origin: 'http://app.example' }), passed)
})

t.test('the status stays where an error handler sets none', async (t) => {
  const app = await createApp()
  app.setErrorHandler((error: any, _request, reply) => { reply.send({ code: error.code }) })
  app.post('/', { onRequest: refuseCrossSite() }, async () => ({}))
  t.strictSame(await ask(app, 'POST', FOREIGN), refused)
})

t.test('\'*\' refuses nothing', async (t) => {
  const app = await createApp()
  app.post('/', { onRequest: refuseCrossSite({ trustedOrigins: '*' }) }, async () => ({}))
  t.strictSame(await ask(app, 'POST', FOREIGN), passed)
})

t.test('a bad option throws', async (t) => {
  const rows: ReadonlyArray<readonly [options: unknown, message: string | RegExp]> = [
    [null, 'refuseCrossSite: the options must be an object'],
    [['https://app.example'], 'refuseCrossSite: the options must be an object'],
    ['*', 'refuseCrossSite: the options must be an object'],
    [{ trustedOrigin: [] }, 'refuseCrossSite: there is no option `trustedOrigin`: it takes trustedOrigins'],
    [{ trustedOrigins: undefined }, /^refuseCrossSite: the option `trustedOrigins` is undefined/],
    [{ trustedOrigins: ['null'] }, /^refuseCrossSite: the option `trustedOrigins` must not have 'null'/]
  ]
  for (const [options, message] of rows) t.throws(() => refuseCrossSite(options as object), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message })
})
