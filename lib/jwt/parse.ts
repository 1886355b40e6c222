/** The compact form of a JWT (RFC 7515 section 7.1), read strictly. Nothing is verified here. */

import { isUtf8 } from 'node:buffer'
import { readObject } from '../provider/json'

export interface ParsedToken {
  readonly header: Readonly<Record<string, unknown>> & { readonly alg: string }
  readonly claims: Record<string, unknown>
}

/**
 * The header and the claims; `null` where the form is not exactly three segments of base64url without padding and
 * surplus bits, the first two of them
 * JSON objects, or where the header asks for extensions: none are understood.
 */
export function parseToken (token: string): ParsedToken | null {
  const segments = token.split('.', 4)
  if (segments.length !== 3) return null
  const [head, body, signature] = segments.map(decode)
  if (head == null || body == null || signature == null) return null
  const header = isUtf8(head) ? readObject(head.toString()) : null
  const claims = isUtf8(body) ? readObject(body.toString()) : null
  if (header === null || claims === null) return null
  const { alg, kid } = header
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) return null
  if ('crit' in header || 'b64' in header) return null
  return { header: { ...header, alg }, claims }
}

/** The bytes of a segment, where it is the one way to write them. */
function decode (segment: string): Buffer | null {
  const bytes = Buffer.from(segment, 'base64url')
  return segment !== '' && bytes.toString('base64url') === segment ? bytes : null
}
