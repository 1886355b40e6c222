/** Logging in at a provider, and out again, in a browser: what its pages, its scripts, Swagger UI and other sites can do with the session. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { start } from '../../example/session'
import { freePort } from '../helpers'
import { Documentation, inBrowser, newPage } from '../swagger-ui'

inBrowser('a session', async (t, browser) => {
  const { address, issuer, close } = await start(await freePort(), 0)
  t.teardown(close)
  const page = await newPage(browser)
  const documentation = new Documentation(page)
  // Another port of localhost would be the same site.
  const foreign = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(`<a href="${address}/items">Items</a><form method="post" action="${address}/logout"><button>Win</button></form>`)
  }).listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  const foreignAddress = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`
  t.teardown(() => { foreign.close() })

  const statusOfScript = async (): Promise<number> => await page.evaluate(async () => (await fetch('/api/items')).status)
  const sessionCookie = async () => (await page.context().cookies(address)).find(({ name }) => name === 'session')

  await t.test('a login leads back to the page that asked for it', async (t) => {
    await page.goto(address)
    t.equal(await statusOfScript(), 401, 'a script gets 401, and no page of the provider')
    await page.goto(`${address}/items?page=2`)
    t.equal(new URL(page.url()).origin, issuer)
    const before = await sessionCookie()
    await page.locator('input[name="login"]').fill('<b>carroll</b>')
    await page.locator('input[name="password"]').fill('any')
    await page.locator('button[type="submit"]').click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Your items' }).waitFor()
    t.equal(page.url(), `${address}/items?page=2`)
    t.match(await page.locator('body').innerText(), 'You are <b>carroll</b>.')
    t.equal(await statusOfScript(), 200)
    const after = await sessionCookie()
    t.match(after, { httpOnly: true, secure: false, sameSite: 'Lax', path: '/', domain: 'localhost' })
    t.not(after?.value, before?.value)
    t.equal(await page.evaluate('document.cookie'), '', 'scripts cannot read it')
  })

  await t.test('another site can lead to a page, and cannot log out', async (t) => {
    await page.goto(foreignAddress)
    await page.getByRole('link').click()
    await page.getByRole('heading', { name: 'Your items' }).waitFor()
    const before = await sessionCookie()
    await page.goto(foreignAddress)
    const logout = page.waitForResponse(`${address}/logout`)
    await page.getByRole('button').click()
    t.not((await logout).headers().location, undefined)
    t.notMatch((await logout).headers().location, issuer, 'its form does not reach the logout')
    await page.goto(`${address}/items`)
    t.equal(await page.title(), 'Your items')
    t.strictSame(await sessionCookie(), before)
  })

  await t.test('Swagger UI shows what needs the session, and sends it', async (t) => {
    await documentation.open(`${address}/documentation`)
    t.strictSame(await documentation.locks(), {
      'get /': false, 'get /login': false, 'get /callback': false, 'get /items': true, 'get /api/items': true, 'post /logout': true
    })
    const { status, body } = await documentation.execute('get', '/api/items')
    t.equal(status, '200')
    t.strictSame(JSON.parse(body), [{ name: 'Looking-glass', readBy: '<b>carroll</b>' }])
  })

  await t.test('after a logout, the Back button and the old cookie show nothing', async (t) => {
    const old = await sessionCookie()
    await page.goto(`${address}/items`)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'No, stay signed in' }).waitFor()
    t.equal(new URL(page.url()).origin, issuer)
    t.equal(await sessionCookie(), undefined)
    await page.goBack()
    // Who is still logged in at the provider gets a new session without a question.
    await page.getByRole('heading', { name: 'Your items' }).waitFor()
    t.not((await sessionCookie())?.value, old?.value)

    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'Yes, sign me out' }).click()
    await page.getByRole('heading', { name: 'Item store' }).waitFor()
    await page.goto(`${address}/items`)
    await page.locator('input[name="password"]').waitFor()
    t.equal(new URL(page.url()).origin, issuer)

    await page.context().addCookies([{ name: 'session', value: old?.value as string, url: address }])
    await page.goto(address)
    t.equal(await statusOfScript(), 401, 'the old cookie')
  })
})
