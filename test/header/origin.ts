import t from 'tap'
import { isCrossSite, isOrigin, type SentRequest } from '../../lib/header/origin'

const NONE = new Set<unknown>()
const APP = 'https://app.example'

function sent (headers: SentRequest['headers'], rest: Partial<SentRequest> = {}): SentRequest {
  return { method: 'POST', host: 'app.example', protocol: 'https', headers, ...rest }
}

const FOREIGN = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

t.test('requests of safe methods pass, whatever page sent them, and all others do not', async (t) => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) t.equal(isCrossSite(sent(FOREIGN, { method }), NONE), false, method)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'QUERY', 'PROPFIND', 'get', '']) t.equal(isCrossSite(sent(FOREIGN, { method }), NONE), true, method)
})

t.test('a request of any method with `Upgrade`, to whatever protocol, is judged', async (t) => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) {
    for (const upgrade of ['websocket', 'WebSocket', 'h2c', '', ['websocket']]) t.equal(isCrossSite(sent({ ...FOREIGN, upgrade }, { method }), NONE), true, `${method} ${String(upgrade)}`)
    t.equal(isCrossSite(sent({ upgrade: 'websocket' }, { method }), NONE), false, 'of no browser')
  }
})

t.test('a request with neither header is of no browser', async (t) => {
  t.equal(isCrossSite(sent({}), NONE), false)
  t.equal(isCrossSite(sent({ referer: 'https://evil.example/' }), NONE), false)
})

t.test('a trusted Origin decides, exactly as it is listed', async (t) => {
  const trusted = new Set<unknown>(['https://web.example', 'capacitor://localhost'])
  for (const origin of trusted) {
    t.equal(isCrossSite(sent({ origin }), trusted), false)
    for (const site of ['cross-site', 'same-site', 'odd']) t.equal(isCrossSite(sent({ origin, 'sec-fetch-site': site }), trusted), false, 'whatever site it is')
  }
  for (const origin of ['https://web.example/', 'https://web.example:443', 'https://WEB.example', 'http://web.example', 'https://web.example, https://web.example', 'https://web.example.evil.example', ' https://web.example', '']) {
    t.equal(isCrossSite(sent({ origin }), trusted), true, origin)
  }
  t.equal(isCrossSite(sent({ origin: ['https://web.example'] }), trusted), true, 'an array')
})

t.test('without a trusted Origin, Sec-Fetch-Site decides alone', async (t) => {
  for (const site of ['same-origin', 'none']) {
    for (const origin of [undefined, APP, 'null', 'https://evil.example']) t.equal(isCrossSite(sent({ origin, 'sec-fetch-site': site }), NONE), false, `${site} ${String(origin)}`)
  }
  for (const site of ['same-site', 'cross-site', 'SAME-ORIGIN', 'None', 'none, cross-site', 'same-origin, same-origin', ' same-origin', '', 'constructor', ['same-origin']]) {
    for (const origin of [undefined, APP]) t.equal(isCrossSite(sent({ origin, 'sec-fetch-site': site }), NONE), true, `${String(site)} ${String(origin)}`)
  }
})

const own: ReadonlyArray<readonly [origin: string, host: string, protocol?: string]> = [
  [APP, 'app.example'],
  [APP, 'app.example:443'],
  [APP, 'APP.Example'],
  ['https://APP.example', 'app.example'],
  ['https://app.example:443', 'app.example'],
  ['https://app.example:8443', 'app.example:8443'],
  ['http://app.example', 'app.example', 'http'],
  ['http://app.example', 'app.example:80', 'http'],
  ['http://app.example', 'app.example', 'ws'],
  ['http://app.example:3000', 'app.example:3000', 'http'],
  [APP, 'app.example', 'http'],
  [APP, 'app.example:443', 'http'],
  ['https://[::1]', '[::1]'],
  ['https://[::1]', '[::1]:443'],
  ['http://[2001:db8::80]:3000', '[2001:DB8::80]:3000', 'http'],
  ['http://127.0.0.1:3000', '127.0.0.1:3000', 'http'],
  ['https://app.example.', 'app.example.'],
  ['https://my_app.xn--bcher-kva.example', 'my_app.xn--bcher-kva.example']
]
for (const [origin, host, protocol = 'https'] of own) {
  t.test(`a page of the own origin: ${origin} at ${protocol} ${host}`, async (t) => {
    t.equal(isCrossSite(sent({ origin }, { host, protocol }), NONE), false)
  })
}

