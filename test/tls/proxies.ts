/** The certificate in the header of a proxy: @fastify/http-proxy, nginx where it is installed, and clients that forge it. */

import t, { type Test } from 'tap'
import httpProxy from '@fastify/http-proxy'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { authSchemes } from '../../lib'
import { read } from '../docs/read'
import { INVALID_CREDENTIALS, NOT_AUTHENTICATED } from '../helpers'
import { byteSequence, escapedPem, makeIdentity, type Identity } from './helpers'

const ca = makeIdentity('ca', { ca: true })
const server = makeIdentity('localhost', { issuer: ca, hosts: ['localhost', '127.0.0.1'] })
const alice = makeIdentity('alice', { issuer: ca, usage: 'clientAuth' })
const stranger = makeIdentity('stranger', { issuer: ca, usage: 'clientAuth' })
const foreign = makeIdentity('alice', { issuer: makeIdentity('another ca', { ca: true }) })
const expired = makeIdentity('alice', { issuer: ca, from: new Date(Date.now() - 7200_000), to: new Date(Date.now() - 3600_000) })
const known = [alice, foreign, expired].map(({ certificate }) => certificate.fingerprint256)

const folder = mkdtempSync(join(tmpdir(), 'proxies-'))
t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })

const ACCEPTED = { status: 200, user: 'CN=alice' }
const NOT_SENT = { status: 401, code: NOT_AUTHENTICATED.code }
const REFUSED = { status: 401, code: INVALID_CREDENTIALS.code }
const HEADERS = { rfc9440: byteSequence, 'url-pem': escapedPem }

interface Application { readonly app: FastifyInstance, readonly ran: string[], readonly port: number }

/** An application behind a proxy, at a port or at a Unix socket. */
async function behind (
  t: Test, from: readonly string[], encoding: keyof typeof HEADERS, { path, prepare = () => {}, ...options }: { path?: string, prepare?: (app: FastifyInstance) => void } & Record<string, unknown> = {}
): Promise<Application> {
  const ran: string[] = []
  const app = Fastify({ trustProxy: true, ...options }) as unknown as FastifyInstance
  await app.register(authSchemes)
  const scheme = app.authSchemes.mutualTLS({
    header: { name: 'Client-Cert', from, encoding },
    verify: ({ fingerprint256, subject }) => known.includes(fingerprint256) ? subject : null
  })
  const handler = async (request: FastifyRequest): Promise<object> => {
    ran.push(request.url)
    return { user: scheme.from(request)?.user ?? null }
  }
  prepare(app)
  app.get('/', { security: [{ scheme }] }, handler)
  app.get('/late', { preHandler: scheme.preHandler }, handler)
  app.get('/optional', { security: [{ scheme }, {}] }, handler)
  await app.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path })
  t.teardown(async () => { await app.close() })
  return { app, ran, port: path === undefined ? (app.server.address() as AddressInfo).port : 0 }
}

async function ask (options: http.RequestOptions & { readonly identity?: Identity | null | undefined }): Promise<object> {
  const { identity, ...others } = options
  const isSecure = identity !== undefined
  return await new Promise((resolve, reject) => {
    const all = { host: '127.0.0.1', ...others, agent: false as const, ...isSecure ? { ca: ca.pem, key: identity?.key, cert: identity?.cert } : {} }
    const request = (isSecure ? https : http).get(all, async (response) => {
      let body = ''
      for await (const chunk of response) body += String(chunk)
      const { code, user } = body.startsWith('{') ? JSON.parse(body) : { code: undefined, user: undefined }
      const status = response.statusCode as number
      resolve(status === 200 ? { status, user } : { status, code })
    })
    request.on('error', reject)
  })
}

