/** What a route or a context wrote as `security`, checked and turned into groups of schemes. */

import { badSecurity, foreignScheme, unknownScope } from '../errors'
import { ANONYMOUS, type Entry, type Group } from '../request/requirement'
import { isScopeList, nodeOf, undeclaredScope } from '../request/scheme'

/** The way that `security` was written: alternatives, any one of which must hold. `[]`: public. */
export type Groups = readonly Group[]

// Optional members and nested contexts multiply: more than this is a mistake, and would slow every refusal down.
const MOST_ALTERNATIVES = 256

/**
 * @param where the route or call at fault, for messages
 * @param owner the registration of the plugin that the schemes must come from
 */
export function normalize (where: string, security: unknown, owner: object): Groups {
  if (!Array.isArray(security)) {
    throw badSecurity(where, '`security` must be an array of alternatives, such as [{ scheme, scopes }]; [] is public')
  }
  // Array.from shows holes, which must not go unnoticed.
  const groups = Array.from(security).flatMap((alternative) => toGroups(where, alternative, owner))
  return limited(where, groups)
}

function toGroups (where: string, alternative: unknown, owner: object): Group[] {
  if (Array.isArray(alternative)) {
    if (alternative.length === 0) throw badSecurity(where, 'a group in `security` is empty; write {} for optional authentication')
    if (alternative.some(isAnonymous)) throw badSecurity(where, '{} stands in a group in `security`; for optional authentication it stands beside the group')
    return combinations(where, Array.from(alternative).map((member) => toEntry(where, member, owner)))
  }
  if (isAnonymous(alternative)) return [ANONYMOUS]
  return combinations(where, [toEntry(where, alternative, owner)])
}

/** All ways to fulfil a group: a member whose scheme has `autoError: false` may be left out. The fullest comes first. */
function combinations (where: string, entries: readonly Entry[]): Group[] {
  if (entries.every(({ node }) => node.definition.autoError)) return [{ entries, own: (entries[0] as Entry).node }]
  let lists: Entry[][] = [[]]
  for (const entry of entries) {
    const without = entry.node.definition.autoError ? [] : lists
    lists = limited(where, [...lists.map((list) => [...list, entry]), ...without])
  }
  return lists.map((list) => ({ entries: list, own: list[0]?.node ?? null }))
}

function toEntry (where: string, member: unknown, owner: object): Entry {
  if (!isPlainObject(member)) throw badSecurity(where, 'each alternative in `security` must be { scheme, scopes? }, an array of these, or {}')
  for (const key of Object.keys(member)) {
    if (key !== 'scheme' && key !== 'scopes') {
      throw badSecurity(where, `\`security\` has the key "${key}", but takes only "scheme" and "scopes"; requirements by name belong into \`schema.security\``)
    }
  }
  const node = nodeOf(member.scheme)
  if (node === undefined) throw badSecurity(where, 'a `scheme` in `security` was not made by a factory of `app.authSchemes`')
  if (node.owner !== owner) throw foreignScheme(where, node.definition.name)
  const { scopes = [] } = member
  if (!isScopeList(scopes)) throw badSecurity(where, `the \`scopes\` required of "${node.definition.name}" must be an array of scope names`)
  const undeclared = undeclaredScope(node.definition, scopes)
  if (undeclared !== undefined) throw unknownScope(where, node.definition.name, undeclared)
  return { node, scopes: [...scopes] }
}

const isAnonymous = (value: unknown): boolean => isPlainObject(value) && Reflect.ownKeys(value).length === 0

// A promise, a map or a scheme has no keys either, and must not pass for `{}`.
export function isPlainObject (value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object' || nodeOf(value) !== undefined) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whose scheme `request.auth` is, of an outer alternative and an inner one that both hold. */
export type Own = (outer: Group, inner: Group) => Group['own']

/** Both must hold: every alternative of the one with every alternative of the other. The outer one's schemes come first. */
export function both (outer: Groups, inner: Groups, own: Own = (_, { own }) => own): Groups {
  return distinct(outer.flatMap((first) => inner.map((second) => ({ entries: [...first.entries, ...second.entries], own: own(first, second) }))))
}

/** The groups without those that repeat another, each without the entries that repeat another. */
function distinct (groups: Groups): Groups {
  const known = new Map<string, Group>()
  for (const { entries, own } of groups) {
    const byKey = new Map(entries.map((entry) => [`${entry.node.id}:${[...entry.scopes].sort().join(' ')}`, entry]))
    const key = [...byKey.keys()].sort().join(' & ')
    if (!known.has(key)) known.set(key, { entries: [...byKey.values()], own })
  }
  return [...known.values()]
}

/** @throws `FST_AUTH_BAD_SECURITY` for more alternatives than can be meant */
export function limited<List extends readonly unknown[]> (where: string, list: List): List {
  if (list.length > MOST_ALTERNATIVES) {
    throw badSecurity(where, `\`security\` has more than ${MOST_ALTERNATIVES} alternatives, with those of the surrounding contexts multiplied; require fewer schemes at once`)
  }
  return list
}
