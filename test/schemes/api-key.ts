import t from 'tap'
import { parse as parseQuery } from 'node:querystring'
import cookie from '@fastify/cookie'
import Fastify, { type FastifyRequest } from 'fastify'
import { ABSENT, MALFORMED } from '../../lib/header/authorization'
import { apiKeyCookie, apiKeyHeader, apiKeyQuery } from '../../lib/schemes/api-key'

const request = (parts: object): FastifyRequest => ({ headers: {}, query: {}, raw: { url: '/' }, server: {}, ...parts }) as FastifyRequest

t.test('name is required and must be a token where it is sent as one', async (t) => {
  for (const factory of [apiKeyCookie, apiKeyHeader, apiKeyQuery]) {
    t.throws(() => factory({ name: undefined }), { name: 'TypeError', message: new RegExp(`^${factory.name}: the option \`name\` is undefined`) })
    t.throws(() => factory({}), { name: 'TypeError', message: `${factory.name}: the option \`name\` must be a string that is not empty` })
    for (const name of ['', 1]) t.throws(() => factory({ name }), { name: 'TypeError', message: `${factory.name}: the option \`name\` must be a string that is not empty` })
    t.throws(() => factory(undefined), { message: `${factory.name}: the options must be an object` })
    t.throws(() => factory({ name: 'k', realm: 'x' }), { message: new RegExp(`^${factory.name}: there is no option \`realm\``) })
  }
  for (const factory of [apiKeyCookie, apiKeyHeader]) {
    t.throws(() => factory({ name: 'a b' }), { message: `${factory.name}: the option \`name\` must be a token in the sense of RFC 9110 section 5.6.2` })
  }
  t.equal(apiKeyQuery({ name: 'a b' }).openapi.name, 'a b')
})

t.test('the definition holds what the document tells', async (t) => {
  t.strictSame(apiKeyHeader({ name: 'X-Key', description: 'A key' }).openapi, { type: 'apiKey', description: 'A key', in: 'header', name: 'X-Key' })
  t.strictSame(apiKeyQuery({ name: 'key' }).openapi, { type: 'apiKey', in: 'query', name: 'key' })
  t.match(apiKeyCookie({ name: 'k' }).openapi.description, 'Swagger UI does not send a value that is entered here.', 'a cookie says by default how it is sent')
  t.strictSame(apiKeyCookie({ name: 'k', description: 'A session' }).openapi, { type: 'apiKey', description: 'A session', in: 'cookie', name: 'k' })
  const { challenge, declaredScopes, tokenOf, emptyCredentials } = apiKeyCookie({ name: 'k' })
  t.strictSame({ challenge, declaredScopes, emptyCredentials, token: tokenOf('v') }, { challenge: { scheme: 'APIKey', bearer: false }, declaredScopes: null, emptyCredentials: '', token: 'v' })
})

t.test('a header is read without regard to case', async (t) => {
  const { extract } = apiKeyHeader({ name: 'X-Key' })
  t.equal(extract(request({ headers: { 'x-key': 'v' } })), 'v')
  t.equal(extract(request({ headers: { 'x-key': '' } })), ABSENT)
  t.equal(extract(request({ headers: { 'x-key': ['a', 'b'] } })), MALFORMED)
  for (const name of ['constructor', '__proto__', 'toString']) t.equal(apiKeyHeader({ name }).extract(request({})), ABSENT, name)
})

const CONTROLS = ['\0', '\x01', '\t', '\n', '\r', '\x1f', '\x7f']

t.test('a key with a control character is malformed, sent as it is or encoded', async (t) => {
  const key = { name: 'k' }
  for (const control of CONTROLS) {
    for (const value of [control, `v${control}`, `${control}v`, `v${control}w`]) {
      const encoded = encodeURIComponent(value)
      t.equal(apiKeyHeader(key).extract(request({ headers: { k: value } })), MALFORMED, JSON.stringify(value))
      t.equal(apiKeyQuery(key).extract(request({ query: { k: value }, raw: { url: `/?k=${encoded}` } })), MALFORMED, JSON.stringify(value))
      t.equal(apiKeyCookie(key).extract(request({ headers: { cookie: `k=${encoded}` } })), MALFORMED, JSON.stringify(value))
      t.equal(apiKeyCookie(key).extract(request({ headers: { cookie: `k=${encoded}` }, cookies: { k: value } })), MALFORMED, JSON.stringify(value))
    }
  }
  for (const value of ['é', '\x80', '%', ' ', '"', '%00']) {
    t.equal(apiKeyHeader(key).extract(request({ headers: { k: value } })), value, 'a header is not encoded')
    t.equal(apiKeyQuery(key).extract(request({ query: { k: value }, raw: { url: `/?k=${encodeURIComponent(value)}` } })), value)
    t.equal(apiKeyCookie(key).extract(request({ headers: { cookie: `k=${encodeURIComponent(value)}` } })), value)
  }
})

const UNDECODABLE = ['%', '%f', '%zz', '%ff', '%C3', '%ED%A0%80', 'v%', 'a%20b%ff', '50%25%']

