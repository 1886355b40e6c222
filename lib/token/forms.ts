/**
 * The forms of a token endpoint: one schema for each grant, the grammar of each field, and how a form is read by them.
 */

import { parse } from 'node:querystring'
import { FormatRegistry, Type, type Static, type TObject } from '@sinclair/typebox'
import { Value, ValueErrorType } from '@sinclair/typebox/value'
import { OAuth2Error } from '../errors'
import { isScope } from '../header/challenge'

// TypeBox refuses formats that it does not know. This one, OpenAPI's, allows any string.
if (!FormatRegistry.Has('password')) FormatRegistry.Set('password', () => true)

const Secret = (description: string) => Type.String({ format: 'password', description })

const scope = { scope: Type.Optional(Type.String({ description: 'The scopes asked for, separated by spaces' })) }
const client = {
  client_id: Type.Optional(Type.String({ description: 'The client, unless it authenticates by HTTP Basic' })),
  client_secret: Type.Optional(Secret('The secret of the client, unless it authenticates by HTTP Basic'))
}
const login = {
  username: Type.String({ description: 'The user name' }),
  password: Secret('The password'),
  ...scope,
  ...client
}

// The schemas have types of their own names, so that an application that exports one again can declare it without a
// dependency on TypeBox.
const password = { grant_type: Type.Optional(Type.Literal('password')), ...login }
/** The type of the schema `OAuth2PasswordRequestForm`. */
export interface OAuth2PasswordRequestFormSchema extends TObject<typeof password> {}
/** The form of the password grant (RFC 6749 section 4.3.2); `grant_type` may be left out. */
export const OAuth2PasswordRequestForm: OAuth2PasswordRequestFormSchema = Type.Object(password)
export type OAuth2PasswordRequestForm = Static<OAuth2PasswordRequestFormSchema>

const strictPassword = { grant_type: Type.Literal('password'), ...login }
/** The type of the schema `OAuth2PasswordRequestFormStrict`. */
export interface OAuth2PasswordRequestFormStrictSchema extends TObject<typeof strictPassword> {}
/** The form of the password grant, with `grant_type` as the RFC requires it. */
export const OAuth2PasswordRequestFormStrict: OAuth2PasswordRequestFormStrictSchema = Type.Object(strictPassword)
export type OAuth2PasswordRequestFormStrict = Static<OAuth2PasswordRequestFormStrictSchema>

const refreshToken = {
  grant_type: Type.Literal('refresh_token'),
  refresh_token: Secret('The refresh token'),
  ...scope,
  ...client
}
/** The type of the schema `OAuth2RefreshTokenRequestForm`. */
export interface OAuth2RefreshTokenRequestFormSchema extends TObject<typeof refreshToken> {}
/** The form of the refresh token grant (RFC 6749 section 6). */
export const OAuth2RefreshTokenRequestForm: OAuth2RefreshTokenRequestFormSchema = Type.Object(refreshToken)
export type OAuth2RefreshTokenRequestForm = Static<OAuth2RefreshTokenRequestFormSchema>

const clientCredentials = { grant_type: Type.Literal('client_credentials'), ...scope, ...client }
/** The type of the schema `OAuth2ClientCredentialsRequestForm`. */
export interface OAuth2ClientCredentialsRequestFormSchema extends TObject<typeof clientCredentials> {}
/** The form of the client credentials grant (RFC 6749 section 4.4.2). */
export const OAuth2ClientCredentialsRequestForm: OAuth2ClientCredentialsRequestFormSchema =
  Type.Object(clientCredentials)
export type OAuth2ClientCredentialsRequestForm = Static<OAuth2ClientCredentialsRequestFormSchema>

const authorizationCode = {
  grant_type: Type.Literal('authorization_code'),
  code: Secret('The authorization code'),
  redirect_uri: Type.Optional(Type.String({ description: 'The redirect URI of the authorization request' })),
  code_verifier: Type.Optional(Secret('The PKCE verifier')),
  ...client
}
/** The type of the schema `OAuth2AuthorizationCodeRequestForm`. */
export interface OAuth2AuthorizationCodeRequestFormSchema extends TObject<typeof authorizationCode> {}
/** The form of the authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.5). */
export const OAuth2AuthorizationCodeRequestForm: OAuth2AuthorizationCodeRequestFormSchema =
  Type.Object(authorizationCode)
export type OAuth2AuthorizationCodeRequestForm = Static<OAuth2AuthorizationCodeRequestFormSchema>

const SCHEMAS: Readonly<Record<string, TObject>> = {
  password: OAuth2PasswordRequestFormStrict,
  refresh_token: OAuth2RefreshTokenRequestForm,
  client_credentials: OAuth2ClientCredentialsRequestForm,
  authorization_code: OAuth2AuthorizationCodeRequestForm
}

export const GRANT_TYPES: readonly string[] = Object.keys(SCHEMAS)

/** The schemas of an endpoint, by grant. */
export function schemasOf (grantTypes: readonly string[], strict: boolean): ReadonlyMap<string, TObject> {
  return new Map(grantTypes.map((grant) =>
    [grant, grant === 'password' && !strict ? OAuth2PasswordRequestForm : SCHEMAS[grant] as TObject]))
}

