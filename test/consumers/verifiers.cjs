const { InvalidCredentialsError } = require('fastify-auth-schemes')
const { introspectionVerifier } = require('fastify-auth-schemes/introspection')
const { jwtIssuer, jwtVerifier } = require('fastify-auth-schemes/jwt')

const context = { request: { log: { debug () {}, warn () {} } }, scopes: [], scopeStr: '' }
if (typeof introspectionVerifier({ endpoint: 'https://login.example.com/introspect', client: { token: 'x' }, audience: 'a' }) !== 'function') throw new Error('no function')

async function main () {
  const tokens = jwtIssuer({ secret: 'x'.repeat(32), issuer: 'item-store', expiresIn: 60 })
  const other = jwtIssuer({ secret: 'x'.repeat(32), issuer: 'item-store', audience: 'other', expiresIn: 60 })
  const error = await tokens.verify(await other.sign({ sub: 'alice' }), context).catch((error) => error)
  if (!(error instanceof InvalidCredentialsError)) throw error
  console.log((await tokens.verify(await tokens.sign({ sub: 'alice' }), context)).sub)
  console.log(typeof jwtVerifier({ issuer: 'https://login.example.com', audience: 'a' }))
}

main().catch((error) => { console.log(error.code, error.message) })
