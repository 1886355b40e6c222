/**
 * Whatever schemes, contexts, requirements and credentials there are, a document says what was declared, and a request is answered as it says.
 * The reference works both out from what was drawn.
 */

import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { challengesOf, documentOf } from '../helpers'
import { build, placeOf, toRequest, type Place } from './applications-build'
import { OPENAPI, application, sent, type ApplicationModel, type SentModel } from './applications-model'
import { Reference, type Expected } from './applications-reference'
import { property } from './run'

const answers = new Map<number, number>()
let applications = 0
const refusedToBoot = { tooMany: 0, contradictory: 0 }

const placesOf = (place: Place): Place[] => [place, ...place.within.flatMap(placesOf)]

/** The application, `null` where it is right that it does not start. */
async function boot (model: ApplicationModel, isContradictory: boolean): Promise<FastifyInstance | null> {
  applications++
  try {
    const app = await build(model)
    if (isContradictory) throw new Error('optional authentication stands beside a scheme in a hook, and the application starts')
    return app
  } catch (error) {
    // Contexts may multiply to more alternatives than are allowed: that the boot fails is right.
    if (/more than 256 alternatives/.test(String(error))) refusedToBoot.tooMany++
    else if (isContradictory && /authentication that is optional cannot be combined/.test(String(error))) refusedToBoot.contradictory++
    else throw error
    return null
  }
}

async function ask (app: FastifyInstance, method: string, url: string, request: SentModel, expected: Expected): Promise<void> {
  const response = await app.inject(toRequest(method, url, request))
  answers.set(response.statusCode, (answers.get(response.statusCode) ?? 0) + 1)
  const where = `${method} ${url}, sent: ${JSON.stringify(request)}`
  if (response.statusCode !== expected.status) throw new Error(`${where}: ${response.statusCode}, not ${expected.status}: ${response.body}`)
  const ran = response.headers['x-ran']
  if (ran !== expected.ran) throw new Error(`${where}: the handler ran as ${String(ran)}, not ${String(expected.ran)}`)
  if (expected.challenges === null) return
  const challenges = [...new Set(challengesOf(response).map(withSortedScopes))].sort()
  if (expected.leads === true && !challengesOf(response)[0]?.includes('resource_metadata=')) throw new Error(`${where}: the challenge of the resource is not the first`)
  if (String(challenges) !== String(expected.challenges)) throw new Error(`${where}: ${challenges.join(' / ')}, not ${String(expected.challenges?.join(' / '))}`)
}

const withSortedScopes = (challenge: string): string => challenge.replace(/(?<=scope=")[^"]+/, (scopes) => scopes.split(' ').sort().join(' '))

const sorted = (security: any[] | undefined): string => JSON.stringify(security?.map((alternative) =>
  Object.entries<string[]>(alternative).map(([name, scopes]) => [name, [...scopes].sort()]).sort()) ?? null)

async function holds (model: ApplicationModel, requests: readonly SentModel[]): Promise<void> {
  const reference = new Reference(model)
  const places = placesOf(placeOf(model.context))
  const app = await boot(model, places.some((place) => place.routes.some(({ route }) => reference.isContradictory(place, route))))
  if (app === null) return
  const document = documentOf(app)
  let operations = 0
  for (const place of places) {
    for (const { url, route } of place.routes) {
      const security = reference.securityOf(place, route)
      for (const method of route.methods) {
        operations++
        const documented = document.paths[url][method.toLowerCase()].security
        if (sorted(documented) !== sorted(security ?? undefined)) throw new Error(`${method} ${url} is documented with ${JSON.stringify(documented)}, not ${JSON.stringify(security)}`)
      }
      for (const method of route.methods.includes('GET') ? [...route.methods, 'HEAD'] : route.methods) {
        for (const request of requests) {
          const expected = reference.answerOf(place, route, method, request)
          if (expected.ran !== undefined && !reference.acceptsEachAlone(place, route, { ...request, method })) throw new Error(`${method} ${url}: a part alone refuses ${JSON.stringify(request)}`)
          await ask(app, method, url, request, expected)
        }
      }
    }
    for (const request of requests) await ask(app, 'GET', `${place.prefix}/none`, request, reference.notFoundOf(place, request))
  }
  for (const [path, body] of reference.metadata(places)) {
    for (const request of requests) {
      const response = await app.inject(toRequest('GET', path, request))
      const { statusCode, headers } = response
      if (statusCode !== 200 || headers['x-ran'] !== undefined || headers['www-authenticate'] !== undefined) throw new Error(`${path}: ${statusCode}, ${JSON.stringify(headers)}`)
      if (!isDeepStrictEqual(response.json(), body)) throw new Error(`${path}: ${response.body}, not ${JSON.stringify(body)}`)
    }
  }
  const documented = Object.values<object>(document.paths).flatMap((item) => Object.keys(item))
  if (documented.length !== operations) throw new Error(`${documented.length} operations are documented, not ${operations}`)
  for (const [name, { type, in: place, name: key, scheme }] of Object.entries<any>(document.components.securitySchemes ?? {})) {
    const factory = name.replace(/\..*/, '') as keyof typeof OPENAPI
    if (!isDeepStrictEqual(JSON.parse(JSON.stringify({ type, in: place, name: key, scheme })), OPENAPI[factory])) throw new Error(`${name} is documented as ${type}, ${place} ${key}, ${scheme}`)
  }
  await app.close()
  // Without a turn of the event loop nothing of the application would be released.
  await new Promise((resolve) => { setImmediate(resolve) })
}

t.test('applications document what was declared, and answer as they document', async (t) => {
  await property(t, 600, fc.asyncProperty(application, fc.array(sent, { minLength: 3, maxLength: 6 }), holds))
  const asked = [...answers.values()].reduce((sum, count) => sum + count, 0)
  t.comment(`${applications} applications, ${refusedToBoot.tooMany} with more than 256 alternatives, ${refusedToBoot.contradictory} with what no document can say; ${asked} requests, answered ${JSON.stringify(Object.fromEntries(answers))}`)
  t.ok(refusedToBoot.tooMany + refusedToBoot.contradictory < applications / 4, 'most of them boot')
  for (const status of [200, 400, 401, 403, 404, 418, 500]) t.ok((answers.get(status) ?? 0) > asked / 500, `${status} is among the answers`)
})
