/** A requirement compiled for requests: the checks of each alternative in the order in which they run, and the challenges of a refusal. */

import { writeChallenge } from '../header/challenge'
import type { SchemeDefinition } from '../schemes/definition'
import type { Alternative, Entry, Requirement } from './combine'
import { pathFromBase, type SchemeNode } from './node'

/** A base scheme whose credentials the plan extracts. */
export interface Source {
  /** The place of what was extracted among that of the plan's other sources. */
  readonly index: number
  readonly base: SchemeNode
}

/** One call of a `verify`, with the scopes that it is called for. */
export interface Check {
  /** The place of the result among those of the plan's other checks. Alternatives that need the same result share a check. */
  readonly index: number
  readonly node: SchemeNode
  readonly source: Source
  /** The check that gives the user to start from; `null` for a base. */
  readonly parent: Check | null
  /** True for the first check of its member that verifies: the scopes granted to its user are compared with those that are required. */
  readonly comparesScopes: boolean
  readonly scopes: readonly string[]
  readonly scopeStr: string
}

/** One base scheme within one alternative, with everything derived from it. */
export interface Member {
  readonly definition: SchemeDefinition
  readonly source: Source
  readonly scopes: readonly string[]
  readonly scopeStr: string
  /** The base's check, then the derived ones, each after what it was derived from. */
  readonly checks: readonly [Check, ...Check[]]
  /** The challenge without an error. */
  readonly challenge: string
}

/** Schemes that must all accept, and groups of schemes in each of which one must be absent. */
export interface PlannedAlternative {
  readonly members: readonly Member[]
  /** The checks of all members, in order. */
  readonly checks: readonly Check[]
  readonly leftOut: ReadonlyArray<readonly Source[]>
  /** The check whose `Auth` becomes `request.auth`; `null`: none. */
  readonly subject: Check | null
}

/** What a request runs. */
export interface Plan {
  /** Any one must hold. The one without members, if any, is last. */
  readonly alternatives: readonly PlannedAlternative[]
  readonly members: readonly Member[]
  /** How many distinct checks there are. */
  readonly checkCount: number
  /** How many distinct base schemes there are. */
  readonly sourceCount: number
  /** The challenges without errors, one for each scheme and set of scopes. */
  readonly challenges: readonly string[]
}

// For routes that are public, or declare nothing: every request passes as nobody.
const PUBLIC: Requirement = [{ entries: [], leftOut: [], subject: null }]

/** Compiles a requirement. `null` and `[]` pass every request as nobody. */
export function toPlan (requirement: Requirement | null): Plan {
  const compiler = new Compiler()
  const alternatives = (requirement === null || requirement.length === 0 ? PUBLIC : requirement).map((each) => compiler.toAlternative(each))
  const members = alternatives.flatMap((alternative) => alternative.members)
  return {
    alternatives,
    members,
    checkCount: compiler.checks.size,
    sourceCount: compiler.sources.size,
    challenges: [...new Set(members.map(({ challenge }) => challenge))]
  }
}

class Compiler {
  readonly checks = new Map<string, Check>()
  readonly sources = new Map<SchemeNode, Source>()

  toAlternative ({ entries, leftOut, subject }: Alternative): PlannedAlternative {
    const byBase = new Map<SchemeNode, Entry[]>()
    for (const entry of entries) byBase.set(entry.node.base, [...byBase.get(entry.node.base) ?? [], entry])
    const members = [...byBase].map(([base, listed]) => this.#toMember(base, listed))
    const checks = members.flatMap((member) => member.checks)
    return {
      members,
      checks,
      leftOut: leftOut.map((group) => group.map((base) => this.#toSource(base))),
      subject: checks.find(({ node }) => node === subject) ?? null
    }
  }

  #toMember (base: SchemeNode, entries: readonly Entry[]): Member {
    const united = unitedScopes(entries)
    const nodes = new Set(entries.flatMap(({ node }) => pathFromBase(node)))
    const comparing = [...nodes].find(({ parent, definition, verify }) => (parent === null ? definition.verify : verify) !== undefined)
    const byNode = new Map<SchemeNode, Check>()
    for (const node of nodes) {
      byNode.set(node, this.#toCheck(node, united, node.parent === null ? null : byNode.get(node.parent) as Check, node === comparing))
    }
    const checks = [...byNode.values()] as [Check, ...Check[]]
    // Those of the check: another alternative may have listed the same scopes in another order.
    const { source, scopes, scopeStr } = checks[0]
    return { definition: base.definition, source, scopes, scopeStr, checks, challenge: challengeOf(base.definition, scopeStr) }
  }

  #toCheck (node: SchemeNode, scopes: readonly string[], parent: Check | null, comparesScopes: boolean): Check {
    const key = `${node.id} ${String(comparesScopes)} ${[...scopes].sort().join(' ')}`
    const source = this.#toSource(node.base)
    const check = this.checks.get(key) ?? { index: this.checks.size, node, source, parent, comparesScopes, scopes, scopeStr: scopes.join(' ') }
    this.checks.set(key, check)
    return check
  }

  #toSource (base: SchemeNode): Source {
    const source = this.sources.get(base) ?? { index: this.sources.size, base }
    this.sources.set(base, source)
    return source
  }
}

/** Returns distinct scopes as listed; those of derived schemes come last, the outermost derivation first. */
function unitedScopes (entries: readonly Entry[]): readonly string[] {
  const listed = entries.flatMap(({ scopes }) => scopes)
  const derived = entries.flatMap(({ node }) => pathFromBase(node).reverse().flatMap(({ scopes }) => scopes))
  return Object.freeze([...new Set([...listed, ...derived])])
}

/** What a challenge of the bearer family carries beside its realm (RFC 6750 section 3). */
export interface ChallengeDetails { readonly error?: string, readonly scope?: string, readonly error_description?: string | undefined }

/** Returns the challenge of a scheme. Only the bearer family names errors and scopes. */
export function challengeOf ({ challenge: { scheme, realm, bearer } }: SchemeDefinition, scope: string, details: ChallengeDetails = {}): string {
  return writeChallenge(scheme, bearer ? { realm, scope, ...details } : { realm })
}
