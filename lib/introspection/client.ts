/** The authentication of this server at an introspection endpoint (RFC 7662 section 2.1). */

import { badOption } from '../errors'
import { isText, readOptions } from '../provider/options'

/** Gives the value of the `Authorization` header. */
export type Credentials = () => string | Promise<string>

/** The option `client`: `{ id, secret }` or `{ token }`. */
export function credentialsOf (where: string, client: unknown): Credentials {
  const inside = `${where}: client`
  if (client !== null && typeof client === 'object' && 'token' in client) {
    const { token } = readOptions(inside, client, ['token'], [])
    if (typeof token === 'function') return async () => `Bearer ${String(await token())}`
    if (!isText(token)) throw badOption(inside, 'the option `token` must be a string that is not empty, or a function')
    return () => `Bearer ${token}`
  }
  const { id, secret } = readOptions(inside, client, ['id', 'secret'], [])
  if (!isText(id) || !isText(secret)) {
    throw badOption(inside, 'the options `id` and `secret` must be strings that are not empty')
  }
  const basic = `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`
  return () => basic
}

/** RFC 6749 section 2.3.1. */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
