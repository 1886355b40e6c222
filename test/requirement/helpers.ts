/** The helpers of the tests of requirements. */

import { createScheme } from '../../lib/scheme'
import type { Requirement } from '../../lib/requirement/combine'
import { nodeOf, type Registration, type SchemeNode } from '../../lib/requirement/node'
import { httpBasic, httpBearer } from '../../lib/schemes/http'
import { oauth2PasswordBearer } from '../../lib/schemes/oauth2'

export const registration: Registration = { explicit: false, errorSchema: undefined, warnOnce: () => {} }

export const bearer = createScheme(httpBearer(), registration)
export const basic = createScheme(httpBasic(), registration)
export const maybe = createScheme(httpBearer({ schemeName: 'Maybe', autoError: false }), registration)
export const perhaps = createScheme(httpBearer({ schemeName: 'Perhaps', autoError: false }), registration)
export const oauth2 = createScheme(oauth2PasswordBearer({ tokenUrl: 'token', scopes: { a: 'A', b: 'B' } }),
  registration)

export const node = (scheme: object): SchemeNode => nodeOf(scheme) as SchemeNode

/** Writes a requirement as text, each alternative as `A scope & B without (C & D) (E): subject`. */
export function textOf (requirement: Requirement | null): string[] | null {
  return requirement?.map(({ entries, leftOut, subject }) => {
    const members = entries.map(({ node, scopes }) => [node.definition.name, ...scopes].join(' ')).join(' & ')
    const groups = leftOut.map((group) => ` (${group.map(({ definition }) => definition.name).join(' & ')})`).join('')
    return `${members}${groups === '' ? '' : ` without${groups}`}: ${subject?.definition.name ?? 'nobody'}`
  }) ?? null
}
