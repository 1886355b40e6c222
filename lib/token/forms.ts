/** The forms of a token endpoint: one schema for each grant, and how a form is read by it. */

import { FormatRegistry, Type, type Static, type TObject } from '@sinclair/typebox'
import { Value, ValueErrorType } from '@sinclair/typebox/value'
import { OAuth2Error } from '../errors'

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

/** The form of the password grant (RFC 6749 section 4.3.2); `grant_type` may be left out. */
export const OAuth2PasswordRequestForm = Type.Object({ grant_type: Type.Optional(Type.Literal('password')), ...login })
export type OAuth2PasswordRequestForm = Static<typeof OAuth2PasswordRequestForm>

/** The form of the password grant, with `grant_type` as the RFC requires it. */
export const OAuth2PasswordRequestFormStrict = Type.Object({ grant_type: Type.Literal('password'), ...login })
export type OAuth2PasswordRequestFormStrict = Static<typeof OAuth2PasswordRequestFormStrict>

/** The form of the refresh token grant (RFC 6749 section 6). */
export const OAuth2RefreshTokenRequestForm = Type.Object({
  grant_type: Type.Literal('refresh_token'),
  refresh_token: Secret('The refresh token'),
  ...scope,
  ...client
})
export type OAuth2RefreshTokenRequestForm = Static<typeof OAuth2RefreshTokenRequestForm>

/** The form of the client credentials grant (RFC 6749 section 4.4.2). */
export const OAuth2ClientCredentialsRequestForm = Type.Object({ grant_type: Type.Literal('client_credentials'), ...scope, ...client })
export type OAuth2ClientCredentialsRequestForm = Static<typeof OAuth2ClientCredentialsRequestForm>

/** The form of the authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.5). */
export const OAuth2AuthorizationCodeRequestForm = Type.Object({
  grant_type: Type.Literal('authorization_code'),
  code: Secret('The authorization code'),
  redirect_uri: Type.Optional(Type.String({ description: 'The redirect URI of the authorization request' })),
  code_verifier: Type.Optional(Secret('The PKCE verifier')),
  ...client
})
export type OAuth2AuthorizationCodeRequestForm = Static<typeof OAuth2AuthorizationCodeRequestForm>

const SCHEMAS: Readonly<Record<string, TObject>> = {
  password: OAuth2PasswordRequestFormStrict,
  refresh_token: OAuth2RefreshTokenRequestForm,
  client_credentials: OAuth2ClientCredentialsRequestForm,
  authorization_code: OAuth2AuthorizationCodeRequestForm
}

export const GRANT_TYPES: readonly string[] = Object.keys(SCHEMAS)

/** The schemas of an endpoint, by grant. */
export function schemasOf (grantTypes: readonly string[], strict: boolean): ReadonlyMap<string, TObject> {
  return new Map(grantTypes.map((grant) => [grant, grant === 'password' && !strict ? OAuth2PasswordRequestForm : SCHEMAS[grant] as TObject]))
}

/** All fields that a grant knows, by name; one that was not sent, or was sent empty, is `undefined`. */
export type Fields = Readonly<Record<string, string | undefined>>

// What a form may be said to be encoded in. Browsers and clients send UTF-8.
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]+)/i

/**
 * Reads a form that was parsed. Fields that no grant knows are ignored.
 *
 * @throws {OAuth2Error} for anything but one of the schemas
 */
export function readForm (schemas: ReadonlyMap<string, TObject>, contentType: string | undefined, body: unknown): Fields {
  const charset = CHARSET.exec(contentType ?? '')?.[1]
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') throw new OAuth2Error('invalid_request', 'The form must be encoded in UTF-8', { statusCode: 415 })
  if (body === null || typeof body !== 'object') throw new OAuth2Error('invalid_request', 'The body is empty')
  const sent: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ''))
  const schema = schemaFor(schemas, sent.grant_type)
  const error = Value.Errors(schema, sent).First()
  if (error !== undefined) {
    const problem = error.type === ValueErrorType.ObjectRequiredProperty ? 'is missing' : 'must be sent once'
    throw new OAuth2Error('invalid_request', `The field ${error.path.slice(1)} ${problem}`)
  }
  return Object.fromEntries(Object.keys(schema.properties).map((field) => [field, Object.hasOwn(sent, field) ? sent[field] as string : undefined]))
}

function schemaFor (schemas: ReadonlyMap<string, TObject>, grantType: unknown): TObject {
  const lenient = schemas.get('password')
  if (grantType === undefined) {
    if (lenient === OAuth2PasswordRequestForm) return lenient
    throw new OAuth2Error('invalid_request', 'The field grant_type is missing')
  }
  if (typeof grantType !== 'string') throw new OAuth2Error('invalid_request', 'The field grant_type must be sent once')
  const schema = schemas.get(grantType)
  if (schema === undefined) throw new OAuth2Error('unsupported_grant_type', `The grant type must be ${[...schemas.keys()].join(' or ')}`)
  return schema
}

/** The scopes of a field `scope`, split on white space. */
export function splitScope (scope: string | undefined): string[] {
  return scope?.split(/\s+/).filter((name) => name !== '') ?? []
}
