/** Applications that must not boot. */

import Fastify from 'fastify'
import authSchemes from 'fastify-auth-schemes'

const verify = () => null

const REFUSED = {
  'an unknown scheme by name': async (app) => {
    await app.register(authSchemes)
    app.get('/', { schema: { security: [{ Unknown: [] }] } }, () => {})
  },
  'an unknown scope': async (app) => {
    await app.register(authSchemes)
    const scheme = app.authSchemes.oauth2PasswordBearer({ tokenUrl: 'token', verify })
    app.get('/', { security: [{ scheme, scopes: ['read'] }] }, () => {})
  },
  'a string for a list': async (app) => {
    await app.register(authSchemes)
    app.get('/', { security: 'read' }, () => {})
  },
  'a route that is older than the plugin, in a secured context': async (app) => {
    app.get('/', () => {})
    await app.register(authSchemes)
    app.secure([{ scheme: app.authSchemes.httpBearer({ verify }) }])
  },
  'a route outside the context of the plugin': async (app) => {
    let scheme
    await app.register(async (child) => {
      await child.register(authSchemes)
      scheme = child.authSchemes.httpBearer({ verify })
    })
    app.get('/', { security: [{ scheme }] }, () => {})
  },
  'an undeclared route, with explicit': async (app) => {
    await app.register(authSchemes, { explicit: true })
    app.get('/', () => {})
  }
}

/** The code of the error of each, by title; `null`: it booted. */
export async function refusalsOf () {
  const refusals = {}
  for (const [title, build] of Object.entries(REFUSED)) {
    const app = Fastify()
    try {
      await build(app)
      await app.ready()
      refusals[title] = null
    } catch (error) {
      refusals[title] = error.code ?? String(error)
    }
  }
  return refusals
}
