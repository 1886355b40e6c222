/** The helpers of the tests of requests. */

import type { FastifyInstance } from 'fastify'
import { INVALID_CREDENTIALS, challengesOf, createApp } from '../helpers'

export interface Answer { status: number, body: any, challenges: string[], ran: boolean }

export async function answer (app: FastifyInstance, headers: Record<string, string> = {}, url = '/'): Promise<Answer> {
  const response = await app.inject({ url, headers })
  const body = response.json()
  return { status: response.statusCode, body, challenges: challengesOf(response), ran: body.ran === true }
}

export async function verifying (verify: (token: string) => any, options: object = {}): Promise<FastifyInstance> {
  const app = await createApp()
  const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' }, verify, ...options })
  app.get('/', { security: [{ scheme }] }, async (request) => ({ ran: true, user: request.auth.user }))
  app.get('/a', { security: [{ scheme, scopes: ['a'] }] }, async () => ({ ran: true }))
  app.get('/ab', { security: [{ scheme, scopes: ['a', 'b'] }] }, async () => ({ ran: true }))
  return app
}

export const refusing = { status: 401, body: INVALID_CREDENTIALS, challenges: ['Bearer error="invalid_token"'], ran: false }
