import type { FastifyInstance } from 'fastify'

/** A file that @fastify/autoload finds. */
export default async function route (app: FastifyInstance): Promise<void> {
  app.get('/autoloaded', async () => ({ ran: true }))
}
