import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { openIdConnect } from '../../lib/schemes/openid-connect'

t.test('the token is a bearer token, and any scope may be required', async (t) => {
  const { openapi, challenge, declaredScopes, extract } = openIdConnect({ openIdConnectUrl: '/.well-known/openid-configuration', description: 'Our provider' }, 'realm')
  t.strictSame(openapi, { type: 'openIdConnect', description: 'Our provider', openIdConnectUrl: '/.well-known/openid-configuration' })
  t.strictSame(challenge, { scheme: 'Bearer', realm: 'realm', bearer: true })
  t.equal(declaredScopes, null)
  t.equal(extract({ headers: { authorization: 'Bearer abc' } } as FastifyRequest), 'abc')
})

t.test('the address is required', async (t) => {
  t.throws(() => openIdConnect({}), { name: 'TypeError', message: 'openIdConnect: the option `openIdConnectUrl` must be a string that is not empty' })
})
