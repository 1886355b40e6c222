/** HTTP authentication (RFC 9110 section 11): any scheme by name, Basic, Bearer, Digest. */

import { badOption } from '../errors'
import { ABSENT, MALFORMED, isBearerToken, isToken, isUsualBearer, readAuthorization } from '../header/authorization'
import { readBasicCredentials } from '../header/basic-credentials'
import { titleCase } from '../header/challenge'
import type { HTTPAuthorizationCredentials } from '../../types/options'
import {
  define, defined, optionalRealm, optionalString, requiredString, schemeOptions, type SchemeDefinition, type SchemeKind
} from './definition'
import { readResource } from './resource'
import { readTrustedOrigins } from './trusted-origins'

const credentialsOf = ({ credentials }: HTTPAuthorizationCredentials): string => credentials

// Browsers send credentials of these schemes by themselves once they have some (RFC 7617, RFC 7616, RFC 4559).
const SENT_BY_BROWSERS = ['basic', 'digest', 'negotiate', 'ntlm']

/** The scheme called `scheme`. The credentials are taken as sent: `verify` must check their form. */
export function httpBase (options: unknown): SchemeDefinition {
  const where = 'httpBase'
  const checked = schemeOptions(where, options, ['scheme', 'trustedOrigins'])
  const scheme = requiredString(where, checked, 'scheme')
  if (!isToken(scheme)) {
    throw badOption(where, 'the option `scheme` must be a token in the sense of RFC 9110 section 5.6.2')
  }
  const isSentByBrowsers = SENT_BY_BROWSERS.includes(scheme.toLowerCase())
  if (checked.trustedOrigins !== undefined && !isSentByBrowsers) {
    throw badOption(where, `the option \`trustedOrigins\` is not for "${scheme}": leave it out, as browsers send ` +
      'only Basic, Digest, Negotiate and NTLM by themselves')
  }
  return define(where, checked, 'HTTPBase', {
    openapi: defined({ type: 'http', description: checked.description, scheme }),
    challenge: { scheme: titleCase(scheme), bearer: false },
    trustedOrigins: isSentByBrowsers ? readTrustedOrigins(where, checked.trustedOrigins) : null,
    ...anyCredentials(scheme)
  })
}

/** HTTP Basic (RFC 7617): a user name and a password, UTF-8. */
export function httpBasic (options: unknown = {}, pluginRealm?: string): SchemeDefinition {
  const where = 'httpBasic'
  const checked = schemeOptions(where, options, ['realm', 'trustedOrigins'])
  return define(where, checked, 'HTTPBasic', {
    openapi: defined({ type: 'http', description: checked.description, scheme: 'basic' }),
    challenge: { scheme: 'Basic', realm: optionalRealm(where, checked.realm) ?? pluginRealm, bearer: false },
    declaredScopes: null,
    tokenOf: () => null,
    emptyCredentials: { username: '', password: '' },
    trustedOrigins: readTrustedOrigins(where, checked.trustedOrigins),
    extract (request) {
      const authorization = readAuthorization(request.headers.authorization, 'basic')
      return typeof authorization === 'symbol' ? authorization : readBasicCredentials(authorization.credentials)
    }
  })
}

/** A bearer token (RFC 6750 section 2.1). `verify` must check signature, expiry and audience. */
export function httpBearer (options: unknown = {}, pluginRealm?: string): SchemeDefinition {
  const where = 'httpBearer'
  const checked = schemeOptions(where, options, ['bearerFormat', 'resource'])
  const bearerFormat = optionalString(where, checked, 'bearerFormat')
  return define(where, checked, 'HTTPBearer', {
    openapi: defined({ type: 'http', description: checked.description, scheme: 'bearer', bearerFormat }),
    challenge: { scheme: 'Bearer', realm: pluginRealm, bearer: true },
    declaredScopes: null,
    tokenOf: credentialsOf,
    emptyCredentials: { scheme: 'Bearer', credentials: '' },
    resource: readResource(where, checked, null),
    trustedOrigins: null,
    extract: (request) => readBearer(request.headers.authorization)
  })
}

/** HTTP Digest (RFC 7616). The parameters are not parsed: `verify` must check nonce, response and replay. */
export function httpDigest (options: unknown = {}, pluginRealm?: string): SchemeDefinition {
  const where = 'httpDigest'
  const checked = schemeOptions(where, options, ['trustedOrigins'])
  return define(where, checked, 'HTTPDigest', {
    openapi: defined({ type: 'http', description: checked.description, scheme: 'digest' }),
    challenge: { scheme: 'Digest', realm: pluginRealm, bearer: false },
    trustedOrigins: readTrustedOrigins(where, checked.trustedOrigins),
    ...anyCredentials('digest')
  })
}

/**
 * Returns a bearer token with the scheme's name as it was sent. No token is absent; more than one, or one with a quote
 * or a comma, is malformed.
 */
export function readBearer (header: unknown): HTTPAuthorizationCredentials | typeof ABSENT | typeof MALFORMED {
  if (typeof header === 'string' && isUsualBearer(header)) {
    return { scheme: 'Bearer', credentials: header.slice('Bearer '.length) }
  }
  const authorization = readAuthorization(header, 'bearer')
  if (typeof authorization === 'symbol') return authorization
  if (authorization.credentials === '') return ABSENT
  return isBearerToken(authorization.credentials) ? authorization : MALFORMED
}

type AnyCredentials = Pick<SchemeKind, 'declaredScopes' | 'tokenOf' | 'emptyCredentials' | 'extract'>

function anyCredentials (scheme: string): AnyCredentials {
  const name = scheme.toLowerCase()
  return {
    declaredScopes: null,
    tokenOf: credentialsOf,
    emptyCredentials: { scheme, credentials: '' },
    extract (request) {
      const authorization = readAuthorization(request.headers.authorization, name)
      if (typeof authorization === 'symbol') return authorization
      return authorization.credentials === '' ? ABSENT : authorization
    }
  }
}
