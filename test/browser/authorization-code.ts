/** The authorization code with PKCE, from Swagger UI, at a provider of another origin, under @fastify/helmet. */

import { start } from '../../example/authorization-code'
import { Documentation, inBrowser, newPage } from '../swagger-ui'

const scheme = 'OAuth2AuthorizationCodeBearer'

inBrowser('a provider of another origin', async (t, browser) => {
  const { address, issuer, close } = await start(0, 0)
  t.teardown(close)
  const page = await newPage(browser)
  const documentation = new Documentation(page)
  const requests: Array<{ url: string, body: string | null }> = []
  page.context().on('request', (request) => { requests.push({ url: request.url(), body: request.postData() }) })

  for (const at of ['/documentation', '/documentation/']) {
    await t.test(`${scheme}, at ${at}`, async (t) => {
      await page.context().clearCookies()
      requests.length = 0
      await documentation.open(address + at)
      const before = await documentation.execute('get', '/items')
      t.equal(before.status, '401', 'Execute: 401')
      t.match(before.headers, 'www-authenticate: Bearer scope="items:read"', 'its challenge is shown')

      await documentation.authorizeByCode(scheme, ['items:write'], async (provider) => {
        await provider.locator('input[name="login"]').fill('carroll')
        await provider.locator('input[name="password"]').fill('any')
        await provider.locator('button[type="submit"]').click()
        await provider.getByRole('button', { name: 'Continue' }).click()
      })
      t.equal((await documentation.execute('get', '/items')).status, '403', 'Authorize with another scope, log in, consent, Execute: 403')

      await documentation.logout(scheme)
      await documentation.authorizeByCode(scheme, ['items:read'], async (provider) => {
        // Who is logged in already is only asked to consent.
        await provider.getByRole('button', { name: 'Continue' }).click()
      })
      const accepted = await documentation.execute('get', '/items')
      t.equal(accepted.status, '200', 'Authorize with the scope, consent, Execute: 200')
      t.strictSame(JSON.parse(accepted.body), [{ name: 'Looking-glass', readBy: 'carroll' }], 'its body is shown')

      const asked = new URL(requests.find(({ url }) => url.startsWith(`${issuer}/auth?`))?.url ?? '')
      t.equal(asked.searchParams.get('code_challenge_method'), 'S256', 'PKCE was used')
      t.equal(asked.searchParams.get('redirect_uri'), `${address}/documentation/static/oauth2-redirect.html`, 'the redirect URI is the page of @fastify/swagger-ui')
      t.match(requests.find(({ url }) => url === `${issuer}/token`)?.body ?? '', /code_verifier=/, 'the page exchanged the code')

      await documentation.logout(scheme)
      t.equal((await documentation.execute('get', '/items')).status, '401', 'Logout, Execute: 401')
    })
  }
})
