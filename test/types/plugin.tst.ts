import { Type } from '@sinclair/typebox'
import { expect, test } from 'tstyche'
import { authSchemes, type AuditedRoute } from '../../lib'
import { app } from './app'

test('the plugin takes its own options and no others', () => {
  app.register(authSchemes, { hook: 'preHandler', realm: 'x', explicit: true, errorSchema: Type.Object({}) })
  app.register(authSchemes, { errorSchema: { type: 'object', properties: { title: { type: 'string' } } } })
  // @ts-expect-error No overload matches this call
  app.register(authSchemes, { hook: 'onSend' })
  // @ts-expect-error No overload matches this call
  app.register(authSchemes, { errorSchema: 'Problem' })
})

test('a route is public for one of six reasons', () => {
  expect(app.authSchemes.routes()).type.toBe<AuditedRoute[]>()
  expect<AuditedRoute['publicBy']>().type.toBe<
    'security' | 'option' | 'context' | 'optional' | 'undeclared' | 'before-plugin' | null
  >()
})
