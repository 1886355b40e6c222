const Fastify = require('fastify')
const authSchemes = require('fastify-auth-schemes')

if (authSchemes !== authSchemes.default || authSchemes !== authSchemes.authSchemes) throw new Error('the names differ')

async function main () {
  const app = Fastify()
  await app.register(authSchemes)
  const scheme = app.authSchemes.httpBearer({
    verify ({ credentials }) {
      if (credentials !== 'good') throw new authSchemes.InvalidCredentialsError()
      return { name: credentials }
    }
  })
  app.get('/', { security: [{ scheme }] }, async (request) => request.auth.user)
  const refused = await app.inject('/')
  console.log(refused.statusCode, refused.headers['www-authenticate'])
  const accepted = await app.inject({ url: '/', headers: { authorization: 'Bearer good' } })
  console.log(accepted.statusCode, accepted.body)
}

main()
