import t from 'tap'
import Fastify from 'fastify'
import { authSchemes } from '../lib/plugin'
import { challengesOf, createApp } from './helpers'

const handler = async (): Promise<string> => 'ran'

t.test('its options are checked', async (t) => {
  const bad: ReadonlyArray<readonly [options: object, message: string]> = [
    [{ hook: 'onSend' }, 'the option `hook` must be one of onRequest, preParsing, preValidation, preHandler'],
    [{ hook: null }, 'the option `hook` must be one of onRequest, preParsing, preValidation, preHandler'],
    [{ realm: 'a\nb' }, 'the option `realm` must be a string of ASCII characters, none of them a control character'],
    [{ explict: true }, 'there is no option `explict`: it takes hook, realm, explicit, public, errorSchema'],
    [{ explicit: 'yes' }, 'the option `explicit` must be true or false'],
    [{ errorSchema: [] }, 'the option `errorSchema` must be a JSON Schema, or a schema of TypeBox'],
    [{ hook: undefined }, 'the option `hook` is undefined: leave it out, or import it from a module that does not import this one (a circular import)']
  ]
  for (const [options, message] of bad) {
    await t.rejects(async () => { await Fastify().register(authSchemes, options) }, { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `authSchemes: ${message}` })
  }
})

t.test('two schemes of one name must be one in the document', async (t) => {
  const { authSchemes: { oauth2PasswordBearer, httpBearer } } = await createApp()
  const first = oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify: () => 1 })
  const second = oauth2PasswordBearer({ tokenUrl: 'token', scopes: { b: 'B', a: 'A' }, verify: () => 2 })
  t.not(first, second)
  const expected = { code: 'FST_AUTH_DUPLICATE_SCHEME', message: 'Two security schemes are called "OAuth2PasswordBearer" and differ in the OpenAPI document: give one of them another `schemeName`' }
  t.throws(() => oauth2PasswordBearer({ tokenUrl: 'other' }), expected)
  t.throws(() => httpBearer({ schemeName: 'OAuth2PasswordBearer' }), expected)
})

t.test('realm is the default of every challenge that has one', async (t) => {
  const app = await createApp({ realm: 'R' })
  const { apiKeyHeader, httpBase, httpBasic, httpBearer, httpDigest, oauth2, openIdConnect } = app.authSchemes
  app.get('/', {
    security: [
      { scheme: apiKeyHeader({ name: 'k' }) }, { scheme: httpBase({ scheme: 'other' }) }, { scheme: httpBasic() }, { scheme: httpBasic({ schemeName: 'Own', realm: 'O' }) },
      { scheme: httpBearer() }, { scheme: httpDigest() }, { scheme: oauth2({ flows: {} }) }, { scheme: openIdConnect({ openIdConnectUrl: 'x' }) }
    ]
  }, handler)
  t.strictSame(challengesOf(await app.inject('/')),
    ['APIKey', 'Other', 'Basic realm="R"', 'Basic realm="O"', 'Bearer realm="R"', 'Digest realm="R"'])
})

t.test('override is refused in production, and logged everywhere else', async (t) => {
  const { NODE_ENV } = process.env
  t.teardown(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })
  const lines: string[] = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line).msg) } }
  const app = await createApp({ server: { logger: { level: 'warn', stream } } })
  const scheme = app.authSchemes.httpBearer({ verify: (): string | null => null })
  app.get('/', { security: [{ scheme }] }, handler)
  for (const name of ['production', ' Production ']) {
    process.env.NODE_ENV = name
    t.throws(() => { app.authSchemes.override(scheme, { user: 'ada' }) }, {
      code: 'FST_AUTH_OVERRIDE',
      message: 'A scheme cannot be overridden where NODE_ENV is production: it is for tests'
    })
  }
  t.equal((await app.inject('/')).statusCode, 401)
  process.env.NODE_ENV = 'test'
  const restore = app.authSchemes.override(scheme, { user: 'ada' })
  t.equal((await app.inject('/')).body, 'ran')
  restore()
  t.equal((await app.inject('/')).statusCode, 401)
  t.strictSame(lines, ['SECURITY IS OVERRIDDEN: the scheme "HTTPBearer" accepts every request, whatever its credentials'])
})

t.test('routes lists the routes of the application', async (t) => {
  const app = await createApp()
  app.get('/', { exposeHeadRoute: false, security: [] }, handler)
  await app.ready()
  t.strictSame(app.authSchemes.routes().map(({ method, url, publicBy }) => [method, url, publicBy]), [['GET', '/', 'security']])
})

t.test('the resource of a scheme is served by the application', async (t) => {
  const app = await createApp()
  const resource = { url: 'https://api.example/mcp', authorizationServers: ['https://as.example'] }
  app.authSchemes.openIdConnect({ openIdConnectUrl: 'x', resource, verify: () => ({ aud: resource.url }) })
  t.equal((await app.inject('/.well-known/oauth-protected-resource/mcp')).json().resource, resource.url)
})
