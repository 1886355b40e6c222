/** API keys in cookies: what Swagger UI cannot send, and says so. */

import Fastify from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import authSchemes from 'fastify-auth-schemes'
import { Documentation, inBrowser, newPage } from '../swagger-ui'

async function open (persistAuthorization: boolean): Promise<{ address: string, close: () => Promise<void> }> {
  const app = Fastify()
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Cookies', version: '1.0.0' } } })
  await app.register(authSchemes)
  await app.register(swaggerUi, { uiConfig: { persistAuthorization } })
  const session = app.authSchemes.apiKeyCookie({ name: 'session', verify: (id) => id === 'of alice' ? { name: 'alice' } : null })
  app.get('/me', { security: [{ scheme: session }] }, async (request) => request.auth.user)
  app.post('/login', async (_request, reply) => reply.header('set-cookie', 'session=of%20alice; HttpOnly; SameSite=Strict; Path=/').code(204).send())
  return { address: await app.listen({ port: 0, host: '127.0.0.1' }), close: async () => { await app.close() } }
}

inBrowser('an API key in a cookie', async (t, browser) => {
  await t.test('is not sent when it is typed in, as the dialog says, and is once a login has set it', async (t) => {
    const { address, close } = await open(false)
    const page = await newPage(browser)
    t.teardown(async () => { await page.close(); await close() })
    const documentation = new Documentation(page)
    await documentation.open(`${address}/documentation`)
    t.match(await documentation.description('APIKeyCookie'), 'Swagger UI does not send a value that is entered here.')
    await documentation.authorize('APIKeyCookie', { input: 'of%20alice' })
    t.equal((await documentation.execute('get', '/me')).status, '401', 'Authorize, Execute: 401')
    t.equal((await documentation.execute('post', '/login')).status, '204', 'Execute the login: 204')
    const accepted = await documentation.execute('get', '/me')
    t.equal(accepted.status, '200', 'Execute: 200')
    t.strictSame(JSON.parse(accepted.body), { name: 'alice' })
  })

  await t.test('is sent when it is typed in, where Swagger UI may keep what was authorized, and the page has no slash at its end', async (t) => {
    const { address, close } = await open(true)
    t.teardown(close)
    for (const [at, status] of [['/documentation', '200'], ['/documentation/', '401']] as const) {
      const page = await newPage(browser)
      const documentation = new Documentation(page)
      await documentation.open(address + at)
      t.equal((await documentation.execute('get', '/me')).status, '401', `${at}: Execute: 401`)
      await documentation.authorize('APIKeyCookie', { input: 'of%20alice' })
      t.equal((await documentation.execute('get', '/me')).status, status, `${at}: Authorize, Execute: ${status}`)
      t.strictSame((await page.context().cookies()).map(({ sameSite, httpOnly }) => ({ sameSite, httpOnly })), [{ sameSite: 'None', httpOnly: false }], 'other sites and scripts may use it')
      await page.close()
    }
  })
})
