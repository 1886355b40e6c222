/**
 * The certificate of the connection, with real clients: curl, openssl and Node.js. An older Node.js than 22 runs this file with a newer one.
 */

import t, { type Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { authSchemes } from '../../lib'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED } from '../helpers'
import { makeIdentity, withNewerNode, type Identity, type IdentityOptions } from './helpers'

const run = promisify(execFile)
const ago = (milliseconds: number): Date => new Date(Date.now() - milliseconds)
const VERSIONS = ['1.2', '1.3'] as const
type Version = typeof VERSIONS[number]

const ca = makeIdentity('ca', { ca: true })
const otherCa = makeIdentity('another ca', { ca: true })
const between = makeIdentity('between', { ca: true, issuer: ca })
const server = makeIdentity('localhost', { issuer: ca, hosts: ['localhost', 'other.test', '127.0.0.1'], usage: 'serverAuth' })
const forClients = (name: string, options: IdentityOptions = {}): Identity => makeIdentity(name, { issuer: ca, usage: 'clientAuth', ...options })
const alice = forClients('alice')
const below = forClients('below', { issuer: between })
const foreign = forClients('alice', { issuer: otherCa })
const partners = new Map([alice, below, foreign].map(({ name, certificate }) => [certificate.fingerprint256, name]))

const accepted = (name: string): object => ({ status: 200, user: name })
const NOBODY = { status: 401, code: NOT_AUTHENTICATED.code }
const REFUSED = { status: 401, code: INVALID_CREDENTIALS.code }

/** The response to each client. `foreign` has the name of a good certificate, which `verify` would accept. */
const CLIENTS: ReadonlyArray<readonly [rule: string, identity: Pick<Identity, 'key' | 'cert'> | null, outcome: object]> = [
  ['a good certificate', alice, accepted('alice')],
  ['a good certificate that names no use', makeIdentity('unknown', { issuer: ca }), REFUSED],
  ['a good certificate with the one between', below, accepted('below')],
  ['the one between left out', { key: below.key, cert: below.pem }, NOBODY],
  ['none', null, NOBODY],
  ['one of another authority', foreign, NOBODY],
  ['one that signs itself', makeIdentity('alice'), NOBODY],
  ['an expired one', forClients('alice', { from: ago(7200_000), to: ago(3600_000) }), NOBODY],
  ['one that is not valid yet', forClients('alice', { from: ago(-3600_000), to: ago(-7200_000) }), NOBODY],
  ['one for servers', forClients('alice', { usage: 'serverAuth' }), NOBODY],
  ['that of the server', server, NOBODY],
  ['that of the authority, which its holder could issue any with', ca, REFUSED]
]

const USUAL = ['a good certificate', 'none', 'one of another authority', 'an expired one']

const folder = mkdtempSync(join(tmpdir(), 'mutual-tls-'))
t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })

let files = 0
function file (content: string): string {
  const path = join(folder, String(files++))
  writeFileSync(path, content)
  return path
}
const caFile = file(ca.pem)

interface Application { readonly app: FastifyInstance, readonly port: number, readonly ran: string[] }

async function listen (
  t: Test, { https: options = {}, ...others }: { https?: object } & Record<string, unknown> = {}, prepare: (app: FastifyInstance) => void = () => {}
): Promise<Application> {
  const ran: string[] = []
  const app = Fastify({ https: { key: server.key, cert: server.cert, ca: ca.pem, requestCert: true, rejectUnauthorized: false, ...options }, ...others }) as unknown as FastifyInstance
  await app.register(authSchemes)
  const scheme = app.authSchemes.mutualTLS({ verify: ({ fingerprint256 }) => partners.get(fingerprint256) })
  const handler = async (request: FastifyRequest): Promise<object> => {
    ran.push(request.url)
    return { user: scheme.from(request)?.user ?? null }
  }
  prepare(app)
  app.get('/', { security: [{ scheme }] }, handler)
  app.get('/again', { security: [{ scheme }] }, handler)
  app.get('/late', { preHandler: scheme.preHandler }, handler)
  app.get('/optional', { security: [{ scheme }, {}] }, handler)
  app.get('/public', { security: [] }, handler)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  return { app, port: (app.server.address() as AddressInfo).port, ran }
}

