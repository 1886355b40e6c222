/**
 * Values that nobody sends by mistake, in every place where a scheme reads: they are refused, or they let in as exactly what was sent. Never
 * a 500, never a promise that is lost, never a time that grows faster than the value.
 */

import t from 'tap'
import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { createApp } from '../helpers'
import { readAuthorization, trimSpaces } from '../../lib/header/authorization'
import { isCrossSite } from '../../lib/header/origin'
import { readBasicCredentials } from '../../lib/header/basic-credentials'
import { readByteSequence, readEscapedPem } from '../../lib/header/client-certificate'
import { readBearer } from '../../lib/schemes/http'
import { byteSequence, escapedPem, makeIdentity } from '../tls/helpers'
import { exchange, listen, request } from './raw'
import { property } from './run'

const VALUES = 60_000
const A_BATCH = 400

/** Every place, with how it is filled and what must come back when it lets in. `undefined`: this must not let in. */
interface Place {
  readonly path: string
  readonly fill: (value: string) => { readonly query?: string, readonly headers?: Record<string, string> }
  readonly credentials: (value: string) => unknown
}

const spaces = (text: string): string => text.replace(/^ +| +$/g, '')
/** The part behind the scheme's name, by a pattern of its own. */
const behind = (scheme: string) => (value: string): [string, string] | undefined => {
  const match = new RegExp(`^ *(${scheme}) +([^]*?) *$`, 'i').exec(value)
  return match === null || match[2] === '' ? undefined : [match[1] as string, match[2] as string]
}
const named = (scheme: string) => (value: string) => {
  const [name, credentials] = behind(scheme)(value) ?? []
  return name && { scheme: name, credentials }
}

