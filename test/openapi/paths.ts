import t from 'tap'
import Fastify from 'fastify'
import swagger from '@fastify/swagger'
import { pathsOf } from '../../lib/openapi/paths'

const table: ReadonlyArray<readonly [url: string, servers: unknown, paths: string[]]> = [
  ['/items', undefined, ['/items']],
  ['/items/:id', [], ['/items/{id}']],
  ['/items/:id(^\\d+$)', [], ['/items/{id}']],
  ['/items/:id?', [], ['/items/{id}?']],
  ['/items/:id((a|b)c)?', [], ['/items/{id}?']],
  ['/at/:hour(^\\d{2})h:minute(^\\d{2})m', [], ['/at/{hour}h{minute}m']],
  ['/items::watch', [], ['/items:watch']],
  ['/f/:a-:b.png', [], ['/f/{a}-{b}.png']],
  ['/w/*', [], ['/w/{*}']],
  ['/api/x', [{ url: '/api' }], ['/api/x', '/x']],
  ['/api/x', [{ url: 'https://example.com/api/' }, { url: '/' }], ['/api/x', '/x']],
  ['/api', [{ url: '/api' }], ['/api', '/']],
  ['/x', [{ url: '/api' }], ['/x']],
  ['/x', [{ url: 'http://[' }, {}], ['/x']]
]

for (const [url, servers, paths] of table) {
  t.test(`${url} with servers ${JSON.stringify(servers)}`, async (t) => { t.strictSame(pathsOf(url, servers), paths) })
}

t.test('the paths are those that @fastify/swagger writes', async (t) => {
  const app = Fastify()
  await app.register(swagger, { openapi: {} })
  const urls = table.map(([url]) => url).filter((url, index, all) => all.indexOf(url) === index)
  // Optional parameters register a route of their own besides.
  for (const url of urls) app.get(url, { constraints: { host: `${urls.indexOf(url)}.example` } }, async () => ({}))
  await app.ready()
  t.strictSame(Object.keys(app.swagger().paths ?? {}).sort(), [...new Set(urls.flatMap((url) => pathsOf(url, undefined)))].sort())
})
