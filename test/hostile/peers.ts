/** Ways in that other packages once left open, or still do: the same application, written on this plugin, refuses. */

import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { basic, bearer, createApp } from '../helpers'

interface Row {
  readonly door: string
  readonly seenIn: string
  readonly build: (app: FastifyInstance, calls: string[]) => unknown
  readonly headers: Record<string, string>
  readonly status?: number
  /** The requests, in order. */
  readonly calls?: readonly string[]
}

const late = async <T>(value: T): Promise<T> => await new Promise((resolve) => { setTimeout(resolve, 5, value) })
const handler = async (): Promise<string> => 'ran'
const all = { authorization: 'Bearer x', 'x-a': 'a', 'x-b': 'b', 'x-c': 'c' }

/** A scheme that reads a header of its own, and answers as it is told. */
function key (app: FastifyInstance, calls: string[], name: string, answer: unknown): any {
  return { scheme: app.authSchemes.apiKeyHeader({ name: `x-${name}`, schemeName: name, verify: () => { calls.push(name); return answer } }) }
}

const rows: readonly Row[] = [
  {
    door: 'the outcome of an OR inside an AND is forgotten when something that holds comes after it',
    seenIn: 'fastify/fastify-auth pull request 298',
    build (app, calls) {
      app.secure([key(app, calls, 'a', false), key(app, calls, 'b', false)])
      app.get('/', { security: [key(app, calls, 'c', true)] }, handler)
    },
    headers: all,
    calls: ['a', 'b']
  },
  {
    door: 'of an AND only the first is asked',
    seenIn: 'fastify/fastify-auth issue 54',
    build: (app, calls) => app.get('/', { security: [[key(app, calls, 'a', true), key(app, calls, 'b', false)]] }, handler),
    headers: all,
    calls: ['a', 'b']
  },
  {
    door: 'the handler runs before an asynchronous check inside a group has answered',
    seenIn: 'fastify/fastify-auth issue 255',
    build: (app, calls) => app.get('/', { security: [[key(app, calls, 'a', true), key(app, calls, 'b', late(true)), key(app, calls, 'c', late(false))]] }, handler),
    headers: all,
    calls: ['a', 'b', 'c']
  },
  {
    door: 'an asynchronous check fails, and its error is lost',
    seenIn: 'fastify/fastify-auth issues 35 and 255',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.httpBearer({ verify: async () => { await late(1); throw new Error('lost') } }) }] }, handler),
    headers: all,
    status: 500
  },
  {
    door: 'false counts as yes, at once and late, from the check and from what is derived of it',
    seenIn: '@fastify/auth, which takes whatever an asynchronous check resolves to for a yes',
    build (app) {
      const yes = app.authSchemes.httpBearer({ schemeName: 'yes', verify: () => true })
      app.get('/', {
        security: [
          { scheme: app.authSchemes.httpBearer({ schemeName: 'at-once', verify: () => false }) },
          { scheme: app.authSchemes.httpBearer({ schemeName: 'late', verify: async () => await late(false) }) },
          { scheme: yes.derive({ verify: () => false }) },
          { scheme: yes.derive({ verify: async () => await late(false) }) }
        ]
      }, handler)
    },
    headers: bearer('x')
  },
  {
    door: 'a check that gives nothing leaves the request hanging, or lets it in',
    seenIn: 'fastify/fastify issue 2936',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.httpBasic({ verify: () => undefined }) }] }, handler),
    headers: basic('user:password')
  },
  {
    door: 'any word as long as the scheme\'s name passes for it',
    seenIn: 'fastify/fastify-bearer-auth issue 164',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.httpBearer({ verify: () => true }) }] }, handler),
    headers: { authorization: 'AAAAAA abc' }
  },
  {
    door: 'both sides of an OR are asked at once, so that the one that fails is heard although the other holds',
    seenIn: 'fastify/fastify-auth issue 223',
    build: (app, calls) => app.get('/', { security: [[key(app, calls, 'a', late(true))], [key(app, calls, 'b', false)]] }, handler),
    headers: all,
    status: 200,
    calls: ['a']
  },
  {
    door: 'a bearer header without a token is a token, the empty one',
    seenIn: 'the OAuth2 classes of FastAPI',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.oauth2PasswordBearer({ tokenUrl: '/token', verify: (token) => token.length >= 0 }) }] }, handler),
    headers: { authorization: 'Bearer ' }
  },
  {
    door: 'a scheme by name takes the header of any other',
    seenIn: 'HTTPBase of FastAPI',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.httpBase({ scheme: 'Own', verify: () => true }) }] }, handler),
    headers: bearer('x')
  },
  {
    door: 'where the token is optional, one that is refused is anonymous',
    seenIn: 'auto_error=False of FastAPI',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.httpBearer({ verify: () => null }) }, {}] }, handler),
    headers: bearer('stolen')
  },
  {
    door: 'schema.security is read by the document alone',
    seenIn: '@fastify/swagger, whose document promises what nobody enforces',
    build (app) {
      app.authSchemes.httpBearer({ verify: () => null })
      app.get('/', { schema: { security: [{ HTTPBearer: [] }] } }, handler)
    },
    headers: bearer('x')
  },
  {
    door: 'the HEAD twin of a route is forgotten',
    seenIn: 'hooks that are given to one method',
    build: (app) => app.get('/', { security: [{ scheme: app.authSchemes.httpBearer() }] }, handler),
    headers: {}
  }
]

for (const { door, seenIn, build, headers, status = 401, calls } of rows) {
  t.test(`closed: ${door} (${seenIn})`, async (t) => {
    const app = await createApp()
    const asked: string[] = []
    await build(app, asked)
    for (const method of ['GET', 'HEAD'] as const) {
      asked.length = 0
      const response = await app.inject({ method, url: '/', headers })
      t.equal(response.statusCode, status)
      if (status !== 200) t.not(response.body, 'ran')
      if (calls !== undefined) t.strictSame(asked, calls)
    }
    await app.close()
  })
}
