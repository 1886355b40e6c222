/**
 * The applications that are compared over HTTP. As a program, `node apps.mjs name`, it serves one of them and prints
 * its port.
 */

import { timingSafeEqual } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import fastifyAuth from '@fastify/auth'
import basicAuth from '@fastify/basic-auth'
import bearerAuth from '@fastify/bearer-auth'
import fastifyJwt from '@fastify/jwt'
import { SignJWT, compactVerify, jwtVerify } from 'jose'
import { authSchemes, constantTimeEqual } from '../dist/lib/index.mjs'
import { jwtIssuer } from '../dist/lib/jwt/index.mjs'

export const KEY = 'a-key-of-a-usual-length-0123456789'
export const USER = 'alice'
export const PASSWORD = 'wonderland'
export const SECRET = 'a secret of at least 32 bytes for HS256'

export const BEARER = { authorization: `Bearer ${KEY}` }
export const BASIC = { authorization: `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}` }
export const WRONG_BEARER = { authorization: `Bearer ${KEY.replace('a', 'b')}` }
export const WRONG_BASIC = { authorization: `Basic ${Buffer.from(`${USER}:wrong`).toString('base64')}` }
export const jwt = async () => ({ authorization: `Bearer ${await new SignJWT({ sub: USER }).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime('1h').sign(new TextEncoder().encode(SECRET))}` })

const ISSUER = { secret: SECRET, issuer: 'item-store', expiresIn: 3600 }
export const ownJwt = async () => ({ authorization: `Bearer ${await jwtIssuer(ISSUER).sign({ sub: USER })}` })

/** A token with the form of a good one, whose signature is another's. */
export const forgedJwt = async () => ({ authorization: `Bearer ${await jwtIssuer({ ...ISSUER, secret: SECRET.toUpperCase() }).sign({ sub: USER })}` })

const handler = async () => ({ hello: 'world' })
const schema = { response: { 200: { type: 'object', properties: { hello: { type: 'string' } } } } }
const isUser = (username, password) => constantTimeEqual(username, USER) && constantTimeEqual(password, PASSWORD)

const keyBytes = Buffer.from(KEY)
/** The comparison that @fastify/bearer-auth makes of a key: the same work for both. */
export function isKey (text) {
  const bytes = Buffer.from(text)
  return bytes.length === keyBytes.length && timingSafeEqual(bytes, keyBytes)
}
const verifyKey = ({ credentials }) => isKey(credentials)
const verifyUser = ({ username, password }) => isUser(username, password)

function validate (username, password, _request, _reply, done) {
  if (isUser(username, password)) done()
  else done(new Error('Winter is coming'))
}

/** By name; each serves `GET /`. */
export const apps = {
  /** With a plugin, as every application has one. */
  async bare (app) {
    await app.register(async () => {})
    app.get('/', { schema }, handler)
  },

  /** A public route where the plugin is registered, and nothing else. */
  async registered (app) {
    await app.register(authSchemes)
    app.get('/', { schema }, handler)
  },
  /** The same comparison in a hook by hand. */
  async hand (app) {
    app.decorateRequest('key', null)
    app.get('/', {
      schema,
      onRequest (request, reply, done) {
        const [, key] = /^Bearer +([^\s",]+) *$/i.exec(request.headers.authorization ?? '') ?? []
        if (key === undefined || !isKey(key)) {
          reply.header('WWW-Authenticate', 'Bearer')
          done(Object.assign(new Error('Unauthorized'), { statusCode: 401 }))
          return
        }
        request.key = key
        done()
      }
    }, handler)
  },

  /** Extraction alone. */
  async extraction (app) {
    await app.register(authSchemes)
    app.get('/', { schema, security: [{ scheme: app.authSchemes.httpBearer() }] }, handler)
  },

  async bearer (app) {
    await app.register(authSchemes)
    app.get('/', { schema, security: [{ scheme: app.authSchemes.httpBearer({ verify: verifyKey }) }] }, handler)
  },
  async bearerAuth (app) {
    await app.register(bearerAuth, { keys: new Set([KEY]), addHook: 'onRequest', verifyErrorLogLevel: false })
    app.get('/', { schema }, handler)
  },

  async basic (app) {
    await app.register(authSchemes)
    app.get('/', { schema, security: [{ scheme: app.authSchemes.httpBasic({ verify: verifyUser }) }] }, handler)
  },
  async basicAuth (app) {
    await app.register(basicAuth, { validate, authenticate: true })
    app.get('/', { schema, onRequest: app.basicAuth }, handler)
  },

  async either (app) {
    await app.register(authSchemes)
    const { httpBasic, httpBearer } = app.authSchemes
    app.get('/', { schema, security: [{ scheme: httpBasic({ verify: verifyUser }) }, { scheme: httpBearer({ verify: verifyKey }) }] }, handler)
  },
  async eitherAuth (app) {
    await app.register(fastifyAuth)
    await app.register(basicAuth, { validate, authenticate: true })
    await app.register(bearerAuth, { keys: new Set([KEY]), addHook: false, verifyErrorLogLevel: false })
    app.get('/', { schema, onRequest: app.auth([app.basicAuth, app.verifyBearerAuth]) }, handler)
  },

  async jose (app) {
    await app.register(authSchemes)
    const secret = new TextEncoder().encode(SECRET)
    const verify = async (token) => (await jwtVerify(token, secret, { algorithms: ['HS256'] })).payload
    app.get('/', { schema, security: [{ scheme: app.authSchemes.oauth2PasswordBearer({ tokenUrl: '/token', verify }) }] }, handler)
  },
  async jwt (app) {
    await app.register(fastifyJwt, { secret: SECRET })
    app.get('/', { schema, onRequest: async (request) => { await request.jwtVerify() } }, handler)
  },
  async jwtCached (app) {
    await app.register(fastifyJwt, { secret: SECRET, verify: { cache: true } })
    app.get('/', { schema, onRequest: async (request) => { await request.jwtVerify() } }, handler)
  },

  /** Our own verifier, with its cache and without; and beside a bare route. */
  async verifier (app) {
    await app.register(authSchemes)
    app.get('/', { schema, security: [{ scheme: app.authSchemes.httpBearer({ verify: jwtIssuer(ISSUER).verify }) }] }, handler)
  },
  async verifierUncached (app) {
    await app.register(authSchemes)
    app.get('/', { schema, security: [{ scheme: app.authSchemes.httpBearer({ verify: jwtIssuer({ ...ISSUER, cache: 0 }).verify }) }] }, handler)
  },
  async verifierBeside (app) {
    await app.register(authSchemes)
    app.get('/', { schema }, handler)
    app.get('/secured', { schema, security: [{ scheme: app.authSchemes.httpBearer({ verify: jwtIssuer(ISSUER).verify }) }] }, handler)
  },
  /** The signature of a forged token alone, of which nobody is told anything. */
  async signatureBeside (app) {
    await app.register(authSchemes)
    const secret = new TextEncoder().encode(SECRET)
    const { authorization } = await forgedJwt()
    const token = authorization.slice('Bearer '.length)
    const scheme = app.authSchemes.httpBearer({ verify: () => null })
    app.get('/', { schema }, handler)
    app.get('/secured', { schema, onRequest: async () => { await compactVerify(token, secret).catch(() => {}) }, security: [{ scheme }] }, handler)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = Fastify()
  await apps[process.argv[2]](app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  console.log(app.server.address().port)
  // Whoever writes a line is answered with the microseconds of processor time in user mode.
  process.stdin.on('data', () => { console.log(process.cpuUsage().user) })
}