const outcomeOf = (status: number, body: string): object => {
  const { code, user } = JSON.parse(body)
  return status === 200 ? { status, user } : { status, code }
}

async function curl (port: number, version: Version, identity: Pick<Identity, 'key' | 'cert'> | null, path = '/', ...options: string[]): Promise<object> {
  const own = identity === null ? [] : ['--cert', file(identity.cert), '--key', file(identity.key)]
  const { stdout } = await run('curl', ['-s', '-w', '\n%{http_code}', '--cacert', caFile, `--tlsv${version}`, '--tls-max', version, ...own, ...options, `https://localhost:${port}${path}`])
  const [, body = '', status] = /^([^]*)\n(\d+)$/.exec(stdout) ?? []
  return outcomeOf(Number(status), body)
}

/** One request by `openssl s_client`, which may keep its session in a file, or offer that of one. */
async function sClient (port: number, version: Version, name: string, ...options: string[]): Promise<{ outcome: object, wasReused: boolean }> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', '-CAfile', caFile, `-tls${version.replace('.', '_')}`, '-servername', name, ...options]
  const pending = run('openssl', args)
  pending.child.stdin?.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const { stdout } = await pending
  const [, status, body = ''] = /HTTP\/1\.1 (\d+)[^]*?\r\n\r\n(\{.*?\})/.exec(stdout) ?? []
  return { outcome: outcomeOf(Number(status), body), wasReused: /^Reused, /m.test(stdout) }
}

const cliOf = (identity: Identity | null): string[] => identity === null ? [] : ['-cert', file(identity.pem), '-key', file(identity.key)]

/** A client that keeps one connection: each call is a request on it. */
function keptAlive (t: Test, port: number, options: object): () => Promise<object> {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: ca.pem, servername: 'localhost', ...options })
  t.teardown(() => { agent.destroy() })
  let first: unknown
  return async function ask () {
    return await new Promise((resolve, reject) => {
      https.get({ host: '127.0.0.1', port, agent }, async (response) => {
        first ??= response.socket
        t.equal(response.socket, first, 'the connection was kept')
        let body = ''
        for await (const chunk of response) body += String(chunk)
        resolve(outcomeOf(response.statusCode as number, body))
      }).on('error', reject)
    })
  }
}

/** A client of HTTP/2 that keeps one session. */
function session (t: Test, port: number, options: object): (path?: string) => Promise<object> {
  const client = http2.connect(`https://localhost:${port}`, { ca: ca.pem, ...options })
  t.teardown(() => { client.destroy() })
  return async function ask (path = '/') {
    const stream = client.request({ ':path': path })
    const status = await new Promise<number>((resolve, reject) => {
      stream.on('response', (headers) => { resolve(Number(headers[':status'])) }).on('error', reject)
    })
    let body = ''
    for await (const chunk of stream) body += String(chunk)
    return outcomeOf(status, body)
  }
}

/** Waits for the second in which a certificate expires to be over. */
const expiring = (): { readonly identity: Identity, readonly wait: () => Promise<void> } => {
  const to = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000)
  const identity = forClients('alice', { to })
  partners.set(identity.certificate.fingerprint256, 'alice')
  return { identity, wait: async () => { await new Promise((resolve) => { setTimeout(resolve, to.getTime() - Date.now() + 10) }) } }
}

/**
 * A client that asks for a renegotiation after its first request, and then makes another one. Returns how many requests were responded to, and
 * whether the server closed the connection.
 */
