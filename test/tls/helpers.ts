/** Certificates made on the spot, and a Node.js that has the connection form of `mutualTLS`. */

import { execFile } from 'node:child_process'
import { X509Certificate, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { Test } from 'tap'

// DER (ITU-T X.690), as far as a certificate needs it.
function tlv (tag: number, ...parts: ReadonlyArray<Uint8Array | string>): Buffer {
  const value = Buffer.concat(parts.map((part) => typeof part === 'string' ? Buffer.from(part) : part))
  const { length } = value
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}
const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts)
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'))
const bits = (value: Uint8Array): Buffer => tlv(0x03, Buffer.concat([Buffer.from([0]), value]))
const nameOf = (name: string): Buffer => sequence(...name === '' ? [] : [tlv(0x31, sequence(oid('550403'), tlv(0x0c, name)))])
const time = (date: Date): Buffer => tlv(0x18, `${date.toISOString().replace(/[-:T]|\..*/g, '')}Z`)
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), tlv(0x04, value))

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const USAGES = { clientAuth: '2b06010505070302', serverAuth: '2b06010505070301' }

/** A certificate with its private key, and all certificates that go with it. */
export interface Identity {
  readonly name: string
  readonly key: string
  /** The certificate alone. */
  readonly pem: string
  /** The certificate and the intermediate ones, as a server or a client sends them. */
  readonly cert: string
  /** The intermediate certificates from this one on. */
  readonly chain: string
  readonly certificate: X509Certificate
  readonly privateKey: KeyObject
}

export interface IdentityOptions {
  /** Default: itself. */
  readonly issuer?: Identity | undefined
  readonly from?: Date
  readonly to?: Date
  readonly ca?: boolean
  readonly usage?: keyof typeof USAGES
  /** Host names and addresses. */
  readonly hosts?: readonly string[]
}

const HOUR = 3600_000

/** Makes a certificate. Default: it signs itself, is valid for an hour, and says nothing of its use. */
export function makeIdentity (
  name: string, { issuer, from = new Date(Date.now() - HOUR), to = new Date(Date.now() + HOUR), ca = false, usage, hosts = [] }: IdentityOptions = {}
): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const names = hosts.map((host) => isIP(host) === 4 ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, host))
  const extensions = [
    ...ca ? [extension('551d13', sequence(tlv(0x01, Buffer.from([0xff]))))] : [],
    ...usage === undefined ? [] : [extension('551d25', sequence(oid(USAGES[usage])))],
    ...names.length === 0 ? [] : [extension('551d11', sequence(...names))]
  ]
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer?.name ?? name),
    sequence(time(from), time(to)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]
  )
  const certificate = new X509Certificate(sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, issuer?.privateKey ?? privateKey))))
  const pem = certificate.toString()
  const chain = issuer === undefined ? '' : pem + issuer.chain
  return { name, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, pem, cert: chain === '' ? pem : chain, chain, certificate, privateKey }
}

const run = promisify(execFile)

async function findNode (): Promise<string | null> {
  if (Number.parseInt(process.versions.node) >= 22) return process.execPath
  if ((process.env.NODE22 ?? '') !== '') return process.env.NODE22 as string
  const env = { ...process.env, NODE_OPTIONS: '' }
  const found = await run('npx', ['--yes', '--package', 'node@22', '--call', 'node -p process.execPath'], { env }).catch(() => null)
  return found?.stdout.trim() ?? null
}

/**
 * Runs a test with a Node.js that has the connection form of `mutualTLS`: the running one or, before 22, that of `NODE22`, else that of the registry.
 * Without one it is skipped, but in CI it fails.
 */
export async function withNewerNode (t: Test, body: (node: string) => unknown): Promise<void> {
  const node = await findNode()
  if (node !== null) await body(node)
  else if (process.env.CI === 'true') t.fail('no Node.js 22 was found: in CI certificates of connections must be tried')
  else t.comment('SKIPPED: no Node.js 22 was found, so no certificate of a connection was tried. Name one in NODE22.')
}

/** The header of RFC 9440. */
export const byteSequence = ({ raw }: X509Certificate): string => `:${raw.toString('base64')}:`
/** `$ssl_client_escaped_cert` of nginx. */
export const escapedPem = (certificate: X509Certificate): string => encodeURIComponent(certificate.toString())

/** Calls a function as if another version of Node.js ran. */
export function asNode<T> (node: string, call: () => T): T {
  const { versions } = process
  Object.defineProperty(process, 'versions', { configurable: true, enumerable: true, value: { ...versions, node } })
  try {
    return call()
  } finally {
    Object.defineProperty(process, 'versions', { configurable: true, enumerable: true, value: versions })
  }
}
