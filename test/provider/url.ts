import t from 'tap'
import { endpointUrl, isProviderUrl, issuerUrl } from '../../lib/provider/url'

const GOOD = ['https://login.example.com', 'https://login.example.com/', 'https://login.example.com:8443/realms/a/', 'https://[2001:db8::1]/a',
  'http://localhost:3000', 'http://127.0.0.1', 'http://127.1.2.3:80/a', 'http://[::1]:3000/a']
const BAD = [
  'http://login.example.com', 'http://localhost.example.com', 'http://127.0.0.1.example.com', 'http://128.0.0.1', 'http://[::2]', 'http://0.0.0.0',
  'ftp://localhost', 'file:///etc/passwd', 'data:application/json,{}', 'HTTPS:login.example.com', 'login.example.com', '', 'https://', 'https:///a',
  'https://user@login.example.com', 'https://user:password@login.example.com', 'http://localhost@evil.example', 'http://localhost\\@evil.example',
  'https://login.example.com/#a', 'https://login.example.com#', ' https://login.example.com', 'https://login.example.com\n', 'https://login.exa\tmple.com',
  'https://login.example.com/ä', 'https://a:99999', null, undefined, 1, {}, ['https://login.example.com'], new URL('https://login.example.com')
]

t.test('https, or http on this machine', async (t) => {
  for (const url of GOOD) t.ok(isProviderUrl(url), url)
  for (const url of BAD) t.notOk(isProviderUrl(url), String(url))
})

t.test('an issuer has no query, an endpoint may have one', async (t) => {
  const queries = ['https://login.example.com?a=b', 'https://login.example.com/?']
  for (const url of GOOD) t.strictSame([issuerUrl('x', { url }, 'url'), endpointUrl('x', { url }, 'url')], [url, url])
  for (const url of queries) t.equal(endpointUrl('x', { url }, 'url'), url)
  for (const url of [...BAD, ...queries]) {
    t.throws(() => issuerUrl('x', { url }, 'url'), { code: 'FST_AUTH_BAD_OPTION', message: 'x: the option `url` must be an https URL without query, fragment and user; http is allowed on loopback alone' })
  }
  for (const url of BAD) {
    t.throws(() => endpointUrl('x', { url }, 'url'), { code: 'FST_AUTH_BAD_OPTION', message: 'x: the option `url` must be an https URL without fragment and user; http is allowed on loopback alone' })
  }
})