t.test('a query parameter whose encoding is no UTF-8 is malformed', async (t) => {
  const app = Fastify()
  const replacing = Fastify({ routerOptions: { querystringParser: (text) => parseQuery(text) as Record<string, unknown> } })
  const { extract } = apiKeyQuery({ name: 'a key' })
  for (const server of [app, replacing]) {
    server.get('/', async (request) => ({ key: String(extract(request)) }))
    const ask = async (query: string): Promise<string> => (await server.inject(`/?${query}`)).json().key
    for (const value of UNDECODABLE) {
      for (const name of ['a+key', 'a%20key', '%61+key']) t.equal(await ask(`x=1&${name}=${value}&y=2`), String(MALFORMED), value)
      t.equal(await ask(`a+key=v&x=${value}`), 'v', 'of another parameter it does not matter')
    }
    for (const [sent, value] of [['50%25', '50%'], ['%25ff', '%ff'], ['%EF%BF%BD', '\ufffd'], ['a%3Db=%25', 'a=b=%']] as const) t.equal(await ask(`x&%=&a+key=${sent}`), value)
  }
})

t.test('a query parameter that is repeated is malformed', async (t) => {
  const { extract } = apiKeyQuery({ name: 'k' })
  t.equal(extract(request({ query: { k: 'v' } })), 'v')
  t.equal(extract(request({ query: { K: 'v' } })), ABSENT)
  t.equal(extract(request({ query: { k: ['v', 'v'] } })), MALFORMED)
  t.equal(extract(request({ query: { k: { a: 'v' } } })), MALFORMED)
  t.equal(extract(request({ query: undefined })), ABSENT)
})

t.test('a cookie comes from request.cookies, where that is an object, else from the header', async (t) => {
  const { extract } = apiKeyCookie({ name: 'k' })
  t.equal(extract(request({ headers: { cookie: 'a=1; k=v%20w; b' } })), 'v w')
  t.equal(extract(request({ headers: { cookie: 'k=first; k=second' } })), 'first')
  for (const cookie of ['', 'k=', 'K=v', 'ak=v', ';;;', '=v']) t.equal(extract(request({ headers: { cookie } })), ABSENT, cookie)
  t.equal(extract(request({})), ABSENT)
  t.equal(extract(request({ headers: { cookie: 'k=raw' }, cookies: { k: 'parsed' } })), 'parsed')
  t.equal(extract(request({ headers: { cookie: 'k=raw' }, cookies: {} })), ABSENT)
  t.equal(extract(request({ headers: { cookie: 'k=raw' }, cookies: null })), 'raw')
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.equal(apiKeyCookie({ name }).extract(request({ cookies: {} })), ABSENT, name)
    t.equal(apiKeyCookie({ name }).extract(request({ headers: { cookie: 'a=b' } })), ABSENT, name)
  }
})

t.test('of several cookies of one name the first that is not empty counts', async (t) => {
  const { extract } = apiKeyCookie({ name: 'k' })
  const rows: ReadonlyArray<readonly [header: string, expected: unknown]> = [
    ['k=; k=live', 'live'],
    ['k=; a=1; k=; k = live ; k=other', 'live'],
    ['k;k=;k=%20', ' '],
    ['k=first; k=', 'first'],
    ['k=; k=', ABSENT],
    ['k=; K=live; ak=live', ABSENT],
    ['k=; k=%ff; k=live', MALFORMED],
    ['k=; k=%00', MALFORMED],
    ['k=%ff; k=live', MALFORMED]
  ]
  for (const [header, expected] of rows) t.equal(extract(request({ headers: { cookie: header } })), expected, header)

  for (const parseOptions of [{}, { decode: (text: string) => text.replaceAll('%20', ' ') }] as object[]) {
    const app = Fastify()
    await app.register(cookie, { secret: 'secret', parseOptions })
    app.get('/', async (request) => ({ key: String(extract(request)) }))
    const ask = async (header?: string): Promise<string> => (await app.inject({ url: '/', headers: header === undefined ? {} : { cookie: header } })).json().key
    const isDecoding = !('decode' in parseOptions)
    for (const [header, expected] of rows) {
      const text = header.includes('%00') ? '%00' : '%ff'
      t.equal(await ask(header), String(expected === MALFORMED && !isDecoding ? text : expected), header)
    }
    for (const value of UNDECODABLE) {
      const kept = value.replaceAll('%20', ' ')
      for (const header of [`k=${value}`, `k=; k=${value}`]) t.equal(await ask(header), isDecoding ? String(MALFORMED) : kept, header)
      t.equal(await ask(`a=${value}; k=; k=v; b=${value}`), 'v')
    }
    t.equal(await ask(), String(ABSENT))
    const signed = app.signCookie('v')
    t.equal(await ask(`k=; k=${signed}`), signed, 'a signed one keeps its signature')
  }
})

t.test('a cookie that the application has emptied stays empty', async (t) => {
  const { extract } = apiKeyCookie({ name: 'k' })
  for (const emptied of ['', undefined]) t.equal(extract(request({ headers: { cookie: 'k=forged; k=other' }, cookies: { k: emptied } })), ABSENT)
  t.equal(extract(request({ headers: { cookie: 'k=; k=live' }, cookies: {} })), ABSENT)
  t.equal(extract(request({ headers: { cookie: 'k=; k=live' }, cookies: { k: '' } })), 'live')
})

t.test('a parser of the application that fails makes nothing but a malformed key', async (t) => {
  const { extract } = apiKeyCookie({ name: 'k' })
  const server = { parseCookie: (header: string) => { if (header.includes('bad') || header.includes('%')) throw new Error('own'); return { k: header.split('=')[1] } } }
  t.equal(extract(request({ headers: { cookie: 'k=; k=bad' }, cookies: { k: '' }, server })), MALFORMED)
  t.equal(extract(request({ headers: { cookie: 'k=%ff' }, cookies: { k: '%ff' }, server })), '%ff', 'one that does not decode has nothing to leave')
})
