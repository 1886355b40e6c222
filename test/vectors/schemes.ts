/** Every factory: its options, its definition in the document, and what requests send. */

import type { X509Certificate } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import type { SchemeFactories } from '../../lib'
import { basic, bearer } from '../helpers'
import { byteSequence, makeIdentity } from '../tls/helpers'

export type Sent = Pick<InjectOptions, 'headers' | 'query'>

export interface Row {
  readonly factory: keyof SchemeFactories
  readonly options: Record<string, unknown>
  readonly name: string
  readonly openapi: Record<string, unknown>
  readonly challenge: string
  /** True where the challenge names errors and scopes. */
  readonly bearer: boolean
  /** True for credentials that browsers send by themselves, which a page of another origin may not make them send. */
  readonly sentByBrowsers?: true
  readonly otherScheme: Sent
  /** `null` where a scheme takes any value. */
  readonly malformed: Sent | null
  /** The request for a secret, and the credentials that `verify` gets for it, as JSON. */
  readonly send: (secret: string) => Sent
  readonly credentials: (secret: string) => unknown
  readonly token: (secret: string) => string | null
}

const certificates = new Map(['good', 'weak', 'refused'].map((name) => [name, makeIdentity(name).certificate]))
const certificateOf = (name: string): X509Certificate => certificates.get(name) as X509Certificate

const other = { headers: { authorization: 'Unknown abc' } }
const authorization = (value: string): Sent => ({ headers: { authorization: value } })
const same = (secret: string): string => secret
const none = (): null => null
const flow = { tokenUrl: 'token', scopes: { read: 'Read', write: 'Write' } }

const oauth2 = {
  challenge: 'Bearer',
  bearer: true,
  otherScheme: other,
  malformed: authorization('Bearer a b'),
  send: (secret: string): Sent => ({ headers: bearer(secret) }),
  credentials: same,
  token: same
}

export const rows: readonly Row[] = [
  {
    factory: 'apiKeyCookie',
    sentByBrowsers: true,
    options: { name: 'session' },
    name: 'APIKeyCookie',
    openapi: { type: 'apiKey', description: 'A cookie that the server sets and the browser sends. Swagger UI does not send a value that is entered here.', in: 'cookie', name: 'session' },
    challenge: 'APIKey',
    bearer: false,
    otherScheme: { headers: { cookie: 'other=1' } },
    malformed: { headers: { cookie: 'session=%00' } },
    send: (secret) => ({ headers: { cookie: `other=1; session=${secret}` } }),
    credentials: same,
    token: same
  },
  {
    factory: 'apiKeyHeader',
    options: { name: 'X-API-Key' },
    name: 'APIKeyHeader',
    openapi: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    challenge: 'APIKey',
    bearer: false,
    otherScheme: { headers: { 'x-other': '1' } },
    malformed: { headers: { 'x-api-key': 'a\u0001b' } },
    send: (secret) => ({ headers: { 'x-api-key': secret } }),
    credentials: same,
    token: same
  },
  {
    factory: 'apiKeyQuery',
    options: { name: 'key' },
    name: 'APIKeyQuery',
    openapi: { type: 'apiKey', in: 'query', name: 'key' },
    challenge: 'APIKey',
    bearer: false,
    otherScheme: { query: { other: '1' } },
    malformed: { query: { key: ['a', 'b'] } },
    send: (secret) => ({ query: { key: secret } }),
    credentials: same,
    token: same
  },
  {
    factory: 'httpBase',
    options: { scheme: 'x-CUSTOM' },
    name: 'HTTPBase',
    openapi: { type: 'http', scheme: 'x-CUSTOM' },
    challenge: 'X-Custom',
    bearer: false,
    otherScheme: other,
    malformed: authorization('X-Custom,abc'),
    send: (secret) => authorization(`X-custom ${secret}`),
    credentials: (secret) => ({ scheme: 'X-custom', credentials: secret }),
    token: same
  },
  {
    factory: 'httpBasic',
    sentByBrowsers: true,
    options: { realm: 'The "Realm"' },
    name: 'HTTPBasic',
    openapi: { type: 'http', scheme: 'basic' },
    challenge: 'Basic realm="The \\"Realm\\""',
    bearer: false,
    otherScheme: other,
    malformed: authorization('Basic !!!'),
    send: (secret) => ({ headers: basic(`${secret}:p:w`) }),
    credentials: (secret) => ({ username: secret, password: 'p:w' }),
    token: none
  },
  {
    factory: 'httpBearer',
    options: { bearerFormat: 'JWT' },
    name: 'HTTPBearer',
    openapi: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    challenge: 'Bearer',
    bearer: true,
    otherScheme: other,
    malformed: authorization('Bearer a,b'),
    send: (secret) => authorization(`bEARER  ${secret}`),
    credentials: (secret) => ({ scheme: 'bEARER', credentials: secret }),
    token: same
  },
  {
    factory: 'httpDigest',
    sentByBrowsers: true,
    options: {},
    name: 'HTTPDigest',
    openapi: { type: 'http', scheme: 'digest' },
    challenge: 'Digest',
    bearer: false,
    otherScheme: other,
    malformed: authorization('Digest\tusername="x"'),
    send: (secret) => authorization(`Digest username="${secret}"`),
    credentials: (secret) => ({ scheme: 'Digest', credentials: `username="${secret}"` }),
    token: (secret) => `username="${secret}"`
  },
  {
    factory: 'mutualTLS',
    sentByBrowsers: true,
    options: { header: { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' }, description: 'A certificate of ours' },
    name: 'MutualTLS',
    openapi: { type: 'mutualTLS', description: 'A certificate of ours' },
    challenge: 'ClientCertificate',
    bearer: false,
    otherScheme: { headers: { 'x-client-cert': byteSequence(certificateOf('good')) } },
    malformed: { headers: { 'client-cert': `${byteSequence(certificateOf('good'))};a=1` } },
    send: (secret) => ({ headers: { 'client-cert': byteSequence(certificateOf(secret)) } }),
    credentials: (secret) => certificateOf(secret).toString(),
    token: none
  },
  {
    factory: 'oauth2',
    options: { flows: { password: flow } },
    name: 'OAuth2',
    openapi: { type: 'oauth2', flows: { password: flow } },
    ...oauth2,
    // Any value is for this scheme, so there is no other scheme.
    otherScheme: authorization('   '),
    malformed: null,
    credentials: (secret) => `Bearer ${secret}`,
    token: (secret) => `Bearer ${secret}`
  },
  {
    factory: 'oauth2PasswordBearer',
    options: { ...flow, refreshUrl: 'refresh' },
    name: 'OAuth2PasswordBearer',
    openapi: { type: 'oauth2', flows: { password: { ...flow, refreshUrl: 'refresh' } } },
    ...oauth2
  },
  {
    factory: 'oauth2AuthorizationCodeBearer',
    options: { ...flow, authorizationUrl: 'authorize' },
    name: 'OAuth2AuthorizationCodeBearer',
    openapi: { type: 'oauth2', flows: { authorizationCode: { ...flow, authorizationUrl: 'authorize' } } },
    ...oauth2
  },
  {
    factory: 'oauth2ClientCredentialsBearer',
    options: flow,
    name: 'OAuth2ClientCredentialsBearer',
    openapi: { type: 'oauth2', flows: { clientCredentials: flow } },
    ...oauth2
  },
  {
    factory: 'openIdConnect',
    options: { openIdConnectUrl: '/.well-known/openid-configuration' },
    name: 'OpenIdConnect',
    openapi: { type: 'openIdConnect', openIdConnectUrl: '/.well-known/openid-configuration' },
    ...oauth2
  }
]
