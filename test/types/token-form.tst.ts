import type { FastifyReply } from 'fastify'
import type { Static } from '@sinclair/typebox'
import { expect, test } from 'tstyche'
import { TokenResponse } from '../../lib'
import { app } from './app'

test('the contract of a token response is its schema\'s', () => {
  type Members = Static<typeof TokenResponse>
  expect<{ readonly [K in keyof Members]: Members[K] }>().type.toBeAssignableTo<TokenResponse>()
  expect<TokenResponse>().type.toBeAssignableTo<Members>()
})

test('a token form hands over the login', () => {
  app.tokenForm('/token', (form, request, reply) => {
    expect(form.username).type.toBe<string>()
    expect(form.scopes).type.toBe<string[]>()
    expect(form.client_id).type.toBe<string | undefined>()
    expect(reply).type.toBeAssignableTo<FastifyReply>()
    return { access_token: form.username, token_type: 'bearer', id_token: request.id }
  })
  app.tokenForm('/strict', { strict: true, bodyLimit: 1000 }, async () => ({ access_token: 'x', token_type: 'bearer' }))
  app.tokenForm('/grants', {
    authenticateClient: (id, secret) => {
      expect(id).type.toBe<string>()
      expect(secret).type.toBe<string | undefined>()
      return null
    },
    grants: {
      refresh_token: ({ refresh_token: token }) => ({ access_token: token, token_type: 'bearer', scopes: ['a'] }),
      client_credentials: ({ client_secret: secret }) => ({ access_token: secret, token_type: 'bearer' }),
      authorization_code: ({ code_verifier: verifier, client_id: id }) => {
        expect(verifier).type.toBe<string | undefined>()
        return { access_token: id, token_type: 'bearer' }
      }
    }
  })
  // @ts-expect-error Property 'access_token' is missing
  app.tokenForm('/bad', () => ({ token_type: 'bearer' }))
  // @ts-expect-error 'security' does not exist in type 'TokenFormOptions'
  app.tokenForm('/bad', { security: [] }, () => ({ access_token: '', token_type: 'bearer' }))
})
