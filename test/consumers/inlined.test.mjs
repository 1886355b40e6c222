/* global expect, test */
import Fastify from 'fastify'
import authSchemes, { OAuth2Error, authSchemes as named } from 'fastify-auth-schemes'

test('the package works where vitest loads it itself', async () => {
  expect(authSchemes).toBe(named)
  const app = Fastify()
  await app.register(authSchemes)
  const scheme = app.authSchemes.httpBearer({ verify: ({ credentials }) => credentials === 'good' })
  app.get('/', { security: [{ scheme }] }, async () => 'ok')
  app.tokenForm('/token', async () => { throw new OAuth2Error('invalid_grant', 'No') })
  expect((await app.inject('/')).headers['www-authenticate']).toBe('Bearer')
  expect((await app.inject({ url: '/', headers: { authorization: 'Bearer good' } })).statusCode).toBe(200)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await app.inject({ method: 'POST', url: '/token', headers, payload: 'username=a&password=b' })).json())
    .toEqual({ error: 'invalid_grant', error_description: 'No' })
})
