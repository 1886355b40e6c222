/** A provider on a real port that can fail in every way, a log that can be read, and a clock that can be moved. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void

export interface FakeProvider {
  readonly issuer: string
  /** The requests so far: `GET /path`. */
  readonly asked: string[]
  /** The responses, by path; a function may do anything. */
  readonly routes: Map<string, object | Respond>
  /** Stands before all routes, where it is set. */
  failure: Respond | null
  /** Refuses connections until `open`. */
  readonly close: () => Promise<void>
  readonly open: () => Promise<void>
}

export const json = (response: ServerResponse, status: number, value: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Serves `/.well-known/openid-configuration` and what is put into `routes`. */
export async function startProvider (t: Test): Promise<FakeProvider> {
  let server: Server
  let port = 0
  const asked: string[] = []
  const routes = new Map<string, object | Respond>()
  const provider = {
    issuer: '',
    asked,
    routes,
    failure: null as Respond | null,
    async close () {
      server.closeAllConnections()
      await new Promise((resolve) => { server.close(resolve) })
    },
    async open () {
      server = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk) => { body += String(chunk) }).on('end', () => {
          asked.push(`${request.method} ${request.url}`)
          const route = provider.failure ?? routes.get(request.url as string)
          if (typeof route === 'function') (route as Respond)(request, response, body)
          else if (route === undefined) json(response, 404, { error: 'not_found' })
          else json(response, 200, route)
        })
      })
      await new Promise<void>((resolve) => { server.listen(port, '127.0.0.1', resolve) })
      port = (server.address() as AddressInfo).port
    }
  }
  await provider.open()
  provider.issuer = `http://127.0.0.1:${port}`
  routes.set('/.well-known/openid-configuration', { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks`, introspection_endpoint: `${provider.issuer}/introspect` })
  t.teardown(provider.close)
  return provider
}

export const LONG = 'x'.repeat(10 * 1024 * 1024)

/** The ways in which a provider can be down, but for refusing connections. */
export const FAILURES: Readonly<Record<string, Respond>> = {
  'the status 500': (_request, response) => { json(response, 500, {}) },
  'no answer': () => {},
  'half an answer': (_request, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('{"issuer":')
    setTimeout(() => { response.destroy() }, 10)
  },
  '10 MiB': (_request, response) => { response.writeHead(200).end(LONG) },
  HTML: (_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Down for repairs</p>') },
  'no JSON object': (_request, response) => { json(response, 200, [1]) },
  'keys that are no list': (_request, response) => { json(response, 200, { keys: {} }) },
  'no keys': (_request, response) => { json(response, 200, { keys: [] }) },
  'a redirect': (_request, response) => { response.writeHead(302, { location: '/elsewhere' }).end() },
  'the metadata of another issuer': (_request, response) => { json(response, 200, { issuer: 'https://other.example', jwks_uri: 'https://other.example/jwks' }) }
}

export interface Line { readonly level: string, readonly message: string, readonly [detail: string]: any }

/** A logger, as far as verifiers use one, and its lines. */
export function recordingLog (): { readonly lines: Line[], readonly context: any, readonly warnings: () => string[] } {
  const lines: Line[] = []
  const log = Object.fromEntries(['debug', 'warn'].map((level) => [level, (details: object, message: string) => { lines.push({ ...details, level, message }) }]))
  return { lines, context: { request: { log }, scopes: [], scopeStr: '' }, warnings: () => lines.filter(({ level }) => level === 'warn').map(({ message }) => message) }
}

/** A clock that stands still until it is moved. */
export function stoppedClock (): (() => number) & { move: (milliseconds: number) => void } {
  let now = Date.now()
  return Object.assign(() => now, { move (milliseconds: number) { now += milliseconds } })
}

/** Process warnings while the test runs. */
export function processWarnings (t: Test): string[] {
  const warnings: string[] = []
  t.intercept(process, 'emitWarning', { value: (message: string) => { warnings.push(message) } })
  return warnings
}
