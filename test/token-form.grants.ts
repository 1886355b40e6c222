/** The arguments of `tokenForm`, and several grants. */

import t from 'tap'
import { Value } from '@sinclair/typebox/value'
import { OAuth2PasswordRequestForm, OAuth2PasswordRequestFormStrict, TokenResponse } from '../lib'
import { basic, createApp, documentOf } from './helpers'
import { FORM, post, token } from './token/helpers'

const UNDEFINED = 'is undefined: leave it out, or import it from a module that does not import this one (a circular import)'

t.test('bad arguments and options throw at the call', async (t) => {
  const app = await createApp()
  const handler = async (): Promise<object> => token
  const call = (...args: unknown[]) => () => { (app.tokenForm as any)(...args) }
  const table: ReadonlyArray<readonly [args: readonly unknown[], message: string]> = [
    [[undefined, handler], 'the path must be a string'],
    [['/token'], 'the handler must be a function'],
    [['/token', {}], 'the handler must be a function'],
    [['/token', null, handler], 'the options must be an object'],
    [['/token', [], handler], 'the options must be an object'],
    [['/token', 'x', handler], 'the options must be an object'],
    [['/token', { grants: null }], 'the option `grants` must be an object of handlers'],
    [['/token', { grants: [] }], 'the option `grants` must be an object of handlers'],
    [['/token', { grants: {} }], 'the option `grants` must have at least one handler'],
    [['/token', { grants: { device: handler } }], 'the option `grants` has no grant "device": there are password, refresh_token, client_credentials, authorization_code'],
    [['/token', { grants: { password: undefined } }], `the grant \`password\` ${UNDEFINED}`],
    [['/token', { grants: { password: null } }], 'the handler of the grant "password" must be a function'],
    [['/token', { errorHandler: null }, handler], 'the option `errorHandler` must be a function'],
    ...[
      'strict', 'grants', 'authenticateClient', 'schema', 'bodyLimit', 'config', 'constraints', 'errorHandler', 'childLoggerFactory', 'handlerTimeout', 'logLevel', 'logSerializers',
      'prefixTrailingSlash', 'schemaErrorFormatter', 'onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend', 'onResponse', 'onTimeout', 'onError', 'onRequestAbort'
    ].map((key) => [['/token', { [key]: undefined }, handler], `the option \`${key}\` ${UNDEFINED}`] as const),
    [['/token', { grants: { password: handler } }, handler], 'there is either a handler or the option `grants`; make the handler `grants.password`'],
    [['/token', { authenticateClient: true }, handler], 'the option `authenticateClient` must be a function'],
    [['/token', { authenticateClients: () => null }, handler], 'there is no option `authenticateClients`: it takes strict, grants, authenticateClient and Fastify\'s route options'],
    [['/token', { grants: { client_credentials: handler } }], 'the grant "client_credentials" lets in whoever names a client, so it needs the option `authenticateClient`'],
    [['/token', { strict: 'yes' }, handler], 'the option `strict` must be true or false'],
    [['/token', { schema: null }, handler], 'the option `schema` must be an object'],
    ...['security', 'method', 'url', 'path', 'handler', 'validatorCompiler', 'serializerCompiler', 'attachValidation'].map((key) =>
      [['/token', { [key]: [] }, handler], `there is no option \`${key}\`: the endpoint is public, and decides by itself how it is reached and validated`] as const),
    ...['body', 'querystring', 'query', 'params', 'headers', 'response', 'security'].map((key) =>
      [['/token', { schema: { [key]: {} } }, handler], `the option \`schema\` must not have a \`${key}\`: the form and the responses have their own`] as const)
  ]
  for (const [args, message] of table) t.throws(call(...args), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `tokenForm: ${message}` })
})

