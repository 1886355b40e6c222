import type { FastifyPluginAsync, FastifyPluginOptions, FastifyTypeProvider, RawServerDefault } from 'fastify'
import type { Static, TSchema } from '@sinclair/typebox'

/** The part of @fastify/type-provider-typebox that a test needs. */
export interface TypeBoxTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

export type FastifyPluginAsyncTypebox = FastifyPluginAsync<FastifyPluginOptions, RawServerDefault, TypeBoxTypeProvider>
