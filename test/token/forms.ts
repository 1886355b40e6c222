import t from 'tap'
import { FormatRegistry } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import {
  GRANT_TYPES, OAuth2AuthorizationCodeRequestForm, OAuth2ClientCredentialsRequestForm, OAuth2PasswordRequestForm, OAuth2PasswordRequestFormStrict, OAuth2RefreshTokenRequestForm,
  readForm, schemasOf, splitScope
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

t.test('UTF-8 may be told, in any case and quoted', async (t) => {
  for (const contentType of [undefined, FORM, `${FORM}; charset=UTF-8`, `${FORM};charset="utf-8"`, `${FORM}; boundary=x`]) t.equal(readForm(all, contentType, { username: 'a', password: 'b' }).username, 'a')
})

t.test('a scope is split on white space', async (t) => {
  t.strictSame(splitScope(' a\tb\n c '), ['a', 'b', 'c'])
  t.strictSame(splitScope(undefined), [])
})
