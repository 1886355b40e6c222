/**
 * A requirement compiled for requests: the checks of each alternative in the order in which they run, and the
 * challenges of a refusal.
 */

import { writeChallenge } from '../header/challenge'
import type { SchemeDefinition } from '../schemes/definition'
import type { Alternative, Entry, Requirement } from './combine'
import { isVerified, pathFromBase, verifies, type SchemeNode } from './node'

/** A base scheme whose credentials the plan extracts. */
export interface Source {
  /** The position among the plan's sources. */
  readonly index: number
  readonly base: SchemeNode
}

/** One call of a `verify`, with the scopes that it is called for. */
export interface Check {
  /** The position among the plan's checks. Alternatives that need the same result share a check. */
  readonly index: number
  readonly node: SchemeNode
  readonly source: Source
  /** The check whose user is the first argument of this one; `null` for a base. */
  readonly parent: Check | null
  /**
   * True for the first scheme with a `verify` on the path from the base: the scopes granted to the user of that check
   * are compared with the required ones. Schemes derived side by side from a base without `verify` are compared each.
   */
  readonly comparesScopes: boolean
  readonly scopes: readonly string[]
  readonly scopeStr: string
}

/** One base scheme within one alternative, with the schemes of the alternative that are derived from it. */
export interface Member {
  readonly definition: SchemeDefinition
  readonly source: Source
  readonly scopes: readonly string[]
  readonly scopeStr: string
  /** The base's check, then the derived ones, each after the one that it was derived from. */
  readonly checks: readonly [Check, ...Check[]]
  /** The challenge without an error. */
  readonly challenge: string
}

/** Schemes that must all accept, and sets of schemes: in each set at least one scheme must be absent. */
export interface PlannedAlternative {
  readonly members: readonly Member[]
  /** The checks of all members, in order. */
  readonly checks: readonly Check[]
  readonly leftOut: ReadonlyArray<readonly Source[]>
  /** The check whose `Auth` becomes `request.auth`; `null`: none. */
  readonly subject: Check | null
}

/** The compiled form of a requirement. */
export interface Plan {
  /** The alternatives, any one of which must hold. The one without members, if any, is last. */
  readonly alternatives: readonly PlannedAlternative[]
  readonly members: readonly Member[]
  /** The number of distinct checks. */
  readonly checkCount: number
  /** The number of distinct base schemes. */
  readonly sourceCount: number
  /**
   * The members in the order of their challenges: first those with a `resource`. Their clients read nothing unless
   * `WWW-Authenticate` begins with `Bearer`.
   */
  readonly challengers: readonly Member[]
  /** The challenges without errors, one for each scheme and set of scopes. */
  readonly challenges: readonly string[]
}

// The requirement of routes that are public, or declare nothing: every request passes as nobody.
const PUBLIC: Requirement = [{ entries: [], leftOut: [], subject: null }]

/** Compiles a requirement. `null` and `[]` pass every request as nobody. */
export function toPlan (requirement: Requirement | null): Plan {
  const compiler = new Compiler()
  const written = requirement === null || requirement.length === 0 ? PUBLIC : requirement
  const alternatives = written.map((alternative) => compiler.toAlternative(alternative))
  const members = alternatives.flatMap((alternative) => alternative.members)
  const rank = ({ definition: { resource } }: Member): number => resource === null ? 1 : 0
  const challengers = [...members].sort((first, second) => rank(first) - rank(second))
  return {
    alternatives,
    members,
    checkCount: compiler.checks.size,
    sourceCount: compiler.sources.size,
    challengers,
    challenges: [...new Set(challengers.map(({ challenge }) => challenge))]
  }
}

class Compiler {
  readonly checks = new Map<string, Check>()
  readonly sources = new Map<SchemeNode, Source>()

  toAlternative ({ entries, leftOut, subject }: Alternative): PlannedAlternative {
    const byBase = new Map<SchemeNode, Entry[]>()
    for (const entry of entries) byBase.set(entry.node.base, [...byBase.get(entry.node.base) ?? [], entry])
    const members = [...byBase].map(([base, ofBase]) => this.#toMember(base, ofBase))
    const checks = members.flatMap((member) => member.checks)
    return {
      members,
      checks,
      leftOut: leftOut.map((set) => set.map((base) => this.#toSource(base))),
      subject: checks.find(({ node }) => node === subject) ?? null
    }
  }

  #toMember (base: SchemeNode, entries: readonly Entry[]): Member {
    const united = unitedScopes(entries)
    const nodes = new Set(entries.flatMap(({ node }) => pathFromBase(node)))
    const byNode = new Map<SchemeNode, Check>()
    for (const node of nodes) {
      const parent = node.parent === null ? null : byNode.get(node.parent) as Check
      byNode.set(node, this.#toCheck(node, united, parent))
    }
    const checks = [...byNode.values()] as [Check, ...Check[]]
    // The scopes of the check: another alternative, which shares it, may require the same scopes in another order.
    const { source, scopes, scopeStr } = checks[0]
    const { definition } = base
    return { definition, source, scopes, scopeStr, checks, challenge: challengeOf(definition, scopeStr) }
  }

  #toCheck (node: SchemeNode, scopes: readonly string[], parent: Check | null): Check {
    const key = `${node.id} ${[...scopes].sort().join(' ')}`
    const comparesScopes = verifies(node) && (node.parent === null || !isVerified(node.parent))
    const source = this.#toSource(node.base)
    const check = this.checks.get(key) ??
      { index: this.checks.size, node, source, parent, comparesScopes, scopes, scopeStr: scopes.join(' ') }
    this.checks.set(key, check)
    return check
  }

  #toSource (base: SchemeNode): Source {
    const source = this.sources.get(base) ?? { index: this.sources.size, base }
    this.sources.set(base, source)
    return source
  }
}

/** Returns distinct scopes in the order of the entries, then those of derived schemes, the last derivation's first. */
function unitedScopes (entries: readonly Entry[]): readonly string[] {
  const written = entries.flatMap(({ scopes }) => scopes)
  const derived = entries.flatMap(({ node }) => pathFromBase(node).reverse().flatMap(({ scopes }) => scopes))
  return Object.freeze([...new Set([...written, ...derived])])
}

/** The parameters of a challenge of the bearer family, without its realm (RFC 6750 section 3). */
export interface ChallengeDetails {
  readonly error?: string
  readonly scope?: string
  readonly error_description?: string | undefined
}

/** Returns the challenge of a scheme. Only that of the bearer family has errors and scopes. */
export function challengeOf (definition: SchemeDefinition, scope: string, details: ChallengeDetails = {}): string {
  const { challenge: { scheme, realm, bearer }, resource } = definition
  return writeChallenge(scheme, bearer
    ? { realm, resource_metadata: resource?.info.metadataUrl, scope, ...details }
    : { realm })
}
