/** The plugin option `public`: routes of other plugins, which cannot carry `security`. */

import { badOption } from '../errors'

const WHERE = 'authSchemes'

/** URLs, each exact or, with `*` at the end, a prefix. */
export class PublicUrls {
  readonly #unused: Set<string>

  /** @throws {TypeError} for anything but an array of URLs that start with `/` */
  constructor (readonly urls: unknown) {
    if (!Array.isArray(urls) || !Array.from(urls).every((url) => typeof url === 'string' && url.startsWith('/'))) {
      throw badOption(WHERE, 'the option `public` must be an array of URLs such as "/login" or "/static/*"')
    }
    this.#unused = new Set(urls)
  }

  /** Returns true for the URL of a route that the option names. `/*` is the URL of one route, not a prefix. */
  includes (url: string): boolean {
    const found = (this.urls as string[]).filter((entry) => entry === url ||
      (entry.length > 2 && entry.endsWith('*') && url.startsWith(entry.slice(0, -1))))
    for (const entry of found) this.#unused.delete(entry)
    return found.length > 0
  }

  /** @throws {TypeError} for a URL of no route, or only of one that carries `security` */
  check (): void {
    const [unused] = this.#unused
    if (unused === undefined) return
    throw badOption(WHERE, `the option \`public\` has "${unused}", but no route has that URL, ` +
      'or those that have it carry `security`; correct or remove it')
  }
}
