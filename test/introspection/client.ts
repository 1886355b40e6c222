import t from 'tap'
import { credentialsOf } from '../../lib/introspection/client'

const of = (client: unknown) => credentialsOf('x', client)

t.test('a client by HTTP Basic, with both parts form-encoded (RFC 6749 section 2.3.1)', async (t) => {
  t.equal(of({ id: 's6BhdRkqt3', secret: '7Fjfp0ZBr1KtDRbnfVdmIw' })(), 'Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3')
  t.equal(of({ id: 'a:b c', secret: 'é%+&' })(), `Basic ${Buffer.from('a%3Ab+c:%C3%A9%25%2B%26').toString('base64')}`)
})

t.test('a bearer token, given or made', async (t) => {
  t.equal(of({ token: 'abc' })(), 'Bearer abc')
  t.equal(await of({ token: () => 'abc' })(), 'Bearer abc')
  t.equal(await of({ token: async () => 'abc' })(), 'Bearer abc')
  await t.rejects(async () => await of({ token: async () => { throw new Error('x') } })(), { message: 'x' })
})

t.test('anything else is a bad option', async (t) => {
  const rows: ReadonlyArray<[client: unknown, message: string]> = [
    [null, 'the options must be an object'], ['a:b', 'the options must be an object'], [['a', 'b'], 'the options must be an object'],
    [{}, 'the option `id` is required'], [{ id: 'a' }, 'the option `secret` is required'], [{ secret: 'a' }, 'the option `id` is required'],
    [{ id: 'a', secret: undefined }, 'the option `secret` is undefined'], [{ token: undefined }, 'the option `token` is undefined'],
    [{ id: 'a', secret: 'b', token: 'c' }, 'there is no option `id`: it takes token'], [{ id: 'a', secret: 'b', method: 'post' }, 'there is no option `method`: it takes id, secret'],
    [{ id: '', secret: 'b' }, 'the options `id` and `secret` must be strings that are not empty'], [{ id: 'a', secret: '' }, 'the options `id` and `secret` must be strings that are not empty'],
    [{ id: 'a', secret: 5 }, 'the options `id` and `secret` must be strings that are not empty'],
    [{ token: '' }, 'the option `token` must be a string that is not empty, or a function'], [{ token: null }, 'the option `token` must be a string that is not empty, or a function']
  ]
  for (const [client, message] of rows) t.throws(() => of(client), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: `x: client: ${message}` })
})
