/** Requests that a page of another origin made a browser send. Browsers write the headers read here; pages cannot. */

/** The parts of a request that the decision reads. */
export interface SentRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, unknown>>
  /** The host and its port. Older versions of Fastify 5 have none if no `Host` was sent. */
  readonly host?: string
  readonly protocol: string
}

// RFC 9110 section 9.2.1.
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

// Fetch Metadata Request Headers section 2.3. The others are `same-site`, of sibling subdomains, and `cross-site`.
const OWN_SITES = new Set<unknown>(['same-origin', 'none'])

// The Origin of a page that a server can have sent (Fetch Standard section 3.2): never `null`, a list, or a URL with
// more than scheme, host and port.
const ORIGIN_OF_PAGE = /^(https?):\/\/([\w.:[\]-]+)$/

// The protocols of `X-Forwarded-Proto` that are TLS: some proxies write `wss` there for a websocket.
const TLS = /^(?:https|wss)$/i

/**
 * Returns true if a page of another origin, and of none of the trusted ones, made a browser send the request. A request
 * with a safe method and without `Upgrade` is not judged: it returns false.
 *
 * 1. A trusted `Origin` decides.
 * 2. Else `Sec-Fetch-Site` decides alone, if it is present. Browsers send it over TLS and to localhost; Chromium leaves
 *    it out of websockets.
 * 3. Else `Origin` must be that of the request's own host. Browsers send it with every unsafe method, and with
 *    websockets (RFC 6455 section 4.1, item 8). A request with neither header comes from no browser.
 */
export function isCrossSite (request: SentRequest, trusted: ReadonlySet<unknown>): boolean {
  const { method, headers } = request
  // No server upgrades a connection without this header (RFC 9110 section 7.8), to whatever protocol.
  if (SAFE_METHODS.has(method) && headers.upgrade === undefined) return false
  const { origin, 'sec-fetch-site': site } = headers
  if (trusted.has(origin)) return false
  if (site !== undefined) return !OWN_SITES.has(site)
  return origin !== undefined && !isOwnOrigin(origin, request)
}

/** Returns true for the origin of pages of the request's own host. A page without TLS is never that of a TLS server. */
function isOwnOrigin (origin: unknown, { host = '', protocol }: SentRequest): boolean {
  const [, scheme, authority] = typeof origin === 'string' ? ORIGIN_OF_PAGE.exec(origin) ?? [] : []
  if (authority === undefined || (scheme === 'http' && TLS.test(protocol))) return false
  // Behind a proxy that ends TLS, `protocol` may be `http`, so that the port that may be left out is the origin's.
  const defaultPort = scheme === 'http' ? /:80$/ : /:443$/
  const [own, sent] = [host, authority].map((text) => text.toLowerCase().replace(defaultPort, ''))
  return own !== '' && own === sent
}

// An origin as browsers send it (Fetch Standard section 3.2, URL Standard section 4.7), of any scheme.
const ORIGIN = /^(?!wss?:)[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9_.-]+|\[[0-9a-f:]+\])(?::\d+)?$/

/** Returns true for an origin that browsers may send, exactly as they write it. */
export function isOrigin (text: string): boolean {
  if (!ORIGIN.test(text) || !URL.canParse(text)) return false
  const { protocol, host } = new URL(text)
  return `${protocol}//${host}` === text
}
