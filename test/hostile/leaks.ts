/** Secrets that are marked: wherever the plugin writes something, no mark is found in it. A key in the query is left out: it is in the address, which Fastify logs. */

import t from 'tap'
import { Writable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import cookie from '@fastify/cookie'
import swagger from '@fastify/swagger'
import { authSchemes, InvalidCredentialsError, OAuth2Error } from '../../lib'
import { openapi31 } from '../helpers'

const MARK = 'MARKED'
let marks = 0
/** A secret that is found again, as it is and in base64. */
const secret = (): string => `${MARK}${marks++}`

const inBase64 = (text: string): RegExp[] => [0, 1, 2].map((shift) => {
  // Whatever stands in front of it, the inner characters of its base64 are one of three.
  const encoded = Buffer.from('x'.repeat(shift) + text).toString('base64')
  return new RegExp(encoded.slice(shift === 0 ? 0 : 4, Math.floor((text.length + shift) / 3) * 4).replaceAll('+', '\\+'))
})
const FOUND = [new RegExp(MARK), ...inBase64(MARK)]
const leaks = (text: string): boolean => FOUND.some((pattern) => pattern.test(text))

interface Written { lines: string[] }

async function build (written: Written): Promise<FastifyInstance> {
  const stream = new Writable({
    write (chunk, _encoding, done) {
      written.lines.push(String(chunk))
      done()
    }
  })
  const app = Fastify({ logger: { level: 'trace', stream } })
  await app.register(cookie)
  await app.register(swagger, openapi31)
  await app.register(authSchemes, { realm: 'R' })
  const { apiKeyCookie, apiKeyHeader, httpBasic, httpBearer, httpDigest, oauth2PasswordBearer } = app.authSchemes
  // The credentials themselves are never part of what `verify` says here: what it puts into an error is its own matter.
  const verify = (credentials: unknown): unknown => {
    const text = JSON.stringify(credentials)
    if (text.includes('throws')) throw new Error('The database is down')
    if (text.includes('strange')) throw text
    if (text.includes('described')) throw new InvalidCredentialsError('The token has expired')
    if (text.includes('weak')) return { scopes: [] }
    if (text.includes('odd')) return { scopes: text }
    return text.includes('good') ? { name: 'alice', scopes: ['a'] } : null
  }
  const schemes = {
    '/cookie': apiKeyCookie({ name: 'key', verify }),
    '/header': apiKeyHeader({ name: 'x-key', verify }),
    '/basic': httpBasic({ verify }),
    '/bearer': httpBearer({ verify }),
    '/digest': httpDigest({ verify }),
    '/token': oauth2PasswordBearer({ tokenUrl: '/login', scopes: { a: 'A' }, verify }),
    '/strings': oauth2PasswordBearer({ tokenUrl: '/login', scopes: { a: 'A' }, verify, grantedScopes: (user: any) => user.scopes })
  }
  for (const [url, scheme] of Object.entries(schemes)) {
    app.get(url, { security: [{ scheme, scopes: ['a'] }] }, async () => 'ran')
    app.get(`${url}/maybe`, { security: [{ scheme }, {}] }, async () => 'ran')
    app.get(`${url}/hooked`, { preHandler: scheme.preHandler }, async () => 'ran')
  }
  app.tokenForm('/login', {
    authenticateClient: (id, secret) => {
      if (secret?.includes('throws') === true) throw new Error('The database is down')
      return id === 'client' && secret?.includes('good') === true
    },
    grants: {
      password ({ password }) {
        if (password.includes('throws')) throw new Error('The database is down')
        if (password.includes('teapot')) throw Object.assign(new Error('No coffee'), { statusCode: 418 })
        if (!password.includes('good')) throw new OAuth2Error('invalid_grant', 'Wrong user name or password')
        return { access_token: 'issued', token_type: 'bearer' }
      },
      refresh_token () { throw new OAuth2Error('invalid_grant') },
      client_credentials: () => ({ access_token: 'issued', token_type: 'bearer' })
    }
  })
  return app
}

t.test('marks are found where there are some', async (t) => {
  const text = secret()
  for (const prefix of ['', 'a', 'ab', 'abc']) t.ok(leaks(Buffer.from(`${prefix}:${text}:x`).toString('base64')), prefix)
  t.ok(leaks(`Bearer ${text}`))
  t.notOk(leaks('Bearer realm="R"'))
})

t.test('no secret is in a log line, a header, a body, the document or the list of routes', async (t) => {
  const written: Written = { lines: [] }
  const app = await build(written)
  await app.ready()
  const kinds = ['good', 'bad', 'weak', 'odd', 'throws', 'strange', 'described', 'a b "c"', 'é', '']
  const statuses = new Set<number>()
  let asked = 0
  const found: string[] = []
  const check = (name: string, { statusCode, headers, body }: { statusCode: number, headers: object, body: string }): void => {
    asked++
    statuses.add(statusCode)
    if (leaks(JSON.stringify(headers)) || leaks(body)) found.push(name)
  }
  for (const kind of kinds) {
    const value = `${kind}.${secret()}`
    const sent: Array<Record<string, string>> = [
      { 'x-key': value }, { cookie: `key=${encodeURIComponent(value)}` }, { authorization: value },
      ...['Bearer', 'Basic', 'Digest', 'Unknown'].map((scheme) => ({ authorization: `${scheme} ${value}` })),
      { authorization: `Basic ${Buffer.from(`${secret()}:${value}`).toString('base64')}` },
      { authorization: `Basic ${Buffer.from(`${value}:${value}`).toString('base64')}!` }
    ]
    for (const headers of sent) {
      for (const { url, method } of app.authSchemes.routes()) {
        if (method === 'GET') check(`${url} with ${kind}`, await app.inject({ url, headers }))
      }
      check('nowhere', await app.inject({ url: '/nowhere', headers }))
    }
  }
  const fields = (kind: string): Array<Record<string, string>> => [
    { username: secret(), password: `${kind}${secret()}` },
    { grant_type: 'password', username: secret(), password: `${kind}${secret()}`, client_id: 'client', client_secret: `${kind}${secret()}` },
    { grant_type: 'refresh_token', refresh_token: `${kind}${secret()}` },
    { grant_type: 'client_credentials', client_id: 'client', client_secret: `${kind}${secret()}` },
    { grant_type: secret(), password: secret() },
    { password: secret() }
  ]
  for (const kind of ['good', 'bad', 'throws', 'teapot']) {
    for (const form of fields(kind)) {
      for (const payload of [new URLSearchParams(form).toString(), JSON.stringify(form)]) {
        for (const headers of [{}, { authorization: `Basic ${Buffer.from(`client:${kind}${secret()}`).toString('base64')}` }]) {
          const type = payload.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded'
          check(`a login with ${kind}`, await app.inject({ method: 'POST', url: '/login', payload, headers: { 'content-type': type, ...headers } }))
        }
      }
    }
  }
  t.strictSame([...statuses].sort(), [200, 400, 401, 403, 404, 415, 418, 500])
  t.strictSame(found, [], `headers and bodies of ${asked} answers`)
  t.notOk(leaks(JSON.stringify(app.swagger())), 'the document')
  t.notOk(leaks(app.swagger({ yaml: true })), 'the document in YAML')
  t.notOk(leaks(app.printSecurity()), 'the list of routes')
  await app.close()
  t.ok(written.lines.length > asked, 'the log was written')
  t.strictSame(written.lines.filter(leaks), [], 'the log')
})
