import t from 'tap'
import { FormatRegistry } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import {
  GRANT_TYPES, OAuth2AuthorizationCodeRequestForm, OAuth2ClientCredentialsRequestForm, OAuth2PasswordRequestForm, OAuth2PasswordRequestFormStrict, OAuth2RefreshTokenRequestForm,
  isClientId, isClientSecret, parseForm, readForm, schemasOf, splitScope
} from '../../lib/token/forms'

const FORM = 'application/x-www-form-urlencoded'
const all = schemasOf(GRANT_TYPES, false)
const strict = schemasOf(['password'], true)
const client = { client_id: undefined, client_secret: undefined }

t.test('one schema for each grant', async (t) => {
  t.ok(FormatRegistry.Has('password'))
  t.strictSame([...all], [
    ['password', OAuth2PasswordRequestForm],
    ['refresh_token', OAuth2RefreshTokenRequestForm],
    ['client_credentials', OAuth2ClientCredentialsRequestForm],
    ['authorization_code', OAuth2AuthorizationCodeRequestForm]
  ])
  t.equal(strict.get('password'), OAuth2PasswordRequestFormStrict)
  t.ok(Value.Check(OAuth2RefreshTokenRequestForm, { grant_type: 'refresh_token', refresh_token: 'x' }))
})

const good: ReadonlyArray<readonly [rule: string, body: object, fields: object]> = [
  ['password', { grant_type: 'password', username: 'a', password: 'b' }, { grant_type: 'password', username: 'a', password: 'b', scope: undefined, ...client }],
  ['password, without the grant', { username: 'a', password: 'b', scope: 'x' }, { grant_type: undefined, username: 'a', password: 'b', scope: 'x', ...client }],
  ['refresh_token', { grant_type: 'refresh_token', refresh_token: 'r', client_id: 'c' }, { grant_type: 'refresh_token', refresh_token: 'r', scope: undefined, client_id: 'c', client_secret: undefined }],
  ['client_credentials', { grant_type: 'client_credentials', scope: 'x y' }, { grant_type: 'client_credentials', scope: 'x y', ...client }],
  ['authorization_code', { grant_type: 'authorization_code', code: 'c', code_verifier: 'v' }, { grant_type: 'authorization_code', code: 'c', redirect_uri: undefined, code_verifier: 'v', ...client }],
  ['fields of other grants and of none are ignored', { grant_type: 'client_credentials', username: ['a', 'b'], other: [], constructor: 'x' }, { grant_type: 'client_credentials', scope: undefined, ...client }],
  ['an empty field counts as not sent', { grant_type: '', username: 'a', password: 'b', scope: '', client_id: '' }, { grant_type: undefined, username: 'a', password: 'b', scope: undefined, ...client }]
]

for (const [rule, body, fields] of good) {
  t.test(`read: ${rule}`, async (t) => { t.strictSame(readForm(all, FORM, Object.assign(Object.create(null), body)), fields) })
}

const bad: ReadonlyArray<readonly [rule: string, body: unknown, code: string, message: string, status?: number, contentType?: string]> = [
  ['no body', undefined, 'invalid_request', 'The body is empty'],
  ['null', null, 'invalid_request', 'The body is empty'],
  ['a string', 'username=a', 'invalid_request', 'The body is empty'],
  ['no refresh token', { grant_type: 'refresh_token' }, 'invalid_request', 'The field refresh_token is missing'],
  ['an empty refresh token', { grant_type: 'refresh_token', refresh_token: '' }, 'invalid_request', 'The field refresh_token is missing'],
  ['a repeated refresh token', { grant_type: 'refresh_token', refresh_token: ['a', 'a'] }, 'invalid_request', 'The field refresh_token must be sent once'],
  ['no code', { grant_type: 'authorization_code' }, 'invalid_request', 'The field code is missing'],
  ['a repeated verifier', { grant_type: 'authorization_code', code: 'c', code_verifier: ['a', 'b'] }, 'invalid_request', 'The field code_verifier must be sent once'],
  ['a repeated grant', { grant_type: ['password', 'password'] }, 'invalid_request', 'The field grant_type must be sent once'],
  ['an unknown grant', { grant_type: 'device' }, 'unsupported_grant_type', 'The grant type must be password or refresh_token or client_credentials or authorization_code'],
  ['a name of a prototype', { grant_type: 'toString' }, 'unsupported_grant_type', 'The grant type must be password or refresh_token or client_credentials or authorization_code'],
  ['another charset', { username: 'a', password: 'b' }, 'invalid_request', 'The form must be encoded in UTF-8', 415, `${FORM}; charset=iso-8859-1`],
  ['another charset, quoted', { username: 'a', password: 'b' }, 'invalid_request', 'The form must be encoded in UTF-8', 415, `${FORM};Charset="utf-16"`]
]

for (const [rule, body, code, message, statusCode = 400, contentType = FORM] of bad) {
  t.test(`refused: ${rule}`, async (t) => { t.throws(() => readForm(all, contentType, body), { name: 'OAuth2Error', code, message, statusCode }) })
}

