/** An application that uses all of the package. */

import Fastify from 'fastify'
import swagger from '@fastify/swagger'
import cookie from '@fastify/cookie'
import authSchemes, { InvalidCredentialsError } from 'fastify-auth-schemes'

const SCOPES = { read: 'Read', write: 'Write' }

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

/**
 * The application, when it is ready.
 *
 * @returns `seen` is the `security` of each operation in the user's `transformObject`; `respond` sends a request, and
 * `ran` in its result is `true` where the handler ran
 */
export async function createApplication ({ swaggerFirst, openapi, hook, optionsOfUser: own }) {
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
