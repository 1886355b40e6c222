/** The metadata of an issuer: OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3. */

import { ask, objectOf, type Asker } from './ask'
import type { Options } from './options'
import { isProviderUrl } from './url'

/** The metadata. Throws where it cannot be had, or names another issuer. */
async function fetchMetadata (asker: Asker, issuer: string): Promise<Options> {
  // One terminating slash is left out in the URL, and only there.
  const base = issuer.replace(/\/$/, '')
  let response = await ask(asker, `${base}/.well-known/openid-configuration`)
  if (response.status === 404) {
    const { origin } = new URL(base)
    response = await ask(asker, `${origin}/.well-known/oauth-authorization-server${base.slice(origin.length)}`)
  }
  const metadata = objectOf(response)
  if (metadata.issuer !== issuer) {
    const [named, wanted] = [JSON.stringify(metadata.issuer), JSON.stringify(issuer)]
    throw new Error(`The metadata is of the issuer ${named}, and the option \`issuer\` is ${wanted}`)
  }
  return metadata
}

/** A URL that the metadata has. Throws where it has none, or one that may not be asked. */
export async function fetchUrl (asker: Asker, issuer: string, member: string): Promise<string> {
  const url = (await fetchMetadata(asker, issuer))[member]
  if (!isProviderUrl(url)) throw new Error(`The metadata of ${issuer} has no usable \`${member}\``)
  return url
}
