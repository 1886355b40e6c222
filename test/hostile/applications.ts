/**
 * Whatever schemes, contexts, requirements and credentials there are, a request is answered as the document says. The reference is an
 * evaluator of its own, over the document that was emitted.
 */

import t from 'tap'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { challengesOf, documentOf } from '../helpers'
import { application, build, promised, sent, toRequest, type ApplicationModel, type SentModel } from './applications-model'
import { property } from './run'

const answers = new Map<number, number>()
let applications = 0
let refusedToBoot = 0

async function boot (model: ApplicationModel): Promise<FastifyInstance | null> {
  applications++
  try {
    return await build(model)
  } catch (error) {
    // Contexts may multiply to more alternatives than are allowed: that the boot fails is right.
    if (/more than 256 alternatives/.test(String(error))) {
      refusedToBoot++
      return null
    }
    throw error
  }
}

async function holds (model: ApplicationModel, requests: readonly SentModel[]): Promise<void> {
  const app = await boot(model)
  if (app === null) return
  const document = documentOf(app)
  for (const [path, item] of Object.entries<any>(document.paths)) {
    for (const [method, { security }] of Object.entries<any>(item)) {
      for (const request of requests) {
        const expected = promised(document, security, request)
        const { query, headers } = toRequest(request)
        const response = await app.inject({ method: method as 'get', url: path + query, headers })
        answers.set(response.statusCode, (answers.get(response.statusCode) ?? 0) + 1)
        const where = `${method} ${path}, security: ${JSON.stringify(security)}, sent: ${JSON.stringify(request)}`
        if (response.statusCode !== expected.status) throw new Error(`${where}: ${response.statusCode}, not ${expected.status}: ${response.body}`)
        const { ran, scheme, optional } = response.json()
        if ((ran === true) !== (expected.status === 200)) throw new Error(`${where}: the handler ${ran === true ? 'ran' : 'did not run'}`)
        if (ran === true && !expected.schemes.includes(scheme) && !(scheme === null && optional === true)) throw new Error(`${where}: request.auth is of ${scheme}`)
        const challenges = challengesOf(response).sort()
        if (expected.challenges !== null && String(challenges) !== String(expected.challenges)) throw new Error(`${where}: ${challenges.join(' / ')}, not ${expected.challenges.join(' / ')}`)
      }
    }
  }
  await app.close()
  // Without a turn of the event loop nothing of the application would be released.
  await new Promise((resolve) => { setImmediate(resolve) })
}

t.test('applications answer as their documents say', async (t) => {
  await property(t, 5000, fc.asyncProperty(application, fc.array(sent, { minLength: 3, maxLength: 6 }), holds))
  const asked = [...answers.values()].reduce((sum, count) => sum + count, 0)
  t.comment(`${applications} applications, ${refusedToBoot} with more than 256 alternatives; ${asked} requests, answered ${JSON.stringify(Object.fromEntries(answers))}`)
  t.ok(refusedToBoot < applications / 20, 'nearly all of them boot')
  for (const status of [200, 401, 403, 500, 418]) t.ok((answers.get(status) ?? 0) > asked / 200, `${status} is among the answers`)
})