function fromBase64 (value: string): unknown {
  const [, encoded] = behind('Basic')(value) ?? []
  if (encoded === undefined || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

const { certificate } = makeIdentity('alice')
const CERTIFICATES = { rfc9440: byteSequence(certificate), 'url-pem': escapedPem(certificate) }
/** Returns the certificate that Node.js reads of a value in the right form. A changed byte may make another one. */
function certificateIn (encoding: keyof typeof CERTIFICATES, value: string): string | undefined {
  try {
    const [, base64 = ''] = /^:([\w+/=]+):$/.exec(value) ?? []
    const text = encoding === 'rfc9440' ? Buffer.from(base64, 'base64') : decodeURIComponent(value)
    return text.includes('BEGIN') === (encoding === 'url-pem') && value.split('BEGIN').length <= 2 ? new X509Certificate(text).toString() : undefined
  } catch {
    return undefined
  }
}

const authorization = (value: string) => ({ headers: { authorization: value } })
const places: readonly Place[] = [
  { path: '/bearer', fill: authorization, credentials: named('Bearer') },
  { path: '/token', fill: authorization, credentials: (value) => behind('Bearer')(value)?.[1] },
  { path: '/basic', fill: authorization, credentials: fromBase64 },
  { path: '/digest', fill: authorization, credentials: named('Digest') },
  { path: '/other', fill: authorization, credentials: named('X-Other') },
  { path: '/any', fill: authorization, credentials: (value) => spaces(value) },
  { path: '/header', fill: (value) => ({ headers: { 'x-key': value } }), credentials: (value) => value },
  { path: '/query', fill: (value) => ({ query: `?key=${encodeURIComponent(value)}` }), credentials: (value) => value },
  { path: '/cookie', fill: (value) => ({ headers: { cookie: `key=${encodeURIComponent(value)}` } }), credentials: (value) => value },
  { path: '/certificate', fill: (value) => ({ headers: { 'client-cert': value } }), credentials: (value) => certificateIn('rfc9440', value) },
  { path: '/escaped', fill: (value) => ({ headers: { 'client-cert': value } }), credentials: (value) => certificateIn('url-pem', value) },
  { path: '/proto', fill: (value) => ({ query: `?__proto__=${encodeURIComponent(value)}`, headers: { constructor: value } }), credentials: () => undefined }
]

/** Every scheme on a route of its own. What it extracts comes back, so it is seen. */
async function build (): Promise<FastifyInstance> {
  const app = await createApp({ server: { http: { maxHeaderSize: 1 << 20 } } as FastifyServerOptions })
  const { apiKeyCookie, apiKeyHeader, apiKeyQuery, httpBase, httpBasic, httpBearer, httpDigest, mutualTLS, oauth2, oauth2PasswordBearer } = app.authSchemes
  const verify = (): object => ({})
  const flows = { password: { tokenUrl: '/token', scopes: {} } }
  const schemes = {
    '/bearer': httpBearer({ verify }),
    '/token': oauth2PasswordBearer({ tokenUrl: '/token', verify }),
    '/basic': httpBasic({ verify }),
    '/digest': httpDigest({ verify }),
    '/other': httpBase({ scheme: 'x-other', verify }),
    '/any': oauth2({ flows, verify }),
    '/header': apiKeyHeader({ name: 'X-Key', verify }),
    '/query': apiKeyQuery({ name: 'key', verify }),
    '/cookie': apiKeyCookie({ name: 'key', verify }),
    '/certificate': mutualTLS({ header: { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' }, verify }),
    '/escaped': mutualTLS({ header: { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'url-pem' }, verify }),
    '/proto': apiKeyQuery({ name: 'toString', schemeName: 'Proto', verify })
  }
  for (const [path, scheme] of Object.entries(schemes)) app.get(path, { security: [{ scheme }] }, async (request) => ({ credentials: request.auth?.credentials }))
  return app
}

const byte = fc.nat(255).map((code) => String.fromCharCode(code))
const nasty = fc.constantFrom(
  'Bearer', 'bearer', 'Basic', 'Digest', 'X-Other', ' ', '  ', '\t', '\0', '"', '""', '\\', ',', ';', '=', ':', '==', '%', '%00', '%ff', '+', '&', '.', '\u00e9', '\u20ac', '\ud800', '\u{1f511}',
  'YTpi', 'YTpi=', 'YTp=', 'YWI6Yw==', 'YWI6Yw', 'Og==', '/w==', '_-==', 'wIA6', 'AGE6Yg==', '__proto__', 'constructor', 'toString', 'null', 'undefined', '[object Object]', 'realm="x', 'a.b.c'
)
const base64 = fc.string({ unit: byte, maxLength: 40 }).map((text) => Buffer.from(text, 'latin1').toString('base64'))
const userpass = fc.tuple(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 })).map((pair) => Buffer.from(pair.join(':')).toString('base64'))
const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~+/='.split('')), minLength: 1, maxLength: 30 })
/** A certificate as a proxy writes it, with something put in, or in the place of something. */
const forwarded = fc.tuple(fc.constantFrom(...Object.values(CERTIFICATES)), fc.nat(2000), fc.constantFrom(0, 1, 4), fc.oneof(fc.constant(''), nasty, byte, word))
  .map(([text, at, removed, added]) => text.slice(0, at % (text.length + 1)) + added + text.slice(at % (text.length + 1) + removed))
const value = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(CERTIFICATES)) },
  { weight: 1, arbitrary: forwarded },
  { weight: 6, arbitrary: fc.array(fc.oneof(nasty, nasty, byte, base64, word), { maxLength: 8 }).map((parts) => parts.join('')) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom('Bearer', 'bEARER', 'Basic', 'Digest', 'x-other', 'Bearer '), fc.constantFrom(' ', '  ', '\t', '', ' \u00a0'), fc.oneof(base64, userpass, word, nasty)).map((parts) => parts.join(''))
  },
  { weight: 6, arbitrary: fc.string({ unit: byte, maxLength: 60 }) }
)

/** The first `key` of a cookie header, as a browser would have written it. */
function firstKey (header: string): string | undefined {
  const pair = header.split(';').map((part) => part.split(/=(.*)/s)).find(([name, value]) => name?.trim() === 'key' && value !== undefined)
  const value = pair?.[1]?.replace(/^[ \t]+|[ \t]+$/g, '')
  try {
    return value && decodeURIComponent(value)
  } catch {
    return value
  }
}

const hasSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text)

