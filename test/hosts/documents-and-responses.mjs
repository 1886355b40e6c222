/**
 * Prints, as one JSON object, the documents and the responses of an application that uses all of the package.
 *
 * Node.js resolves the imports from the folder of this file. In the folder of a host they are the packed package and
 * the versions that are installed there; in this repository, its own build.
 */

import Fastify from 'fastify'
import swagger from '@fastify/swagger'
import cookie from '@fastify/cookie'
import authSchemes, { InvalidCredentialsError } from 'fastify-auth-schemes'

const SCOPES = { read: 'Read', write: 'Write' }

const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`
const authorization = (value) => ({ headers: { authorization: value } })

// Each is sent to each route.
const REQUESTS = {
  none: {},
  'header good': { headers: { 'x-key': 'good' } },
  'header refused': { headers: { 'x-key': 'bad' } },
  'header malformed': { headers: { 'x-key': 'go\x01od' } },
  'query good': { query: 'key=good' },
  'query refused': { query: 'key=bad' },
  'query malformed': { query: 'key=good&key=good' },
  'cookie good': { headers: { cookie: 'session=good' } },
  'cookie refused': { headers: { cookie: 'session=bad' } },
  'cookie malformed': { headers: { cookie: 'session=%01' } },
  'basic good': authorization(basic('alice:good')),
  'basic refused': authorization(basic('alice:bad')),
  'basic malformed': authorization('Basic ###'),
  'digest good': authorization('Digest username="good"'),
  'other good': authorization('OTHER good'),
  'bearer good': authorization('Bearer good'),
  'bearer refused': authorization('Bearer bad'),
  'bearer malformed': authorization('Bearer good good'),
  'bearer insufficient': authorization('Bearer weak'),
  'bearer expired': authorization('Bearer expired'),
  'bearer broken': authorization('Bearer broken'),
  'bearer good, header good': { headers: { authorization: 'Bearer good', 'x-key': 'good' } },
  'bearer good, header refused': { headers: { authorization: 'Bearer good', 'x-key': 'bad' } },
  'bearer insufficient, header good': { headers: { authorization: 'Bearer weak', 'x-key': 'good' } },
  'basic good, lenient good': { headers: { authorization: basic('alice:good'), 'x-lenient': 'good' } },
  'basic good, lenient refused': { headers: { authorization: basic('alice:good'), 'x-lenient': 'bad' } },
  'lenient good': { headers: { 'x-lenient': 'good' } },
  'lenient refused': { headers: { 'x-lenient': 'bad' } }
}

function verify (credentials) {
  const text = JSON.stringify(credentials)
  if (text.includes('good')) return { scopes: ['read', 'write'] }
  if (text.includes('weak')) return { scopes: ['read'] }
  if (text.includes('expired')) throw new InvalidCredentialsError('Expired')
  if (text.includes('broken')) throw Object.assign(new Error('The database is down'), { statusCode: 503 })
  return null
}

/** Schemes of each family; those of OAuth2 verify asynchronously. */
function createSchemes (make) {
  const later = async (credentials) => verify(credentials)
  return {
    header: make.apiKeyHeader({ name: 'x-key', verify }),
    query: make.apiKeyQuery({ name: 'key', verify }),
    cookie: make.apiKeyCookie({ name: 'session', verify }),
    lenient: make.apiKeyHeader({ schemeName: 'Lenient', name: 'x-lenient', autoError: false, verify }),
    basic: make.httpBasic({ realm: 'The "items"', verify }),
    digest: make.httpDigest({ verify }),
    other: make.httpBase({ scheme: 'other', schemeName: 'Other', verify }),
    bearer: make.httpBearer({ bearerFormat: 'JWT', description: 'A token', verify }),
    oauth2: make.oauth2PasswordBearer({ tokenUrl: 'token', scopes: SCOPES, verify: later }),
    code: make.oauth2AuthorizationCodeBearer({
      authorizationUrl: 'https://a.example/authorize',
      tokenUrl: 'https://a.example/token',
      scopes: SCOPES,
      verify: later
    }),
    openId: make.openIdConnect({ openIdConnectUrl: 'https://a.example/openid-configuration', verify: later })
  }
}

function addRoutes (app, handler) {
  const schemes = createSchemes(app.authSchemes)
  const { header, query, cookie, lenient, basic, oauth2, bearer } = schemes
  const read = { scheme: oauth2, scopes: ['read'] }
  const write = { scheme: oauth2, scopes: ['write'] }

  for (const [name, scheme] of Object.entries(schemes)) app.get(`/schemes/${name}`, { security: [{ scheme }] }, handler)
  app.get('/undeclared', handler)
  app.get('/public', { security: [] }, handler)
  app.get('/scoped', { security: [read] }, handler)
  app.get('/either', { security: [{ scheme: header }, read, { scheme: cookie }] }, handler)
  app.get('/both', { security: [[{ scheme: header }, write]] }, handler)
  app.get('/left-out', { security: [[{ scheme: lenient }, { scheme: basic }]] }, handler)
  app.get('/optional', { security: [{}, write] }, handler)
  app.get('/derived', { security: [{ scheme: oauth2.derive({ scopes: ['write'], verify: (user) => user }) }] }, handler)
  app.get('/by-name', { schema: { security: [{ OAuth2PasswordBearer: ['read'] }, { HTTPBasic: [] }] } }, handler)
  app.get('/route-hook', { preValidation: [bearer.preHandler] }, handler)

  // A route that the document hides is enforced, too.
  app.get('/hidden', { security: [{ scheme: header }], schema: { hide: true } }, handler)
  app.get('/hidden-tag', { security: [{ scheme: header }], schema: { tags: ['X-HIDDEN'] } }, handler)
  app.get('/hidden-by-transform', { security: [{ scheme: header }] }, handler)
  app.get('/renamed', { security: [{ scheme: header }] }, handler)

  // One path in the document, several routes.
  const hiddenByTransform = { constraints: { version: '2.0.0' }, security: [write], schema: { summary: 'Hide me' } }
  app.get('/versions', { constraints: { version: '1.0.0' }, security: [] }, handler)
  app.get('/versions', { constraints: { version: '2.0.0' }, security: [write] }, handler)
  app.get('/hidden-version', { constraints: { version: '1.0.0' }, security: [], schema: { summary: 'One' } }, handler)
  app.get('/hidden-version', { ...hiddenByTransform, schema: { hide: true } }, handler)
  app.get('/version-hidden-by-transform', { constraints: { version: '1.0.0' }, security: [] }, handler)
  app.get('/version-hidden-by-transform', hiddenByTransform, handler)
  app.route({ method: ['PUT', 'PATCH'], url: '/methods', security: [{ scheme: header }], handler })
  app.all('/all', { security: [{ scheme: header }] }, handler)
  app.get('/head', { security: [read], schema: { operationId: 'head' } }, handler)
  app.head('/head-alone', { security: [read] }, handler)

  // Schemas: defaults, parameters that are credentials, a body, the route's own 401, and a schema that routes share.
  const properties = { key: { type: 'string', default: 'good' }, page: { type: 'integer', default: 1 } }
  app.get('/parameters/:id', {
    security: [{ scheme: query }, { scheme: header }],
    schema: {
      querystring: { type: 'object', properties },
      headers: { type: 'object', properties: { 'X-Key': { type: 'string' }, 'x-page': { type: 'string' } } }
    }
  }, handler)
  const body = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }
  app.post('/body', { security: [read], schema: { body } }, handler)
  app.get('/own-401', {
    security: [read],
    schema: {
      response: {
        200: { type: 'object', additionalProperties: true },
        401: { description: 'Mine', type: 'object', properties: { message: { type: 'string' } } }
      }
    }
  }, handler)
  app.addSchema({ $id: 'Item', type: 'object', additionalProperties: true })
  app.get('/shared-schema', { security: [read], schema: { response: { 200: { $ref: 'Item#' } } } }, handler)

  app.register(async (items) => {
    items.secure([read])
    items.get('/', handler)
    items.get('/header', { security: [{ scheme: header }] }, handler)
    items.get('/optional', { security: [{ scheme: basic }, {}] }, handler)
    items.get('/public', { security: [] }, handler)
    items.get('/gone', async (_request, reply) => { reply.callNotFound() })
    items.setNotFoundHandler(async (_request, reply) => reply.code(404).send({ own: true }))
    await items.register(async (deep) => {
      deep.secure([{ scheme: header }])
      deep.get('/', handler)
      deep.get('/write', { security: [write] }, handler)
    }, { prefix: '/deep' })
    await items.register(async (open) => {
      open.secure([])
      open.get('/', handler)
    }, { prefix: '/open' })
  }, { prefix: '/items' })
  app.register(async (root) => {
    root.secure([{ scheme: header }])
    root.get('/slash', handler)
    root.get('/slash/', handler)
  }, { prefix: '/' })
  app.register(async (handled) => {
    handled.setErrorHandler(async (error, _request, reply) => {
      reply.code(error.statusCode ?? 500)
      return { handled: error.code ?? error.message }
    })
    handled.get('/', { security: [read] }, handler)
  }, { prefix: '/handled' })

  app.tokenForm('/token', async (form) => {
    if (form.password !== 'good') throw new InvalidCredentialsError()
    return { access_token: form.username, token_type: 'bearer' }
  })
}

const WITHOUT_PARAMETERS = { '/parameters/:id': '/parameters/1' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

// Beside the routes as they are listed: URLs without a route, versions, and requests with a body.
const FURTHER = [
  { url: '/none' },
  { url: '/items/none' },
  { url: '/items/deep/none' },
  { url: '/versions', headers: { 'accept-version': '1.0.0' } },
  { url: '/versions', headers: { 'accept-version': '2.0.0' } },
  { url: '/hidden-version', headers: { 'accept-version': '1.0.0' } },
  { url: '/hidden-version', headers: { 'accept-version': '2.0.0' } },
  { method: 'POST', url: '/none' },
  { method: 'OPTIONS', url: '/scoped' },
  { method: 'POST', url: '/body', payload: { name: 'a' } },
  { method: 'POST', url: '/token', headers: FORM, payload: 'username=alice&password=good' },
  { method: 'POST', url: '/token', headers: FORM, payload: 'username=alice&password=bad' },
  { method: 'POST', url: '/token', headers: FORM, payload: 'username=alice' },
  { method: 'POST', url: '/token', payload: { username: 'alice', password: 'good' } }
]

// `app.all` has more, which differ between versions of Fastify.
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH']

/** Options that a user may give to @fastify/swagger. */
function optionsOfUser (seen) {
  return {
    exposeHeadRoutes: true,
    transform ({ schema, url }) {
      const hide = url === '/hidden-by-transform' || schema?.summary === 'Hide me'
      return {
        schema: { summary: `At ${url}`, ...schema, ...hide ? { hide } : {} },
        url: url === '/renamed' ? '/new-name' : url
      }
    },
    transformObject ({ openapiObject }) {
      const document = structuredClone(openapiObject)
      for (const [url, path] of Object.entries(document.paths)) {
        for (const [method, { security }] of Object.entries(path)) seen[`${method} ${url}`] = security ?? null
      }
      return { ...document, 'x-transformed': true }
    }
  }
}

const DOCUMENT_OF_USER = {
  servers: [{ url: 'http://localhost/handled' }],
  security: [{ Own: [] }],
  components: { securitySchemes: { Own: { type: 'http', scheme: 'own' } } }
}

async function createApplication ({ swaggerFirst, openapi, hook, optionsOfUser: own }) {
  const app = Fastify()
  const seen = {}
  let ran = false
  const handler = async (request) => {
    ran = true
    return { auth: request.auth }
  }
  app.get('/before-the-plugin', handler)
  const document = { openapi, info: { title: 'Items', version: '1.0.0' }, ...own ? DOCUMENT_OF_USER : {} }
  const registerSwagger = () => app.register(swagger, { openapi: document, ...own ? optionsOfUser(seen) : {} })
  if (own) await app.register(cookie)
  if (swaggerFirst) await registerSwagger()
  await app.register(authSchemes, { hook, realm: 'Items' })
  if (!swaggerFirst) await registerSwagger()
  addRoutes(app, handler)
  await app.ready()

  async function respond ({ url, query, ...request }) {
    ran = false
    const response = await app.inject({ ...request, url: query === undefined ? url : `${url}?${query}` })
    const challenges = [response.headers['www-authenticate'] ?? []].flat()
    return { status: response.statusCode, challenges, ran, body: response.payload }
  }
  return { app, seen, respond }
}

const nameOf = ({ method = 'GET', url, headers = {}, payload = '' }) =>
  [method, url, ...Object.values(headers), JSON.stringify(payload)].join(' ').replace(/ ""$/, '')

/** The responses to each request, by route. */
async function responsesOf (app, respond) {
  const routes = app.authSchemes.routes().filter(({ method, url }) => METHODS.includes(method) && url !== '/token')
    .map(({ method, url }) => ({ method, url: WITHOUT_PARAMETERS[url] ?? url }))
  const responses = {}
  for (const route of [...routes, ...FURTHER]) {
    const sent = {}
    for (const [title, request] of Object.entries(REQUESTS)) {
      sent[title] = await respond({ ...route, ...request, headers: { ...route.headers, ...request.headers } })
    }
    responses[nameOf(route)] = sent
  }
  return responses
}

/** The list of `app.authSchemes.routes()`, by method and URL: routes that differ in constraints share them. */
function auditOf (app) {
  const audit = {}
  for (const { method, url, ...route } of app.authSchemes.routes()) (audit[`${method} ${url}`] ??= []).push(route)
  return audit
}

/** The document as JSON and as YAML, or the error in its place, so that the rest is compared nevertheless. */
function documentOf (app, options) {
  try {
    const document = app.swagger(options)
    return typeof document === 'string' ? document : JSON.parse(JSON.stringify(document))
  } catch (error) {
    return { error: `${error.code}: ${error.message}` }
  }
}

/** Applications that must not boot. */
const REFUSED = {
  'an unknown scheme by name': async (app) => {
    await app.register(authSchemes)
    app.get('/', { schema: { security: [{ Unknown: [] }] } }, () => {})
  },
  'an unknown scope': async (app) => {
    await app.register(authSchemes)
    const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', verify })
    app.get('/', { security: [{ scheme, scopes: ['read'] }] }, () => {})
  },
  'a string for a list': async (app) => {
    await app.register(authSchemes)
    app.get('/', { security: 'read' }, () => {})
  },
  'a route that is older than the plugin, in a secured context': async (app) => {
    app.get('/', () => {})
    await app.register(authSchemes)
    app.secure([{ scheme: app.authSchemes.httpBearer({ verify }) }])
  },
  'a route outside the context of the plugin': async (app) => {
    let scheme
    await app.register(async (child) => {
      await child.register(authSchemes)
      scheme = child.authSchemes.httpBearer({ verify })
    })
    app.get('/', { security: [{ scheme }] }, () => {})
  },
  'an undeclared route, with explicit': async (app) => {
    await app.register(authSchemes, { explicit: true })
    app.get('/', () => {})
  }
}

/** The code of the error of each, by title. */
async function refusalsOf () {
  const refusals = {}
  for (const [title, build] of Object.entries(REFUSED)) {
    const app = Fastify()
    try {
      await build(app)
      await app.ready()
      refusals[title] = null
    } catch (error) {
      refusals[title] = error.code ?? String(error)
    }
  }
  return refusals
}

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler']
const applications = {}
for (const swaggerFirst of [true, false]) {
  for (const openapi of ['3.0.3', '3.1.0']) {
    for (const optionsOfUser of [false, true]) {
      const hook = HOOKS[Object.keys(applications).length % HOOKS.length]
      const title = [
        `swagger ${swaggerFirst ? 'first' : 'second'}`,
        `OpenAPI ${openapi}`,
        hook,
        ...optionsOfUser ? ['options of the user'] : []
      ].join(', ')
      const { app, seen, respond } = await createApplication({ swaggerFirst, openapi, hook, optionsOfUser })
      const json = [documentOf(app), documentOf(app)]
      const yaml = [documentOf(app, { yaml: true }), documentOf(app, { yaml: true })]
      applications[title] = { json, yaml, seen, audit: auditOf(app), responses: await responsesOf(app, respond) }
      await app.close()
    }
  }
}
console.log(JSON.stringify({ applications, refusals: await refusalsOf() }))
