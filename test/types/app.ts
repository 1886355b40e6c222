/** The application and the schemes of the type tests. */

import Fastify from 'fastify'
import type { Auth, HTTPBasicCredentials } from '../../lib'

export const app = Fastify()

export const basic = app.authSchemes.httpBasic({ verify: async ({ username }) => username === 'x' ? { id: 1 } : null })
export const optional = app.authSchemes.httpBasic({ autoError: false })
export const bearer = app.authSchemes.oauth2PasswordBearer({
  tokenUrl: 'token',
  verify: (token) => ({ sub: token, admin: true })
})

export type BasicAuth = Auth<HTTPBasicCredentials, { id: number }>
export type OptionalAuth = Auth<HTTPBasicCredentials, undefined> | null
export type BearerAuth = Auth<string, { sub: string, admin: boolean }>
