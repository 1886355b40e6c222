import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { build, logins } from '../../example/scopes'
import { challengesOf, documentOf } from '../helpers'

async function login (app: FastifyInstance, username: string, password: string, scope = ''): Promise<any> {
  return await app.inject({
    method: 'POST',
    url: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ username, password, scope }).toString()
  })
}

t.test('users, active users and scopes', async (t) => {
  const app = await build()
  t.teardown(async () => { await app.close() })
  const tokenFor = async (username: keyof typeof logins, scope: string): Promise<string> => (await login(app, username, logins[username], scope)).json().access_token
  const ask = async (url: string, token?: string): Promise<any> => await app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

  t.strictSame((await login(app, 'johndoe', 'wrong')).json(), { error: 'invalid_grant', error_description: 'Incorrect username or password' })
  t.equal((await login(app, 'nobody', 'secret')).statusCode, 400)

  const all = await tokenFor('johndoe', 'me items admin')
  t.strictSame((await ask('/users/me', all)).json(), { username: 'johndoe', fullName: 'John Doe', disabled: false })
  t.strictSame((await ask('/users/me/items', all)).json(), [{ item: 'Foo', owner: 'johndoe' }])
  t.strictSame((await ask('/status', all)).json(), { status: 'ok' })

  const absent = await ask('/users/me/items')
  t.equal(absent.statusCode, 401)
  t.strictSame(challengesOf(absent), ['Bearer scope="items me"'])

  const me = await tokenFor('johndoe', 'me')
  t.equal((await ask('/users/me', me)).statusCode, 200)
  const insufficient = await ask('/users/me/items', me)
  t.equal(insufficient.statusCode, 403)
  t.strictSame(challengesOf(insufficient), ['Bearer error="insufficient_scope", scope="items me"'])

  const none = await tokenFor('johndoe', '')
  t.equal((await ask('/users/me', none)).statusCode, 403)
  t.equal((await ask('/status', none)).statusCode, 200)

  const wrong = await ask('/status', 'wrong')
  t.equal(wrong.statusCode, 401)
  t.equal(wrong.json().message, 'Invalid authentication credentials')
  t.strictSame(challengesOf(wrong), ['Bearer error="invalid_token"'])

  const disabled = await tokenFor('alice', 'me items')
  t.equal((await ask('/status', disabled)).statusCode, 200)
  const inactive = await ask('/users/me', disabled)
  t.strictSame(inactive.json(), { statusCode: 400, code: 'INACTIVE_USER', error: 'Bad Request', message: 'Inactive user' })

  const { paths } = documentOf(app)
  t.strictSame(['/users/me', '/users/me/items', '/status'].map((path) => paths[path].get.security),
    [[{ OAuth2PasswordBearer: ['me'] }], [{ OAuth2PasswordBearer: ['items', 'me'] }], [{ OAuth2PasswordBearer: [] }]])
})

t.test('a token expires, and must be signed by this server', async (t) => {
  const [app, other] = [await build({ tokenLifetime: 2 }), await build()]
  t.teardown(async () => { await Promise.all([app.close(), other.close()]) })
  const [own, foreign] = await Promise.all([app, other].map(async (from) => (await login(from, 'johndoe', 'secret')).json().access_token))
  const ask = async (token: string) => await app.inject({ url: '/status', headers: { authorization: `Bearer ${token}` } })
  t.equal((await ask(own)).statusCode, 200)
  t.equal((await ask(foreign)).statusCode, 401)
  await new Promise((resolve) => { setTimeout(resolve, 2100) })
  const expired = await ask(own)
  t.equal(expired.statusCode, 401)
  t.equal(expired.json().message, 'The token has expired')
})
