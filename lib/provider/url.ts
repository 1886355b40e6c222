/** The URLs at which a provider may be asked. */

import { badOption } from '../errors'
import type { Options } from './options'

// Visible ASCII (RFC 3986 section 2), so that no parser strips anything; no userinfo and no fragment.
const WRITTEN = /^(?=[!-~]+$)https?:\/\/[^/?#@\\]+(?:[/?][^#\\]*)?$/

// RFC 8252 section 7.3, and the name for it.
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Returns true for an https URL, or an http URL of this machine. */
export function isProviderUrl (value: unknown): value is string {
  if (typeof value !== 'string' || !WRITTEN.test(value) || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || LOOPBACK.test(hostname)
}

/** An option that is the identifier of an issuer (RFC 8414 section 2), or is held to its rule: without a query. */
export function issuerUrl (where: string, options: Options, key: string): string {
  const value = options[key]
  if (!isProviderUrl(value) || value.includes('?')) {
    throw badOption(
      where,
      `the option \`${key}\` must be an https URL without query, fragment and user; http is allowed on loopback alone`
    )
  }
  return value
}

/** An option that is the URL of an endpoint (RFC 6749 section 3.2), which may have a query. */
export function endpointUrl (where: string, options: Options, key: string): string {
  const value = options[key]
  if (!isProviderUrl(value)) {
    throw badOption(
      where,
      `the option \`${key}\` must be an https URL without fragment and user; http is allowed on loopback alone`
    )
  }
  return value
}
