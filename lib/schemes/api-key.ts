/** API keys in a cookie, a header or the query. */

import { parse as parseCookies } from 'cookie'
import { badOption } from '../errors'
import { ABSENT, MALFORMED, isToken } from '../header/authorization'
import {
  asString, define, defined, ownString, requiredString, schemeOptions, type CredentialSource, type Extraction,
  type Options, type SchemeDefinition, type SchemeKind
} from './definition'
import { readTrustedOrigins } from './trusted-origins'

const OWN = ['name']

const COOKIE =
  'A cookie that the server sets and the browser sends. Swagger UI does not send a value that is entered here.'

/**
 * The key is the value of the first cookie called `name` that is not empty, decoded as cookies are. The default
 * `description` is the way to send the cookie.
 */
export function apiKeyCookie (options: unknown): SchemeDefinition {
  const where = 'apiKeyCookie'
  const checked = schemeOptions(where, options, [...OWN, 'trustedOrigins'])
  const name = requireToken(where, checked)
  return apiKey(where, checked, 'APIKeyCookie', { description: COOKIE, in: 'cookie', name }, {
    trustedOrigins: readTrustedOrigins(where, checked.trustedOrigins),
    extract: (request) => readCookie(request, name)
  })
}

/** The key is the value of the header called `name`. Node.js joins a header that was sent twice to one value. */
export function apiKeyHeader (options: unknown): SchemeDefinition {
  const where = 'apiKeyHeader'
  const checked = schemeOptions(where, options, OWN)
  const name = requireToken(where, checked)
  const field = name.toLowerCase()
  return apiKey(where, checked, 'APIKeyHeader', { in: 'header', name }, {
    trustedOrigins: null,
    extract: (request) => ownString(request.headers, field)
  })
}

/**
 * The key is the value of the query parameter called `name`, which must not be repeated, and whose percent-encoding
 * must be UTF-8.
 */
export function apiKeyQuery (options: unknown): SchemeDefinition {
  const where = 'apiKeyQuery'
  const checked = schemeOptions(where, options, OWN)
  const name = requiredString(where, checked, 'name')
  return apiKey(where, checked, 'APIKeyQuery', { in: 'query', name }, {
    trustedOrigins: null,
    extract: (request) => readQuery(request, name)
  })
}

interface Place { readonly in: string, readonly name: string, readonly description?: string }

function apiKey (
  where: string, options: Options, className: string, place: Place,
  own: Pick<SchemeKind, 'trustedOrigins' | 'extract'>
): SchemeDefinition {
  return define(where, options, className, {
    openapi: defined({ type: 'apiKey', ...place, description: options.description ?? place.description }),
    challenge: { scheme: 'APIKey', bearer: false },
    declaredScopes: null,
    tokenOf: asString,
    emptyCredentials: '',
    ...own
  })
}

function requireToken (where: string, options: Options): string {
  const name = requiredString(where, options, 'name')
  if (!isToken(name)) throw badOption(where, 'the option `name` must be a token in the sense of RFC 9110 section 5.6.2')
  return name
}

// Stands for a value that cannot be decoded. A control character makes every key malformed.
const UNDECODABLE = '\0'

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return UNDECODABLE
  }
}

type Parse = (header: string) => Readonly<Record<string, unknown>>

const parseStrictly: Parse = (header) => parseCookies(header, { decode })

/**
 * Reads the key from the cookies that @fastify/cookie left on the request if it ran before, else from the header.
 * @fastify/cookie also leaves its parser, with the application's options, on the server.
 */
function readCookie ({ cookies, headers, server }: CredentialSource, name: string): Extraction {
  const header = headers.cookie ?? ''
  const isParsed = cookies !== null && typeof cookies === 'object'
  const values = isParsed ? cookies : parseStrictly(header)
  const value = ownString(values, name)
  if (value === ABSENT && !Object.hasOwn(values, name)) return ABSENT
  const parse = isParsed ? parserOf(server, name) : parseStrictly
  return value === ABSENT ? firstFilled(header, name, parse) : orMalformed(value, header, name, parse)
}

/** Returns the parser of @fastify/cookie. Its option `decode` is a function of the application, and may throw. */
function parserOf (server: object, name: string): Parse {
  const { parseCookie = parseStrictly } = server as { parseCookie?: Parse }
  return (header) => {
    try {
      return parseCookie(header)
    } catch {
      return { [name]: UNDECODABLE }
    }
  }
}

/**
 * Returns malformed for a value that the parser could not decode, which it leaves as it is. The parser may be one that
 * does not decode at all: then the value stays.
 */
function orMalformed (value: Extraction, header: string, name: string, parse: Parse): Extraction {
  if (typeof value !== 'string' || !value.includes('%') || parseStrictly(header)[name] !== UNDECODABLE) return value
  return parse('a=%41').a === 'A' ? MALFORMED : value
}

/**
 * Returns the key if the parsed value is empty. Parsers keep the first of several cookies of one name: if the first was
 * sent empty, another may follow. If it was not, the application has emptied it, and the key is absent.
 */
function firstFilled (header: string, name: string, parse: Parse): Extraction {
  const sent = header.split(';').filter((pair) => Object.hasOwn(parse(pair), name))
    .map((pair) => orMalformed(ownString(parse(pair), name), pair, name, parse))
  return sent[0] === ABSENT ? sent.find((value) => value !== ABSENT) ?? ABSENT : ABSENT
}

/**
 * Reads the key from the parsed query. A parser of queries leaves a value that it cannot decode, or replaces characters
 * of it by U+FFFD: the URL shows if the client sent these characters itself.
 */
function readQuery ({ query, raw }: CredentialSource, name: string): Extraction {
  const value = ownString(query, name)
  if (typeof value !== 'string' || !/[%\ufffd]/.test(value)) return value
  const pairs = (raw.url as string).replace(/^[^?]*\??/, '').replaceAll('+', ' ').split('&')
  const isUndecodable = pairs.map((pair) => pair.split(/=(.*)/s) as [name: string, value?: string])
    .some(([key, sent = '']) => decode(key) === name && decode(sent) === UNDECODABLE)
  return isUndecodable ? MALFORMED : value
}
