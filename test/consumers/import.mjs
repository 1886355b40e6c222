import Fastify from 'fastify'
import authSchemes, { InvalidCredentialsError, OAuth2Error, authSchemes as named } from 'fastify-auth-schemes'

if (authSchemes !== named || typeof OAuth2Error !== 'function') throw new Error('the names differ')

const app = Fastify()
await app.register(authSchemes)
const scheme = app.authSchemes.httpBearer({
  verify ({ credentials }) {
    if (credentials !== 'good') throw new InvalidCredentialsError()
    return { name: credentials }
  }
})
app.get('/', { security: [{ scheme }] }, async (request) => request.auth.user)
const refused = await app.inject('/')
console.log(refused.statusCode, refused.headers['www-authenticate'])
const accepted = await app.inject({ url: '/', headers: { authorization: 'Bearer good' } })
console.log(accepted.statusCode, accepted.body)
