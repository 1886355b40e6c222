/** The helpers of several test files. */

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type LightMyRequestResponse } from 'fastify'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { authSchemes, type AuthSchemesOptions } from '../lib'

export const openapi31 = { openapi: { openapi: '3.1.0', info: { title: 'Test', version: '1.0.0' } } }
export const openapi30 = { openapi: { openapi: '3.0.3', info: { title: 'Test', version: '1.0.0' } } }

export interface AppOptions extends AuthSchemesOptions {
  readonly server?: FastifyServerOptions
  readonly swagger?: FastifyDynamicSwaggerOptions
}

/** An application with @fastify/swagger (OpenAPI 3.1) and the plugin. */
export async function createApp ({ server, swagger: document = openapi31, ...options }: AppOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(server)
  await app.register(swagger, document)
  await app.register(authSchemes, options)
  return app
}

/** The document, as a reader gets it. */
export function documentOf (app: FastifyInstance): any {
  return JSON.parse(JSON.stringify(app.swagger()))
}

/** All `WWW-Authenticate` lines of an answer. */
export function challengesOf (response: LightMyRequestResponse): string[] {
  return [response.headers['www-authenticate'] ?? []].flat() as string[]
}

/** A port that nobody listens on just now. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
export const basic = (userpass: string) => ({ authorization: `Basic ${Buffer.from(userpass).toString('base64')}` })

export const NOT_AUTHENTICATED = { statusCode: 401, code: 'FST_AUTH_NOT_AUTHENTICATED', error: 'Unauthorized', message: 'Not authenticated' }
export const INVALID_CREDENTIALS = { statusCode: 401, code: 'FST_AUTH_INVALID_CREDENTIALS', error: 'Unauthorized', message: 'Invalid authentication credentials' }
export const CROSS_SITE = {
  statusCode: 403,
  code: 'FST_AUTH_CROSS_SITE',
  error: 'Forbidden',
  message: 'A page of an origin that the option `trustedOrigins` does not list made the browser send this request'
}
export const INSUFFICIENT_SCOPE = { statusCode: 403, code: 'FST_AUTH_INSUFFICIENT_SCOPE', error: 'Forbidden', message: 'Not enough permissions' }
