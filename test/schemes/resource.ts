import t from 'tap'
import { httpBearer } from '../../lib/schemes/http'
import { oauth2, oauth2AuthorizationCodeBearer, oauth2ClientCredentialsBearer, oauth2PasswordBearer } from '../../lib/schemes/oauth2'
import { openIdConnect } from '../../lib/schemes/openid-connect'
import { factories } from '../../lib/schemes'
import { readResource } from '../../lib/schemes/resource'

const verify = (): boolean => true
const issuers = ['https://as.example']
const url = 'https://api.example/mcp'

const read = (resource: unknown, declared: readonly string[] | null = null) =>
  readResource('factory', { verify, resource }, declared === null ? null : new Set(declared))

t.test('all members become metadata, and are documented as they were written', async (t) => {
  t.strictSame(read({
    url,
    authorizationServers: ['https://as.example/', 'https://as.example/tenant', 'http://localhost:3001'],
    audience: ['api://1', 'https://api.example'],
    scopes: ['b', 'a', 'b'],
    name: 'Notes',
    documentation: 'https://api.example/docs?page=1#start'
  }), {
    info: {
      url,
      metadataUrl: 'https://api.example/.well-known/oauth-protected-resource/mcp',
      audiences: ['api://1', 'https://api.example', 'https://api.example/']
    },
    metadataPath: '/.well-known/oauth-protected-resource/mcp',
    metadata: {
      resource: url,
      authorization_servers: ['https://as.example/', 'https://as.example/tenant', 'http://localhost:3001'],
      scopes_supported: ['b', 'a'],
      bearer_methods_supported: ['header'],
      resource_name: 'Notes',
      resource_documentation: 'https://api.example/docs?page=1#start'
    }
  })
})

t.test('members that are left out are not in the metadata', async (t) => {
  t.strictSame(read({ url, authorizationServers: issuers })?.metadata,
    { resource: url, authorization_servers: issuers, bearer_methods_supported: ['header'] })
  t.equal(readResource('factory', { verify }, null), null)
})

const urls: ReadonlyArray<readonly [url: string, metadataUrl: string, audiences: readonly string[]]> = [
  ['https://a.example', 'https://a.example/.well-known/oauth-protected-resource', ['https://a.example', 'https://a.example/']],
  ['https://a.example/', 'https://a.example/.well-known/oauth-protected-resource', ['https://a.example/', 'https://a.example']],
  ['https://a.example:8443/x/', 'https://a.example:8443/.well-known/oauth-protected-resource/x/', ['https://a.example:8443/x/']],
  ['https://a.example/a:b', 'https://a.example/.well-known/oauth-protected-resource/a:b', ['https://a.example/a:b']],
  ['http://localhost:3000/mcp', 'http://localhost:3000/.well-known/oauth-protected-resource/mcp', ['http://localhost:3000/mcp']],
  ['http://127.0.0.1/mcp', 'http://127.0.0.1/.well-known/oauth-protected-resource/mcp', ['http://127.0.0.1/mcp']],
  ['http://[::1]:1/', 'http://[::1]:1/.well-known/oauth-protected-resource', ['http://[::1]:1/', 'http://[::1]:1']]
]
for (const [written, metadataUrl, audiences] of urls) {
  t.test(`the well-known path stands between host and path, and a bare origin counts in both forms: ${written}`, async (t) => {
    const resource = read({ url: written, authorizationServers: issuers })
    t.strictSame(resource?.info, { url: written, metadataUrl, audiences })
    t.equal(resource?.metadata.resource, written)
    t.ok(Object.isFrozen(resource?.info))
    t.ok(Object.isFrozen(resource?.info.audiences))
  })
}

t.test('every factory of the bearer family takes it, and no other', async (t) => {
  const resource = { url, authorizationServers: issuers }
  const bearers = {
    httpBearer: () => httpBearer({ verify, resource }),
    oauth2: () => oauth2({ verify, resource, flows: {} }),
    oauth2PasswordBearer: () => oauth2PasswordBearer({ verify, resource, tokenUrl: 'x' }),
    oauth2AuthorizationCodeBearer: () => oauth2AuthorizationCodeBearer({ verify, resource, authorizationUrl: 'x', tokenUrl: 'x' }),
    oauth2ClientCredentialsBearer: () => oauth2ClientCredentialsBearer({ verify, resource, tokenUrl: 'x' }),
    openIdConnect: () => openIdConnect({ verify, resource, openIdConnectUrl: 'x' })
  }
  for (const [name, make] of Object.entries(bearers)) {
    t.equal(make().resource?.info.url, url, name)
    t.notOk('resource' in make().openapi, 'the scheme is documented as before')
  }
  for (const [name, make] of Object.entries(factories)) {
    if (name in bearers) continue
    t.throws(() => make({ resource, verify }, undefined),
      { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: new RegExp(`^${name}: there is no option .resource.:`) }, name)
  }
  t.throws(() => httpBearer({ verify, resource: undefined }), { message: /^httpBearer: the option `resource` is undefined/ })
})

t.test('without a verify, tokens would be bound to nothing', async (t) => {
  for (const options of [{}, { verify: false }]) {
    t.throws(() => httpBearer({ ...options, resource: { url, authorizationServers: issuers } }),
      { message: 'httpBearer: the option `resource` needs a `verify`: without it no token is bound to this API' })
  }
})

