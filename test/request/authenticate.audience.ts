import t from 'tap'
import { INSUFFICIENT_SCOPE, INVALID_CREDENTIALS, bearer, challengesOf, createApp } from '../helpers'

const resource = { url: 'https://api.example/mcp', authorizationServers: ['https://as.example'] }
const METADATA = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"'
const FOREIGN = { ...INVALID_CREDENTIALS, message: 'The token is not meant for this API' }
const FOREIGN_CHALLENGE = `Bearer ${METADATA}, error="invalid_token", error_description="The token is not meant for this API"`

/** The response to a token whose `verify` gives that user, and the number of times that the handler ran. */
async function ask (user: unknown, options: object = {}, scopes: readonly string[] = []) {
  const app = await createApp()
  const scheme = app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', verify: (): any => user, resource: { ...resource, ...options } })
  let ran = 0
  app.get('/', { security: [{ scheme, scopes }] }, async () => ++ran)
  const response = await app.inject({ url: '/', headers: bearer('secret') })
  return { response, ran }
}

const audiences = ['api://1', 'https://api.example']
const accepted: ReadonlyArray<readonly [aud: unknown, options?: object]> = [
  [resource.url], [[resource.url]], [['https://other.example', resource.url]],
  ['api://1', { audience: 'api://1' }], [['x', 'https://api.example'], { audience: audiences }], ['https://api.example/', { audience: audiences }],
  ['https://b.example/', { url: 'https://b.example' }], ['https://b.example', { url: 'https://b.example/' }]
]
for (const [aud, options] of accepted) {
  t.test(`aud contains an audience: ${JSON.stringify(aud)}`, async (t) => {
    for (const user of [{ aud }, Promise.resolve({ aud })]) {
      const { response, ran } = await ask(user, options)
      t.equal(response.statusCode, 200)
      t.equal(ran, 1)
    }
  })
}

const foreign: ReadonlyArray<readonly [aud: unknown, options?: object]> = [
  [''], [[]], ['https://api.example'], ['https://api.example/mcp/'], ['https://api.example/mcp/tools'], ['https://API.example/mcp'],
  ['https://api.example/mc'], [`${resource.url} x`], [` ${resource.url}`], [[[resource.url]]], [[{}, null, 1]], [['https://api.example/mc', 'p']],
  [resource.url, { audience: 'api://1' }], ['https://api.example//', { audience: audiences }], ['api://1/', { audience: audiences }],
  ['https://api.example', {}], [new Array(1)]
]
for (const [aud, options] of foreign) {
  t.test(`a token of another API is refused: ${JSON.stringify(aud)}`, async (t) => {
    for (const user of [{ aud, scope: '' }, Promise.resolve({ aud })]) {
      const { response, ran } = await ask(user, options, ['read'])
      t.equal(response.statusCode, 401)
      t.strictSame(response.json(), FOREIGN)
      t.strictSame(challengesOf(response), [FOREIGN_CHALLENGE.replace('error_description', 'scope="read", error_description')])
      t.equal(ran, 0)
    }
  })
}

for (const user of [true, 'user', 1, {}, { aud: undefined }, { aud: null }, { aud: 1 }, { aud: { 0: resource.url, length: 1 } }, { audience: resource.url }]) {
  t.test(`a user without aud is a mistake of verify: ${JSON.stringify(user)}`, async (t) => {
    for (const given of [user, Promise.resolve(user)]) {
      const { response, ran } = await ask(given)
      t.equal(response.statusCode, 500)
      t.strictSame(response.json(), {
        statusCode: 500,
        code: 'FST_AUTH_VERIFY_FAILED',
        error: 'Internal Server Error',
        message: 'The security scheme "OpenIdConnect" failed: the user that `verify` returned has no `aud`, to compare with the option `resource`; ' +
          'let `verify` check for which API the token was issued, and return that as `aud`'
      })
      t.strictSame(challengesOf(response), [])
      t.equal(ran, 0)
    }
  })
}

