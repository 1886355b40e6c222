/** All factories, each with every outcome: the response, whether the handler ran, and the document. */

import t from 'tap'
import { X509Certificate } from 'node:crypto'
import type { Scheme } from '../lib'
import { factories } from '../lib/schemes'
import { CROSS_SITE, INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, challengesOf, createApp, documentOf } from './helpers'
import { rows, type Sent } from './vectors/schemes'

const OTHER_PAGES: ReadonlyArray<Record<string, string>> = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'http://www.app.example', 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' }
]
const OWN_PAGES: ReadonlyArray<Record<string, string>> = [{ origin: 'http://app.example', 'sec-fetch-site': 'same-origin' }, { origin: 'http://app.example' }, {}]

for (const row of rows) {
  t.test(row.factory, async (t) => {
    const app = await createApp()
    const make = app.authSchemes[row.factory] as (options: object) => Scheme
    const verified: unknown[] = []
    const verify = (credentials: unknown): unknown => {
      verified.push(JSON.parse(JSON.stringify(credentials)))
      const text = credentials instanceof X509Certificate ? credentials.subject : JSON.stringify(credentials)
      if (text.includes('refused')) return null
      return { scopes: text.includes('weak') ? ['read'] : ['read', 'write'] }
    }
    const scheme = make({ ...row.options, verify })
    const lenient = make({ ...row.options, verify, autoError: false })
    let ran = 0
    const handler = async (request: { auth: unknown }): Promise<unknown> => {
      ran++
      return { auth: request.auth }
    }
    app.get('/plain', { security: [{ scheme }] }, handler)
    app.get('/scoped', { security: [{ scheme, scopes: ['read', 'write'] }] }, handler)
    app.get('/optional', { security: [{ scheme: lenient }] }, handler)
    app.post('/plain', { security: [{ scheme }] }, handler)
    app.post('/optional', { security: [{ scheme: lenient }] }, handler)
    await app.ready()

    async function ask (url: string, sent: Sent): Promise<{ status: number, body: any, challenges: string[], ran: boolean }> {
      ran = 0
      const response = await app.inject({ url, ...sent })
      return { status: response.statusCode, body: response.json(), challenges: challengesOf(response), ran: ran === 1 }
    }
    const refusal = (body: object, challenge: string): object => ({ status: (body as { statusCode: number }).statusCode, body, challenges: [challenge], ran: false })
    const withParameters = (...parameters: string[]): string => row.bearer ? `${row.challenge} ${parameters.join(', ')}` : row.challenge
    const auth = (secret: string, scopes: string[], granted: string[]): object => ({
      scheme: row.name,
      credentials: row.credentials(secret),
      token: row.token(secret),
      user: { scopes: granted },
      scopes,
      scopeStr: scopes.join(' ')
    })

    t.strictSame(await ask('/plain', {}), refusal(NOT_AUTHENTICATED, row.challenge), 'absent')
    t.strictSame(await ask('/plain', row.otherScheme), refusal(NOT_AUTHENTICATED, row.challenge), 'other scheme')
    if (row.malformed !== null) {
      t.strictSame(await ask('/plain', row.malformed), refusal(NOT_AUTHENTICATED, row.challenge), 'malformed')
      t.strictSame(await ask('/optional', row.malformed), refusal(NOT_AUTHENTICATED, row.challenge), 'optional, malformed')
    }
    t.strictSame(verified, [], 'nothing was verified before there were credentials')
    t.strictSame(await ask('/scoped', {}), refusal(NOT_AUTHENTICATED, withParameters('scope="read write"')), 'absent, scopes required')
    t.strictSame(await ask('/plain', row.send('refused')), refusal(INVALID_CREDENTIALS, withParameters('error="invalid_token"')), 'refused')
    t.strictSame(await ask('/scoped', row.send('refused')),
      refusal(INVALID_CREDENTIALS, withParameters('error="invalid_token"', 'scope="read write"')), 'refused, scopes required')
    t.strictSame(await ask('/scoped', row.send('weak')),
      refusal(INSUFFICIENT_SCOPE, withParameters('error="insufficient_scope"', 'scope="read write"')), 'insufficient')
    verified.length = 0
    t.strictSame(await ask('/scoped', row.send('good')),
      { status: 200, body: { auth: auth('good', ['read', 'write'], ['read', 'write']) }, challenges: [], ran: true }, 'accepted, scopes required')
    t.strictSame(verified, [row.credentials('good')], 'verified once')
    t.strictSame(await ask('/plain', row.send('weak')),
      { status: 200, body: { auth: auth('weak', [], ['read']) }, challenges: [], ran: true }, 'accepted')

    const anonymous = { status: 200, body: { auth: null }, challenges: [], ran: true }
    t.strictSame(await ask('/optional', {}), anonymous, 'optional, absent')
    t.strictSame(await ask('/optional', row.send('refused')), refusal(INVALID_CREDENTIALS, withParameters('error="invalid_token"')), 'optional, refused')
    t.strictSame(await ask('/optional', row.send('good')),
      { status: 200, body: { auth: auth('good', [], ['read', 'write']) }, challenges: [], ran: true }, 'optional, accepted')

    const from = async (url: string, sent: Sent, page: Record<string, string>, method: 'GET' | 'POST' = 'POST'): ReturnType<typeof ask> => {
      ran = 0
      verified.length = 0
      const response = await app.inject({ method, url, ...sent, headers: { host: 'app.example', ...sent.headers, ...page } })
      return { status: response.statusCode, body: response.json(), challenges: challengesOf(response), ran: ran === 1 }
    }
    const good = { status: 200, body: { auth: auth('good', [], ['read', 'write']) }, challenges: [], ran: true }
    for (const [index, page] of OTHER_PAGES.entries()) {
      const asked = row.sentByBrowsers === true ? { status: 403, body: CROSS_SITE, challenges: [], ran: false } : good
      for (const url of ['/plain', '/optional']) {
        t.strictSame(await from(url, row.send('good'), page), asked, `from another page, ${url} ${index}`)
        t.equal(verified.length, row.sentByBrowsers === true ? 0 : 1)
      }
      t.strictSame(await from('/plain', row.send('good'), { ...page, upgrade: 'websocket' }, 'GET'), asked, 'from another page, an upgrade')
      t.strictSame(await from('/plain', row.send('good'), page, 'GET'), good, 'from another page, by GET')
      t.strictSame(await from('/plain', row.otherScheme, page), refusal(NOT_AUTHENTICATED, row.challenge), 'from another page, other scheme')
      t.strictSame(await from('/optional', {}, page), anonymous, 'from another page, optional, absent')
    }
    for (const page of OWN_PAGES) t.strictSame(await from('/plain', row.send('good'), page), good, 'from a page of the own origin')

    const document = documentOf(app)
    t.strictSame(document.components.securitySchemes, { [row.name]: row.openapi }, 'the scheme in the document')
    const errors = (path: string): string[] => Object.keys(document.paths[path].get.responses)
    t.strictSame(document.paths['/plain'].get.security, [{ [row.name]: [] }])
    t.strictSame(errors('/plain'), ['200', '401', '403'], 'a verify may respond with 403')
    t.strictSame(document.paths['/scoped'].get.security, [{ [row.name]: ['read', 'write'] }])
    t.strictSame(errors('/scoped'), ['200', '401', '403'])
    t.strictSame(document.paths['/optional'].get.security, [{ [row.name]: [] }, {}])
    t.strictSame(errors('/optional'), ['200', '401', '403'])
  })
}

t.test('the matrix has every factory', async (t) => {
  t.strictSame(Object.keys(factories).sort(), rows.map(({ factory }) => factory).sort())
})
