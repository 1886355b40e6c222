/** The helpers of the tests of routes. */

import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { NOT_AUTHENTICATED, bearer } from '../helpers'

/** A scheme that takes the token `good`, and grants it the scopes that follow it. */
export function tokenScheme (app: FastifyInstance, options: object = {}) {
  return app.authSchemes.openIdConnect({
    openIdConnectUrl: 'x',
    verify: (token: string) => {
      const [name, ...scopes] = token.split('.')
      return name === 'good' && { scopes }
    },
    ...options
  })
}

export const handler = async (request: { auth: any }): Promise<unknown> => ({ ran: true, scopes: request.auth?.scopes })

/** The status of each URL without credentials, and with them. */
export async function statuses (app: FastifyInstance, urls: string[], token = 'good'): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  for (const url of urls) {
    const [without, withToken] = [await app.inject(url), await app.inject({ url, headers: bearer(token) })]
    results[url] = `${without.statusCode} ${withToken.statusCode}`
    if (without.statusCode === 401) t.strictSame(without.json(), NOT_AUTHENTICATED)
  }
  return results
}
