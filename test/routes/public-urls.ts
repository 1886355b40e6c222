import t from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { authSchemes } from '../../lib'
import { PublicUrls } from '../../lib/routes/public-urls'
import { handler } from './helpers'

// As @fastify/static and @fastify/oauth2 do: routes, and a decorator for the application.
const files = fastifyPlugin(async (app: FastifyInstance) => {
  app.decorate('sendFile', () => {})
  for (const url of ['/files/*', '/files/a', '/login', '/login/callback']) app.get(url, handler)
})

t.test('routes of other plugins are public by their URL, and count as declared', async (t) => {
  const app = Fastify({ exposeHeadRoutes: false })
  await app.register(authSchemes, { explicit: true, public: ['/files/*', '/login'] })
  const scheme = app.authSchemes.apiKeyHeader({ name: 'key', verify: (key) => key === 'good' })
  app.secure([{ scheme }])
  await app.register(files)
  app.get('/files/own', { security: [{ scheme }] }, handler)
  await app.ready()
  t.ok(app.hasDecorator('sendFile'))
  const statuses: Record<string, number> = {}
  for (const url of ['/files/x', '/files/a', '/files/own', '/login', '/login/callback']) statuses[url] = (await app.inject(url)).statusCode
  t.strictSame(statuses, { '/files/x': 200, '/files/a': 200, '/files/own': 401, '/login': 200, '/login/callback': 401 })
  t.strictSame(app.authSchemes.routes().map(({ url, publicBy }) => [url, publicBy]),
    [['/files/*', 'option'], ['/files/a', 'option'], ['/login', 'option'], ['/login/callback', null], ['/files/own', null]])
  t.match(app.printSecurity(), /\/login +\[\] +public: plugin option `public`/)
})

t.test('a URL that names no route without security fails the boot', async (t) => {
  for (const url of ['/typo', '/secured', '/hook']) {
    const app = Fastify()
    await app.register(authSchemes, { public: ['/open', url] })
    app.get('/open', handler)
    app.get('/hook', { preHandler: app.authSchemes.httpBearer().preHandler }, handler)
    app.get('/secured', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
    await t.rejects(Promise.resolve(app.ready()), {
      name: 'TypeError',
      code: 'FST_AUTH_BAD_OPTION',
      message: `authSchemes: the option \`public\` has "${url}", but no route has that URL, or those that have it carry \`security\`; correct or remove it`
    })
  }
})

t.test('a prefix of everything is no prefix', async (t) => {
  const urls = new PublicUrls(['/*'])
  t.equal(urls.includes('/a'), false)
  t.equal(urls.includes('/*'), true)
  t.equal(new PublicUrls(['/a*']).includes('/abc'), true)
  t.equal(new PublicUrls(['/a']).includes('/abc'), false)
})

t.test('anything but a list of URLs is refused', async (t) => {
  for (const urls of [null, '/a', {}, [1], ['a'], [''], new Array(1)]) {
    t.throws(() => new PublicUrls(urls), {
      code: 'FST_AUTH_BAD_OPTION',
      message: 'authSchemes: the option `public` must be an array of URLs such as "/login" or "/static/*"'
    })
  }
})
