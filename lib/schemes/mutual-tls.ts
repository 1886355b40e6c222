/** Client certificates (RFC 8446 section 4.4.2): that of the connection, or one that a proxy passes on in a header. */

import { X509Certificate } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { badOption } from '../errors'
import { ABSENT, MALFORMED, isToken } from '../header/authorization'
import { readByteSequence, readEscapedPem } from '../header/client-certificate'
import {
  checkNested, define, defined, ownString, schemeOptions, type Extraction, type Options, type Peer,
  type SchemeDefinition, type SchemeKind
} from './definition'
import { readTrustedOrigins } from './trusted-origins'

const WHERE = 'mutualTLS'

/** The client's certificate. `verify` must decide whose it is. Neither form checks for revocation. */
export function mutualTLS (options: unknown = {}): SchemeDefinition {
  const checked = schemeOptions(WHERE, options, ['header', 'trustedOrigins'])
  return define(WHERE, checked, 'MutualTLS', {
    openapi: defined({ type: 'mutualTLS', description: checked.description }),
    challenge: { scheme: 'ClientCertificate', bearer: false },
    declaredScopes: null,
    tokenOf: () => null,
    emptyCredentials: NOBODY,
    trustedOrigins: readTrustedOrigins(WHERE, checked.trustedOrigins),
    ...checked.header === undefined ? ofConnection() : ofHeader(checked)
  })
}

// A certificate of the name `override` from 1970 to 1970, with a key of zeros and without a signature.
const NOBODY = new X509Certificate(Buffer.from(
  'MIGNMIGAAgEAMAUGAytlcDATMREwDwYDVQQDDAhvdmVycmlkZTAeFw03MDAxMDEwMDAwMDBaFw03MDAxMDEwMDAwMDBaMBMxETAPBgNVBAMM' +
  'CG92ZXJyaWRlMCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwBQYDK2VwAwEA', 'base64'))

type Extract = Pick<SchemeKind, 'extract' | 'ofConnection'>

function ofConnection (): Extract {
  if (Number.parseInt(process.versions.node) < 22) {
    throw badOption(WHERE, 'Node.js 20 is past its end of life, and the certificates of connections are only as good ' +
      'as its TLS: run Node.js 22 or later, or give the option `header` where a proxy ends TLS')
  }
  return { ofConnection: true, extract: ({ raw: { socket } }) => readConnection(socket) }
}

const kCertificate: unique symbol = Symbol('fastify-auth-schemes.certificate')

/** A connection with the certificate of its handshake; `null` if the client sent none. */
interface Connection extends Peer { readonly [kCertificate]?: X509Certificate | null }

/**
 * Keeps the certificate that the handshake has verified. In a renegotiation the client could send another one, and
 * `authorized` would stay as it is. The certificates of connections for which this was not called do not count.
 */
export function keepCertificate (socket: TLSSocket): void {
  socket.disableRenegotiation()
  // Renegotiation goes on after that error unless the connection is closed, which `clientErrorHandler` may leave open.
  socket.on('error', () => { socket.destroy() })
  Object.assign(socket, { [kCertificate]: socket.getPeerX509Certificate() ?? null })
}

/** A session that was resumed may be authorized without any certificate. */
function readConnection (socket: Connection): Extraction {
  const { [kCertificate]: certificate, authorized, authorizationError } = socket
  if (certificate === undefined || certificate === null) return ABSENT
  const isVerified = authorized === true && (authorizationError ?? null) === null
  return isVerified && isCurrent(certificate) ? certificate : MALFORMED
}

// The form in which OpenSSL prints the time of a certificate in UTC, with a year that Date.parse takes as it is.
const TIME = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT$/

/** Returns true within the dates of a certificate (RFC 5280 section 4.1.2.5). */
function isCurrent ({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now()
  return TIME.test(validFrom) && TIME.test(validTo) && Date.parse(validFrom) <= now && now <= Date.parse(validTo)
}

const ENCODINGS: ReadonlyMap<unknown, typeof readByteSequence> =
  new Map([['rfc9440', readByteSequence], ['url-pem', readEscapedPem]])

function ofHeader (options: Options): Extract {
  const where = `${WHERE}.header`
  const { name, from, encoding } = checkNested(WHERE, options, 'header', ['name', 'from', 'encoding'])
  if (typeof name !== 'string' || !isToken(name)) {
    throw badOption(where, 'the option `name` must be a token in the sense of RFC 9110 section 5.6.2')
  }
  const field = name.toLowerCase()
  const isProxy = proxiesOf(where, from)
  const read = ENCODINGS.get(encoding)
  if (read === undefined) throw badOption(where, "the option `encoding` must be 'rfc9440' or 'url-pem'")
  return {
    // A request of `injectWS` of @fastify/websocket has the parsed headers alone.
    extract ({ headers, raw: { rawHeaders = [], socket } }) {
      const value = ownString(headers, field)
      // Of some headers Node.js keeps the first, which the client may have sent, and not the proxy.
      const times = rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === field).length
      if (times > 1) return MALFORMED
      if (value === ABSENT) return ABSENT
      if (!isProxy(socket) || value === MALFORMED) return MALFORMED
      const certificate = read(value)
      return certificate !== MALFORMED && isCurrent(certificate) ? certificate : MALFORMED
    }
  }
}

const ADDRESS = /^([\da-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/i

/** Returns a function that is true for connections from the given addresses. */
function proxiesOf (where: string, from: unknown): (socket: Peer) => boolean {
  const entries: unknown[] = Array.isArray(from) ? Array.from(from) : []
  const addresses = new BlockList()
  const areGood = entries.map((entry) => entry === 'unix' || addTo(addresses, entry))
  if (entries.length === 0 || areGood.includes(false)) {
    throw badOption(where, 'the option `from` must be a list of addresses that is not empty: ' +
      'IP addresses, subnets such as \'10.0.0.0/8\', and \'unix\'')
  }
  const hasUnix = entries.includes('unix')
  return function isProxy ({ remoteAddress, server }) {
    if (remoteAddress !== undefined) return addresses.check(remoteAddress, isIP(remoteAddress) === 6 ? 'ipv6' : 'ipv4')
    // A connection by TCP that is gone has no address either.
    return hasUnix && typeof server?.address() === 'string'
  }
}

/** Adds an address or a subnet. Returns false if the entry is neither. */
function addTo (addresses: BlockList, entry: unknown): boolean {
  const [, address = '', bits] = (typeof entry === 'string' ? ADDRESS.exec(entry) : null) ?? []
  const family = isIP(address)
  if (family === 0 || Number(bits ?? 0) > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  if (bits === undefined) addresses.addAddress(address, type)
  else addresses.addSubnet(address, Number(bits), type)
  return true
}