t.test('a proxy that passes on what it has verified: RFC 9440, @fastify/http-proxy', async (t) => {
  const { port: upstream, ran } = await behind(t, ['127.0.0.0/8'], 'rfc9440')
  const proxy = Fastify({ https: { key: server.key, cert: server.cert, ca: ca.pem, requestCert: true, rejectUnauthorized: false } })
  await proxy.register(httpProxy, {
    upstream: `http://127.0.0.1:${upstream}`,
    replyOptions: {
      rewriteRequestHeaders (request, { 'client-cert': _sent, ...headers }) {
        const socket = request.raw.socket as TLSSocket
        const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
        return certificate === undefined ? headers : { ...headers, 'client-cert': byteSequence(certificate) }
      }
    }
  })
  await proxy.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await proxy.close() })
  const { port } = proxy.server.address() as AddressInfo
  const forged = { 'client-cert': byteSequence(alice.certificate) }
  for (const [rule, identity, headers, outcome] of [
    ['a good certificate', alice, {}, ACCEPTED],
    ['one that `verify` does not know', stranger, {}, REFUSED],
    ['one of another authority', foreign, {}, NOT_SENT],
    ['an expired one', expired, {}, NOT_SENT],
    ['none', null, {}, NOT_SENT],
    ['a forged header without a certificate', null, forged, NOT_SENT],
    ['a forged header beside a certificate', stranger, forged, REFUSED]
  ] as const) {
    for (const path of ['/', '/late']) {
      ran.length = 0
      t.strictSame(await ask({ port, path, identity, headers }), outcome, `${path}: ${rule}`)
      t.strictSame(ran, 'user' in outcome ? [path] : [], 'the handler ran for good ones only')
    }
  }
  t.strictSame(await ask({ port, path: '/optional', identity: null, headers: forged }), { status: 200, user: null })
})

