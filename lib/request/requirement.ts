/** The normal form of a requirement: what the hook runs and what the document shows. */

import { writeChallenge } from '../header/challenge'
import type { SchemeDefinition } from '../schemes/definition'
import type { DerivedVerify } from '../../types/scheme'

/** A scheme as it can be required: a base, or something derived from one. */
export interface SchemeNode {
  readonly id: number
  /** The registration of the plugin that it belongs to. */
  readonly owner: object
  /** The definition of the base. */
  readonly definition: SchemeDefinition
  /** What it was derived from; `null` for a base. */
  readonly parent: SchemeNode | null
  /** The scopes that `derive` added. */
  readonly scopes: readonly string[]
  /** The further check that `derive` added. */
  readonly verify: DerivedVerify<unknown, unknown, unknown> | undefined
  /** What a test accepts instead of credentials; `null` in a real application. */
  override: Override | null
}

/** Credentials and user that are taken as given. */
interface Override { readonly credentials: {}, readonly user: unknown }

/** A scheme as it was listed, with the scopes listed beside it. */
export interface Entry { readonly node: SchemeNode, readonly scopes: readonly string[] }

/** One alternative as it was listed. */
export interface Group {
  /** Outer contexts' first. Empty: nothing is needed. */
  readonly entries: readonly Entry[]
  /** The scheme whose `Auth` becomes `request.auth`. */
  readonly own: SchemeNode | null
}

/** What a scheme requires where it stands alone. */
export function soleGroups (node: SchemeNode): readonly Group[] {
  const alone = { entries: [{ node, scopes: [] }], own: node }
  return node.definition.autoError ? [alone] : [alone, ANONYMOUS]
}

/** Nothing is needed. */
export const ANONYMOUS: Group = { entries: [], own: null }

/** One call of a `verify`, with the scopes it is called for. */
export interface Check {
  /** Its place among the requirement's results. Checks that would give the same result share it. */
  readonly index: number
  readonly node: SchemeNode
  /** The check whose user it starts from; `null` for a base. */
  readonly parent: Check | null
  readonly scopes: readonly string[]
  readonly scopeStr: string
}

/** One base scheme within one alternative, with everything derived from it. */
export interface Member {
  readonly definition: SchemeDefinition
  readonly scopes: readonly string[]
  readonly scopeStr: string
  /** The base's check, then the derived ones', each after what it was derived from. */
  readonly checks: readonly [Check, ...Check[]]
  /** The challenge without an error. */
  readonly challenge: string
}

/** Schemes that must all accept. */
export interface Alternative {
  readonly members: readonly Member[]
  /** The check whose `Auth` becomes `request.auth`. */
  readonly own: Check | null
}

/** Alternatives of which any one must hold. */
export interface Requirement {
  readonly alternatives: readonly Alternative[]
  /** Whether a request without any credentials passes. */
  readonly optional: boolean
  /** How many distinct checks there are. */
  readonly size: number
  /** The challenges without errors, one for each scheme and set of scopes. */
  readonly challenges: readonly string[]
}

/** The members of all alternatives, in order. */
export function membersOf ({ alternatives }: Requirement): Member[] {
  return alternatives.flatMap(({ members }) => members)
}

/** Distinct scopes in the order in which they were listed; those of derived schemes come last, the outermost derivation first. */
function unitedScopes (entries: readonly Entry[]): readonly string[] {
  const scopes = new Set<string>()
  for (const entry of entries) entry.scopes.forEach((scope) => scopes.add(scope))
  for (const { node } of entries) {
    for (let link: SchemeNode | null = node; link !== null; link = link.parent) link.scopes.forEach((scope) => scopes.add(scope))
  }
  return Object.freeze([...scopes])
}

/** The node and what it was derived from, the base first. */
export function pathFromBase (node: SchemeNode): SchemeNode[] {
  return node.parent === null ? [node] : [...pathFromBase(node.parent), node]
}

/** Builds the normal form. Alternatives that ask for the same are one; the empty group makes it optional, wherever it stands. */
export function toRequirement (groups: readonly Group[]): Requirement {
  const alternatives = new Map<string, Alternative>()
  const checks = new Map<string, Check>()
  const challenges = new Set<string>()
  let optional = false

  function toCheck (node: SchemeNode, scopes: readonly string[], parent: Check | null): Check {
    const key = `${node.id} ${[...scopes].sort().join(' ')}`
    const check = checks.get(key) ?? { index: checks.size, node, parent, scopes, scopeStr: scopes.join(' ') }
    checks.set(key, check)
    return check
  }

  function toMember (base: SchemeNode, entries: readonly Entry[]): Member {
    const first = toCheck(base, unitedScopes(entries), null)
    const { scopes, scopeStr } = first
    const byNode = new Map([[base, first]])
    for (const entry of entries) {
      let parent = first
      for (const node of pathFromBase(entry.node).slice(1)) {
        parent = byNode.get(node) ?? toCheck(node, scopes, parent)
        byNode.set(node, parent)
      }
    }
    const { definition } = base
    const challenge = challengeOf(definition, scopeStr)
    challenges.add(challenge)
    return { definition, scopes, scopeStr, checks: [first, ...[...byNode.values()].slice(1)], challenge }
  }

  for (const { entries, own } of groups) {
    if (entries.length === 0) {
      optional = true
      continue
    }
    const byBase = new Map<SchemeNode, Entry[]>()
    for (const entry of entries) {
      const base = pathFromBase(entry.node)[0] as SchemeNode
      byBase.set(base, [...byBase.get(base) ?? [], entry])
    }
    const members = [...byBase].map(([base, listed]) => toMember(base, listed))
    const key = members.map(identity).sort().join(' & ')
    const ownCheck = members.flatMap((member) => member.checks).find(({ node }) => node === own) ?? null
    if (!alternatives.has(key)) alternatives.set(key, { members, own: ownCheck })
  }
  return { alternatives: [...alternatives.values()], optional, size: checks.size, challenges: [...challenges] }
}

/** Which checks a member makes, in whatever order they were listed. */
function identity ({ checks }: Member): string {
  return String(checks.map(({ index }) => index).sort())
}

/** The challenge of a scheme. Only the bearer family tells errors and scopes. */
export function challengeOf ({ challenge: { scheme, realm, bearer } }: SchemeDefinition, scope: string, error?: string, description?: string): string {
  return writeChallenge(scheme, bearer ? { realm, error, error_description: description, scope } : { realm })
}
