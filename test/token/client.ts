import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { InvalidCredentialsError, OAuth2Error } from '../../lib/errors'
import { readClient } from '../../lib/token/client'
import { basic } from '../helpers'

const request = (headers: object = {}): FastifyRequest => ({ headers }) as FastifyRequest
const anyone = (): boolean => true

t.test('a client by HTTP Basic, by fields, or not at all', async (t) => {
  for (const authenticate of [undefined, anyone]) {
    t.strictSame(await readClient(request(), {}, authenticate), { client_id: undefined, client_secret: undefined })
    t.strictSame(await readClient(request({ authorization: 'Bearer x' }), { client_id: 'a' }, authenticate), { client_id: 'a', client_secret: undefined })
    t.strictSame(await readClient(request(), { client_id: 'a', client_secret: 'b' }, authenticate), { client_id: 'a', client_secret: 'b' })
  }
  t.strictSame(await readClient(request(basic('a+b:%2B%3A')), {}, anyone), { client_id: 'a b', client_secret: '+:' })
  t.strictSame(await readClient(request(basic('a:')), {}, anyone), { client_id: 'a', client_secret: undefined })
  t.strictSame(await readClient(request(basic('a:%C3%BC')), {}, anyone), { client_id: 'a', client_secret: 'ü' })
})

t.test('a client may name itself again, and only itself', async (t) => {
  t.strictSame(await readClient(request(basic('a+b:c')), { client_id: 'a b' }, anyone), { client_id: 'a b', client_secret: 'c' })
  for (const fields of [{ client_id: 'a+b' }, { client_id: 'A b' }, { client_secret: 'c' }, { client_id: 'a b', client_secret: 'c' }] as Array<Record<string, string>>) {
    await t.rejects(readClient(request(basic('a+b:c')), fields, anyone), { code: 'invalid_request', message: 'The field client_id or client_secret is not that of the Authorization header: send the client by one of them' })
  }
  await t.rejects(readClient(request(basic(':c')), { client_id: 'a' }, anyone), { code: 'invalid_request' })
})

t.test('without authenticateClient a Basic header means nothing', async (t) => {
  for (const headers of [basic('a:b'), basic('a:%zz'), { authorization: 'Basic !' }]) {
    t.strictSame(await readClient(request(headers), {}, undefined), { client_id: undefined, client_secret: undefined })
    t.strictSame(await readClient(request(headers), { client_id: 'c', client_secret: 'd' }, undefined), { client_id: 'c', client_secret: 'd' })
  }
})

const bad: ReadonlyArray<readonly [rule: string, headers: object, fields: Record<string, string>, code: string, message: string]> = [
  ['malformed HTTP Basic', { authorization: 'Basic !' }, {}, 'invalid_client', 'The Authorization header is malformed'],
  ['HTTP Basic without a space', { authorization: 'Basic\tx' }, {}, 'invalid_client', 'The Authorization header is malformed'],
  ['HTTP Basic that is not form-encoded', basic('a:%zz'), {}, 'invalid_client', 'The client credentials are not form-encoded'],
  ['HTTP Basic that is no UTF-8', basic('%ff:b'), {}, 'invalid_client', 'The client credentials are not form-encoded'],
  ['HTTP Basic with a control character', basic('a%0A:b'), {}, 'invalid_client', 'The client credentials have characters that they may not have'],
  ['HTTP Basic with a control character in the secret', basic('a:%00'), {}, 'invalid_client', 'The client credentials have characters that they may not have'],
  ['HTTP Basic with an id that is not ASCII', basic('%C3%BC:b'), {}, 'invalid_client', 'The client credentials have characters that they may not have'],
  ['HTTP Basic without an id', basic(':b'), {}, 'invalid_request', 'The field client_id is missing'],
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

t.test('a 401 that authenticateClient throws or returns is invalid_client, any other error stays what it is', async (t) => {
  const unauthorized = Object.assign(new Error('Locked'), { statusCode: 401 })
  const own = new OAuth2Error('unauthorized_client', 'Own', { statusCode: 401 })
  const forbidden = Object.assign(new Error('Own'), { statusCode: 403 })
  const rows = [[unauthorized, 'invalid_client', 'Locked', 401], [new InvalidCredentialsError('Old'), 'invalid_client', 'Old', 401], [own, 'unauthorized_client', 'Own', 401], [forbidden, undefined, 'Own', 403]] as const
  for (const [error, code, message, statusCode] of rows) {
    for (const fail of [() => { throw error }, async () => { throw error }, () => error, async () => error]) {
      await t.rejects(readClient(request(), { client_id: 'a' }, fail), code === undefined ? error : { name: 'OAuth2Error', code, message, statusCode })
    }
  }
})
