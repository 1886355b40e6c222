/**
 * Credentials as they were sent. Validation writes defaults and converted values into `request.headers` and
 * `request.query`, so a hook behind validation reads the request that Node.js received.
 */

import { parse } from 'node:querystring'
import type { FastifyRequest } from 'fastify'
import type { CredentialSource } from '../schemes/definition'

// If a client sends several headers of one of these names, Node.js keeps the first, unless the server has
// `joinDuplicateHeaders`. Node.js joins headers of any other name (node:http, message.headers).
const FIRST_COUNTS = new Set([
  'age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since',
  'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after',
  'server', 'user-agent'
])

/**
 * Returns headers and query as they were received, the host and the protocol that follow from these headers, and the
 * cookies that @fastify/cookie parsed from them.
 */
export function asSent (request: FastifyRequest): CredentialSource {
  const { raw } = request
  const joinsAll = (raw as { joinDuplicateHeaders?: boolean }).joinDuplicateHeaders === true
  // A request of `injectWS` of @fastify/websocket has the parsed headers alone.
  const { rawHeaders = Object.entries(raw.headers).flat() as string[] } = raw
  const headers = readHeaders(rawHeaders, joinsAll)
  // Fastify reads host and protocol of these two, by the proxies that it trusts.
  const received = (): FastifyRequest => Object.create(request, {
    headers: { value: headers }, raw: { value: Object.create(raw, { headers: { value: headers } }) }
  })
  return {
    headers,
    method: request.method,
    get host () { return received().host },
    get protocol () { return received().protocol },
    get query () { return readQuery(raw.url ?? '', hasSemicolons(request) ? /[?#;]/ : /[?#]/) },
    cookies: (request as { cookies?: unknown }).cookies,
    raw,
    server: request.server
  }
}

function readHeaders (rawHeaders: readonly string[], joinsAll: boolean): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
    const earlier = headers[name]
    if (earlier === undefined) headers[name] = value
    else if (joinsAll || !FIRST_COUNTS.has(name)) headers[name] = `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}

/** Returns true where Fastify's option `useSemicolonDelimiter` lets a semicolon begin the query. */
function hasSemicolons ({ server: { initialConfig } }: FastifyRequest): boolean {
  const { useSemicolonDelimiter, routerOptions } = initialConfig as RouterOptions & { routerOptions?: RouterOptions }
  return useSemicolonDelimiter === true || routerOptions?.useSemicolonDelimiter === true
}

interface RouterOptions { readonly useSemicolonDelimiter?: boolean }

/** Returns the query, which begins where Fastify's router lets the path end: a key that it finds must count here. */
function readQuery (url: string, delimiter: RegExp): object {
  const start = url.search(delimiter)
  return start === -1 ? {} : parse(url.slice(start + 1), '&', '=', { maxKeys: 0 })
}
