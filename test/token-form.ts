import t, { type Test } from 'tap'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import { Value } from '@sinclair/typebox/value'
import { InvalidCredentialsError, OAuth2Error, OAuth2PasswordRequestForm, OAuth2PasswordRequestFormStrict, TokenResponse, authSchemes } from '../lib'
import type { OAuth2PasswordForm } from '../lib'
import { basic, createApp, documentOf } from './helpers'

const FORM = 'application/x-www-form-urlencoded'
const token = { access_token: 'x', token_type: 'bearer' }

async function post (app: FastifyInstance, payload: string | undefined, headers: Record<string, string> = {}, url = '/token'): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url, headers: { ...payload === undefined ? {} : { 'content-type': FORM }, ...headers }, payload })
}

function assertNotStored (t: Test, response: LightMyRequestResponse): void {
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal(response.headers.pragma, 'no-cache')
}

/** The form that the handler got; `null` where it did not run. */
async function submit (t: Test, payload: string | undefined, { headers, ...options }: { headers?: Record<string, string>, strict?: boolean, bodyLimit?: number } = {}): Promise<{ form: OAuth2PasswordForm | null, response: LightMyRequestResponse }> {
  const app = await createApp({ realm: 'R' })
  let form: OAuth2PasswordForm | null = null
  app.tokenForm('/token', options, async (sent) => {
    form = sent
    return token
  })
  const response = await post(app, payload, headers)
  assertNotStored(t, response)
  return { form, response }
}

const empty = { grant_type: undefined, username: 'a', password: 'b', scopes: [], client_id: undefined, client_secret: undefined }
const good: ReadonlyArray<readonly [rule: string, payload: string, form: object, options?: object]> = [
  ['user name and password are enough', 'username=a&password=b', {}],
  ['everything', 'grant_type=password&username=a&password=b&scope=x+y&client_id=c&client_secret=d', { grant_type: 'password', scopes: ['x', 'y'], client_id: 'c', client_secret: 'd' }],
  ['an empty field counts as not sent', 'grant_type=&username=a&password=b&scope=&client_id=&client_secret=', {}],
  ['scopes are split on white space', 'username=a&password=b&scope=%20x%09y%0A%20z%20', { scopes: ['x', 'y', 'z'] }],
  ['the form is decoded', 'username=J%C3%BCrgen+X&password=%26%3D%2B+', { username: 'Jürgen X', password: '&=+ ' }],
  ['other fields are ignored, repeated or not', 'username=a&password=b&other=1&other=2&__proto__=x&constructor=y', {}],
  ['strict, with the grant', 'grant_type=password&username=a&password=b', { grant_type: 'password' }, { strict: true }],
  ['a charset may be told', 'username=a&password=b', {}, { headers: { 'content-type': `${FORM}; charset=utf-8` } }],
  ['the client by HTTP Basic', 'username=a&password=b', { client_id: 'id', client_secret: 's:t' }, { headers: basic('id:s:t') }],
  ['the client by HTTP Basic, form-encoded', 'username=a&password=b', { client_id: 'a b', client_secret: 'é%' }, { headers: basic('a+b:%C3%A9%25') }],
  ['an empty client by HTTP Basic counts as not sent', 'username=a&password=b', {}, { headers: basic(':') }],
  ['another scheme in Authorization is not for the endpoint', 'username=a&password=b', {}, { headers: { authorization: 'Bearer x' } }]
]

for (const [rule, payload, form, options] of good) {
  t.test(`accepted: ${rule}`, async (t) => {
    const result = await submit(t, payload, options)
    t.equal(result.response.statusCode, 200, result.response.body)
    t.strictSame(result.response.json(), token)
    t.strictSame(result.form, { ...empty, ...form })
  })
}