t.test('strict, or without the password grant, the grant must be sent', async (t) => {
  for (const schemas of [strict, schemasOf(['refresh_token'], false)]) {
    t.throws(() => readForm(schemas, FORM, { username: 'a', password: 'b' }), { code: 'invalid_request', message: 'The field grant_type is missing' })
  }
  t.throws(() => readForm(schemasOf(['refresh_token'], false), FORM, { grant_type: 'password' }), { code: 'unsupported_grant_type', message: 'The grant type must be refresh_token' })
})

const CHARSETS = [
  'UTF-8', 'utf8', 'csUTF8', 'unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'x-unicode20utf8',
  'US-ASCII', 'ascii', 'csASCII', 'us', 'ISO646-US', 'ISO_646.irv:1991', 'iso-ir-6', 'ANSI_X3.4-1968', 'ANSI_X3.4-1986', 'IBM367', 'cp367'
]

t.test('the charset may be any name of UTF-8 or of ASCII, in any case and quoted', async (t) => {
  const types = CHARSETS.flatMap((name) => [name, name.toUpperCase(), name.toLowerCase(), `"${name}"`]).map((name) => `${FORM}; charset=${name}`)
  for (const contentType of [undefined, FORM, `${FORM}; boundary=x`, `${FORM}; charset=`, ...types]) t.equal(readForm(all, contentType, { username: 'a', password: 'b' }).username, 'a', String(contentType))
})

t.test('a form is decoded as UTF-8; what cannot be decoded is what no field may have', async (t) => {
  t.strictSame({ ...parseForm('a=1&b=x+y&c=%C3%BC&c=2&=v&d&%61%2B=ü&__proto__=p') }, JSON.parse('{"a":"1","b":"x y","c":["ü","2"],"":"v","d":"","a+":"ü","__proto__":"p"}'))
  for (const value of ['%', '%f', '%zz', '%ff', '%C3', '%ED%A0%80', 'a%ffb', String(Buffer.from([0xff]))]) {
    t.strictSame({ ...parseForm(`a=${value}`) }, { a: '\0' })
    t.throws(() => readForm(all, FORM, parseForm(`username=${value}&password=b`)), { code: 'invalid_request', message: 'The field username has characters that it may not have' })
    t.match(readForm(all, FORM, parseForm(`username=a&password=b&other=${value}&${value}=x`)), { username: 'a', password: 'b' })
  }
  t.equal(parseForm('a=%EF%BF%BD').a, '\ufffd', 'a replacement character may be meant')
  t.equal(Object.keys(parseForm(Array.from({ length: 2000 }, (_, index) => `f${index}=x`).join('&'))).length, 2000, 'no field is dropped')
})

// RFC 6749 appendix A: a character of each kind, and whether the fields may have it.
const KINDS = { nul: '\0', tab: '\t', lf: '\n', cr: '\r', unit: '\x1f', space: ' ', quote: '"', backslash: '\\', tilde: '~', del: '\x7f', c1: '\x80', letter: 'é', last: '\ufffd', none: '\uffff', astral: '😀', lone: '\ud800' }
const ascii = ['space', 'quote', 'backslash', 'tilde']
const text = [...ascii, 'c1', 'letter', 'last', 'astral']
const grammar: Readonly<Record<string, readonly [grant: string, allowed: readonly string[]]>> = {
  username: ['password', ['tab', ...text]],
  password: ['password', ['tab', ...text]],
  client_id: ['password', ascii],
  client_secret: ['password', text],
  refresh_token: ['refresh_token', ascii],
  code: ['authorization_code', ascii],
  redirect_uri: ['authorization_code', ['quote', 'backslash', 'tilde']],
  code_verifier: ['authorization_code', ['quote', 'backslash', 'tilde']]
}

for (const [field, [grant, allowed]] of Object.entries(grammar)) {
  t.test(`grammar: ${field}`, async (t) => {
    for (const [kind, char] of Object.entries(KINDS)) {
      const read = (): unknown => readForm(all, FORM, { grant_type: grant, username: 'a', password: 'b', refresh_token: 'r', code: 'c', [field]: `a${char}b` })[field]
      if (allowed.includes(kind)) t.equal(read(), `a${char}b`, kind)
      else t.throws(read, { code: 'invalid_request', statusCode: 400, message: `The field ${field} has characters that it may not have` }, kind)
    }
  })
}

t.test('grammar: the client by HTTP Basic', async (t) => {
  for (const [kind, char] of Object.entries(KINDS)) t.strictSame([isClientId(char), isClientSecret(char)], [ascii.includes(kind), text.includes(kind)], kind)
})

t.test('grammar: grant_type', async (t) => {
  for (const char of ['\0', '\n', ' ', 'é', '\x7f']) t.throws(() => readForm(all, FORM, { grant_type: `password${char}` }), { code: 'invalid_request', message: 'The field grant_type has characters that it may not have' })
})

t.test('grammar: a scope is split on spaces and tabs, and its names are of RFC 6749 section 3.3', async (t) => {
  t.strictSame(splitScope(' a\tb  !#[]~ c '), ['a', 'b', '!#[]~', 'c'])
  t.strictSame(splitScope(undefined), [])
  for (const char of ['\0', '\n', '\r', '\v', '"', '\\', '\x7f', 'é', '\u00a0']) {
    t.throws(() => splitScope(`a${char} b`), { name: 'OAuth2Error', code: 'invalid_scope', statusCode: 400, message: 'The field scope has characters that it may not have' }, JSON.stringify(char))
  }
})