/** All fields of a grant, by name; one that was not sent, or was sent empty, is `undefined`. */
export type Fields = Readonly<Record<string, string | undefined>>

// Names of UTF-8 (WHATWG Encoding section 4.2, IANA) and of ASCII (IANA), which is a part of it.
const CHARSETS = [
  'utf-8', 'utf8', 'csutf8', 'unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'x-unicode20utf8',
  'us-ascii', 'ascii', 'csascii', 'us', 'iso646-us', 'iso_646.irv:1991', 'iso-ir-6', 'ansi_x3.4-1968', 'ansi_x3.4-1986',
  'ibm367', 'cp367'
]
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]+)/i

// RFC 6749 appendix A: UNICODECHARNOCRLF, the same without the tab, VSCHAR, and what a URI consists of.
const UNICODE = '\\x20-\\x7e\\x80-\\ud7ff\\ue000-\\ufffd\\u{10000}-\\u{10ffff}'
const TEXT = new RegExp(`^[\\t${UNICODE}]+$`, 'u')
const SECRET = new RegExp(`^[${UNICODE}]+$`, 'u')
const VISIBLE = /^[\x20-\x7e]+$/
const URI = /^[\x21-\x7e]+$/

// The RFC allows secrets in ASCII alone; other characters, sent as UTF-8, do no harm. A scope is judged name by
// name.
const GRAMMAR: Readonly<Record<string, RegExp>> = {
  username: TEXT,
  password: TEXT,
  client_id: VISIBLE,
  client_secret: SECRET,
  code: VISIBLE,
  refresh_token: VISIBLE,
  redirect_uri: URI,
  code_verifier: URI
}

/** Returns true for an id, or for a secret, that a client may have. */
export const isClientId = (text: string): boolean => VISIBLE.test(text)
export const isClientSecret = (text: string): boolean => SECRET.test(text)

// Stands for what cannot be decoded. No field may have it.
const UNDECODABLE = '\0'

/** The parser of forms. A text whose bytes or escapes are no UTF-8 becomes one that no field may have. */
export function parseForm (text: string): Record<string, unknown> {
  return parse(text, '&', '=', {
    maxKeys: 0,
    decodeURIComponent (encoded) {
      try {
        return encoded.includes('\ufffd') ? UNDECODABLE : decodeURIComponent(encoded)
      } catch {
        return UNDECODABLE
      }
    }
  })
}

/**
 * Reads a form that was parsed. Fields of no grant are ignored.
 *
 * @throws {OAuth2Error} for anything but one of the schemas, and for a field outside its grammar
 */
export function readForm (
  schemas: ReadonlyMap<string, TObject>, contentType: string | undefined, body: unknown
): Fields {
  const charset = CHARSET.exec(contentType ?? '')?.[1]
  if (charset !== undefined && !CHARSETS.includes(charset.toLowerCase())) {
    throw new OAuth2Error('invalid_request', 'The form must be encoded in UTF-8', { statusCode: 415 })
  }
  if (body === null || typeof body !== 'object') throw new OAuth2Error('invalid_request', 'The body is empty')
  const sent: Readonly<Record<string, unknown>> =
    Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ''))
  const schema = schemaFor(schemas, sent.grant_type)
  const error = Value.Errors(schema, sent).First()
  if (error !== undefined) {
    const problem = error.type === ValueErrorType.ObjectRequiredProperty ? 'is missing' : 'must be sent once'
    throw new OAuth2Error('invalid_request', `The field ${error.path.slice(1)} ${problem}`)
  }
  const fields = Object.fromEntries(Object.keys(schema.properties).map((field) =>
    [field, Object.hasOwn(sent, field) ? sent[field] as string : undefined]))
  for (const [field, value] of Object.entries(fields)) {
    if (value !== undefined && GRAMMAR[field]?.test(value) === false) {
      throw new OAuth2Error('invalid_request', `The field ${field} has characters that it may not have`)
    }
  }
  return fields
}

function schemaFor (schemas: ReadonlyMap<string, TObject>, grantType: unknown): TObject {
  const lenient = schemas.get('password')
  if (grantType === undefined) {
    if (lenient === OAuth2PasswordRequestForm) return lenient
    throw new OAuth2Error('invalid_request', 'The field grant_type is missing')
  }
  if (typeof grantType !== 'string') throw new OAuth2Error('invalid_request', 'The field grant_type must be sent once')
  if (!URI.test(grantType)) {
    throw new OAuth2Error('invalid_request', 'The field grant_type has characters that it may not have')
  }
  const schema = schemas.get(grantType)
  if (schema === undefined) {
    throw new OAuth2Error('unsupported_grant_type', `The grant type must be ${[...schemas.keys()].join(' or ')}`)
  }
  return schema
}

/**
 * The scopes of a field `scope`, split on white space (RFC 9110 section 5.6.3: spaces and tabs).
 *
 * @throws {OAuth2Error} `invalid_scope`, for a name that no scope may have
 */
export function splitScope (scope: string | undefined): string[] {
  const names = scope?.split(/[ \t]+/).filter((name) => name !== '') ?? []
  if (!names.every(isScope)) {
    throw new OAuth2Error('invalid_scope', 'The field scope has characters that it may not have')
  }
  return names
}
