/** The public names of `fastify-auth-schemes/jwt`, for `import`. */

export * from './index.js'
