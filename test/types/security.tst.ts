import { expect, test } from 'tstyche'
import type { AnyAuth, Requirement, Scheme, Security } from '../../lib'
import { app, basic, bearer, optional, type BasicAuth, type BearerAuth, type OptionalAuth } from './app'

test('one scheme gives its Auth', () => {
  app.get('/', { security: [{ scheme: basic, scopes: ['x'] }] }, async (request) => {
    expect(request.auth).type.toBe<BasicAuth>()
    return request.auth.user.id + 1
  })
})

test('alternatives give their union', () => {
  app.get('/', { security: [{ scheme: bearer }, { scheme: basic }] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | BasicAuth>()
    const { user } = request.auth
    return 'sub' in user ? user.sub : user.id
  })
})

test('schemes that must all hold give the union of theirs', () => {
  app.get('/', { security: [[{ scheme: bearer }, { scheme: basic }]] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | BasicAuth>()
  })
  app.get('/', { security: [[{ scheme: bearer }, { scheme: bearer }], { scheme: bearer }] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth>()
  })
})

test('autoError: false adds null', () => {
  app.get('/', { security: [{ scheme: optional }] }, async (request) => {
    expect(request.auth).type.toBe<OptionalAuth>()
    expect(request.auth?.credentials.username).type.toBe<string | undefined>()
    // @ts-expect-error 'request.auth' is possibly 'null'
    return request.auth.credentials.username
  })
})

test('{} adds null', () => {
  app.get('/', { security: [{ scheme: bearer }, {}] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | null>()
    // @ts-expect-error 'request.auth' is possibly 'null'
    request.auth.user.sub.slice()
    return request.auth?.user.sub
  })
  app.get('/', { security: [{ scheme: bearer }, { scheme: basic }, {}] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | BasicAuth | null>()
  })
  app.get('/', { security: [[{ scheme: bearer }, { scheme: bearer }], {}] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | null>()
  })
})

test('an empty list gives null', () => {
  app.get('/', { security: [] }, async (request) => { expect(request.auth).type.toBe<null>() })
})

test('a constant list is inferred with as const', () => {
  const required = [{ scheme: bearer }] as const
  app.get('/', { security: required }, async (request) => { expect(request.auth).type.toBe<BearerAuth>() })
  const optional = [{ scheme: bearer }, {}] as const
  app.get('/', { security: optional }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
})

test('a list that may be empty adds null', () => {
  const list = [{ scheme: bearer }]
  app.get('/', { security: list }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  const built = ['a', 'b'].map(() => ({ scheme: bearer }))
  app.get('/', { security: built }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  const returned = (): Array<{ scheme: typeof bearer }> => []
  app.get('/', { security: returned() }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  app.get('/', { security: list.length > 0 ? [{ scheme: bearer }] : [] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | null>()
  })
})

test('a list that may have {} adds null', () => {
  const list = [{ scheme: bearer }, {}]
  app.get('/', { security: list }, async (request) => { expect(request.auth).type.toBe<BearerAuth | null>() })
  app.get('/', { security: [list.length > 0 ? { scheme: bearer } : {}] }, async (request) => {
    expect(request.auth).type.toBe<BearerAuth | null>()
  })
})

test('a list that spreads another has one element at least', () => {
  const list = [{ scheme: bearer }]
  app.get('/', { security: [{ scheme: basic }, ...list] }, async (request) => {
    expect(request.auth).type.toBe<BasicAuth | BearerAuth>()
  })
  app.get('/', { security: [...list, { scheme: basic }] }, async (request) => {
    expect(request.auth).type.toBe<BasicAuth | BearerAuth>()
  })
})

test('a list, or a scheme, of no known type gives AnyAuth', () => {
  const list: Requirement[] = []
  app.get('/', { security: list }, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
  const scheme: Scheme<any> = bearer
  app.get('/', { security: [{ scheme }] }, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
  const security: Security = [{ scheme: bearer }]
  app.get('/', { security }, async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
})

test('a security that may be missing gives AnyAuth', () => {
  const some = app.hasPlugin('x')
  app.get('/', { security: some ? [{ scheme: bearer }] : undefined }, async (request) => {
    expect(request.auth).type.toBe<AnyAuth>()
  })
  app.get('/', { ...(some ? { security: [{ scheme: bearer }] } : {}) }, async (request) => {
    expect(request.auth).type.toBe<AnyAuth>()
  })
})

test('without security request.auth is AnyAuth', () => {
  app.get('/', async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
  app.get('/', { config: { rateLimit: { max: 1 } } }, async (request) => {
    expect(request.auth).type.toBe<AnyAuth>()
  })
  app.addHook('onRequest', async (request) => { expect(request.auth).type.toBe<AnyAuth>() })
  app.setErrorHandler((error, request) => { expect(request.auth).type.toBe<AnyAuth>(); throw error })
})

test('anything but a list of alternatives is an error', () => {
  // @ts-expect-error is not assignable to type
  app.get('/', { security: [{ scheme: 'nope' }] }, async () => 1)
  // @ts-expect-error Type 'string' is not assignable to type 'readonly string[]'
  app.get('/', { security: [{ scheme: bearer, scopes: 'read' }] }, async () => 1)
  // @ts-expect-error 'scopess' does not exist in type
  app.get('/', { security: [{ scheme: bearer, scopess: ['read'] }] }, async () => 1)
  // @ts-expect-error 'scheme' does not exist in type 'Security'
  app.get('/', { security: { scheme: bearer } }, async () => 1)
  // @ts-expect-error is not assignable to type 'Alternative<any>'
  app.get('/', { security: [bearer] }, async () => 1)
  // @ts-expect-error is not assignable to type 'Alternative<any>'
  app.get('/', { security: [{ scopes: ['read'] }] }, async () => 1)
  // @ts-expect-error is not assignable to type 'Alternative<any>'
  app.secure([bearer])
})
