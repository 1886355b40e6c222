/** Requirements: lists of alternatives, and how two of them are combined. */

import { badSecurity } from '../errors'
import { pathFromBase, type SchemeNode } from './node'

/** A scheme in an alternative, with the scopes written beside it. */
export interface Entry { readonly node: SchemeNode, readonly scopes: readonly string[] }

/** One alternative: schemes that must all accept, and schemes whose credentials must be absent. */
export interface Alternative {
  /** The schemes that must accept, those of parent contexts first. Without any, the request passes as nobody. */
  readonly entries: readonly Entry[]
  /**
   * The sets of base schemes that `{}` or `autoError: false` left out of this alternative. In each set at least one
   * scheme must be absent and none malformed, since optional authentication forgives absence only.
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

/** Returns the scheme of `request.auth` if an alternative of the parent context and one of the child both hold. */
export type Subject = (parent: Alternative, child: Alternative) => Alternative['subject']

/**
 * Returns the requirement of a parent context and its child together: `null` if neither declares any. With `[]` the
 * child is public, whatever the parent requires.
 */
export function add (
  where: string, parent: Requirement | null, child: Requirement | null, subject?: Subject
): Requirement | null {
  if (child === null) return parent
  if (parent === null || parent.length === 0 || child.length === 0) return child
  return both(where, parent, child, subject)
}

/**
 * Returns the requirement that accepts a request if each of the two alone accepts it: every alternative of the one,
 * joined to every alternative of the other. The schemes of the parent come first.
 *
 * @param where the route or call at fault, for messages
 */
export function both (
  where: string, parent: Requirement, child: Requirement, subject: Subject = (_, { subject }) => subject
): Requirement {
  return normalize(where, parent.flatMap((first) => child.map((second) => ({
    entries: [...first.entries, ...second.entries],
    leftOut: [...first.leftOut, ...second.leftOut],
    subject: subject(first, second)
  }))))
}

/**
 * Returns the alternatives without those that contradict themselves or repeat another, the one without entries last.
 *
 * @throws `FST_AUTH_BAD_SECURITY` for more than 256 alternatives
 */
export function normalize (where: string, alternatives: readonly Alternative[]): Requirement {
  const distinct = new Map<string, Alternative>()
  for (const { entries, leftOut, subject } of alternatives) {
    const bases = basesOf(entries)
    if (leftOut.some((set) => set.every((base) => bases.includes(base)))) continue
    const byKey = new Map(entries.map((entry) => [`${entry.node.id}:${[...entry.scopes].sort().join(' ')}`, entry]))
    const sets = new Map(leftOut.map((set) => [set.map(({ id }) => id).sort().join(), set]))
    const members = bases.map((base) => keyOfMember(base, entries)).sort()
    const key = `${members.join(' & ')} without ${[...sets.keys()].sort().join(' ')}`
    if (!distinct.has(key)) distinct.set(key, { entries: [...byKey.values()], leftOut: [...sets.values()], subject })
  }
  const all = [...distinct.values()]
  if (all.length > MOST_ALTERNATIVES) {
    throw badSecurity(where, `\`security\` has more than ${MOST_ALTERNATIVES} alternatives, ` +
      'multiplied by those of the parent contexts; require fewer schemes at once')
  }
  return [...all.filter(({ entries }) => entries.length > 0), ...all.filter(({ entries }) => entries.length === 0)]
}

/** Returns the same text for members that run the same checks with the same scopes: the entries of one base unite. */
function keyOfMember (base: SchemeNode, entries: readonly Entry[]): string {
  const listed = entries.filter(({ node }) => node.base === base)
  const path = new Set(listed.flatMap(({ node }) => pathFromBase(node)))
  const scopes = new Set([...listed.flatMap((entry) => entry.scopes), ...[...path].flatMap((node) => node.scopes)])
  return `${[...path].map(({ id }) => id).sort().join()}:${[...scopes].sort().join(' ')}`
}