async function renegotiate (port: number): Promise<{ asked: boolean, responses: number, closed: boolean }> {
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2', '-CAfile', caFile, ...cliOf(alice)])
  client.stdin.on('error', () => {})
  let output = ''
  const closed = new Promise<boolean>((resolve) => { client.on('close', () => { resolve(true) }) })
  const seen = async (pattern: RegExp): Promise<void> => await new Promise((resolve) => {
    const look = (): void => { if (pattern.test(output)) resolve() }
    client.stdout.on('data', look)
    client.on('close', () => { resolve() })
    look()
  })
  for (const stream of [client.stdout, client.stderr]) stream.on('data', (data) => { output += String(data) })
  client.stdin.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await seen(/\{"user":"alice"\}/)
  client.stdin.write('R\n')
  await seen(/RENEGOTIATING/)
  client.stdin.write('GET /again HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const wasClosed = await Promise.race([closed, seen(/"user"[^]*"user"/).then(() => client.exitCode !== null), new Promise<boolean>((resolve) => { setTimeout(resolve, 5000, false) })])
  client.kill()
  return { asked: output.includes('RENEGOTIATING'), responses: output.match(/\{"user"/g)?.length ?? 0, closed: wasClosed }
}

function connectionTests (): void {
  for (const version of VERSIONS) {
    t.test(`TLS ${version}: curl with every kind of certificate`, async (t) => {
      const { port, ran } = await listen(t)
      for (const [rule, identity, outcome] of version === '1.3' ? CLIENTS : CLIENTS.filter(([rule]) => USUAL.includes(rule))) {
        ran.length = 0
        t.strictSame(await curl(port, version, identity), outcome, rule)
        t.strictSame(ran, 'user' in outcome ? ['/'] : [], 'the handler ran for good ones only')
      }
      t.strictSame(await curl(port, version, alice, '/late'), accepted('alice'), 'in a hook behind validation')
      t.strictSame(await curl(port, version, foreign, '/late'), NOBODY)
      t.strictSame(await curl(port, version, null, '/optional'), { status: 200, user: null }, 'none is forgiven where authentication is optional')
      t.strictSame(await curl(port, version, foreign, '/optional'), NOBODY, 'a bad one is not')
      t.strictSame(await curl(port, version, foreign, '/public'), { status: 200, user: null })
      t.strictSame(await curl(port, version, null, '/', '-H', `Client-Cert: :${alice.certificate.raw.toString('base64')}:`), NOBODY, 'a header is no certificate')
    })

    t.test(`TLS ${version}: a certificate of another authority of the same name`, async (t) => {
      const { port, ran } = await listen(t)
      const forged = forClients('alice', { issuer: makeIdentity('ca', { ca: true }) })
      partners.set(forged.certificate.fingerprint256, 'alice')
      // Node.js may reset the connection over the signature, before the response.
      t.strictSame(await curl(port, version, forged).catch(() => NOBODY), NOBODY)
      t.strictSame(ran, [])
    })

    t.test(`TLS ${version}: a server that rejects by itself responds to good certificates only`, async (t) => {
      const { port, ran } = await listen(t, { https: { rejectUnauthorized: true } })
      t.strictSame(await curl(port, version, alice), accepted('alice'))
      ran.length = 0
      for (const identity of [foreign, null, forClients('alice', { to: ago(1000) })]) await t.rejects(curl(port, version, identity, '/public'))
      t.strictSame(ran, [])
    })

    for (const [rule, identity, outcome] of [['a good certificate', alice, accepted('alice')], ['a bad one', foreign, NOBODY], ['none', null, NOBODY]] as const) {
      t.test(`TLS ${version}: a session that is resumed is that of the client that began it: ${rule}`, async (t) => {
        const { port, ran } = await listen(t)
        const kept = file('')
        t.strictSame(await sClient(port, version, 'localhost', ...cliOf(identity), '-sess_out', kept), { outcome, wasReused: false })
        t.strictSame(await sClient(port, version, 'localhost', '-sess_in', kept), { outcome, wasReused: true })
        t.strictSame(await sClient(port, version, 'localhost', ...cliOf(alice), '-sess_in', kept), { outcome, wasReused: true }, 'a certificate is not asked for again')
        t.equal(ran.length, identity === alice ? 3 : 0)
        const { port: another } = await listen(t)
        t.strictSame(await sClient(another, version, 'localhost', '-sess_in', kept), { outcome: NOBODY, wasReused: false }, 'another server does not know it')
      })
    }

    t.test(`TLS ${version}: a certificate that expires while the connection is kept, or its session`, async (t) => {
      const { port } = await listen(t)
      const { identity, wait } = expiring()
      const kept = file('')
      const ask = keptAlive(t, port, { ...identity, maxVersion: `TLSv${version}` })
      const [first, { outcome }] = await Promise.all([ask(), sClient(port, version, 'localhost', ...cliOf(identity), '-sess_out', kept)])
      t.strictSame([first, outcome], [accepted('alice'), accepted('alice')])
      await wait()
      t.strictSame(await ask(), NOBODY)
      t.strictSame(await sClient(port, version, 'localhost', '-sess_in', kept), { outcome: NOBODY, wasReused: true })
    })

    // Documented: a request does not show which of several authorities its certificate was compared with.
    t.test(`TLS ${version}: the authority of one more context counts for the whole server`, async (t) => {
      const { app, port } = await listen(t);
      (app.server as unknown as tls.Server).addContext('other.test', { key: server.key, cert: server.cert, ca: otherCa.pem })
      const kept = file('')
      t.strictSame((await sClient(port, version, 'localhost', ...cliOf(foreign))).outcome, NOBODY)
      t.strictSame((await sClient(port, version, 'other.test', ...cliOf(alice))).outcome, NOBODY)
      t.strictSame((await sClient(port, version, 'other.test', ...cliOf(foreign), '-sess_out', kept)).outcome, accepted('alice'))
      t.strictSame(await sClient(port, version, 'localhost', '-sess_in', kept), { outcome: accepted('alice'), wasReused: true })
    })

    // Documented, with the cure: a `sessionIdContext` of its own for each server.
    t.test(`TLS ${version}: tickets of one key are good at every server that has it`, async (t) => {
      const ticketKeys = Buffer.alloc(48, 7)
      const { port } = await listen(t, { https: { ticketKeys, sessionIdContext: 'shared' } })
      const { port: another } = await listen(t, { https: { ticketKeys, sessionIdContext: 'shared', ca: otherCa.pem } })
      const { port: stranger } = await listen(t, { https: { ticketKeys, sessionIdContext: 'own', ca: otherCa.pem } })
      for (const [issuer, outcome, wasReused] of [[another, accepted('alice'), true], [stranger, NOBODY, false]] as const) {
        const kept = file('')
        t.strictSame((await sClient(issuer, version, 'localhost', ...cliOf(foreign), '-sess_out', kept)).outcome, accepted('alice'))
        t.strictSame(await sClient(port, version, 'localhost', '-sess_in', kept), { outcome, wasReused })
      }
    })
  }

  for (const [rule, options] of [
    ['HTTP/1.1', {}],
    ['a clientErrorHandler that leaves the connection open', { clientErrorHandler: () => {} }],
    ['the server of HTTP/2', { http2: true, https: { allowHTTP1: true } }]
  ] as const) {
    t.test(`a renegotiation ends the connection: ${rule}`, async (t) => {
      const { port, ran } = await listen(t, options)
      t.strictSame(await renegotiate(port), { asked: true, responses: 1, closed: true })
      t.strictSame(ran, ['/'])
    })
  }

  t.test('an update of the keys of TLS 1.3 is no renegotiation', async (t) => {
    const { port } = await listen(t)
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-CAfile', caFile, ...cliOf(alice)])
    let output = ''
    client.stdout.on('data', (data) => { output += String(data) })
    client.stderr.on('data', (data) => { output += String(data) })
    const seen = async (pattern: RegExp): Promise<void> => { while (!pattern.test(output) && client.exitCode === null) await new Promise((resolve) => { setTimeout(resolve, 10) }) }
    client.stdin.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await seen(/"user"/)
    client.stdin.write('K\n')
    await seen(/KEYUPDATE/)
    client.stdin.write('GET /again HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await seen(/"user"[^]*"user"/)
    client.stdin.end()
    t.strictSame(output.match(/\{"user":"alice"\}/g)?.length, 2)
  })

  t.test('a key that both sides know is no certificate', async (t) => {
    const { app, port, ran } = await listen(t, { https: { pskCallback: () => Buffer.alloc(32, 1), ciphers: 'PSK+HIGH:HIGH', maxVersion: 'TLSv1.2' } })
    const authorized: boolean[] = []
    app.server.on('secureConnection', (socket: tls.TLSSocket) => { authorized.push(socket.authorized) })
    t.strictSame((await sClient(port, '1.2', 'localhost', '-psk', '01'.repeat(32), '-cipher', 'PSK')).outcome, NOBODY)
    t.strictSame([ran, authorized.length], [[], 1], 'though Node.js 22 calls it authorized')
  })

  for (const isHttp2 of [false, true]) {
    t.test(`a client that is gone before its certificate is looked at does no harm: HTTP/${isHttp2 ? 2 : 1}`, async (t) => {
      for (const identity of [alice, foreign]) {
        let onReceived = (): void => {}
        const received = new Promise<void>((resolve) => { onReceived = resolve })
        let onResponse: (request: FastifyRequest) => void = () => {}
        const responded = new Promise<FastifyRequest>((resolve) => { onResponse = resolve })
        const { port, ran } = await listen(t, { http2: isHttp2 }, (app) => {
          app.addHook('onRequest', async ({ raw }) => {
            onReceived()
            await new Promise((resolve) => { raw.socket.once('close', resolve) })
            await new Promise((resolve) => { setImmediate(resolve) })
          })
          app.addHook('onSend', async (request) => { onResponse(request) })
        })
        const options = { ca: ca.pem, key: identity.key, cert: identity.cert }
        const client = isHttp2 ? http2.connect(`https://localhost:${port}`, options) : https.get(`https://localhost:${port}`, { ...options, agent: false })
        client.on('error', () => {})
        if ('request' in client) client.request({ ':path': '/' }).on('error', () => {})
        await received
        client.destroy()
        const { auth } = await responded
        t.strictSame([ran, auth], identity === alice && !isHttp2 ? [['/'], auth] : [[], null])
      }
    })
  }

  t.test('HTTP/2, and a certificate that expires in a session', async (t) => {
    const { port, ran } = await listen(t, { http2: true, https: { allowHTTP1: true } })
    for (const [rule, identity, outcome] of CLIENTS) {
      ran.length = 0
      t.strictSame(await session(t, port, identity ?? {})(), outcome, rule)
      t.strictSame(ran, 'user' in outcome ? ['/'] : [])
    }
    const { identity, wait } = expiring()
    const ask = session(t, port, identity)
    t.strictSame([await ask(), await ask('/late')], [accepted('alice'), accepted('alice')])
    await wait()
    t.strictSame([await ask(), await ask('/late')], [NOBODY, NOBODY])
    t.strictSame(await curl(port, '1.3', alice, '/', '--http2'), accepted('alice'))
    t.strictSame(await curl(port, '1.3', foreign, '/', '--http1.1'), NOBODY)
  })
}

if (Number.parseInt(process.versions.node) >= 22) connectionTests()
else {
  t.test('with a newer Node.js', async (t) => {
    await withNewerNode(t, async (node) => { await t.spawn(node, [...process.execArgv, __filename], {}, node) })
  })
}
