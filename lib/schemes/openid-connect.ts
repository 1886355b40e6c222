/** OpenID Connect Discovery: the document tells clients where the provider describes itself. */

import { asString, checkOptions, define, defined, requiredString, type SchemeDefinition } from './definition'
import { bearerToken } from './oauth2'

/**
 * A bearer token from the provider at `openIdConnectUrl`, which is never fetched. Issuer and signature are for `verify`
 * to check.
 */
export function openIdConnect (options: unknown, pluginRealm?: string): SchemeDefinition {
  const where = 'openIdConnect'
  const checked = checkOptions(where, options, ['openIdConnectUrl'])
  const openIdConnectUrl = requiredString(where, checked, 'openIdConnectUrl')
  return define(where, checked, 'OpenIdConnect', {
    openapi: defined({ type: 'openIdConnect', description: checked.description, openIdConnectUrl }),
    challenge: { scheme: 'Bearer', realm: pluginRealm, bearer: true },
    declaredScopes: null,
    tokenOf: asString,
    blank: '',
    extract: (request) => bearerToken(request.headers.authorization)
  })
}
