/** All factories, by their names on `app.authSchemes`. */

import type { SchemeFactories } from '../../types/options'
import { apiKeyCookie, apiKeyHeader, apiKeyQuery } from './api-key'
import type { DefineScheme } from './definition'
import { httpBase, httpBasic, httpBearer, httpDigest } from './http'
import { mutualTLS } from './mutual-tls'
import { oauth2, oauth2AuthorizationCodeBearer, oauth2ClientCredentialsBearer, oauth2PasswordBearer } from './oauth2'
import { openIdConnect } from './openid-connect'

export const factories: { readonly [Name in keyof SchemeFactories]: DefineScheme } = {
  apiKeyCookie,
  apiKeyHeader,
  apiKeyQuery,
  httpBase,
  httpBasic,
  httpBearer,
  httpDigest,
  mutualTLS,
  oauth2,
  oauth2PasswordBearer,
  oauth2AuthorizationCodeBearer,
  oauth2ClientCredentialsBearer,
  openIdConnect
}