const bad: ReadonlyArray<readonly [rule: string, payload: string | undefined, status: number, error: string, description: string, options?: object]> = [
  ['no body', undefined, 400, 'invalid_request', 'The body is empty'],
  ['an empty form', '', 400, 'invalid_request', 'The field username is missing'],
  ['no user name', 'password=b', 400, 'invalid_request', 'The field username is missing'],
  ['an empty user name', 'username=&password=b', 400, 'invalid_request', 'The field username is missing'],
  ['no password', 'username=a', 400, 'invalid_request', 'The field password is missing'],
  ['a repeated user name', 'username=a&username=a&password=b', 400, 'invalid_request', 'The field username must be sent once'],
  ['a repeated scope', 'username=a&password=b&scope=x&scope=y', 400, 'invalid_request', 'The field scope must be sent once'],
  ['a repeated grant', 'grant_type=password&grant_type=password&username=a&password=b', 400, 'invalid_request', 'The field grant_type must be sent once'],
  ['a repeated secret', 'username=a&password=b&client_secret=1&client_secret=2', 400, 'invalid_request', 'The field client_secret must be sent once'],
  ['another grant', 'grant_type=client_credentials', 400, 'unsupported_grant_type', 'The grant type must be password'],
  ['a grant in another case', 'grant_type=Password&username=a&password=b', 400, 'unsupported_grant_type', 'The grant type must be password'],
  ['a name of a prototype as grant', 'grant_type=__proto__&username=a&password=b', 400, 'unsupported_grant_type', 'The grant type must be password'],
  ['strict, without the grant', 'username=a&password=b', 400, 'invalid_request', 'The field grant_type is missing', { strict: true }],
  ['strict, with another grant', 'grant_type=x&username=a&password=b', 400, 'unsupported_grant_type', 'The grant type must be password', { strict: true }],
  ['JSON', '{"username":"a","password":"b"}', 415, 'invalid_request', `The Content-Type must be ${FORM}`, { headers: { 'content-type': 'application/json' } }],
  ['multipart', 'x', 415, 'invalid_request', `The Content-Type must be ${FORM}`, { headers: { 'content-type': 'multipart/form-data; boundary=x' } }],
  ['plain text', 'x', 415, 'invalid_request', `The Content-Type must be ${FORM}`, { headers: { 'content-type': 'text/plain' } }],
  ['a body that is too large', `username=${'a'.repeat(200)}&password=b`, 413, 'invalid_request', 'Request body is too large', { bodyLimit: 100 }],
  ['the client twice', 'username=a&password=b&client_secret=s', 400, 'invalid_request', 'The client must authenticate by the Authorization header or by fields, not by both', { headers: basic('id:s') }],
  ['malformed HTTP Basic', 'username=a&password=b', 401, 'invalid_client', 'The Authorization header is malformed', { headers: { authorization: 'Basic !' } }],
  ['HTTP Basic without a space', 'username=a&password=b', 401, 'invalid_client', 'The Authorization header is malformed', { headers: { authorization: 'Basic\tx' } }],
  ['HTTP Basic that is not form-encoded', 'username=a&password=b', 401, 'invalid_client', 'The client credentials are not form-encoded', { headers: basic('id:%zz') }]
]

for (const [rule, payload, status, error, description, options] of bad) {
  t.test(`refused: ${rule}`, async (t) => {
    const { form, response } = await submit(t, payload, options)
    t.equal(form, null, 'the handler did not run')
    t.equal(response.statusCode, status)
    t.strictSame(response.json(), { error, error_description: description })
    t.equal(response.headers['www-authenticate'], status === 401 ? 'Basic realm="R"' : undefined)
    t.match(response.headers['content-type'], /^application\/json/)
  })
}

const thrown: ReadonlyArray<readonly [rule: string, error: unknown, status: number, body: object, challenge?: string]> = [
  ['an OAuth2Error is answered', new OAuth2Error('invalid_grant', 'Incorrect "name" or päss'), 400, { error: 'invalid_grant', error_description: "Incorrect 'name' or p?ss" }],
  ['a description may be left out', new OAuth2Error('invalid_scope'), 400, { error: 'invalid_scope' }],
  ['a description may be null', new OAuth2Error('invalid_scope', null), 400, { error: 'invalid_scope' }],
  ['invalid_client is 401 with a challenge', new OAuth2Error('invalid_client'), 401, { error: 'invalid_client' }, 'Basic'],
  ['a status may be given', new OAuth2Error('invalid_request', 'Slow down', { statusCode: 429 }), 429, { error: 'invalid_request', error_description: 'Slow down' }],
  ['server_error has no details', new OAuth2Error('server_error', 'secret', { cause: new Error('secret') }), 500, { error: 'server_error' }],
  ['an error without a status is server_error', new Error('secret'), 500, { error: 'server_error' }],
  ['an error with a status above 500 keeps it', Object.assign(new Error('secret'), { statusCode: 503 }), 503, { error: 'server_error' }],
  ['an error with a status below 500 keeps it and its message', Object.assign(new Error('Too many'), { statusCode: 429 }), 429, { error: 'invalid_request', error_description: 'Too many' }],
  ['an InvalidCredentialsError is one of these', new InvalidCredentialsError('Wrong'), 401, { error: 'invalid_request', error_description: 'Wrong' }],
  ['undefined is server_error', undefined, 500, { error: 'server_error' }],
  ['a string is server_error', 'secret', 500, { error: 'server_error' }],
  ['an error that cannot be read is server_error', Object.defineProperty(new Error('x'), 'statusCode', { get () { throw new Error('secret') } }), 500, { error: 'server_error' }],
  ['a message that is no string is left out', { statusCode: 400, message: 5 }, 400, { error: 'invalid_request', error_description: '5' }]
]

for (const [rule, error, status, body, challenge] of thrown) {
  t.test(`thrown by the handler: ${rule}`, async (t) => {
    const app = await createApp()
    app.tokenForm('/token', async () => { throw error })
    const response = await post(app, 'username=a&password=b')
    t.equal(response.statusCode, status)
    t.strictSame(response.json(), body)
    t.equal(response.headers['www-authenticate'], challenge)
    assertNotStored(t, response)
  })
}

