import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { ABSENT, MALFORMED } from '../../lib/header/authorization'
import { httpBase, httpBasic, httpBearer, httpDigest, readBearer } from '../../lib/schemes/http'
import { authorizations } from '../vectors/authorization'
import { basicCredentials } from '../vectors/basic'

const request = (authorization?: unknown): FastifyRequest => ({ headers: { authorization } }) as FastifyRequest

for (const [rule, header, outcome] of authorizations) {
  t.test(`bearer: ${rule}`, async (t) => {
    t.strictSame(readBearer(header), outcome === 'absent' ? ABSENT : outcome === 'malformed' ? MALFORMED : outcome)
  })
}

for (const [rule, value, outcome] of basicCredentials) {
  t.test(`basic: ${rule}`, async (t) => {
    const expected = outcome === 'malformed' ? MALFORMED : { username: outcome[0], password: outcome[1] }
    t.strictSame(httpBasic().extract(request(`basic   ${value} `)), expected)
  })
}

t.test('basic: without a header and with another scheme it is absent, without a value malformed', async (t) => {
  const { extract, tokenOf } = httpBasic()
  t.equal(extract(request()), ABSENT)
  t.equal(extract(request('Bearer abc')), ABSENT)
  for (const value of ['Basic', 'Basic ', 'Basic\tYTpi']) t.equal(extract(request(value)), MALFORMED)
  t.equal(tokenOf({ username: 'a', password: 'b' }), null)
})

t.test('basic: its own realm comes before the plugin\'s', async (t) => {
  t.strictSame(httpBasic({ realm: 'own' }, 'plugin').challenge, { scheme: 'Basic', realm: 'own', bearer: false })
  t.strictSame(httpBasic({}, 'plugin').challenge, { scheme: 'Basic', realm: 'plugin', bearer: false })
  t.throws(() => httpBasic({ realm: 'a\nb' }), { name: 'TypeError', message: /^httpBasic: the option `realm`/ })
})

t.test('bearer: the definition', async (t) => {
  const { openapi, challenge, tokenOf, extract } = httpBearer({ bearerFormat: 'JWT', description: 'A token' }, 'realm')
  t.strictSame(openapi, { type: 'http', description: 'A token', scheme: 'bearer', bearerFormat: 'JWT' })
  t.strictSame(challenge, { scheme: 'Bearer', realm: 'realm', bearer: true })
  t.equal(tokenOf(extract(request('Bearer abc'))), 'abc')
  t.strictSame(httpBearer().openapi, { type: 'http', scheme: 'bearer' })
  t.throws(() => httpBearer({ bearerFormat: '' }), { message: 'httpBearer: the option `bearerFormat` must be a string that is not empty' })
})

t.test('base: trustedOrigins is for the schemes that browsers send by themselves', async (t) => {
  for (const scheme of ['Basic', 'digest', 'NEGOTIATE', 'ntlm']) {
    t.strictSame(httpBase({ scheme }).trustedOrigins, new Set())
    t.strictSame(httpBase({ scheme, trustedOrigins: ['https://app.example'] }).trustedOrigins, new Set(['https://app.example']))
    t.equal(httpBase({ scheme, trustedOrigins: '*' }).trustedOrigins, null)
    t.throws(() => httpBase({ scheme, trustedOrigins: ['app.example'] }), { message: /^httpBase: the option `trustedOrigins` has "app.example"/ })
  }
  for (const scheme of ['Other', 'Bearer', 'constructor']) {
    t.equal(httpBase({ scheme }).trustedOrigins, null)
    t.throws(() => httpBase({ scheme, trustedOrigins: [] }), {
      name: 'TypeError',
      code: 'FST_AUTH_BAD_OPTION',
      message: `httpBase: the option \`trustedOrigins\` is not for "${scheme}": leave it out, as browsers send only Basic, Digest, Negotiate and NTLM by themselves`
    })
  }
})

t.test('base: it takes its own scheme only, and any credentials', async (t) => {
  const { extract, challenge, tokenOf } = httpBase({ scheme: 'AWS4-hmac' })
  t.strictSame(challenge, { scheme: 'Aws4-Hmac', bearer: false })
  t.strictSame(extract(request('aws4-HMAC a="b", c=d')), { scheme: 'aws4-HMAC', credentials: 'a="b", c=d' })
  t.equal(tokenOf(extract(request('aws4-hmac abc'))), 'abc')
  for (const value of [undefined, '', 'Bearer abc', 'aws4-hmac', 'aws4-hmac  ']) t.equal(extract(request(value)), ABSENT)
  t.equal(extract(request('aws4-hmac,abc')), MALFORMED)
  t.throws(() => httpBase({}), { message: 'httpBase: the option `scheme` must be a string that is not empty' })
  t.throws(() => httpBase({ scheme: 'a b' }), { message: 'httpBase: the option `scheme` must be a token in the sense of RFC 9110 section 5.6.2' })
})

t.test('digest: its parameters are handed over as they are', async (t) => {
  const { extract, challenge } = httpDigest(undefined, 'realm')
  t.strictSame(challenge, { scheme: 'Digest', realm: 'realm', bearer: false })
  t.strictSame(extract(request('Digest username="Mufasa", uri="/a"')), { scheme: 'Digest', credentials: 'username="Mufasa", uri="/a"' })
  t.equal(extract(request('Digest')), ABSENT)
  t.throws(() => httpDigest({ realm: 'x' }), { message: /^httpDigest: there is no option `realm`/ })
})

t.test('an override without credentials has empty ones', async (t) => {
  t.strictSame(httpBasic().emptyCredentials, { username: '', password: '' })
  t.strictSame(httpBearer().emptyCredentials, { scheme: 'Bearer', credentials: '' })
  t.strictSame(httpDigest().emptyCredentials, { scheme: 'digest', credentials: '' })
  t.strictSame(httpBase({ scheme: 'Own' }).emptyCredentials, { scheme: 'Own', credentials: '' })
})
