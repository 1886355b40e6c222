import t from 'tap'
import { factories } from '../../lib/schemes'

t.test('every factory is there by its own name', async (t) => {
  for (const [name, factory] of Object.entries(factories)) t.equal(factory.name, name)
  t.equal(Object.keys(factories).length, 13)
})

const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  apiKeyCookie: ['trustedOrigins'],
  httpBasic: ['realm', 'trustedOrigins'],
  httpDigest: ['trustedOrigins'],
  httpBearer: ['bearerFormat'],
  mutualTLS: ['header'],
  oauth2PasswordBearer: ['refreshUrl', 'scopes'],
  oauth2AuthorizationCodeBearer: ['refreshUrl', 'scopes'],
  oauth2ClientCredentialsBearer: ['scopes']
}

t.test('options may be frozen, are not written to, and must not be undefined', async (t) => {
  const header = Object.freeze({ name: 'h', from: Object.freeze(['::1']), encoding: 'rfc9440' })
  const all = { header, name: 'k', scheme: 'x', flows: {}, tokenUrl: 't', authorizationUrl: 'a', openIdConnectUrl: 'o' }
  const own: Record<string, Array<keyof typeof all>> = {
    apiKeyCookie: ['name'],
    apiKeyHeader: ['name'],
    apiKeyQuery: ['name'],
    httpBase: ['scheme'],
    httpBasic: [],
    httpBearer: [],
    httpDigest: [],
    mutualTLS: ['header'],
    oauth2: ['flows'],
    oauth2PasswordBearer: ['tokenUrl'],
    oauth2AuthorizationCodeBearer: ['tokenUrl', 'authorizationUrl'],
    oauth2ClientCredentialsBearer: ['tokenUrl'],
    openIdConnect: ['openIdConnectUrl']
  }
  for (const [name, factory] of Object.entries(factories)) {
    const options = Object.freeze(Object.fromEntries((own[name] ?? []).map((key) => [key, Object.freeze(all[key])])))
    t.equal(factory(options, undefined).autoError, true, name)
    for (const key of [...Object.keys(options), 'schemeName', 'description', 'autoError', 'verify', 'grantedScopes', ...OPTIONAL[name] ?? []]) {
      t.throws(() => factory({ ...options, [key]: undefined }, undefined), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: new RegExp(`^${name}: the option \`${key}\` is undefined`) })
    }
    t.match(factory({ ...options, verify: false }, undefined), { verify: undefined, extractionOnly: true })
  }
})