t.test('what the handler gives must be a TokenResponse', async (t) => {
  for (const response of [null, {}, 'x', [], { access_token: 1, token_type: 'bearer' }, { ...token, expires_in: 'soon' }]) {
    const app = await createApp()
    app.tokenForm('/token', (async () => response) as any)
    const answer = await post(app, 'username=a&password=b')
    t.equal(answer.statusCode, 500)
    t.strictSame(answer.json(), { error: 'server_error' })
  }
  const app = await createApp()
  const further = { ...token, expires_in: 60, refresh_token: 'r', scope: 'a', id_token: 'i', nested: { a: [1] } }
  app.tokenForm('/token', () => further)
  t.strictSame((await post(app, 'username=a&password=b')).json(), further)
})

t.test('the handler may answer by itself, whatever hooks are at work', async (t) => {
  const app = await createApp()
  app.addHook('onSend', async (_request, _reply, payload) => {
    await new Promise((resolve) => { setTimeout(resolve, 5) })
    return payload
  })
  app.tokenForm('/token', (async (_form: unknown, _request: unknown, reply: any) => { reply.code(202).send({ own: true }) }) as any)
  const response = await post(app, 'username=a&password=b')
  t.equal(response.statusCode, 202)
  t.strictSame(response.json(), { own: true })
  assertNotStored(t, response)
})

t.test('it stands beside an application that parses forms, validates and serializes in its own way', async (t) => {
  const app = Fastify()
  await app.register(formbody)
  app.setValidatorCompiler(() => { throw new Error('not for the form') })
  app.setSerializerCompiler(() => { throw new Error('not for the form') })
  app.setErrorHandler((_error, _request, reply) => { reply.code(500).send('not for the form') })
  await app.register(authSchemes)
  app.register(async (child) => { child.tokenForm('/token', async ({ username }) => ({ ...token, username })) }, { prefix: '/auth' })
  app.post('/form', async (request) => request.body)
  t.strictSame((await post(app, 'username=a&password=b', {}, '/auth/token')).json(), { ...token, username: 'a' })
  t.strictSame((await post(app, 'x=1', {}, '/auth/token')).json(), { error: 'invalid_request', error_description: 'The field username is missing' })
  t.strictSame((await post(app, 'x=1', {}, '/form')).json(), { x: '1' })
  t.equal((await app.inject({ method: 'POST', url: '/auth/token' })).statusCode, 400)
  t.equal((await app.inject('/auth/token')).statusCode, 404, 'only POST')
})

t.test('route options are the route\'s', async (t) => {
  const app = await createApp()
  const order: string[] = []
  app.tokenForm('/token', {
    bodyLimit: 1000,
    config: { mine: true } as object,
    schema: { summary: 'Log in', tags: ['auth'] },
    onRequest: async () => { order.push('onRequest') },
    onSend: async (_request: unknown, reply: any, payload: unknown) => {
      order.push(reply.getHeader('cache-control'))
      return payload
    }
  }, async (_form, request) => ({ ...token, config: (request.routeOptions.config as any).mine }))
  t.strictSame((await post(app, 'username=a&password=b')).json(), { ...token, config: true })
  t.strictSame(order, ['onRequest', 'no-store'])
  t.match(documentOf(app).paths['/token'].post, { summary: 'Log in', tags: ['auth'] })
  const own = await createApp()
  own.tokenForm('/token', { errorHandler: (error, _request, reply) => { reply.code(418).send({ own: (error as any).code }) } }, async () => token)
  t.strictSame((await post(own, 'x=1')).json(), { own: 'invalid_request' })
})

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
    [['/token', { grants: { password: undefined } }], 'the handler of the grant "password" must be a function'],
    [['/token', { grants: { password: handler } }, handler], 'there is either a handler or the option `grants`; make the handler `grants.password`'],
    [['/token', { authenticateClient: true }, handler], 'the option `authenticateClient` must be a function'],
    [['/token', { authenticateClients: () => null }, handler], 'there is no option `authenticateClients`: it takes strict, grants, authenticateClient and Fastify\'s route options'],
    [['/token', { grants: { client_credentials: handler } }], 'the grant "client_credentials" lets in whoever names a client, so it needs the option `authenticateClient`'],
    [['/token', { strict: 'yes' }, handler], 'the option `strict` must be true or false'],
    [['/token', { schema: null }, handler], 'the option `schema` must be an object'],
    ...['security', 'method', 'url', 'path', 'handler', 'validatorCompiler', 'serializerCompiler', 'attachValidation'].map((key) =>
      [['/token', { [key]: [] }, handler], `there is no option \`${key}\`: the endpoint is public, and decides by itself how it is reached and validated`] as const),
    ...['body', 'querystring', 'query', 'params', 'headers', 'response', 'security'].map((key) =>
      [['/token', { schema: { [key]: {} } }, handler], `the option \`schema\` must not have a \`${key}\`: the form and the answers have their own`] as const)
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