for (const encoding of ['rfc9440', 'url-pem'] as const) {
  t.test(`a client that is no proxy forges the header, and is refused: ${encoding}`, async (t) => {
    const value = HEADERS[encoding](alice.certificate)
    const headers = { 'client-cert': value }
    const { port, ran } = await behind(t, ['127.0.0.1'], encoding)
    t.strictSame(await ask({ port, headers }), ACCEPTED, 'what the proxy could send')
    t.strictSame(await ask({ port, headers: { 'client-cert': HEADERS[encoding](expired.certificate) } }), NOT_SENT, 'an expired one, whatever the proxy thinks of it')
    for (const values of [[value, value], ['', value], [value, '']]) t.strictSame(await ask({ port, headers: { 'client-cert': values } }), NOT_SENT, 'two of them')
    t.strictSame(ran, ['/'])

    for (const from of [['10.0.0.0/8'], ['::1', 'unix'], ['127.0.0.2']]) {
      const { port, ran } = await behind(t, from, encoding)
      const forwarded = { 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1', 'x-real-ip': '10.0.0.1' }
      for (const path of ['/', '/late', '/optional']) t.strictSame(await ask({ port, path, headers: { ...headers, ...forwarded } }), NOT_SENT, `${from.join()} ${path}`)
      t.strictSame(ran, [])
    }
  })
}

t.test('of a header of which Node.js keeps the first, two are malformed, too', async (t) => {
  const app = Fastify()
  await app.register(authSchemes)
  const scheme = app.authSchemes.mutualTLS({ header: { name: 'From', from: ['127.0.0.1'], encoding: 'rfc9440' }, verify: ({ subject }) => subject })
  app.get('/', { security: [{ scheme }] }, async (request) => ({ user: request.auth.user }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  const { port } = app.server.address() as AddressInfo
  const [mine, proxys] = [alice, stranger].map(({ certificate }) => byteSequence(certificate))
  const lines = (...values: Array<string | undefined>): object => ({ headers: ['Host', 'x', ...values.flatMap((value) => ['From', value])] })
  t.strictSame(await ask({ port, ...lines(mine) }), ACCEPTED)
  t.strictSame(await ask({ port, ...lines(mine, proxys) }), NOT_SENT)
})

t.test('a Unix socket is a proxy where it is named', async (t) => {
  const headers = { 'client-cert': byteSequence(alice.certificate) }
  for (const [from, outcome] of [[['unix'], ACCEPTED], [['127.0.0.1'], NOT_SENT]] as const) {
    const path = join(folder, `${from.join()}.sock`)
    const { ran } = await behind(t, from, 'rfc9440', { path })
    t.strictSame(await ask({ socketPath: path, headers }), outcome)
    t.equal(ran.length, outcome === ACCEPTED ? 1 : 0)
  }
})

t.test('a connection by TCP that was reset has no address, and is no Unix socket', async (t) => {
  let onReceived = (): void => {}
  const received = new Promise<void>((resolve) => { onReceived = resolve })
  let onSent: (address: string | undefined) => void = () => {}
  const sent = new Promise<string | undefined>((resolve) => { onSent = resolve })
  const { port, ran } = await behind(t, ['unix'], 'rfc9440', {
    prepare (app) {
      app.addHook('onRequest', async ({ raw: { socket } }) => {
        onReceived()
        await new Promise((resolve) => { socket.once('close', resolve) })
      })
      app.addHook('onSend', async ({ raw: { socket } }) => { onSent(socket.remoteAddress) })
    }
  })
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nClient-Cert: ${byteSequence(alice.certificate)}\r\n\r\n`)
  })
  await received
  socket.resetAndDestroy()
  t.equal(await sent, undefined, 'the address is gone')
  t.strictSame(ran, [])
})

const hasNginx = ((): boolean => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** Starts nginx with the lines of the page on schemes. Returns its port. */
async function nginx (t: Test, upstream: string, verify: string): Promise<number> {
  const [, lines = ''] = /```nginx\n([^]*?)```/.exec(read('docs/schemes.md')) ?? []
  const home = mkdtempSync(join(folder, 'nginx-'))
  for (const [name, content] of [['server.key', server.key], ['server.pem', server.cert], ['partners.pem', ca.pem]] as const) writeFileSync(join(home, name), content)
  const free = http.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => { free.once('listening', resolve) })
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => { free.close(resolve) })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home}/${name};`).join(' ')
  const own = lines.replaceAll('/etc/nginx/', `${home}/`).replace('http://127.0.0.1:3000', upstream).replace(/ssl_verify_client \w+/, `ssl_verify_client ${verify}`)
  writeFileSync(join(home, 'nginx.conf'), `
    daemon off; master_process off; pid ${home}/pid; error_log stderr warn;
    events {}
    http { access_log off; ${temporary} server { listen 127.0.0.1:${port} ssl; ssl_certificate server.pem; ssl_certificate_key server.key; ${own} } }
  `)
  const child = spawn('nginx', ['-p', home, '-c', join(home, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' })
  t.teardown(async () => {
    const over = new Promise((resolve) => { child.once('exit', resolve) })
    child.kill()
    await over
  })
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await new Promise<boolean>((resolve) => { socket.once('connect', () => { resolve(true) }).once('error', () => { resolve(false) }) })
    socket.destroy()
    if (isThere) break
    await new Promise((resolve) => { setTimeout(resolve, 20) })
  }
  t.equal(child.exitCode, null, 'nginx runs')
  return port
}

t.test('nginx, as the page on schemes writes it', { skip: hasNginx ? false : 'nginx is not installed' }, async (t) => {
  const BY_NGINX = { status: 400, code: undefined }
  for (const place of ['port', 'unix'] as const) {
    const path = join(folder, 'nginx.sock')
    const { port: upstream, ran } = await behind(t, [place === 'unix' ? 'unix' : '127.0.0.1'], 'url-pem', place === 'unix' ? { path } : {})
    const port = await nginx(t, place === 'unix' ? `http://unix:${path}` : `http://127.0.0.1:${upstream}`, 'optional')
    const forged = { 'client-cert': escapedPem(alice.certificate) }
    for (const [rule, identity, headers, outcome] of [
      ['a good certificate', alice, {}, ACCEPTED],
      ['one that `verify` does not know', stranger, {}, REFUSED],
      ['one of another authority', foreign, {}, BY_NGINX],
      ['an expired one', expired, {}, BY_NGINX],
      ['none', null, {}, NOT_SENT],
      ['a forged header without a certificate', null, forged, NOT_SENT],
      ['a forged header beside a certificate', stranger, forged, REFUSED]
    ] as const) {
      ran.length = 0
      t.strictSame(await ask({ port, identity, headers }), outcome, `${place}: ${rule}`)
      t.strictSame(ran, 'user' in outcome ? ['/'] : [], 'the handler ran for good ones only')
    }
    t.strictSame(await ask({ port, path: '/optional', identity: null, headers: forged }), { status: 200, user: null })
  }
})

// Documented: with `optional_no_ca` nginx passes on what it has not verified.
t.test('what the proxy does not verify is not verified here', { skip: hasNginx ? false : 'nginx is not installed' }, async (t) => {
  const { port: upstream } = await behind(t, ['127.0.0.1'], 'url-pem')
  const port = await nginx(t, `http://127.0.0.1:${upstream}`, 'optional_no_ca')
  t.strictSame(await ask({ port, identity: foreign }), ACCEPTED)
})
