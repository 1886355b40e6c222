/**
 * Ways around a route: whatever the router is told to overlook, and however a path or a method is spelled, what answers in an application without
 * the plugin is refused in the same application with it.
 */

import t from 'tap'
import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyInstance, type HTTPMethods } from 'fastify'
import { authSchemes } from '../../lib'
import { exchange, listen, request } from './raw'
import { minutes } from './run'

const OPTIONS = ['ignoreTrailingSlash', 'ignoreDuplicateSlashes', 'caseInsensitive', 'useSemicolonDelimiter', 'exposeHeadRoutes', 'rewriteUrl'] as const
type Options = Record<typeof OPTIONS[number], boolean>

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND', 'get', 'QUERY', 'FOO'] as const

// Each of them under a prefix whose routes say what they require, and under one whose context does.
const PATHS = [
  '', '/', '/x', '//x', '/x/', '/x//', '/X', '/%78', '/%58', '/x;a', '/x;a=b?c', '/x?', '/x#a', '/./x', '/../x', '/y/../x', '/%2e/x', '/x%2f', '/x%2F', '/x.', '/x%00', '/x%20', '/x%0a', '/%2fx', '/x\\', '\\x',
  '/x/y', '/x%2fy', '/x//y', '/x\\y', '/p/1', '/p/%31', '/p/', '/p/a%2fb', '/p/..', '/n/7', '/n/a', '/w/', '/w/a/b', '/w/../x', '/w/%2e%2e/x', '/w//', '/all', '/ALL', '/all/', '/v', '/h', '/files/a.txt', '/files/a.txt;x'
]
const SECURED = ['/r', '/c', '/R', '//r', '/%72', '/rewritten/r']

async function build (options: Options, secured: boolean): Promise<FastifyInstance> {
  const { rewriteUrl, exposeHeadRoutes, caseInsensitive, ...router } = options
  const app = Fastify({
    exposeHeadRoutes,
    ...rewriteUrl ? { rewriteUrl: ({ url = '' }: IncomingMessage) => url.replace(/^\/rewritten/, '') } : {},
    routerOptions: { ...router, caseSensitive: !caseInsensitive }
  })
  app.addHttpMethod('PROPFIND').addHttpMethod('TRACE')
  let security: any[] | undefined
  if (secured) {
    await app.register(authSchemes)
    security = [{ scheme: app.authSchemes.httpBearer({ verify: () => true }) }]
  }
  const routes = (own: object) => async (context: FastifyInstance) => {
    const handler = async (): Promise<string> => 'ran'
    const route = (method: string | string[], url: string, more: object = {}): void => { context.route({ method: method as HTTPMethods, url, handler, ...own, ...more }) }
    for (const url of ['/', '/x', '/x/y', '/p/:id', '/n/:id(^\\d+$)', '/w/*', '/files/:name.txt', '/h']) route('GET', url)
    route(['GET', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND'], '/all')
    route('PROPFIND', '/x')
    route('OPTIONS', '/x')
    route('GET', '/v', { constraints: { version: '1.2.0' } })
    route('GET', '/h', { constraints: { host: 'inner.test' } })
  }
  await app.register(routes(security === undefined ? {} : { security }), { prefix: '/r' })
  await app.register(async (context) => {
    if (security !== undefined) context.secure(security)
    await context.register(routes({}))
  }, { prefix: '/c' })
  return app
}

/** All combinations for `npm run fuzz`, else none of the options, each alone, and all. */
const combinations = Array.from({ length: 1 << OPTIONS.length }, (_, bits) => OPTIONS.map((_name, i) => (bits >> i & 1) === 1))
  .filter((chosen) => minutes > 0 || [0, 1, OPTIONS.length].includes(chosen.filter(Boolean).length))
  .map((chosen) => Object.fromEntries(OPTIONS.map((name, i) => [name, chosen[i]])) as Options)

const requests = SECURED.flatMap((prefix) => PATHS.map((path) => prefix + path)).flatMap((path) => METHODS.flatMap((method) => [
  request(`${method} ${path} HTTP/1.1`, 'Accept-Version: 1.x'),
  ...path.endsWith('/h') ? [request(`${method} ${path} HTTP/1.1`, 'Host: inner.test')] : [],
  ...method === 'GET' ? [request(`GET http://x${path} HTTP/1.1`), request(`GET http://x@inner.test${path} HTTP/1.1`)] : []
]))

t.test('what answers without the plugin is refused with it', async (t) => {
  let asked = 0
  let answered = 0
  const around: string[] = []
  for (const options of combinations) {
    const [open, secured] = [await build(options, false), await build(options, true)]
    const ports = [await listen(open), await listen(secured)] as const
    const left = [...requests]
    const worker = async (): Promise<void> => {
      for (let bytes = left.pop(); bytes !== undefined; bytes = left.pop()) {
        asked++
        const { status } = await exchange(ports[0], bytes)
        if (status !== 200) continue
        answered++
        const refused = await exchange(ports[1], bytes)
        if (refused.status !== 401 || refused.body.includes('ran') || !refused.head.includes('www-authenticate: Bearer')) around.push(`${JSON.stringify(options)} ${bytes.split('\r\n').slice(0, 2).join(' ')}: ${refused.status}`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    await Promise.all([open.close(), secured.close()])
  }
  t.strictSame(around, [])
  t.comment(`${asked} requests in ${combinations.length} applications, ${answered} answered with 200 without the plugin`)
  t.ok(answered > asked / 20)
})
