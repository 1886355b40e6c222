/**
 * Prints the documents and the responses of an application that uses all of the package, as one JSON object.
 *
 * Node.js resolves the imports from the folder of this file. In the folder of a host they are the packed package and
 * the versions that are installed there; in this repository, its own build.
 */

import { createApplication } from './application.mjs'
import { refusalsOf } from './refused-applications.mjs'

const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`
const authorization = (value) => ({ headers: { authorization: value } })

// A request of any method that asks for an upgrade is compared with the page that it is of.
const UPGRADE = { host: 'app.example:80', upgrade: 'websocket' }

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
  'cookie good, of the own page': { headers: { cookie: 'session=good', ...UPGRADE, origin: 'http://app.example' } },
  'cookie good, of another page': { headers: { cookie: 'session=good', ...UPGRADE, origin: 'https://evil.example' } },
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

const WITHOUT_PARAMETERS = { '/parameters/:id': '/parameters/1' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

// Beside the routes as they are listed: URLs without a route, versions, and requests with a body.
const FURTHER = [
  { url: '/none' },
  { url: '/items/none' },
  { url: '/items/deep/none' },
  ...['/versions', '/hidden-version', '/version-hidden-by-transform'].flatMap((url) =>
    ['1.0.0', '2.0.0'].map((version) => ({ url, headers: { 'accept-version': version } }))),
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

/** The document, or an object with the error in its place: the rest is compared nevertheless. */
function documentOf (app, options) {
  try {
    const document = app.swagger(options)
    return typeof document === 'string' ? document : JSON.parse(JSON.stringify(document))
  } catch (error) {
    return { error: `${error.code}: ${error.message}` }
  }
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