const others: ReadonlyArray<readonly [rule: string, origin: unknown, host?: string | undefined, protocol?: string]> = [
  ['a hidden origin', 'null'],
  ['an empty header', ''],
  ['another host', 'https://evil.example'],
  ['a host that begins with the own', 'https://app.example.evil'],
  ['a host that ends in the own', 'https://evil-app.example'],
  ['a subdomain', 'https://www.app.example'],
  ['the parent domain', APP, 'www.app.example'],
  ['the own host as a user', 'https://app.example@evil'],
  ['a user at the own host', 'https://evil@app.example'],
  ['the own host as a path', 'https://evil/app.example'],
  ['a path', 'https://app.example/'],
  ['a query', 'https://app.example?'],
  ['a fragment', 'https://app.example#'],
  ['a backslash', 'https://app.example\\@evil'],
  ['a host with a dot at its end', 'https://app.example.'],
  ['another port', 'https://app.example:8443'],
  ['another port at the server', APP, 'app.example:8443'],
  ['port 80 of TLS', 'https://app.example:80'],
  ['port 443 without TLS', 'http://app.example:443', 'app.example', 'http'],
  ['port 80 at the server, of a page with TLS', APP, 'app.example:80', 'http'],
  ['a port with a zero before it', 'https://app.example:0443'],
  ['an empty port', 'https://app.example:'],
  ['a page without TLS', 'http://app.example'],
  ['a page without TLS, of the same port', 'http://app.example:443', 'app.example:443'],
  ['a page without TLS, behind a proxy that writes wss', 'http://app.example', 'app.example', 'wss'],
  ['a page without TLS, behind a proxy that writes HTTPS', 'http://app.example', 'app.example', 'HTTPS'],
  ['another scheme', 'capacitor://app.example'],
  ['a websocket as the scheme', 'wss://app.example'],
  ['an extension', 'chrome-extension://app.example'],
  ['an upper-case scheme', 'HTTPS://app.example'],
  ['no scheme', 'app.example'],
  ['one slash', 'https:/app.example'],
  ['three slashes', 'https:///app.example'],
  ['two origins', `${APP}, ${APP}`],
  ['two origins of RFC 6454', `${APP} ${APP}`],
  ['a space before it', ` ${APP}`],
  ['a space after it', `${APP} `],
  ['a tab in it', 'https://app.exa\tmple'],
  ['a line break after it', `${APP}\n`],
  ['a soft hyphen in it', 'https://app.ex\u00adample'],
  ['a letter that lower case makes ASCII', 'https://\u212aey.example', 'key.example'],
  ['letters that IDNA makes ASCII', 'https://\uff41pp.example'],
  ['a name that is not in punycode', 'https://b\u00fccher.example', 'xn--bcher-kva.example'],
  ['percent-encoding', 'https://app%2eexample'],
  ['another way to write an IPv6 address', 'https://[0:0:0:0:0:0:0:1]', '[::1]'],
  ['an IPv6 address that ends like a port', 'https://[::443]', '[:'],
  ['an IPv4 address in one number', 'http://2130706433', '127.0.0.1', 'http'],
  ['an empty host', APP, ''],
  ['no host', APP, undefined],
  ['no host, and its name', 'https://undefined', undefined],
  ['an empty host, and the default port alone', 'https://:443', ''],
  ['an empty host with its port, and that port alone', 'https://:443', ':443'],
  ['an array', [APP]],
  ['an object', { toString: () => APP }],
  ['null', null]
]
for (const [rule, origin, ...place] of others) {
  t.test(`no page of the own origin: ${rule}`, async (t) => {
    const [host = place.length > 0 ? undefined : 'app.example', protocol = 'https'] = place
    t.equal(isCrossSite(sent({ origin }, { host, protocol } as Partial<SentRequest>), NONE), true)
  })
}

t.test('an origin is what browsers send, to the letter', async (t) => {
  for (const origin of [
    APP, 'http://app.example', 'https://app.example:8443', 'http://localhost:3000', 'https://my_app.example', 'https://app.example.', 'https://xn--bcher-kva.example', 'https://127.0.0.1', 'https://[::1]:8443',
    'capacitor://localhost', 'tauri://localhost', 'ionic://localhost', 'app+x.y-z://host:80', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'moz-extension://0b2f5a3e-6f8c-4a57-9d3b-5f6c8e1a2b3c'
  ]) t.equal(isOrigin(origin), true, origin)
  for (const origin of [
    '', 'null', '*', 'app.example', '//app.example', 'https:app.example', 'https:/app.example', 'https://', 'https:///', 'file://', 'app://', 'about:blank', 'data:,x',
    'https://app.example/', 'https://app.example/path', 'https://app.example?', 'https://app.example#', 'https://user@app.example', 'https://*.app.example', 'https://*',
    'https://APP.example', 'HTTPS://app.example', 'capacitor://LOCALHOST', 'https://app.example:443', 'http://app.example:80', 'https://app.example:', 'https://app.example:08443', 'https://app.example:99999',
    'https://b\u00fccher.example', 'https://xn--a', 'https://127.1', 'https://2130706433', 'https://0x7f.1', 'https://[0:0:0:0:0:0:0:1]', 'https://[::1', 'https://::1',
    'wss://app.example', 'ws://app.example', ' https://app.example', 'https://app.example ', 'https://app.example\n', 'https://app.exa\tmple', 'https://app%2eexample', 'https://app.example, https://web.example'
  ]) t.equal(isOrigin(origin), false, origin)
})
