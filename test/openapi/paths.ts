import t from 'tap'
import { pathsOf } from '../../lib/openapi/paths'

const table: ReadonlyArray<readonly [url: string, servers: unknown, paths: string[]]> = [
  ['/items', undefined, ['/items']],
  ['/items/:id', [], ['/items/{id}']],
  ['/items/:id(^\\d+$)', [], ['/items/{id}']],
  ['/items/:id((a|b)c)?', [], ['/items/{id}']],
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
