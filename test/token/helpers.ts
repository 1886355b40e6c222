/** The helpers of the tests of the token endpoint. */

import type { Test } from 'tap'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { OAuth2PasswordForm, TokenFormOptions } from '../../lib'
import { createApp } from '../helpers'

export const FORM = 'application/x-www-form-urlencoded'
export const token = { access_token: 'x', token_type: 'bearer' }

export async function post (app: FastifyInstance, payload: string | undefined, headers: Record<string, string> = {}, url = '/token'): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url, headers: { ...payload === undefined ? {} : { 'content-type': FORM }, ...headers }, payload })
}

export function assertNotStored (t: Test, response: LightMyRequestResponse): void {
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal(response.headers.pragma, 'no-cache')
}

/** The form that the handler got; `null` where it did not run. */
export async function submit (t: Test, payload: string | undefined, { headers, ...options }: TokenFormOptions & { headers?: Record<string, string> } = {}): Promise<{ form: OAuth2PasswordForm | null, response: LightMyRequestResponse }> {
  const app = await createApp({ realm: 'R' })
  let form: OAuth2PasswordForm | null = null
  app.tokenForm('/token', options, async (sent) => {
    form = sent
    return token
  })
  const response = await post(app, payload, headers)
  assertNotStored(t, response)
  return { form, response }
}
