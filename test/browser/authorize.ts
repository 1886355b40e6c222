/** /documentation in a real browser: the locks, the Authorize dialog, and what each scheme's operation then answers. */

import { build, demo } from '../../example/server'
import { Documentation, inBrowser, newPage } from '../swagger-ui'

// Swagger UI shows headers without the space behind a comma.
const schemes: ReadonlyArray<{ name: string, path: string, fields: Record<string, string>, challenge: string, body: object }> = [
  { name: 'APIKeyHeader', path: '/report', fields: { input: demo.apiKey }, challenge: 'APIKey', body: { requestedBy: 'reporting', items: 1 } },
  { name: 'APIKeyQuery', path: '/feed', fields: { input: demo.feedKey }, challenge: 'APIKey', body: { version: 'https://jsonfeed.org/version/1.1', title: 'Item store', items: [{ id: '0', content_text: 'Looking-glass, by alice' }] } },
  { name: 'HTTPBasic', path: '/account', fields: { 'input[name="username"]': demo.username, 'input[name="password"]': demo.password }, challenge: 'Basic realm="Item store"', body: { username: 'alice', fullName: 'Alice Liddell' } },
  { name: 'HTTPBearer', path: '/deployment', fields: { input: demo.deployToken }, challenge: 'Bearer realm="Item store"', body: { deployedBy: 'deployment' } }
]

inBrowser('the example server', async (t, browser) => {
  const app = await build()
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  const documentation = new Documentation(await newPage(browser))
  await documentation.open(`${address}/documentation`)

  await t.test('the lock is on exactly the operations that the document says', async (t) => {
    const { paths } = await (await fetch(`${address}/documentation/json`)).json() as any
    const expected = Object.entries<any>(paths).flatMap(([path, item]) => Object.entries<any>(item).map(([method, { security }]) => [`${method} ${path}`, security?.length > 0]))
    t.strictSame(await documentation.locks(), Object.fromEntries(expected))
  })

  for (const { name, path, fields, challenge, body } of schemes) {
    await t.test(name, async (t) => {
      const before = await documentation.execute('get', path)
      t.equal(before.status, '401', 'Execute: 401')
      t.match(before.headers, `www-authenticate: ${challenge}`, 'its challenge is shown')
      await documentation.authorize(name, fields)
      const accepted = await documentation.execute('get', path)
      t.equal(accepted.status, '200', 'Authorize, Execute: 200')
      t.strictSame(JSON.parse(accepted.body), body, 'its body is shown')
      await documentation.logout(name)
      t.equal((await documentation.execute('get', path)).status, '401', 'Logout, Execute: 401')
    })
  }

  for (const at of ['/documentation', '/documentation/']) {
    await t.test(`OAuth2PasswordBearer, at ${at}`, async (t) => {
      await documentation.open(address + at)
      const login = { '#oauth_username': demo.username, '#oauth_password': demo.password }
      const before = await documentation.execute('get', '/items')
      t.equal(before.status, '401', 'Execute: 401')
      t.match(before.headers, 'www-authenticate: Bearer realm="Item store",scope="items:read"', 'its challenge is shown')
      await documentation.authorize('OAuth2PasswordBearer', login, ['items:write'])
      const insufficient = await documentation.execute('get', '/items')
      t.equal(insufficient.status, '403', 'Authorize with another scope, Execute: 403')
      t.match(insufficient.headers, 'error="insufficient_scope",scope="items:read"', 'its challenge is shown')
      await documentation.logout('OAuth2PasswordBearer')
      await documentation.authorize('OAuth2PasswordBearer', login, ['items:read'])
      const accepted = await documentation.execute('get', '/items')
      t.equal(accepted.status, '200', 'Authorize, Execute: 200')
      t.strictSame(JSON.parse(accepted.body), [{ name: 'Looking-glass', owner: 'alice' }], 'its body is shown')
      await documentation.logout('OAuth2PasswordBearer')
      t.equal((await documentation.execute('get', '/items')).status, '401', 'Logout, Execute: 401')
    })
  }
})
