import { introspectionVerifier } from 'fastify-auth-schemes/introspection'
import { jwtIssuer, jwtVerifier } from 'fastify-auth-schemes/jwt'

const context = { request: { log: { debug () {}, warn () {} } }, scopes: [], scopeStr: '' }
if (typeof introspectionVerifier({ endpoint: 'https://login.example.com/introspect', client: { token: 'x' }, audience: 'a' }) !== 'function') throw new Error('no function')

try {
  const tokens = jwtIssuer({ secret: 'x'.repeat(32), issuer: 'item-store', expiresIn: 60 })
  console.log((await tokens.verify(await tokens.sign({ sub: 'alice' }), context)).sub)
  console.log(typeof jwtVerifier({ issuer: 'https://login.example.com', audience: 'a' }))
} catch (error) {
  console.log(error.code, error.message)
}
