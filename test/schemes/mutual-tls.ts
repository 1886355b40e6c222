import t, { type Test } from 'tap'
import { connect as connectTcp } from 'node:net'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { ABSENT, MALFORMED } from '../../lib/header/authorization'
import type { CredentialSource, Peer, SchemeDefinition } from '../../lib/schemes/definition'
import { keepCertificate, mutualTLS } from '../../lib/schemes/mutual-tls'
import { asNode, byteSequence, escapedPem, makeIdentity } from '../tls/helpers'

const DAY = 24 * 3600_000
const ago = (milliseconds: number): Date => new Date(Date.now() - milliseconds)
const { certificate } = makeIdentity('alice')
const GOOD = byteSequence(certificate)
const header = { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' }
const connection = (options?: object): SchemeDefinition => asNode('22.0.0', () => mutualTLS(options))

/** A request with header lines, from a peer. */
function received (lines: ReadonlyArray<readonly [string, string]>, socket: Peer = { remoteAddress: '127.0.0.1' }): CredentialSource {
  const headers: Record<string, string> = {}
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value
  return { headers, query: {}, raw: { rawHeaders: lines.flat(), socket }, server: {}, method: 'GET', host: 'localhost', protocol: 'https' }
}

t.test('the definition', async (t) => {
  for (const { openapi, challenge, declaredScopes, tokenOf, name } of [connection({ description: 'A partner' }), mutualTLS({ header, description: 'A partner' })]) {
    t.strictSame(openapi, { type: 'mutualTLS', description: 'A partner' }, 'clients are not told of the header')
    t.strictSame([name, challenge, declaredScopes, tokenOf(certificate)], ['MutualTLS', { scheme: 'ClientCertificate', bearer: false }, null, null])
  }
  t.strictSame(connection().openapi, { type: 'mutualTLS' })
  t.strictSame([connection().ofConnection, mutualTLS({ header }).ofConnection], [true, undefined])
})

t.test('an override without credentials has a certificate, which nobody gets in with', async (t) => {
  const { emptyCredentials, extract } = mutualTLS({ header })
  const empty = emptyCredentials as typeof certificate
  t.equal(empty.constructor, certificate.constructor)
  t.strictSame([empty.subject, empty.issuer, empty.validTo], ['CN=override', 'CN=override', 'Jan  1 00:00:00 1970 GMT'])
  t.equal(extract(received([['Client-Cert', byteSequence(empty)]])), MALFORMED)
})

t.test('on Node.js 20 the certificate of the connection is refused, and the header is not', async (t) => {
  const message = 'mutualTLS: Node.js 20 is past its end of life, and the certificates of connections are only as good as its TLS: ' +
    'run Node.js 22 or later, or give the option `header` where a proxy ends TLS'
  for (const version of ['20.20.2', '21.7.3']) {
    t.throws(() => asNode(version, () => mutualTLS()), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message })
    t.throws(() => asNode(version, () => mutualTLS({ verify: () => true })), { message })
    t.equal(asNode(version, () => mutualTLS({ header })).name, 'MutualTLS')
  }
  for (const version of ['22.0.0', '24.0.0', '100.1.0']) t.equal(asNode(version, () => mutualTLS()).name, 'MutualTLS')
})

const FROM = '.header: the option `from` must be a list of addresses that is not empty: IP addresses, subnets such as \'10.0.0.0/8\', and \'unix\''
const NAME = '.header: the option `name` must be a token in the sense of RFC 9110 section 5.6.2'
const ENCODING = '.header: the option `encoding` must be \'rfc9440\' or \'url-pem\''
const OPTIONS: ReadonlyArray<readonly [options: unknown, message: string]> = [
  [{ headers: header }, ': there is no option `headers`: it takes header, trustedOrigins, schemeName, description, autoError, verify, grantedScopes'],
  [{ header: undefined }, ': the option `header` is undefined: leave it out, or import it from a module that does not import this one (a circular import)'],
  ...[null, 'Client-Cert', true, []].map((value) => [{ header: value }, ': the option `header` must be an object'] as const),
  [{ header: { ...header, form: [] } }, '.header: there is no option `form`: it takes name, from, encoding'],
  [{ header: { ...header, from: undefined } }, '.header: the option `from` is undefined: leave it out, or import it from a module that does not import this one (a circular import)'],
  ...[{}, { ...header, name: '' }, { ...header, name: 'a b' }, { ...header, name: 'a:' }, { ...header, name: ['a'] }].map((value) => [{ header: value }, NAME] as const),
  ...['pem', '', null, ['rfc9440'], '__proto__', 'toString', 'RFC9440'].map((encoding) => [{ header: { ...header, encoding } }, ENCODING] as const),
  ...[
    [], null, '127.0.0.1', {}, [undefined], new Array(1), [['127.0.0.1']], [null], [''], ['localhost'], ['*'], ['Unix'], ['127.0.0.1', 'x'], ['127.0.0.1:80'],
    ['127.0.0.256'], ['127.1'], ['10.0.0.0/33'], ['10.0.0.0/'], ['10.0.0.0/8/8'], ['10.0.0.0/-1'], ['10.0.0.0/1000'], ['10.0.0.0/ 8'], [' 10.0.0.0'], ['::/129'], ['fe80::1%eth0'], ['[::1]'], ['1:2'], ['/8']
  ].map((from) => [{ header: { ...header, from } }, FROM] as const)
]