t.test('values in process', async (t) => {
  const app = await build()
  t.teardown(async () => { await app.close() })
  const lost: unknown[] = []
  const onLost = (reason: unknown): void => { lost.push(reason) }
  process.on('unhandledRejection', onLost)
  t.teardown(() => { process.off('unhandledRejection', onLost) })
  const answers: Record<number, number> = {}
  await property(t, VALUES / A_BATCH, fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...places), value), { minLength: A_BATCH, maxLength: A_BATCH, size: 'max' }), async (batch) => {
    for (const [place, text] of batch) {
      // What cannot be written as a URL at all.
      if (hasSurrogate(text)) continue
      const { query = '', headers = {} } = place.fill(text)
      const response = await app.inject({ url: place.path + query, headers })
      answers[response.statusCode] = (answers[response.statusCode] ?? 0) + 1
      if (response.statusCode === 200) {
        const { credentials } = response.json()
        const expected = place.credentials(text)
        if (expected === undefined || JSON.stringify(credentials) !== JSON.stringify(expected)) throw new Error(`${place.path} ${JSON.stringify(text)} let in as ${JSON.stringify(credentials)}`)
      } else if (response.statusCode !== 401) throw new Error(`${place.path} ${JSON.stringify(text)}: ${response.statusCode} ${response.body}`)
    }
    await new Promise((resolve) => { setImmediate(resolve) })
  }))
  t.strictSame(lost, [], 'no promise was lost')
  t.comment(`answered ${JSON.stringify(answers)}`)
  t.ok((answers[200] ?? 0) > VALUES / 10 && (answers[401] ?? 0) > VALUES / 10, 'some were let in and some were not')
})

t.test('bytes on the wire', async (t) => {
  const app = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const fields = { '/certificate': 'Client-Cert', '/bearer': 'Authorization', '/token': 'Authorization', '/basic': 'Authorization', '/any': 'Authorization', '/header': 'X-Key', '/cookie': 'Cookie' }
  const answers: Record<number, number> = {}
  await property(t, 4000, fc.asyncProperty(fc.constantFrom(...Object.entries(fields)), fc.string({ unit: byte, maxLength: 40 }), fc.constantFrom('', 'Bearer ', 'Basic ', 'key='), async ([path, field], bytes, start) => {
    const { status, body } = await exchange(port, request(`GET ${path} HTTP/1.1`, `${field}: ${start}${bytes}`))
    answers[status] = (answers[status] ?? 0) + 1
    if (status === 200) {
      const { credentials } = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'))
      // Node.js takes spaces and tabs off both ends.
      const sent = `${start}${bytes}`.replace(/^[ \t]+|[ \t]+$/g, '')
      const expected = path === '/cookie' ? firstKey(sent) : (places.find((place) => place.path === path) as Place).credentials(sent)
      if (expected === undefined || JSON.stringify(credentials) !== JSON.stringify(expected)) throw new Error(`${path} ${JSON.stringify(sent)} let in as ${body}`)
    } else if (status !== 401 && status !== 400) throw new Error(`${path} ${JSON.stringify(start + bytes)}: ${status} ${body}`)
  }))
  t.comment(`answered ${JSON.stringify(answers)}`)
  t.ok([200, 400, 401].every((status) => (answers[status] ?? 0) > 40), 'let in, refused, and refused by Node.js itself')
})

// Node.js takes white space off both ends of a value, and rejects what no client may send.
const ORIGINS = [
  'https://app.example.evil', 'https://evil-app.example', 'https://app.example@evil', 'https://evil@app.example', 'https://app.example:443@evil', 'https://evil/app.example', 'https://evil#app.example',
  'https://evil?app.example', 'https://evil\\app.example', 'https:\\\\app.example', 'https://app.example/', 'https://app.example//', 'https://app.example?', 'https://app.example#', 'https:app.example', '//app.example', 'app.example',
  'null', 'NULL', 'undefined', '', '*', 'https://', 'https://*', 'about:blank', 'file://', 'data:text/html,x', 'javascript://app.example', 'blob:https://app.example', 'capacitor://app.example', 'wss://app.example',
  'https://app.example.', 'https://.app.example', 'https://app..example', 'https://app.exa\tmple', 'https://\tapp.example', 'https://app.example\t,', 'https://app .example', 'https://app.example https://app.example',
  'https://app.example, https://app.example', 'https://app.example,', 'https://app.ex\xadample', 'https://\xe4pp.example', 'https://xn--app-.example', 'https://%61pp.example', 'https://app%2eexample', 'https://app\xb7example',
  'https://app.example:', 'https://app.example:0', 'https://app.example:80', 'https://app.example:8443', 'https://app.example:0443', 'https://app.example:443:443', 'https://app.example:4430', 'https://app.example:+443', 'https://app.example:65979',
  'http://app.example:443', 'http://app.example:8080', 'ftp://app.example', 'HTTP://app.example', '__proto__', 'constructor', '[object Object]'
]
const SITES = ['cross-site', 'same-site', 'SAME-ORIGIN', 'Same-Origin', 'none, cross-site', 'cross-site, none', 'same-origin, same-origin', 'same-origin,', 'same-origin;v=1', '"same-origin"', 'None', 'null', '', 'x', '__proto__', 'toString', 'same\torigin', 'same-origin\xa0']

