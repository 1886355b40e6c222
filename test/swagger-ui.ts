/** A real Chromium, as the machine has it, and what a person does in Swagger UI. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** A host that the browser finds on this machine, and does not trust as it trusts localhost. */
export const PLAIN_HOST = 'items.test'

/** Returns the path of Chromium: `CHROMIUM`, else a usual place. */
function findChromium (): string | undefined {
  const { CHROMIUM = '' } = process.env
  return (CHROMIUM === '' ? PLACES : [CHROMIUM]).find((path) => existsSync(path))
}

/** Runs a test in a browser. Without one it is skipped, but in CI it fails. */
export async function inBrowser (name: string, body: (t: Test, browser: Browser) => Promise<void>): Promise<void> {
  await withChromium(name, launch, body)
}

/**
 * Runs a test in a browser with a profile, in which cookies of one site come along with requests of the pages of another, as they do unless a user or
 * a distribution has blocked them.
 *
 * @param rules further rules for the places at which it finds hosts
 */
export async function inProfile (
  name: string, rules: readonly string[], options: BrowserContextOptions, body: (t: Test, context: BrowserContext) => Promise<void>
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'))
  mkdirSync(join(folder, 'Default'))
  writeFileSync(join(folder, 'Default/Preferences'), JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }))
  const start = async (executablePath: string): Promise<BrowserContext> =>
    await chromium.launchPersistentContext(folder, { executablePath, args: [...ARGUMENTS, resolving(rules)], ...options })
  await withChromium(name, start, body)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

const resolving = (rules: readonly string[]): string => `--host-resolver-rules=${[`MAP ${PLAIN_HOST} 127.0.0.1`, ...rules].join(', ')}`

async function withChromium<Started extends { readonly close: () => Promise<void> }> (
  name: string, start: (executablePath: string) => Promise<Started>, body: (t: Test, started: Started) => Promise<void>
): Promise<void> {
  const executablePath = findChromium()
  const inCI = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false'
  if (executablePath === undefined && !inCI) {
    t.plan(0, 'no Chromium was found, so nothing was tried in a browser. Install one, or name it in CHROMIUM.')
    return
  }
  await t.test(name, async (t) => {
    if (executablePath === undefined) throw new Error('no Chromium was found: in CI the browser tests must run')
    const started = await start(executablePath)
    t.teardown(async () => { await started.close() })
    await body(t, started)
  })
}

/** Chromium, for a program that is no test. */
export async function launch (executablePath = findChromium()): Promise<Browser> {
  if (executablePath === undefined) throw new Error('no Chromium was found: install one, or name it in CHROMIUM')
  return await chromium.launch({ executablePath, args: [...ARGUMENTS, resolving([])] })
}

/** A new page. Where the browser itself asks for a user name, because it is challenged for Basic, it is told to cancel. */
export async function newPage (browser: Browser, options: BrowserContextOptions = { viewport: { width: 1100, height: 900 } }): Promise<Page> {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(10_000)
  const session = await page.context().newCDPSession(page)
  session.on('Fetch.requestPaused', ({ requestId }) => { session.send('Fetch.continueRequest', { requestId }).catch(() => {}) })
  session.on('Fetch.authRequired', ({ requestId }) => { session.send('Fetch.continueWithAuth', { requestId, authChallengeResponse: { response: 'CancelAuth' } }).catch(() => {}) })
  await session.send('Fetch.enable', { handleAuthRequests: true })
  return page
}

/** A page of Swagger UI. */
export class Documentation {
  constructor (readonly page: Page) {}

  async open (address: string): Promise<void> {
    await this.page.goto(address)
    await this.page.locator('.opblock').first().waitFor()
  }

  operation (method: string, path: string): Locator {
    return this.page.locator(`.opblock-${method}`).filter({ has: this.page.locator(`.opblock-summary-path[data-path="${path}"]`) })
  }

  /** Returns true for each operation that has a lock, by `get /path`. */
  async locks (): Promise<Record<string, boolean>> {
    const blocks = await this.page.locator('.opblock').all()
    const found = await Promise.all(blocks.map(async (block) => {
      const method = (await block.locator('.opblock-summary-method').innerText()).toLowerCase()
      const path = await block.locator('.opblock-summary-path').getAttribute('data-path')
      return [`${method} ${path}`, await block.locator('.authorization__btn').count() > 0] as const
    }))
    return Object.fromEntries(found)
  }

  /** Opens the dialog, fills one scheme's part of it, and authorizes. */
  async authorize (scheme: string, fields: Readonly<Record<string, string>>, scopes: readonly string[] = []): Promise<void> {
    const part = await this.fill(scheme, fields, scopes)
    await part.locator('button.authorize').click()
    await part.locator('button', { hasText: 'Logout' }).waitFor()
    await this.close()
  }

  /** Opens the dialog and fills one scheme's part of it. */
  async fill (scheme: string, fields: Readonly<Record<string, string>>, scopes: readonly string[]): Promise<Locator> {
    const part = await this.#dialog(scheme)
    for (const [name, value] of Object.entries(fields)) await part.locator(name).fill(value)
    for (const scope of scopes) await part.locator('.scopes .checkbox', { has: this.page.locator(`input[data-value="${scope}"]`) }).locator('label').click()
    return part
  }

  /** Opens the dialog, authorizes by a code, and does in the window of the provider what `elsewhere` says. */
  async authorizeByCode (scheme: string, scopes: readonly string[], elsewhere: (provider: Page) => Promise<void>): Promise<void> {
    const part = await this.fill(scheme, {}, scopes)
    const popup = this.page.waitForEvent('popup')
    await part.locator('button.authorize').click()
    await elsewhere(await popup)
    await part.locator('button', { hasText: 'Logout' }).waitFor()
    await this.close()
  }

  /** Returns the text of the dialog about a scheme. */
  async description (scheme: string): Promise<string> {
    const part = await this.#dialog(scheme)
    const description = await part.innerText()
    await this.close()
    return description
  }

  async logout (scheme: string): Promise<void> {
    const part = await this.#dialog(scheme)
    await part.locator('button', { hasText: 'Logout' }).click()
    await part.locator('button.authorize').waitFor()
    await this.close()
  }

  /** Executes an operation and reads what the page shows: status, body, headers. */
  async execute (method: string, path: string): Promise<{ status: string, body: string, headers: string }> {
    const block = this.operation(method, path)
    if (await block.locator('.opblock-body').count() === 0) await block.locator('.opblock-summary-control').click()
    const tryOut = block.locator('.try-out__btn')
    await tryOut.waitFor()
    if (await tryOut.innerText() === 'Try it out') await tryOut.click()
    const clear = block.locator('.btn-clear')
    if (await clear.count() > 0) await clear.click()
    await block.locator('.execute').click()
    const answer = block.locator('.live-responses-table tr.response')
    await answer.waitFor()
    const [body, headers] = await answer.locator('pre').allInnerTexts()
    return { status: (await answer.locator('.response-col_status').innerText()).split('\n')[0] ?? '', body: body ?? '', headers: headers ?? '' }
  }

  /** Closes the dialog. */
  async close (): Promise<void> {
    await this.page.locator('.modal-ux .close-modal').click()
    await this.page.locator('.modal-ux').waitFor({ state: 'detached' })
  }

  async #dialog (scheme: string): Promise<Locator> {
    await this.page.locator('.auth-wrapper > .authorize').click()
    const part = this.page.locator('.auth-container').filter({ has: this.page.locator('h4', { hasText: new RegExp(`^${scheme}\\b`) }) })
    await part.waitFor()
    return part
  }
}