for (const [options, message] of OPTIONS) {
  t.test(`refused at boot: ${JSON.stringify(options)}`, async (t) => {
    t.throws(() => mutualTLS(options), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `mutualTLS${message}` })
  })
}

const PEERS: ReadonlyArray<readonly [from: string, good: readonly string[], bad: readonly string[]]> = [
  ['127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1', '::FFFF:7f00:1'], ['127.0.0.2', '::1', '::127.0.0.1', 'x', '']],
  ['10.0.0.0/8', ['10.1.2.3', '::ffff:10.255.255.255', '::ffff:a00:0'], ['11.0.0.0', '9.255.255.255', '::ffff:11.0.0.1', '::10.1.2.3', 'a00::1']],
  ['10.1.2.3/8', ['10.0.0.0'], ['11.1.2.3']],
  ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.2']],
  ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['::2', '127.0.0.1', '0.0.0.1']],
  ['fd00::/8', ['fd00::1', 'FDFF::'], ['fe00::1', '253.0.0.1']],
  ['fe80::/10', ['fe80::1', 'fe80::1%eth0'], ['fec0::1']],
  ['::ffff:10.0.0.0/104', ['10.1.2.3', '::ffff:10.1.2.3'], ['11.1.2.3']],
  ['unix', [], ['127.0.0.1', '::1', 'unix', '']]
]

for (const [from, good, bad] of PEERS) {
  t.test(`the header is read from ${from}, and from no other peer`, async (t) => {
    const { extract } = mutualTLS({ header: { ...header, from: [from] } })
    for (const remoteAddress of good) t.match(extract(received([['Client-Cert', GOOD]], { remoteAddress })), { fingerprint256: certificate.fingerprint256 }, remoteAddress)
    for (const remoteAddress of bad) {
      t.equal(extract(received([['Client-Cert', GOOD]], { remoteAddress })), MALFORMED, remoteAddress)
      t.equal(extract(received([], { remoteAddress })), ABSENT)
    }
  })
}

t.test('a Unix socket is known by its server, since a connection by TCP that is gone has no address either', async (t) => {
  const { extract } = mutualTLS({ header: { ...header, from: ['unix'] } })
  const server = (address: unknown): Peer => ({ remoteAddress: undefined, server: { address: () => address } })
  t.match(extract(received([['Client-Cert', GOOD]], server('/run/app.sock'))), { subject: 'CN=alice' })
  for (const socket of [{}, server(null), server({ address: '127.0.0.1', family: 'IPv4', port: 80 }), { ...server('/run/app.sock'), remoteAddress: '127.0.0.1' }]) {
    t.equal(extract(received([['Client-Cert', GOOD]], socket)), MALFORMED)
  }
  t.equal(mutualTLS({ header }).extract(received([['Client-Cert', GOOD]], server('/run/app.sock'))), MALFORMED, 'it must be named')
})

t.test('the header: none and an empty one are absent, two are malformed, whatever Node.js makes of them', async (t) => {
  const { extract } = mutualTLS({ header })
  t.match(extract(received([['CLIENT-cert', GOOD], ['Client-Certs', GOOD], ['X', 'Client-Cert']])), { subject: 'CN=alice' })
  t.equal(extract(received([['Client-Certs', GOOD]])), ABSENT)
  t.equal(extract(received([['Client-Cert', '']])), ABSENT)
  t.equal(extract(received([['Client-Cert', GOOD], ['client-cert', GOOD]])), MALFORMED)
  t.equal(extract(received([['Client-Cert', GOOD], ['Client-Cert', '']])), MALFORMED)
  t.equal(extract(received([['Client-Cert', ''], ['Client-Cert', GOOD]])), MALFORMED)
  t.equal(extract(received([['Client-Cert', `${GOOD}, ${GOOD}`]])), MALFORMED)
  t.equal(extract(received([['Client-Cert', `${GOOD}\0`]])), MALFORMED)
  t.equal(extract({ ...received([]), headers: { 'client-cert': [GOOD] } } as object as CredentialSource), MALFORMED)
  t.equal(mutualTLS({ header: { ...header, name: '__proto__' } }).extract(received([])), ABSENT)
})

t.test('the encodings are two, and each takes its own', async (t) => {
  const value = { rfc9440: GOOD, 'url-pem': escapedPem(certificate) }
  for (const encoding of ['rfc9440', 'url-pem'] as const) {
    const { extract } = mutualTLS({ header: { ...header, encoding } })
    t.match(extract(received([['Client-Cert', value[encoding]]])), { subject: 'CN=alice' })
    t.equal(extract(received([['Client-Cert', value[encoding === 'rfc9440' ? 'url-pem' : 'rfc9440']]])), MALFORMED)
  }
})

