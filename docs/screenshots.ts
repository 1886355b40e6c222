/** Takes the pictures in docs/images, of the example server in Chromium. Run it with `npm run screenshots`. */

import { build, demo } from '../example/server'
import { Documentation, launch, newPage } from '../test/swagger-ui'

// What the pictures leave out: Swagger UI's own bar, the title, what is documented and not answered, and the command
// line, which repeats what was authorized.
const STYLE = `
  .topbar, .information-container, .servers-title, .curl-command, .request-url, .parameters-container,
  .responses-inner > div > h4, .responses-inner > .responses-table { display: none !important }
  .modal-ux-content { max-height: 590px !important }
`

const LOGIN = { '#oauth_username': demo.username, '#oauth_password': demo.password }

async function main (): Promise<void> {
  const app = await build()
  // The pictures stay the same from day to day.
  app.addHook('onRequest', async (_request, reply) => { reply.raw.sendDate = false })
  const browser = await launch()
  try {
    const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: 'localhost' })
    const page = await newPage(browser, { viewport: { width: 960, height: 860 }, deviceScaleFactor: 1.5 })
    const documentation = new Documentation(page)
    await documentation.open(`${address}/documentation`)
    await page.addStyleTag({ content: STYLE })
    await page.screenshot({ path: 'docs/images/operations.png' })

    const dialog = await documentation.fill('OAuth2PasswordBearer', LOGIN, ['items:read'])
    await dialog.locator('h4').evaluate((title) => { title.scrollIntoView() })
    await page.locator('.modal-ux').screenshot({ path: 'docs/images/authorize.png' })
    await documentation.close()

    await documentation.execute('get', '/items')
    const answer = documentation.operation('get', '/items')
    await answer.screenshot({ path: 'docs/images/refused.png' })

    await documentation.authorize('OAuth2PasswordBearer', LOGIN, ['items:read'])
    await documentation.execute('get', '/items')
    await answer.screenshot({ path: 'docs/images/accepted.png' })
  } finally {
    await browser.close()
    await app.close()
  }
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
