/** OpenID Connect Discovery: the document names the URL of the provider's discovery document. */

import { asString, define, defined, requiredString, schemeOptions, type SchemeDefinition } from './definition'
import { bearerToken } from './oauth2'
import { readResource } from './resource'

/**
 * A bearer token from the provider at `openIdConnectUrl`, which is never fetched. `verify` must check issuer and
 * signature.
 */
export function openIdConnect (options: unknown, pluginRealm?: string): SchemeDefinition {
  const where = 'openIdConnect'
  const checked = schemeOptions(where, options, ['openIdConnectUrl', 'resource'])
  const openIdConnectUrl = requiredString(where, checked, 'openIdConnectUrl')
  return define(where, checked, 'OpenIdConnect', {
    openapi: defined({ type: 'openIdConnect', description: checked.description, openIdConnectUrl }),
    challenge: { scheme: 'Bearer', realm: pluginRealm, bearer: true },
    declaredScopes: null,
    tokenOf: asString,
    emptyCredentials: '',
    resource: readResource(where, checked, null),
    trustedOrigins: null,
    extract: (request) => bearerToken(request.headers.authorization)
  })
}
