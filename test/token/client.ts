import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { readClient } from '../../lib/token/client'
import { basic } from '../helpers'

const request = (headers: object = {}): FastifyRequest => ({ headers }) as FastifyRequest
const anyone = (): boolean => true

t.test('a client by HTTP Basic, by fields, or not at all', async (t) => {
  t.strictSame(await readClient(request(), {}, undefined), { client_id: undefined, client_secret: undefined })
  t.strictSame(await readClient(request({ authorization: 'Bearer x' }), { client_id: 'a' }, undefined), { client_id: 'a', client_secret: undefined })
  t.strictSame(await readClient(request(), { client_id: 'a', client_secret: 'b' }, undefined), { client_id: 'a', client_secret: 'b' })
  t.strictSame(await readClient(request(basic('a+b:%2B%3A')), {}, undefined), { client_id: 'a b', client_secret: '+:' })
  t.strictSame(await readClient(request(basic('a:')), {}, undefined), { client_id: 'a', client_secret: undefined })
})

const bad: ReadonlyArray<readonly [rule: string, headers: object, fields: Record<string, string>, code: string, message: string]> = [
  ['both', basic('a:b'), { client_id: 'a' }, 'invalid_request', 'The client must authenticate by the Authorization header or by fields, not by both'],
  ['malformed HTTP Basic', { authorization: 'Basic !' }, {}, 'invalid_client', 'The Authorization header is malformed'],
  ['HTTP Basic without a space', { authorization: 'Basic\tx' }, {}, 'invalid_client', 'The Authorization header is malformed'],
  ['HTTP Basic that is not form-encoded', basic('a:%zz'), {}, 'invalid_client', 'The client credentials are not form-encoded'],
  ['HTTP Basic that is no UTF-8', basic('%ff:b'), {}, 'invalid_client', 'The client credentials are not form-encoded'],
  ['a secret without an id', {}, { client_secret: 'b' }, 'invalid_request', 'The field client_id is missing'],
  ['client credentials without a client', {}, { grant_type: 'client_credentials' }, 'invalid_client', 'The client must authenticate'],
  ['client credentials without a secret', {}, { grant_type: 'client_credentials', client_id: 'a' }, 'invalid_client', 'The client must authenticate'],
  ['client credentials with an empty secret', basic('a:'), { grant_type: 'client_credentials' }, 'invalid_client', 'The client must authenticate'],
  ['a code without a client', {}, { grant_type: 'authorization_code' }, 'invalid_request', 'The field client_id is missing']
]

for (const [rule, headers, fields, code, message] of bad) {
  t.test(`refused: ${rule}`, async (t) => { await t.rejects(readClient(request(headers), fields, anyone), { name: 'OAuth2Error', code, message }) })
}

t.test('authenticateClient decides wherever a client_id was sent', async (t) => {
  const asked: unknown[] = []
  const by = (answer: unknown) => async (...args: unknown[]): Promise<unknown> => {
    asked.push(args.slice(0, 2))
    return answer
  }
  await readClient(request(), {}, by(null))
  t.strictSame(asked, [], 'nobody to decide about')
  for (const answer of [true, {}, 0, '']) t.match(await readClient(request(), { client_id: 'a' }, by(answer)), { client_id: 'a' })
  t.strictSame(asked.splice(0)[0], ['a', undefined], 'a client without a secret is for the application to accept')
  for (const answer of [null, undefined, false]) {
    await t.rejects(readClient(request(basic('a:b')), {}, by(answer)), { code: 'invalid_client', statusCode: 401, message: 'The client is unknown, or its credentials are wrong' })
  }
  t.strictSame(asked[0], ['a', 'b'])
  await t.rejects(readClient(request(basic('a:b')), {}, () => { throw new Error('own') }), { message: 'own' })
})
