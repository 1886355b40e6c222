/** The public names of `fastify-auth-schemes/introspection`, for `import`. */

export * from './index.js'