t.test('several grants, each with its form and its handler', async (t) => {
  const app = await createApp()
  const forms: unknown[] = []
  const handler = async (form: unknown): Promise<any> => {
    forms.push(form)
    return { ...token, scopes: ['a'] }
  }
  app.tokenForm('/token', {
    authenticateClient: async (id, secret) => id === 'id' && secret === 'secret',
    grants: { password: handler, refresh_token: handler, client_credentials: handler, authorization_code: handler }
  })
  const client = { client_id: 'id', client_secret: 'secret' }
  const ask = async (payload: string, headers = basic('id:secret')): Promise<unknown> => (await post(app, payload, headers)).json()
  t.strictSame(await ask('username=a&password=b'), { ...token, scope: 'a' })
  t.strictSame(await ask('grant_type=refresh_token&refresh_token=r&scope=a'), token)
  t.strictSame(await ask('grant_type=client_credentials&scope=a+b'), { ...token, scope: 'a' })
  t.strictSame(await ask('grant_type=authorization_code&code=c&redirect_uri=u&code_verifier=v'), { ...token, scope: 'a' })
  t.strictSame(forms, [
    { grant_type: undefined, username: 'a', password: 'b', scopes: [], ...client },
    { grant_type: 'refresh_token', refresh_token: 'r', scopes: ['a'], ...client },
    { grant_type: 'client_credentials', scopes: ['a', 'b'], ...client },
    { grant_type: 'authorization_code', code: 'c', redirect_uri: 'u', code_verifier: 'v', ...client }
  ])
  forms.length = 0
  const refused = await post(app, 'username=a&password=b', basic('id:wrong'))
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'Basic')
  t.strictSame(refused.json(), { error: 'invalid_client', error_description: 'The client is unknown, or its credentials are wrong' })
  t.equal((await post(app, 'grant_type=client_credentials')).statusCode, 401)
  for (const grant of ['username=a&password=b', 'grant_type=refresh_token&refresh_token=r', 'grant_type=client_credentials', 'grant_type=authorization_code&code=c']) {
    const header = basic('id:secret')
    for (const [more, status, error] of [['&client_id=other', 400, 'invalid_request'], ['&client_secret=secret', 400, 'invalid_request'], ['&client_id=id&client_secret=secret', 400, 'invalid_request']] as const) {
      const response = await post(app, grant + more, header)
      t.strictSame([response.statusCode, response.json().error], [status, error], grant + more)
    }
    t.strictSame(forms, [], 'no handler ran')
    t.equal((await post(app, `${grant}&client_id=id`, header)).statusCode, 200, 'the same id only names the client')
    t.match(forms.pop(), client)
  }
  t.strictSame(forms, [], 'no handler ran')
  await app.ready()
  const { schema } = documentOf(app).paths['/token'].post.requestBody.content[FORM]
  t.strictSame(schema.anyOf.map(({ properties }: any) => Object.keys(properties)), [
    ['grant_type', 'username', 'password', 'scope', 'client_id', 'client_secret'],
    ['grant_type', 'refresh_token', 'scope', 'client_id', 'client_secret'],
    ['grant_type', 'scope', 'client_id', 'client_secret'],
    ['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id', 'client_secret']
  ])
})

t.test('a form of 16 KiB is read, a larger one is not', async (t) => {
  const app = await createApp()
  app.tokenForm('/token', async () => token)
  const filled = (length: number): string => `username=a&password=${'b'.repeat(length - 20)}`
  t.equal((await post(app, filled(16384))).statusCode, 200)
  for (const length of [16385, 1e6]) {
    const response = await post(app, filled(length))
    t.equal(response.statusCode, 413)
    t.strictSame(response.json(), { error: 'invalid_request', error_description: 'Request body is too large' })
  }
})

t.test('the form and the answers are in the document', async (t) => {
  const app = await createApp()
  app.tokenForm('/token', async () => token)
  app.tokenForm('/strict', { strict: true }, async () => token)
  await app.ready()
  const { paths } = documentOf(app)
  const { requestBody, responses, security } = paths['/token'].post
  const { schema } = requestBody.content[FORM]
  t.strictSame(security, [])
  t.strictSame(Object.keys(requestBody.content), [FORM])
  t.strictSame(schema.required, ['username', 'password'])
  t.strictSame(paths['/strict'].post.requestBody.content[FORM].schema.required, ['grant_type', 'username', 'password'])
  t.strictSame([schema.properties.password.format, schema.properties.client_secret.format], ['password', 'password'])
  t.strictSame(Object.keys(responses), ['200', '400', '401', '413', '415'])
  t.strictSame(responses[200].content['application/json'].schema.required, ['access_token', 'token_type'])
  t.strictSame(Object.keys(responses[400].content['application/json'].schema.properties), ['error', 'error_description'])
})

t.test('the schemas are exported, and usable by themselves', async (t) => {
  t.ok(Value.Check(OAuth2PasswordRequestForm, { username: 'a', password: 'b' }))
  t.notOk(Value.Check(OAuth2PasswordRequestFormStrict, { username: 'a', password: 'b' }))
  t.ok(Value.Check(OAuth2PasswordRequestFormStrict, { grant_type: 'password', username: 'a', password: 'b' }))
  t.ok(Value.Check(TokenResponse, { ...token, further: 1 }))
})