t.test('a certificate counts from its first second to its last', async (t) => {
  const { extract } = mutualTLS({ header })
  const dated = (from: Date, to: Date): unknown => extract(received([['Client-Cert', byteSequence(makeIdentity('x', { from, to }).certificate)]]))
  t.match(dated(ago(1000), ago(-2 * DAY)), { subject: 'CN=x' })
  t.match(dated(new Date('1949-12-31T23:59:59Z'), new Date('2050-01-01T00:00:00Z')), { subject: 'CN=x' })
  t.match(dated(new Date('1970-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59Z')), { subject: 'CN=x' })
  for (const [rule, from, to] of [
    ['not yet', ago(-DAY), ago(-2 * DAY)],
    ['no more', ago(2 * DAY), ago(DAY)],
    ['never', ago(-DAY), ago(DAY)],
    ['the year 49, which Date.parse takes for 2049', ago(DAY), new Date('0049-01-01T00:00:00Z')],
    ['a beginning in the year 49', new Date('0049-01-01T00:00:00Z'), ago(-DAY)]
  ] as const) t.equal(dated(from, to), MALFORMED, rule)
})

t.test('the dates are compared at each request', async (t) => {
  const { extract } = mutualTLS({ header })
  const to = new Date(Math.floor(Date.now() / 1000) * 1000 + 1000)
  const request = received([['Client-Cert', byteSequence(makeIdentity('x', { to }).certificate)]])
  t.match(extract(request), { subject: 'CN=x' })
  await new Promise((resolve) => { setTimeout(resolve, to.getTime() - Date.now() + 5) })
  t.equal(extract(request), MALFORMED)
})

const ca = makeIdentity('ca', { ca: true })
const server = makeIdentity('localhost', { issuer: ca, hosts: ['localhost'] })
const alice = makeIdentity('alice', { issuer: ca, usage: 'clientAuth' })
const stranger = makeIdentity('alice', { issuer: makeIdentity('ca', { ca: true }) })

/** Returns the extraction from a connection, and the connection. */
async function extracted (
  t: Test, client: ConnectionOptions, { keeps = true, whenOpen = () => {} }: { keeps?: boolean, whenOpen?: (socket: TLSSocket) => void } = {}
): Promise<unknown> {
  const listening = tls.createServer({ key: server.key, cert: server.cert, ca: ca.pem, requestCert: true, rejectUnauthorized: false })
  if (keeps) listening.on('secureConnection', keepCertificate)
  const accepted = new Promise<TLSSocket>((resolve) => { listening.once('secureConnection', resolve) })
  await new Promise<void>((resolve) => { listening.listen(0, '127.0.0.1', resolve) })
  const socket = tls.connect({ host: '127.0.0.1', port: (listening.address() as AddressInfo).port, ca: ca.pem, servername: 'localhost', ...client })
  socket.on('error', () => {})
  const connected = await accepted
  t.teardown(() => {
    socket.destroy()
    connected.destroy()
    listening.close()
  })
  whenOpen(connected)
  return connection().extract({ ...received([]), raw: { rawHeaders: [], socket: connected } })
}

t.test('the certificate of the connection', async (t) => {
  t.match(await extracted(t, alice), { fingerprint256: alice.certificate.fingerprint256 })
  t.equal(await extracted(t, {}), ABSENT, 'none')
  t.equal(await extracted(t, stranger), MALFORMED, 'of another authority')
  t.equal(await extracted(t, makeIdentity('x', { issuer: ca, to: ago(DAY), from: ago(2 * DAY) })), MALFORMED, 'expired')
  t.equal(await extracted(t, alice, { keeps: false }), ABSENT, 'a connection that was not seen has none')
  t.equal(connection().extract(received([['Client-Cert', GOOD]], connectTcp({ port: 1, host: '127.0.0.1' }).on('error', () => {}) as Peer)), ABSENT, 'no TLS')
})

for (const [rule, change] of [
  ['authorized is false', { authorized: false }],
  ['authorized is missing', { authorized: undefined }],
  ['authorized is a text', { authorized: 'true' }],
  ['an error stands beside authorized, as after a renegotiation', { authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }],
  ['an error without a text stands beside authorized', { authorizationError: '' }]
] as const) {
  t.test(`malformed: ${rule}`, async (t) => {
    t.equal(await extracted(t, alice, { whenOpen: (socket) => { Object.assign(socket, change) } }), MALFORMED)
  })
}

t.test('the certificate is that of the handshake, whatever the connection says later', async (t) => {
  const whenOpen = (socket: TLSSocket): void => { socket.getPeerX509Certificate = () => stranger.certificate }
  t.match(await extracted(t, alice, { whenOpen }), { fingerprint256: alice.certificate.fingerprint256 })
})

t.test('an error of the connection closes it, though nobody else does', async (t) => {
  let socket: TLSSocket | undefined
  await extracted(t, alice, {
    whenOpen (connected) {
      socket = connected
      connected.emit('error', new Error('renegotiation'))
    }
  })
  t.equal(socket?.destroyed, true)
})
