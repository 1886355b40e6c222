import t from 'tap'
import { factories } from '../../lib/schemes'

t.test('every factory is there by its own name', async (t) => {
  for (const [name, factory] of Object.entries(factories)) t.equal(factory.name, name)
  t.equal(Object.keys(factories).length, 12)
})

t.test('options may be frozen, and are not written to', async (t) => {
  const all = { name: 'k', scheme: 'x', flows: {}, tokenUrl: 't', authorizationUrl: 'a', openIdConnectUrl: 'o' }
  const own: Record<string, Array<keyof typeof all>> = {
    apiKeyCookie: ['name'],
    apiKeyHeader: ['name'],
    apiKeyQuery: ['name'],
    httpBase: ['scheme'],
    httpBasic: [],
    httpBearer: [],
    httpDigest: [],
    oauth2: ['flows'],
    oauth2PasswordBearer: ['tokenUrl'],
    oauth2AuthorizationCodeBearer: ['tokenUrl', 'authorizationUrl'],
    oauth2ClientCredentialsBearer: ['tokenUrl'],
    openIdConnect: ['openIdConnectUrl']
  }
  for (const [name, factory] of Object.entries(factories)) {
    const options = Object.freeze(Object.fromEntries((own[name] ?? []).map((key) => [key, Object.freeze(all[key])])))
    t.equal(factory(options, undefined).autoError, true, name)
  }
})
