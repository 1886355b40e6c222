export default {
  test: { globals: true, include: ['*.test.mjs'], server: { deps: { inline: ['fastify-auth-schemes'] } } }
}
