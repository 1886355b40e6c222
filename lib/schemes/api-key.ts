/** API keys in a cookie, a header or the query. */

import { parse as parseCookies } from 'cookie'
import type { FastifyRequest } from 'fastify'
import { badOption } from '../errors'
import { isToken } from '../header/authorization'
import { asString, checkOptions, define, defined, ownString, requiredString, type Extraction, type SchemeDefinition } from './definition'

const OWN = ['name']

const COOKIE = 'A cookie that the server sets and the browser sends. Swagger UI does not send a value that is entered here.'

/** The key is the value of the cookie called `name`, decoded as cookies are. Unless it has a `description`, one says how the cookie is sent. */
export function apiKeyCookie (options: unknown): SchemeDefinition {
  const where = 'apiKeyCookie'
  const name = requireToken(where, options)
  return apiKey(where, options, 'APIKeyCookie', { description: COOKIE, in: 'cookie', name }, (request) => {
    // @fastify/cookie leaves an object here, when it ran before.
    const { cookies } = request as { cookies?: unknown }
    if (cookies !== null && typeof cookies === 'object') return ownString(cookies, name)
    const header = request.headers.cookie
    return ownString(header === undefined ? undefined : parseCookies(header), name)
  })
}

/** The key is the value of the header called `name`. Node.js joins a header that was sent twice to one value. */
export function apiKeyHeader (options: unknown): SchemeDefinition {
  const where = 'apiKeyHeader'
  const name = requireToken(where, options)
  const field = name.toLowerCase()
  return apiKey(where, options, 'APIKeyHeader', { in: 'header', name }, (request) => ownString(request.headers, field))
}

/** The key is the value of the query parameter called `name`, which must not be repeated. */
export function apiKeyQuery (options: unknown): SchemeDefinition {
  const where = 'apiKeyQuery'
  const name = requiredString(where, checkOptions(where, options, OWN), 'name')
  return apiKey(where, options, 'APIKeyQuery', { in: 'query', name }, (request) => ownString(request.query, name))
}

function apiKey (where: string, options: unknown, className: string, place: { in: string, name: string, description?: string }, extract: (request: FastifyRequest) => Extraction): SchemeDefinition {
  const checked = checkOptions(where, options, OWN)
  return define(where, checked, className, {
    openapi: defined({ type: 'apiKey', ...place, description: checked.description ?? place.description }),
    challenge: { scheme: 'APIKey', bearer: false },
    declaredScopes: null,
    tokenOf: asString,
    blank: '',
    extract
  })
}

function requireToken (where: string, options: unknown): string {
  const name = requiredString(where, checkOptions(where, options, OWN), 'name')
  if (!isToken(name)) throw badOption(where, 'the option `name` must be a token in the sense of RFC 9110 section 5.6.2')
  return name
}
