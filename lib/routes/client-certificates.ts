/** The server's part in client certificates: it asks for them, and keeps the certificate of each connection. */

import { Server } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { badOption } from '../errors'
import { secondaryServersOf } from '../fastify-internals'
import type { SchemesByName } from '../requirement/by-name'
import { keepCertificate } from '../schemes/mutual-tls'

const HTTPS = '`https: { key, cert, ca, requestCert: true, rejectUnauthorized: false }`'

/** The options of a server that Node.js keeps as its properties. */
interface ServerOptions { readonly requestCert?: unknown, readonly ca?: unknown }

/**
 * Returns the function to call once all is loaded. It does nothing unless a scheme was made whose credentials are the
 * certificate of the connection, required by a route or not. It throws a `TypeError` if the server has TLS and does not
 * ask for certificates, and warns if the server has no TLS, or no `ca`.
 */
export function watchServer (
  app: FastifyInstance, schemes: SchemesByName, warn: (message: string) => void
): () => void {
  let isWatched = false
  // For the further addresses of `localhost` Fastify makes servers of their own, after `app.server` listens. What a
  // client sends to them before this hook has no certificate.
  app.addHook('onListen', async () => {
    for (const server of isWatched ? secondaryServersOf(app) : []) server.on('secureConnection', keepCertificate)
  })
  return function checkServer () {
    const affected = schemes.definitions.filter(({ ofConnection }) => ofConnection)
    if (affected.length === 0) return
    const server: unknown = app.server
    if (!(server instanceof Server)) {
      const names = [...new Set(affected.map(({ name }) => `"${name}"`))].join(', ')
      warn(`this server has no TLS, so ${names} finds no certificate, and each request that needs one gets 401: ` +
        `give Fastify ${HTTPS} or, where a proxy ends TLS, give the scheme its option \`header\``)
      return
    }
    const { requestCert, ca } = server as ServerOptions
    if (requestCert !== true) {
      throw badOption('mutualTLS', `the server does not ask clients for certificates: give Fastify ${HTTPS}, where ` +
        '`ca` is the authority that issues them; without `rejectUnauthorized: false` a client that has no good ' +
        'certificate gets no response at all')
    }
    if (ca === undefined) {
      warn('the option `https` has no `ca`, so a certificate of any public authority counts as verified: ' +
        'give it the authority that issues the certificates of your clients')
    }
    secondaryServersOf(app)
    server.on('secureConnection', keepCertificate)
    isWatched = true
  }
}
