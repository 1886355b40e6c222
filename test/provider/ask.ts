import t from 'tap'
import { ask, askerOf, objectOf } from '../../lib/provider/ask'
import { FAILURES, json, startProvider } from './helpers'

t.test('the whole response, up to 512 KiB', async (t) => {
  const provider = await startProvider(t)
  const most = JSON.stringify({ a: 'x'.repeat(512 * 1024 - 8) })
  provider.routes.set('/most', (_request, response) => { json(response, 200, most) })
  provider.routes.set('/more', (_request, response) => { json(response, 200, `${most} `) })
  provider.routes.set('/empty', (_request, response) => { response.writeHead(204).end() })
  const asker = askerOf('x', {})
  t.equal(most.length, 512 * 1024)
  t.match(objectOf(await ask(asker, `${provider.issuer}/most`)), { a: /^x+$/ })
  await t.rejects(ask(asker, `${provider.issuer}/more`), { message: /is longer than 524288 bytes$/ })
  t.strictSame(await ask(asker, `${provider.issuer}/empty`), { status: 204, body: Buffer.alloc(0) })
})

t.test('what is sent, and that nothing follows a redirect', async (t) => {
  const provider = await startProvider(t)
  let seen: object = {}
  provider.routes.set('/', ({ method, headers: { accept, authorization } }, response, body) => {
    seen = { method, accept, authorization, body }
    json(response, 200, {})
  })
  provider.routes.set('/elsewhere', {})
  provider.routes.set('/redirect', FAILURES['a redirect'] as any)
  const asker = askerOf('x', {})
  await ask(asker, `${provider.issuer}/`)
  t.strictSame(seen, { method: 'GET', accept: 'application/json', authorization: undefined, body: '' })
  await ask(asker, `${provider.issuer}/`, { method: 'POST', headers: { authorization: 'a' }, body: 'b' })
  t.strictSame(seen, { method: 'POST', accept: 'application/json', authorization: 'a', body: 'b' })
  await t.rejects(ask(asker, `${provider.issuer}/redirect`))
  t.notOk(provider.asked.includes('GET /elsewhere'))
})

t.test('a response that does not end in time', async (t) => {
  const provider = await startProvider(t)
  provider.routes.set('/hang', FAILURES['no answer'] as any)
  provider.routes.set('/slow', (_request, response) => { response.writeHead(200).write('{') })
  for (const path of ['/hang', '/slow']) await t.rejects(ask(askerOf('x', { timeout: 50 }), `${provider.issuer}${path}`), { name: 'TimeoutError' })
})

t.test('the options', async (t) => {
  const calls: unknown[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    calls.push([url, init.redirect, init.signal instanceof AbortSignal])
    return Response.json({ a: 1 })
  }
  t.strictSame(objectOf(await ask(askerOf('x', { fetch }), 'https://login.example.com')), { a: 1 })
  t.intercept(globalThis, 'fetch', { value: fetch })
  t.equal(askerOf('x', {}).timeout, 5000)
  await ask(askerOf('x', {}), 'https://login.example.com')
  t.strictSame(calls, [['https://login.example.com', 'error', true], ['https://login.example.com', 'error', true]])
  for (const timeout of [0, -1, 1.5, 2 ** 31, '5', null]) t.throws(() => askerOf('x', { timeout }), { code: 'FST_AUTH_BAD_OPTION' })
  t.throws(() => askerOf('x', { fetch: null }), { code: 'FST_AUTH_BAD_OPTION' })
})

t.test('only a JSON object with the status 200 is read', async (t) => {
  const read = (body: string | Buffer, status = 200) => objectOf({ status, body: Buffer.from(body) })
  t.strictSame(read('{"a":1}'), { a: 1 })
  for (const status of [201, 204, 304, 400, 500]) t.throws(() => read('{}', status), { message: `The provider responded with the status ${status}` })
  for (const body of ['', '<p>', '[]', 'null', '1', '"a"', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) t.throws(() => read(body))
})
