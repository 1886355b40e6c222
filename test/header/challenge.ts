import t from 'tap'
import { isRealm, isScope, titleCase, toErrorDescription, writeChallenge } from '../../lib/header/challenge'

t.test('a challenge without parameters is the name of the scheme', async (t) => {
  t.equal(writeChallenge('Bearer', {}), 'Bearer')
  t.equal(writeChallenge('Basic', { realm: '', scope: undefined }), 'Basic')
})

t.test('the parameters come in the order realm, resource_metadata, error, scope, error_description', async (t) => {
  t.equal(writeChallenge('Bearer', { scope: 'a b', error_description: 'd', resource_metadata: 'm', error: 'e', realm: 'r' }),
    'Bearer realm="r", resource_metadata="m", error="e", scope="a b", error_description="d"')
})

t.test('quotes and backslashes are escaped', async (t) => {
  t.equal(writeChallenge('Basic', { realm: 'a"b\\c", x="' }), 'Basic realm="a\\"b\\\\c\\", x=\\""')
})

t.test('a realm has no control characters and nothing beyond ASCII', async (t) => {
  for (const realm of ['', 'Items', 'a "b" \\']) t.ok(isRealm(realm), realm)
  for (const realm of ['a\nb', 'a\rb', 'a\0', 'a\x7f', 'a\x80', 'a\x9f', 'Bücher', '\u20ac', 'a\t']) t.notOk(isRealm(realm), JSON.stringify(realm))
})

t.test('a scope is one scope-token of RFC 6749', async (t) => {
  for (const scope of ['items:read', 'https://example.com/a', '!', '#', '[', ']', '~', '__proto__']) t.ok(isScope(scope), scope)
  for (const scope of ['', 'a b', 'a"', 'a\\', 'é', 'a\n', '\x7f']) t.notOk(isScope(scope), JSON.stringify(scope))
})

t.test('an error description uses the characters of RFC 6749 section 5.2', async (t) => {
  t.equal(toErrorDescription('The token is "old"\r\nX: \\ é \x7f'), "The token is 'old'  X: ? ? ?")
  for (let code = 0; code < 256; code++) t.match(toErrorDescription(String.fromCharCode(code)), /^[\x20-\x21\x23-\x5b\x5d-\x7e]$/)
})

t.test('no text in a description passes for a parameter', async (t) => {
  t.equal(writeChallenge('Bearer', { error: 'invalid_token', error_description: "scope=admin, error='x' resource_metadata = y==" }),
    'Bearer error="invalid_token", error_description="scope = admin, error = \'x\' resource_metadata = y =  = "')
})

t.test("title case is Python's", async (t) => {
  t.equal(titleCase('other'), 'Other')
  t.equal(titleCase('x-CUSTOM'), 'X-Custom')
  t.equal(titleCase("aws4-hmac-SHA256x'y"), "Aws4-Hmac-Sha256X'Y")
})
