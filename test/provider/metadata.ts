import t from 'tap'
import { askerOf } from '../../lib/provider/ask'
import { fetchUrl } from '../../lib/provider/metadata'
import { startProvider } from './helpers'

const asker = askerOf('x', {})

t.test('where the metadata is, and that it names its issuer letter by letter', async (t) => {
  const provider = await startProvider(t)
  const jwks = `${provider.issuer}/jwks`
  const serve = (path: string, issuer: string): void => { provider.routes.set(path, { issuer, jwks_uri: jwks }) }
  t.equal(await fetchUrl(asker, provider.issuer, 'jwks_uri'), jwks)

  const slash = `${provider.issuer}/`
  await t.rejects(fetchUrl(asker, slash, 'jwks_uri'), { message: `The metadata is of the issuer "${provider.issuer}", and the option \`issuer\` is "${slash}"` })
  serve('/.well-known/openid-configuration', slash)
  t.equal(await fetchUrl(asker, slash, 'jwks_uri'), jwks, 'Auth0: the slash is left out in the URL alone')
  await t.rejects(fetchUrl(asker, provider.issuer, 'jwks_uri'))

  for (const path of ['/a', '/a/b/', '/a//']) {
    provider.asked.length = 0
    const issuer = `${provider.issuer}${path}`
    await t.rejects(fetchUrl(asker, issuer, 'jwks_uri'), { message: 'The provider responded with the status 404' })
    const base = path.replace(/\/$/, '')
    t.strictSame(provider.asked, [`GET ${base}/.well-known/openid-configuration`, `GET /.well-known/oauth-authorization-server${base}`])
    serve(`/.well-known/oauth-authorization-server${base}`, issuer)
    t.equal(await fetchUrl(asker, issuer, 'jwks_uri'), jwks, `RFC 8414, ${path}`)
    serve(`${base}/.well-known/openid-configuration`, 'https://other.example')
    await t.rejects(fetchUrl(asker, issuer, 'jwks_uri'), 'only 404 leads on')
  }
})

t.test('a URL in it is https, or on this machine', async (t) => {
  const provider = await startProvider(t)
  const { issuer } = provider
  for (const url of ['http://login.example.com/jwks', 'file:///etc/passwd', 'https://a@b.example/', '/jwks', '', null, 1, undefined, ['https://a.example']]) {
    provider.routes.set('/.well-known/openid-configuration', { issuer, jwks_uri: url })
    await t.rejects(fetchUrl(asker, issuer, 'jwks_uri'), { message: `The metadata of ${issuer} has no usable \`jwks_uri\`` })
  }
  provider.routes.set('/.well-known/openid-configuration', { issuer, jwks_uri: 'https://login.example.com/jwks?policy=a' })
  t.equal(await fetchUrl(asker, issuer, 'jwks_uri'), 'https://login.example.com/jwks?policy=a')
})