async function buildPages (trustedOrigins: readonly string[] = []): Promise<FastifyInstance> {
  const app = await createApp()
  const scheme = app.authSchemes.apiKeyCookie({ name: 'key', trustedOrigins, verify: () => ({}) })
  app.route({ method: ['GET', 'POST'], url: '/', security: [{ scheme }], handler: async () => ({ ran: true }) })
  return app
}

t.test('a page of another origin, however its headers are written', async (t) => {
  const app = await buildPages(['https://web.example'])
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const post = async (...lines: string[]): Promise<number> => (await exchange(port, request('POST / HTTP/1.1', 'Host: app.example', 'Cookie: key=x', 'Content-Length: 0', ...lines))).status
  const upgrade = async (...lines: string[]): Promise<number> => (await exchange(port, request('GET / HTTP/1.1', 'Host: app.example', 'Cookie: key=x', ...lines))).status
  for (const origin of ORIGINS) {
    t.equal(await post(`Origin: ${origin}`), 403, origin)
    t.equal(await post(`Origin: ${origin}`, 'Sec-Fetch-Site: cross-site'), 403, origin)
    t.equal(await upgrade(`Origin: ${origin}`, 'Upgrade: websocket'), 403, origin)
  }
  for (const site of SITES) {
    t.equal(await post(`Sec-Fetch-Site: ${site}`), 403, site)
    t.equal(await post(`Sec-Fetch-Site: ${site}`, 'Origin: http://app.example'), 403, site)
  }
  for (const line of ['Upgrade: websocket', 'upgrade: x', 'UPGRADE: h2c, websocket', 'Upgrade:', 'Upgrade: \tWebSocket']) t.equal(await upgrade(line, 'Origin: https://evil'), 403, line)
  for (const lines of [[], ['Origin: http://app.example'], ['Origin:\thttp://app.example \t'], ['Origin: https://web.example'], ['Sec-Fetch-Site: none '], ['Sec-Fetch-Site: same-origin', 'Origin: null']]) t.equal(await post(...lines), 200, lines.join())
})

t.test('pages of random origins and hosts', async (t) => {
  const app = await buildPages()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const piece = fc.constantFrom('app.example', 'APP.example', 'evil', '[::1]', '127.0.0.1', ':80', ':443', ':8080', ':', '.', '@', '/', '\\', '#', '?', ' ', '\t', ',', '\xe9', '\xad', '%2e', 'null')
  const text = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''))
  const host = fc.oneof(fc.constantFrom('app.example', 'app.example:80', 'APP.Example:443', 'app.example:8080', '[::1]', '[::1]:80', ''), text)
  const origin = fc.oneof(fc.constantFrom('http', 'https'), fc.constantFrom('http', 'https', 'HTTP', 'wss', 'null', ''))
  const statuses: Record<number, number> = {}
  await property(t, 1500, fc.asyncProperty(origin, fc.constantFrom('://', '://', '://', ':', ''), fc.oneof(fc.constant(undefined), text), host, async (scheme, separator, rest, at) => {
    const sent = `${scheme}${separator}${rest ?? at}`
    const { status } = await exchange(port, request('POST / HTTP/1.1', `Host: ${at}`, `Origin: ${sent}`, 'Cookie: key=x', 'Content-Length: 0'))
    statuses[status] = (statuses[status] ?? 0) + 1
    const trim = (value: string): string => value.replace(/^[ \t]+|[ \t]+$/g, '')
    // All that may let in, written out.
    const bare = trim(at).toLowerCase()
    const may = ['http:80', 'https:443'].flatMap((pair) => {
      const [name, port] = pair.split(':') as [string, string]
      const without = bare.endsWith(`:${port}`) ? bare.slice(0, -port.length - 1) : bare
      return without === '' ? [] : [`${name}://${without}`, `${name}://${without}:${port}`]
    })
    const isOwn = may.includes(trim(sent).toLowerCase()) && /^https?:/.test(trim(sent))
    if (status === 200 && !isOwn) throw new Error(`${JSON.stringify([at, sent])} let in`)
    // Of hosts that browsers send, none is refused.
    if (status !== 200 && isOwn && /^[\w.:[\]-]+$/.test(bare)) throw new Error(`${JSON.stringify([at, sent])}: ${status}`)
    if (![200, 400, 403].includes(status)) throw new Error(`${JSON.stringify([at, sent])}: ${status}`)
  }))
  t.comment(`answered ${JSON.stringify(statuses)}`)
  t.ok([200, 403].every((status) => (statuses[status] ?? 0) > 40), 'some were let in and some were not')
})

