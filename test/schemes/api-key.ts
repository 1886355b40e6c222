import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { ABSENT, MALFORMED } from '../../lib/header/authorization'
import { apiKeyCookie, apiKeyHeader, apiKeyQuery } from '../../lib/schemes/api-key'

const request = (parts: object): FastifyRequest => ({ headers: {}, query: {}, ...parts }) as FastifyRequest

t.test('name is required and must be a token where it is sent as one', async (t) => {
  for (const factory of [apiKeyCookie, apiKeyHeader, apiKeyQuery]) {
    for (const name of [undefined, '', 1]) t.throws(() => factory({ name }), { name: 'TypeError', message: `${factory.name}: the option \`name\` must be a string that is not empty` })
    t.throws(() => factory(undefined), { message: `${factory.name}: the options must be an object` })
    t.throws(() => factory({ name: 'k', realm: 'x' }), { message: new RegExp(`^${factory.name}: there is no option \`realm\``) })
  }
  for (const factory of [apiKeyCookie, apiKeyHeader]) {
    t.throws(() => factory({ name: 'a b' }), { message: `${factory.name}: the option \`name\` must be a token in the sense of RFC 9110 section 5.6.2` })
  }
  t.equal(apiKeyQuery({ name: 'a b' }).openapi.name, 'a b')
})

t.test('the definition holds what the document tells', async (t) => {
  t.strictSame(apiKeyHeader({ name: 'X-Key', description: 'A key' }).openapi, { type: 'apiKey', description: 'A key', in: 'header', name: 'X-Key' })
  t.strictSame(apiKeyQuery({ name: 'key' }).openapi, { type: 'apiKey', in: 'query', name: 'key' })
  t.match(apiKeyCookie({ name: 'k' }).openapi.description, 'Swagger UI does not send a value that is entered here.', 'a cookie says by default how it is sent')
  t.strictSame(apiKeyCookie({ name: 'k', description: 'A session' }).openapi, { type: 'apiKey', description: 'A session', in: 'cookie', name: 'k' })
  const { challenge, declaredScopes, tokenOf, blank } = apiKeyCookie({ name: 'k' })
  t.strictSame({ challenge, declaredScopes, blank, token: tokenOf('v') }, { challenge: { scheme: 'APIKey', bearer: false }, declaredScopes: null, blank: '', token: 'v' })
})

t.test('a header is read without regard to case', async (t) => {
  const { extract } = apiKeyHeader({ name: 'X-Key' })
  t.equal(extract(request({ headers: { 'x-key': 'v' } })), 'v')
  t.equal(extract(request({ headers: { 'x-key': '' } })), ABSENT)
  t.equal(extract(request({ headers: { 'x-key': ['a', 'b'] } })), MALFORMED)
  for (const name of ['constructor', '__proto__', 'toString']) t.equal(apiKeyHeader({ name }).extract(request({})), ABSENT, name)
})

t.test('a query parameter that is repeated is malformed', async (t) => {
  const { extract } = apiKeyQuery({ name: 'k' })
  t.equal(extract(request({ query: { k: 'v' } })), 'v')
  t.equal(extract(request({ query: { K: 'v' } })), ABSENT)
  t.equal(extract(request({ query: { k: ['v', 'v'] } })), MALFORMED)
  t.equal(extract(request({ query: { k: { a: 'v' } } })), MALFORMED)
  t.equal(extract(request({ query: undefined })), ABSENT)
})

t.test('a cookie comes from request.cookies, where that is an object, else from the header', async (t) => {
  const { extract } = apiKeyCookie({ name: 'k' })
  t.equal(extract(request({ headers: { cookie: 'a=1; k=v%20w; b' } })), 'v w')
  t.equal(extract(request({ headers: { cookie: 'k=first; k=second' } })), 'first')
  t.equal(extract(request({ headers: { cookie: 'k=%zz' } })), '%zz')
  for (const cookie of ['', 'k=', 'K=v', 'ak=v', ';;;', '=v']) t.equal(extract(request({ headers: { cookie } })), ABSENT, cookie)
  t.equal(extract(request({})), ABSENT)
  t.equal(extract(request({ headers: { cookie: 'k=raw' }, cookies: { k: 'parsed' } })), 'parsed')
  t.equal(extract(request({ headers: { cookie: 'k=raw' }, cookies: {} })), ABSENT)
  t.equal(extract(request({ headers: { cookie: 'k=raw' }, cookies: null })), 'raw')
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.equal(apiKeyCookie({ name }).extract(request({ cookies: {} })), ABSENT, name)
    t.equal(apiKeyCookie({ name }).extract(request({ headers: { cookie: 'a=b' } })), ABSENT, name)
  }
})