const URL_RULE = 'factory.resource: the option `url` must be an absolute https URL without user, query and fragment; ' +
  'http is allowed on loopback alone'
const ISSUERS = 'factory.resource: the option `authorizationServers` must be an array of issuers, at least one: ' +
  'https URLs without user, query and fragment; http is allowed on loopback alone'
const AUDIENCE = 'factory.resource: the option `audience` must be a string, or an array of strings, none of them empty'
const SCOPES = 'factory.resource: the option `scopes` must be an array of scope names, at least one'
const DOCUMENTATION = 'factory.resource: the option `documentation` must be an absolute URL'

const hole: unknown[] = new Array(1)
const bad: ReadonlyArray<readonly [rule: string, members: unknown, message: string | RegExp]> = [
  ...[null, 'x', [], 1].map((value) => [`resource: ${JSON.stringify(value)}`, value,
    'factory: the option `resource` must be an object'] as const),
  ['a member that is unknown', { url, authorizationServers: issuers, audiences: ['x'] },
    'factory.resource: there is no option `audiences`: it takes url, authorizationServers, audience, scopes, name, documentation'],
  ['a member that is undefined', { url, authorizationServers: issuers, audience: undefined }, /^factory\.resource: the option `audience` is undefined/],
  ...[undefined, '', 1, [url]].map((value) => [`url: ${JSON.stringify(value)}`,
    value === undefined ? { authorizationServers: issuers } : { url: value, authorizationServers: issuers },
    'factory.resource: the option `url` must be a string that is not empty'] as const),
  ...[
    '/mcp', 'api.example/mcp', '//api.example/mcp', 'http://api.example/mcp', 'http://localhost.example/mcp', 'http://127.0.0.1.example/',
    'ftp://api.example/mcp', 'https://api.example/mcp?', 'https://api.example/mcp?a=b', 'https://api.example/mcp#', 'https://user@api.example/mcp',
    'https://u:p@api.example', 'https://@api.example', 'https:\\\\api.example', 'https://api.example\\mcp', 'https://', 'https://[',
    'https:///user:pw@api.example', 'HTTPS://user:pw@api.example', 'https:user:pw@api.example', 'HTTP://api.example/mcp'
  ].map((value) => [`url: ${JSON.stringify(value)}`, { url: value, authorizationServers: issuers }, URL_RULE] as const),
  ...([
    ['https://API.example/mcp', 'https://api.example/mcp'], ['https://api.example:443/mcp', 'https://api.example/mcp'],
    ['https://api.example/a/../mcp', 'https://api.example/mcp'], ['https://api.example/./mcp', 'https://api.example/mcp'],
    ['http://127.1/mcp', 'http://127.0.0.1/mcp'], ['HTTPS://api.example/mcp', 'https://api.example/mcp'],
    ['https://b\u00fccher.example', 'https://xn--bcher-kva.example/'], ['https:///api.example/mcp', 'https://api.example/mcp'],
    [' https://api.example/mcp', 'https://api.example/mcp'], ['https://api.example/m\ncp', 'https://api.example/mcp']
  ] as const).map(([value, canonical]) => [`url: ${value}`, { url: value, authorizationServers: issuers },
    `factory.resource: the option \`url\` must be written as "${canonical}"`] as const),
  ...['https://api.example/*', 'https://api.example/a%20b', 'https://api.example/a b', 'https://api.example/"', 'https://api.example/\u00fc'].map((value) => [`url: ${value}`, { url: value, authorizationServers: issuers },
    'factory.resource: the option `url` must not have `*`, `%` or a character that URLs escape in its path'] as const),
  ...[
    undefined, null, [], 'https://as.example', [''], [1], hole, [issuers], ['https://as.example', 'x'], ['http://as.example'],
    ['https://as.example?x'], ['https:///user:pw@as.example'], ['https://as.example#'], ['https://u@as.example'], ['/as']
  ].map((value) => [`authorizationServers: ${JSON.stringify(value)}`,
    value === undefined ? { url } : { url, authorizationServers: value }, ISSUERS] as const),
  ...[null, '', [], [''], ['a', ''], [1], hole, 1, {}].map((value) => [`audience: ${JSON.stringify(value)}`,
    { url, authorizationServers: issuers, audience: value }, AUDIENCE] as const),
  ...[null, [], 'a', ['a b'], [''], [1], hole].map((value) => [`scopes: ${JSON.stringify(value)}`,
    { url, authorizationServers: issuers, scopes: value }, SCOPES] as const),
  ['scopes: offline_access', { url, authorizationServers: issuers, scopes: ['a', 'offline_access'] },
    'factory.resource: the option `scopes` must not have "offline_access": it asks the authorization server for a refresh token, and grants nothing here'],
  ['scopes beyond the declared', { url, authorizationServers: issuers, scopes: ['a', 'c'] },
    'factory.resource: the option `scopes` has "c", which the scheme does not declare'],
  ['name: ""', { url, authorizationServers: issuers, name: '' }, 'factory.resource: the option `name` must be a string that is not empty'],
  ...['/docs', 'javascript:alert(1)', 'https://a b', 'https://['].map((value) => [`documentation: ${value}`,
    { url, authorizationServers: issuers, documentation: value }, DOCUMENTATION] as const)
]
for (const [rule, members, message] of bad) {
  t.test(`it is refused: ${rule}`, async (t) => {
    t.throws(() => read(members, ['a', 'b']), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message })
  })
}