t.test('64 KiB in a header or a query', async (t) => {
  const app = await build()
  t.teardown(async () => { await app.close() })
  const port = await listen(app)
  const long = 'a'.repeat(65536)
  t.equal((await exchange(port, request('GET /bearer HTTP/1.1', `Authorization: Bearer ${long}`))).status, 200)
  t.equal((await exchange(port, request('GET /bearer HTTP/1.1', `Authorization: Bearer${' '.repeat(65536)}`))).status, 401)
  t.equal((await exchange(port, request('GET /bearer HTTP/1.1', `Authorization: Bearer ${long} ${long}`))).status, 401)
  t.equal((await exchange(port, request('GET /basic HTTP/1.1', `Authorization: Basic ${Buffer.from(`${long}:${long}`).toString('base64')}`))).status, 200)
  t.equal((await exchange(port, request('GET /header HTTP/1.1', `X-Key: ${long}`))).status, 200)
  t.equal((await exchange(port, request(`GET /query?key=${long} HTTP/1.1`))).status, 200)
  t.equal((await exchange(port, request('GET /cookie HTTP/1.1', `Cookie: ${'a=b; '.repeat(13107)}key=${long}`))).status, 200)
  t.equal((await exchange(port, request('GET /cookie HTTP/1.1', `Cookie: ${'='.repeat(65536)}`))).status, 401)
  t.equal((await exchange(port, request('GET /cookie HTTP/1.1', 'Upgrade: x', 'Cookie: key=x', `Origin: http://${long}`))).status, 403)
})

t.test('reading takes time in proportion to what is read', async (t) => {
  const shapes: Record<string, (length: number) => string> = {
    spaces: (length) => `Bearer${' '.repeat(length)}x`,
    'spaces at the end': (length) => `Bearer x${' '.repeat(length)}`,
    letters: (length) => `Bearer ${'a'.repeat(length)}`,
    'letters and a quote': (length) => `Bearer ${'a'.repeat(length)}"`,
    'one long name': (length) => 'B'.repeat(length),
    base64: (length) => `Basic ${'YTpi'.repeat(length / 4)}`,
    'a byte sequence': (length) => `:${'MIIB'.repeat(length / 4)}:`,
    'a PEM': (length) => encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${'MIIB'.repeat(length / 4)}\n-----END CERTIFICATE-----`),
    'a PEM of line breaks': (length) => encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${'\r\n'.repeat(length / 2)}`),
    'base64 and a stranger': (length) => `Basic ${'YTpi'.repeat(length / 4)}!`
  }
  const read = (text: string): void => {
    readBearer(text)
    trimSpaces(text)
    isCrossSite({ method: 'POST', protocol: 'http', host: text, headers: { origin: `http://${text.replace(' ', ':')}` } }, new Set())
    readByteSequence(text)
    readEscapedPem(text)
    const basic = readAuthorization(text, 'basic')
    if (typeof basic === 'object') readBasicCredentials(basic.credentials)
  }
  const took = (text: string): number => {
    const start = process.hrtime.bigint()
    read(text)
    return Number(process.hrtime.bigint() - start)
  }
  const best = (text: string): number => Math.min(...Array.from({ length: 15 }, () => took(text)))
  for (const [name, shape] of Object.entries(shapes)) {
    const factor = best(shape(1 << 20)) / best(shape(1 << 14))
    // The length grows 64 times. What is quadratic would take 4096 times as long: that much room is left for a busy machine.
    t.ok(factor < 1024, `${name}: 64 times the length`)
  }
})
