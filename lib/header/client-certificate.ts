/** The certificate of a client in a header, as a proxy writes it. */

import { X509Certificate } from 'node:crypto'
import { MALFORMED } from './authorization'

// Byte Sequence, RFC 8941 section 3.3.5: the value of `Client-Cert` (RFC 9440 section 2.2). Parameters are none of it.
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/

// One certificate, RFC 7468 section 5.1.
const PEM = /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----(?:\r?\n)?$/

/** Reads the form of RFC 9440: base64 of DER between colons. Malformed: anything but exactly one certificate. */
export function readByteSequence (value: string): X509Certificate | typeof MALFORMED {
  return readDer(BYTE_SEQUENCE.exec(value)?.[1] ?? '')
}

/** Reads PEM with percent-encoding, in which `+` is no space. Malformed: anything but exactly one certificate. */
export function readEscapedPem (value: string): X509Certificate | typeof MALFORMED {
  try {
    return readDer(PEM.exec(decodeURIComponent(value))?.[1]?.replace(/\r?\n/g, '') ?? '')
  } catch {
    return MALFORMED
  }
}

function readDer (base64: string): X509Certificate | typeof MALFORMED {
  const der = Buffer.from(base64, 'base64')
  // A text that encodes back to itself is canonical base64 (RFC 4648 section 3.5).
  if (der.toString('base64') !== base64) return MALFORMED
  try {
    const certificate = new X509Certificate(der)
    // The constructor takes PEM, too, and reads no further than the first certificate.
    return certificate.raw.equals(der) ? certificate : MALFORMED
  } catch {
    return MALFORMED
  }
}
