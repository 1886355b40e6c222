/** `schema.security`: requirements by the names of schemes, as OpenAPI and the users of @fastify/swagger write them. */

import { badSecurity, unknownScheme } from '../errors'
import type { SchemeDefinition } from '../schemes/definition'
import type { Scheme } from '../../types/scheme'
import { nodeOf, type SchemeNode } from './node'
import { isPlainObject } from './read'

/** The schemes of one registration of the plugin, by name. */
export class SchemesByName {
  readonly #schemes = new Map<string, Scheme[]>()

  add (scheme: Scheme): void {
    this.#schemes.set(scheme.name, [...this.#schemes.get(scheme.name) ?? [], scheme])
  }

  /** The definitions of all schemes. */
  get definitions (): SchemeDefinition[] {
    return [...this.#schemes.values()].flat().map((scheme) => (nodeOf(scheme) as SchemeNode).definition)
  }

  /** Returns the definition of the first scheme of that name; `undefined` if there is none. */
  definition (name: string): SchemeDefinition | undefined {
    return nodeOf(this.#schemes.get(name)?.[0])?.definition
  }

  /** Returns true where OpenAPI's requirements name a scheme that was made here. */
  isNamedIn (security: unknown): boolean {
    return namesIn(security).some((name) => this.#schemes.has(name))
  }

  /** Returns the same requirement in the form of the route option `security`. */
  toSecurity (where: string, written: unknown): unknown[] {
    if (!Array.isArray(written)) {
      throw badSecurity(where, '`schema.security` must be an array of OpenAPI security requirements, ' +
        'such as [{ OAuth2PasswordBearer: [] }]')
    }
    return Array.from(written).map((alternative: unknown) => {
      if (!isPlainObject(alternative)) {
        throw badSecurity(where,
          'each alternative in `schema.security` must be an object of scheme names and their scopes')
      }
      const members = Object.entries(alternative).map(([name, scopes]) => ({ scheme: this.#find(where, name), scopes }))
      return members.length === 0 ? {} : members
    })
  }

  #find (where: string, name: string): Scheme {
    const [scheme, another] = this.#schemes.get(name) ?? []
    if (scheme === undefined) {
      const made = [...this.#schemes.keys()].map((other) => `"${other}"`).join(', ') || 'none'
      throw unknownScheme(where,
        `\`schema.security\` names the scheme "${name}", which no factory of \`app.authSchemes\` has made ` +
        `(made so far: ${made}); make it before the route, or correct the name; ` +
        'scheme objects belong into the option `security`')
    }
    if (another !== undefined) {
      throw unknownScheme(where, `\`schema.security\` names the scheme "${name}", but several are called so; ` +
        'require the one that is meant by the option `security`')
    }
    return scheme
  }
}

/** Returns the names of the schemes in a list of OpenAPI's requirements; none for anything but a list. */
export function namesIn (security: unknown): string[] {
  if (!Array.isArray(security)) return []
  return security.flatMap((alternative: object | null) => Object.keys(alternative ?? {}))
}
