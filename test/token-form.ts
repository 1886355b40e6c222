import t from 'tap'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import { InvalidCredentialsError, OAuth2Error, authSchemes } from '../lib'
import { basic, createApp, documentOf } from './helpers'
import { FORM, assertNotStored, post, submit, token } from './token/helpers'

const empty = { grant_type: undefined, username: 'a', password: 'b', scopes: [], client_id: undefined, client_secret: undefined }
const authenticateClient = (): boolean => true
const good: ReadonlyArray<readonly [rule: string, payload: string, form: object, options?: object]> = [
  ['user name and password are enough', 'username=a&password=b', {}],
  ['everything', 'grant_type=password&username=a&password=b&scope=x+y&client_id=c&client_secret=d', { grant_type: 'password', scopes: ['x', 'y'], client_id: 'c', client_secret: 'd' }],
  ['an empty field counts as not sent', 'grant_type=&username=a&password=b&scope=&client_id=&client_secret=', {}],
  ['scopes are split on white space', 'username=a&password=b&scope=%20x%09y++z%20', { scopes: ['x', 'y', 'z'] }],
  ['the form is decoded', 'username=J%C3%BCrgen+X&password=%26%3D%2B+', { username: 'Jürgen X', password: '&=+ ' }],
  ['other fields are ignored, repeated or not', 'username=a&password=b&other=1&other=2&__proto__=x&constructor=y', {}],
  ['strict, with the grant', 'grant_type=password&username=a&password=b', { grant_type: 'password' }, { strict: true }],
  ['a charset may be given', 'username=a&password=b', {}, { headers: { 'content-type': `${FORM}; charset=utf-8` } }],
  ['the client by HTTP Basic', 'username=a&password=b', { client_id: 'id', client_secret: 's:t' }, { headers: basic('id:s:t'), authenticateClient }],
  ['the client by HTTP Basic, and named by a field', 'username=a&password=b&client_id=id', { client_id: 'id', client_secret: 's:t' }, { headers: basic('id:s:t'), authenticateClient }],
  ['the client by HTTP Basic, form-encoded', 'username=a&password=b', { client_id: 'a b', client_secret: 'é%' }, { headers: basic('a+b:%C3%A9%25'), authenticateClient }],
  ['an empty client by HTTP Basic counts as not sent', 'username=a&password=b', {}, { headers: basic(':'), authenticateClient }],
  ['without authenticateClient a Basic header means nothing', 'username=a&password=b&client_id=c', { client_id: 'c' }, { headers: basic('id:s:t') }],
  ['another scheme in Authorization is not for the endpoint', 'username=a&password=b', {}, { headers: { authorization: 'Bearer x' }, authenticateClient }],
  ['each field may have what its grammar allows', 'username=%09%C2%80%EF%BF%BD%F0%9F%98%80&password=%22+&client_id=+~&scope=!%23%5B%5D~', { username: '\t\x80\ufffd😀', password: '" ', client_id: ' ~', scopes: ['!#[]~'] }],
  ['a field that no grant knows may have anything', 'username=a&password=b&other=%00&x=%ff&%ff=y', {}],
  ['UTF-8 may be sent without escapes', 'username=Jürgen&password=b', { username: 'Jürgen' }]
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
  ['the client twice', 'username=a&password=b&client_secret=s', 400, 'invalid_request', 'The field client_id or client_secret is not that of the Authorization header: send the client by one of them', { headers: basic('id:s'), authenticateClient }],
  ['another client in a field than by HTTP Basic', 'username=a&password=b&client_id=other', 400, 'invalid_request', 'The field client_id or client_secret is not that of the Authorization header: send the client by one of them', { headers: basic('id:s'), authenticateClient }],
  ['malformed HTTP Basic', 'username=a&password=b', 401, 'invalid_client', 'The Authorization header is malformed', { headers: { authorization: 'Basic !' }, authenticateClient }],
  ['HTTP Basic without a space', 'username=a&password=b', 401, 'invalid_client', 'The Authorization header is malformed', { headers: { authorization: 'Basic\tx' }, authenticateClient }],
  ['HTTP Basic that is not form-encoded', 'username=a&password=b', 401, 'invalid_client', 'The client credentials are not form-encoded', { headers: basic('id:%zz'), authenticateClient }],
  ['HTTP Basic with a control character', 'username=a&password=b', 401, 'invalid_client', 'The client credentials have characters that they may not have', { headers: basic('id:a%00'), authenticateClient }],
  ...[...'\0\n\r\x7f\ud7ff'].flatMap((char) => ['username', 'password', 'client_id', 'client_secret', 'scope'].filter((field) => char !== '\ud7ff' || field === 'scope' || field === 'client_id')
    .map((field) => [`${JSON.stringify(char)} in ${field}`, `${field === 'username' ? '' : 'username=a&'}${field === 'password' ? '' : 'password=b&'}${field}=x${encodeURIComponent(char)}`, 400,
      field === 'scope' ? 'invalid_scope' : 'invalid_request', `The field ${field} has characters that it may not have`] as const))
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

t.test('a handler that gives nothing and answers nothing fails', async (t) => {
  const app = await createApp()
  app.tokenForm('/token', (async () => {}) as any)
  const response = await post(app, 'username=a&password=b')
  t.equal(response.statusCode, 500)
  t.equal(response.json().error, 'server_error')
})

t.test('a handler may take the connection for itself', async (t) => {
  const app = await createApp()
  app.tokenForm('/token', (async (_form: unknown, _request: unknown, reply: any) => { reply.hijack(); reply.raw.writeHead(202).end('own') }) as any)
  t.equal((await post(app, 'username=a&password=b')).body, 'own')
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

t.test('it is public, also inside a secured context', async (t) => {
  const app = await createApp({ explicit: true })
  const scheme = app.authSchemes.httpBearer({ verify: () => null })
  app.register(async (child) => {
    child.secure([{ scheme }])
    child.tokenForm('/token', async () => token)
    child.get('/secured', async () => 'secured')
  })
  t.strictSame((await post(app, 'username=a&password=b')).json(), token)
  t.equal((await app.inject('/secured')).statusCode, 401)
  t.strictSame(documentOf(app).paths['/token'].post.security, [])
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
