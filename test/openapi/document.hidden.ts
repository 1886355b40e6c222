/** Hidden routes: one that a document does not show decides nothing of what it shows. */

import t from 'tap'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import Fastify from 'fastify'
import { authSchemes } from '../../lib'
import { openapi31 } from '../helpers'
import { handler, operationsIn } from './helpers'

const isMarked = (schema: any): boolean => schema?.summary === 'hidden'

const ways: Record<string, { readonly options?: FastifyDynamicSwaggerOptions, readonly hidden: object, readonly shown: object }> = {
  'schema.hide': { hidden: { hide: true }, shown: {} },
  'a transform that hides': {
    options: { transform: ({ schema, url }: any) => ({ schema: isMarked(schema) ? { ...schema, hide: true } : schema, url }) },
    hidden: { summary: 'hidden' },
    shown: { summary: 'shown' }
  },
  'a transform that hides by another schema': {
    options: { transform: ({ schema, url }: any) => ({ schema: isMarked(schema) ? { hide: true } : {}, url }) },
    hidden: { summary: 'hidden' },
    shown: { summary: 'shown' }
  },
  hiddenTag: { options: { hiddenTag: 'internal' }, hidden: { tags: ['internal'] }, shown: { tags: ['public'] } },
  hideUntagged: { options: { hideUntagged: true }, hidden: {}, shown: { tags: ['public'] } }
}

for (const [way, { options, hidden, shown }] of Object.entries(ways)) {
  for (const swaggerFirst of [true, false]) {
    for (const hiddenFirst of [true, false]) {
      const title = `${way}, ${swaggerFirst ? 'swagger' : 'the plugin'} first, ${hiddenFirst ? 'the hidden' : 'the shown'} route first`
      t.test(`a hidden route never decides what another shows: ${title}`, async (t) => {
        const app = Fastify()
        const register = async (): Promise<void> => {
          await app.register(swagger, { ...openapi31, ...options })
          // This one shows what the other hides.
          await app.register(swagger, { ...openapi31, transform: ({ schema, url }: any) => ({ schema: { ...schema, hide: false }, url }), decorator: 'everything' as 'swagger' })
        }
        if (swaggerFirst) await register()
        await app.register(authSchemes)
        if (!swaggerFirst) await register()
        const verify = (): boolean => false
        const [token, key] = [app.authSchemes.httpBearer({ verify }), app.authSchemes.apiKeyHeader({ name: 'k', verify })]
        const declare = (url: string, version: string, security: any, schema: object): void => {
          app.get(url, { security, schema, constraints: { version }, exposeHeadRoute: false }, handler)
        }
        for (const isHidden of [hiddenFirst, !hiddenFirst]) {
          const [version, schema] = isHidden ? ['2.0.0', hidden] : ['1.0.0', shown]
          declare('/open', version, isHidden ? [{ scheme: token }] : [], schema)
          declare('/locked', version, isHidden ? [] : [{ scheme: token }], schema)
          declare('/other', version, [{ scheme: isHidden ? key : token }], schema)
          declare('/optional', version, [{ scheme: token }, ...isHidden ? [] : [{}]], schema)
        }
        await app.ready()
        const lock = '200,401,403'
        const expected = {
          'get /open': [[], '200'],
          'get /locked': [[{ HTTPBearer: [] }], lock],
          'get /other': [[{ HTTPBearer: [] }], lock],
          'get /optional': [[{ HTTPBearer: [] }, {}], lock]
        }
        const everything = {
          'get /open': [[{ HTTPBearer: [] }], lock],
          'get /locked': [[{ HTTPBearer: [] }], lock],
          'get /other': [[{ HTTPBearer: [], APIKeyHeader: [] }], lock],
          'get /optional': [[{ HTTPBearer: [] }], lock]
        }
        const inOrder = (document: any): unknown => {
          const operations = operationsIn(document)
          return Object.fromEntries(Object.entries(operations).map(([key, value]) => [key, JSON.stringify(value).replace('{"APIKeyHeader":[],"HTTPBearer":[]}', '{"HTTPBearer":[],"APIKeyHeader":[]}')]))
        }
        const asText = (operations: object): unknown => Object.fromEntries(Object.entries(operations).map(([key, value]) => [key, JSON.stringify(value)]))
        for (let i = 0; i < 2; i++) {
          t.strictSame(inOrder(app.swagger()), asText(expected))
          t.strictSame(Object.keys((app.swagger() as any).components.securitySchemes), ['HTTPBearer'])
          t.strictSame(inOrder((app as any).everything()), asText(everything))
          await new Promise((resolve) => { setImmediate(resolve) })
        }
        const status = async (url: string, version: string): Promise<number> => (await app.inject({ url, headers: { 'accept-version': version } })).statusCode
        t.strictSame([await status('/open', '1.0.0'), await status('/open', '2.0.0'), await status('/locked', '1.0.0')], [200, 401, 401])
      })
    }
  }
}
