/** Requests that are in flight together: each is answered as who sent it. */

import t from 'tap'
import { Agent, request as send } from 'node:http'
import { createApp, basic } from '../helpers'
import { listen } from './raw'
import { randomOf, seed } from './run'

const IN_FLIGHT = 1000
const TOGETHER = 500

const random = randomOf(seed)
const sleep = async (): Promise<void> => { await new Promise((resolve) => { setTimeout(resolve, random() * 200) }) }

t.test(`${IN_FLIGHT} requests in flight each see their own request.auth`, async (t) => {
  const app = await createApp()
  t.teardown(async () => { await app.close() })
  // Nobody goes on before this many are there.
  let waiting = 0
  let open = (): void => {}
  const together = new Promise<void>((resolve) => { open = resolve })
  const verify = async (name: string): Promise<object | null> => {
    if (++waiting === TOGETHER) open()
    await together
    await sleep()
    return name.startsWith('bad') ? null : { name, scopes: name.startsWith('weak') ? [] : ['a'] }
  }
  const token = app.authSchemes.oauth2PasswordBearer({ tokenUrl: '/token', scopes: { a: 'A' }, verify })
  const active = token.derive({ verify: async (user: any) => { await sleep(); return { active: user.name } } })
  const user = app.authSchemes.httpBasic({ verify: async ({ username }) => await verify(username) })
  const key = app.authSchemes.apiKeyQuery({ name: 'key', verify })
  app.secure([{ scheme: key }, {}])
  app.get('/', { security: [[{ scheme: active, scopes: ['a'] }], { scheme: user }] }, async (request) => {
    await sleep()
    return { auth: request.auth, token: token.from(request)?.user, user: user.from(request)?.user, key: key.from(request)?.user }
  })
  const port = await listen(app)
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT })
  t.teardown(() => { agent.destroy() })
  const ask = async (path: string, headers: Record<string, string>): Promise<any> => await new Promise((resolve, reject) => {
    send({ agent, port, path, headers, host: '127.0.0.1' }, (response) => {
      let text = ''
      response.on('data', (chunk) => { text += String(chunk) }).on('end', () => { resolve({ status: response.statusCode, body: JSON.parse(text) }) })
    }).on('error', reject).end()
  })

  const all = await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, i) => {
    const kind = ['good', 'good', 'bad', 'weak'][i % 4]
    const name = `${kind}-${i}`
    const withKey = i % 3 === 0
    const byToken = i % 5 !== 0
    const { status, body } = await ask(withKey ? `/?key=key-${i}` : '/', byToken ? { authorization: `Bearer ${name}` } : basic(`${name}:x`))
    const expected = kind === 'bad' ? 401 : kind === 'weak' && byToken ? 403 : 200
    if (status !== expected) return `${name}: ${status}, not ${expected}`
    if (status !== 200) return null
    const scopes = kind === 'weak' ? [] : ['a']
    const right = {
      auth: byToken
        ? { scheme: 'OAuth2PasswordBearer', credentials: name, token: name, user: { active: name }, scopes: ['a'], scopeStr: 'a' }
        : { scheme: 'HTTPBasic', credentials: { username: name, password: 'x' }, token: null, user: { name, scopes }, scopes: [], scopeStr: '' },
      ...byToken ? { token: { name, scopes } } : { user: { name, scopes } },
      ...withKey ? { key: { name: `key-${i}`, scopes: ['a'] } } : {}
    }
    return JSON.stringify(body) === JSON.stringify(right) ? null : `${name}: ${JSON.stringify(body)}`
  }))
  t.strictSame(all.filter((problem) => problem !== null), [])
})
