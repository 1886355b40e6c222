/** All factories, each with every outcome: what is answered, whether the handler ran, and what the document says. */

import t from 'tap'
import type { InjectOptions } from 'fastify'
import type { Scheme, SchemeFactories } from '../lib'
import { factories } from '../lib/schemes'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, NOT_AUTHENTICATED, basic, bearer, challengesOf, createApp, documentOf } from './helpers'

type Sent = Pick<InjectOptions, 'headers' | 'query'>

interface Row {
  readonly factory: keyof SchemeFactories
  readonly options: Record<string, unknown>
  readonly name: string
  readonly openapi: Record<string, unknown>
  readonly challenge: string
  /** Whether the challenge tells errors and scopes. */
  readonly bearer: boolean
  readonly otherScheme: Sent
  readonly malformed: Sent
  /** What is sent for a secret, and what `verify` must be given for it. */
  readonly send: (secret: string) => Sent
  readonly credentials: (secret: string) => unknown
  readonly token: (secret: string) => string | null
}

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

const rows: Row[] = [
  {
    factory: 'apiKeyCookie',
    options: { name: 'session' },
    name: 'APIKeyCookie',
    openapi: { type: 'apiKey', description: 'A cookie that the server sets and the browser sends. Swagger UI does not send a value that is entered here.', in: 'cookie', name: 'session' },
    challenge: 'APIKey',
    bearer: false,
    otherScheme: { headers: { cookie: 'other=1' } },
    // A cookie is always one string: the nearest there is to malformed is one without a value, which is absent.
    malformed: { headers: { cookie: 'session=' } },
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
    malformed: { headers: { 'x-api-key': '' } },
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
    factory: 'oauth2',
    options: { flows: { password: flow } },
    name: 'OAuth2',
    openapi: { type: 'oauth2', flows: { password: flow } },
    ...oauth2,
    // Any value is for this scheme, so there is no other scheme and nothing malformed but an empty one.
    otherScheme: authorization('   '),
    malformed: authorization(''),
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

// In these the value that comes nearest to malformed is no value at all.
const NEVER_MALFORMED = ['apiKeyCookie', 'apiKeyHeader', 'oauth2']

for (const row of rows) {
  t.test(row.factory, async (t) => {
    const app = await createApp()
    const make = app.authSchemes[row.factory] as (options: object) => Scheme
    const verified: unknown[] = []
    const verify = (credentials: unknown): unknown => {
      verified.push(credentials)
      const text = JSON.stringify(credentials)
      if (text.includes('refused')) return null
      return { scopes: text.includes('weak') ? ['read'] : ['read', 'write'] }
    }
    const scheme = make({ ...row.options, verify })
    const lenient = make({ ...row.options, verify, autoError: false })
    let ran = 0
    const handler = async (request: { auth: unknown }): Promise<unknown> => {
      ran++
      return { auth: request.auth }
    }
    app.get('/plain', { security: [{ scheme }] }, handler)
    app.get('/scoped', { security: [{ scheme, scopes: ['read', 'write'] }] }, handler)
    app.get('/optional', { security: [{ scheme: lenient }] }, handler)
    await app.ready()

    async function ask (url: string, sent: Sent): Promise<{ status: number, body: any, challenges: string[], ran: boolean }> {
      ran = 0
      const response = await app.inject({ url, ...sent })
      return { status: response.statusCode, body: response.json(), challenges: challengesOf(response), ran: ran === 1 }
    }
    const refusal = (body: object, challenge: string): object => ({ status: (body as { statusCode: number }).statusCode, body, challenges: [challenge], ran: false })
    const withParameters = (...parameters: string[]): string => row.bearer ? `${row.challenge} ${parameters.join(', ')}` : row.challenge
    const auth = (secret: string, scopes: string[], granted: string[]): object => ({
      scheme: row.name,
      credentials: row.credentials(secret),
      token: row.token(secret),
      user: { scopes: granted },
      scopes,
      scopeStr: scopes.join(' ')
    })

    t.strictSame(await ask('/plain', {}), refusal(NOT_AUTHENTICATED, row.challenge), 'absent')
    t.strictSame(await ask('/plain', row.otherScheme), refusal(NOT_AUTHENTICATED, row.challenge), 'other scheme')
    t.strictSame(await ask('/plain', row.malformed), refusal(NOT_AUTHENTICATED, row.challenge), 'malformed')
    t.strictSame(verified, [], 'nothing was verified before there were credentials')
    t.strictSame(await ask('/scoped', {}), refusal(NOT_AUTHENTICATED, withParameters('scope="read write"')), 'absent, scopes required')
    t.strictSame(await ask('/plain', row.send('refused')), refusal(INVALID_CREDENTIALS, withParameters('error="invalid_token"')), 'refused')
    t.strictSame(await ask('/scoped', row.send('refused')),
      refusal(INVALID_CREDENTIALS, withParameters('error="invalid_token"', 'scope="read write"')), 'refused, scopes required')
    t.strictSame(await ask('/scoped', row.send('weak')),
      refusal(INSUFFICIENT_SCOPE, withParameters('error="insufficient_scope"', 'scope="read write"')), 'insufficient')
    verified.length = 0
    t.strictSame(await ask('/scoped', row.send('good')),
      { status: 200, body: { auth: auth('good', ['read', 'write'], ['read', 'write']) }, challenges: [], ran: true }, 'accepted, scopes required')
    t.strictSame(verified, [row.credentials('good')], 'verified once')
    t.strictSame(await ask('/plain', row.send('weak')),
      { status: 200, body: { auth: auth('weak', [], ['read']) }, challenges: [], ran: true }, 'accepted')

    const anonymous = { status: 200, body: { auth: null }, challenges: [], ran: true }
    t.strictSame(await ask('/optional', {}), anonymous, 'optional, absent')
    t.strictSame(await ask('/optional', row.malformed),
      NEVER_MALFORMED.includes(row.factory) ? anonymous : refusal(NOT_AUTHENTICATED, row.challenge), 'optional, malformed')
    t.strictSame(await ask('/optional', row.send('refused')), refusal(INVALID_CREDENTIALS, withParameters('error="invalid_token"')), 'optional, refused')
    t.match(await ask('/optional', row.send('good')), { status: 200, ran: true, body: { auth: auth('good', [], ['read', 'write']) } }, 'optional, accepted')

    const document = documentOf(app)
    t.strictSame(document.components.securitySchemes, { [row.name]: row.openapi }, 'the scheme in the document')
    const errors = (path: string): string[] => Object.keys(document.paths[path].get.responses)
    t.strictSame(document.paths['/plain'].get.security, [{ [row.name]: [] }])
    t.strictSame(errors('/plain'), ['200', '401'])
    t.strictSame(document.paths['/scoped'].get.security, [{ [row.name]: ['read', 'write'] }])
    t.strictSame(errors('/scoped'), ['200', '401', '403'])
    t.strictSame(document.paths['/optional'].get.security, [{ [row.name]: [] }, {}])
    t.strictSame(errors('/optional'), ['200', '401'])
  })
}

t.test('the matrix has every factory', async (t) => {
  t.strictSame(Object.keys(factories).sort(), rows.map(({ factory }) => factory).sort())
})
