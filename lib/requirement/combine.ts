/** Requirements: lists of alternatives, and how two of them are combined. */

import { badSecurity } from '../errors'
import { pathFromBase, type SchemeNode } from './node'

/** A scheme as it was listed, with the scopes listed beside it. */
export interface Entry { readonly node: SchemeNode, readonly scopes: readonly string[] }

/** One alternative: schemes that must all accept, and schemes that must not be there. */
export interface Alternative {
  /** Parent contexts' first. None: the request passes as nobody. */
  readonly entries: readonly Entry[]
  /**
   * What was left out to come to this alternative, by `{}` or `autoError: false`: groups of base schemes. In each at least one must be absent and
   * none malformed, since optional authentication forgives absence only.
   */
  readonly leftOut: ReadonlyArray<readonly SchemeNode[]>
  /** The scheme whose `Auth` becomes `request.auth`; `null`: none. */
  readonly subject: SchemeNode | null
}

/** Alternatives, any one of which must hold. The one without entries, if any, is last. `[]`: public. */
export type Requirement = readonly Alternative[]

// Optional members and nested contexts multiply: more than this is a mistake, and would slow every refusal down.
const MOST_ALTERNATIVES = 256

/** Returns the base schemes of the entries, each once. */
export const basesOf = (entries: readonly Entry[]): SchemeNode[] => [...new Set(entries.map(({ node }) => node.base))]

/** Chooses whose scheme `request.auth` is, of an alternative of the parent context and one of the child that both hold. */
export type Subject = (parent: Alternative, child: Alternative) => Alternative['subject']

/** Returns what a parent context and its child require together: `null` where neither declares anything. `[]` of the child is the way out. */
export function add (where: string, parent: Requirement | null, child: Requirement | null, subject?: Subject): Requirement | null {
  if (child === null) return parent
  if (parent === null || parent.length === 0 || child.length === 0) return child
  return both(where, parent, child, subject)
}

/**
 * Returns the requirement that accepts a request where each of the two alone accepts it: every alternative of the one with every alternative of the
 * other. The schemes of the parent come first.
 *
 * @param where the route or call at fault, for messages
 */
export function both (where: string, parent: Requirement, child: Requirement, subject: Subject = (_, { subject }) => subject): Requirement {
  return normalize(where, parent.flatMap((first) => child.map((second) => ({
    entries: [...first.entries, ...second.entries],
    leftOut: [...first.leftOut, ...second.leftOut],
    subject: subject(first, second)
  }))))
}

/**
 * Returns the alternatives without those that contradict themselves or repeat another, the one without entries last.
 *
 * @throws `FST_AUTH_BAD_SECURITY` for more alternatives than can be meant
 */
export function normalize (where: string, alternatives: readonly Alternative[]): Requirement {
  const known = new Map<string, Alternative>()
  for (const { entries, leftOut, subject } of alternatives) {
    const bases = basesOf(entries)
    if (leftOut.some((group) => group.every((base) => bases.includes(base)))) continue
    const byKey = new Map(entries.map((entry) => [`${entry.node.id}:${[...entry.scopes].sort().join(' ')}`, entry]))
    const groups = new Map(leftOut.map((group) => [group.map(({ id }) => id).sort().join(), group]))
    const key = `${bases.map((base) => keyOfMember(base, entries)).sort().join(' & ')} without ${[...groups.keys()].sort().join(' ')}`
    if (!known.has(key)) known.set(key, { entries: [...byKey.values()], leftOut: [...groups.values()], subject })
  }
  const all = [...known.values()]
  if (all.length > MOST_ALTERNATIVES) {
    throw badSecurity(where, `\`security\` has more than ${MOST_ALTERNATIVES} alternatives, multiplied by those of the parent contexts; require fewer schemes at once`)
  }
  return [...all.filter(({ entries }) => entries.length > 0), ...all.filter(({ entries }) => entries.length === 0)]
}

/** Returns the same text where the same checks run with the same scopes: those of one base unite, in however many entries they are listed. */
function keyOfMember (base: SchemeNode, entries: readonly Entry[]): string {
  const listed = entries.filter(({ node }) => node.base === base)
  const path = new Set(listed.flatMap(({ node }) => pathFromBase(node)))
  const scopes = new Set([...listed.flatMap((entry) => entry.scopes), ...[...path].flatMap((node) => node.scopes)])
  return `${[...path].map(({ id }) => id).sort().join()}:${[...scopes].sort().join(' ')}`
}
