/** The option `trustedOrigins` of the schemes whose credentials browsers send by themselves. */

import { badOption } from '../errors'
import { isOrigin } from '../header/origin'

/** The other origins whose pages may make a browser send the credentials; `null`: those of any page. */
export type TrustedOrigins = ReadonlySet<unknown> | null

/** Returns the option, checked. Default: no other origin. */
export function readTrustedOrigins (where: string, value: unknown = []): TrustedOrigins {
  if (value === '*') return null
  if (!Array.isArray(value)) {
    throw badOption(where, "the option `trustedOrigins` must be an array of origins, or '*' for every origin")
  }
  const origins = new Set<unknown>(value)
  for (const origin of origins) {
    if (origin === 'null') {
      throw badOption(where, "the option `trustedOrigins` must not have 'null': it is the origin of any page that " +
        'hides its own, such as one in a sandboxed frame')
    }
    if (typeof origin !== 'string' || !isOrigin(origin)) {
      throw badOption(where, `the option \`trustedOrigins\` has ${written(origin)}, which is no origin as browsers ` +
        'send it: scheme, host and, if it is not the default one, port, in lower case, without a slash at the end, ' +
        "such as 'https://app.example'")
    }
  }
  return origins
}

const written = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : `a value of type ${typeof value}`