t.test('a user whose aud cannot be read fails the request', async (t) => {
  const { response, ran } = await ask(Object.defineProperty({}, 'aud', { get () { throw new Error('unreadable') } }))
  t.equal(response.statusCode, 500)
  t.equal(ran, 0)
})

interface User { aud?: string | readonly string[], scopes?: readonly string[] }
const users: Readonly<Record<string, User>> = {
  foreign: { aud: 'x', scopes: ['read'] },
  weak: { aud: resource.url },
  good: { aud: [resource.url], scopes: ['read'] }
}

t.test('the audience is that of the base, and comes before scopes and before what is derived', async (t) => {
  const app = await createApp()
  const base = app.authSchemes.httpBearer({ resource, verify: ({ credentials }) => users[credentials] })
  let checked = 0
  const scheme = base.derive({ scopes: ['read'], verify: () => ({ checked: ++checked }) })
  let ran = 0
  app.get('/', { security: [{ scheme }] }, async (request) => [request.auth.user, base.from(request)?.user.aud, ++ran])
  const send = async (token: string) => await app.inject({ url: '/', headers: bearer(token) })
  const foreign = await send('foreign')
  t.strictSame(foreign.json(), FOREIGN)
  const weak = await send('weak')
  t.strictSame(weak.json(), INSUFFICIENT_SCOPE)
  t.strictSame(challengesOf(weak), [`Bearer ${METADATA}, error="insufficient_scope", scope="read"`])
  t.strictSame([checked, ran], [0, 0])
  const good = await send('good')
  t.strictSame(good.json(), [{ checked: 1 }, [resource.url], 1])
})

t.test('under an override the audience is not compared', async (t) => {
  const app = await createApp()
  const scheme = app.authSchemes.httpBearer({ resource, verify: (): User => ({}) })
  const derived = scheme.derive({ verify: (user) => user })
  app.get('/', { security: [{ scheme }] }, async () => 'ran')
  app.get('/derived', { security: [{ scheme: derived }] }, async () => 'ran')
  for (const overridden of [scheme, derived]) {
    const restore = app.authSchemes.override(overridden, { user: {} })
    t.equal((await app.inject('/')).statusCode, 200)
    t.equal((await app.inject({ url: '/derived', headers: bearer('x') })).statusCode, 200)
    restore()
    t.equal((await app.inject({ url: '/', headers: bearer('x') })).statusCode, 500)
  }
})

t.test('a token of another API is refused wherever the scheme runs', async (t) => {
  const app = await createApp()
  const verify = ({ credentials }: { credentials: string }): User | undefined => users[credentials]
  const scheme = app.authSchemes.httpBearer({ resource, verify })
  const unbound = app.authSchemes.httpBearer({ schemeName: 'Unbound', verify: (credentials) => credentials.credentials === 'other' })
  let ran = 0
  const handler = async (): Promise<unknown> => ++ran
  app.get('/hook', { preHandler: [scheme.preHandler] }, handler)
  app.get('/by-name', { schema: { security: [{ HTTPBearer: [] }] } }, handler)
  app.get('/optional', { security: [{ scheme }, {}] }, handler)
  app.get('/or', { security: [{ scheme: unbound }, { scheme }] }, handler)
  app.get('/and', { security: [[{ scheme }, { scheme: unbound }]] }, handler)
  await app.register(async (child) => {
    child.secure([{ scheme }])
    child.get('/', handler)
  }, { prefix: '/context' })
  for (const url of ['/hook', '/by-name', '/optional', '/or', '/and', '/context', '/context/unknown']) {
    const response = await app.inject({ url, headers: bearer('foreign') })
    t.equal(response.statusCode, url === '/context/unknown' ? 404 : 401, url)
    if (response.statusCode === 401) t.strictSame(response.json(), FOREIGN, url)
  }
  t.equal(ran, 0)
  t.equal((await app.inject({ url: '/or', headers: bearer('other') })).statusCode, 200, 'another alternative accepts')
})
