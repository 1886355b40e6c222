/** The requirements that `app.secure` declared, for each encapsulation context. */

import { badSecurity } from '../errors'
import { parentOf } from '../fastify-internals'
import { add, type Requirement, type Subject } from '../requirement/combine'

/** Keeps the requirements of contexts, which are instances that inherit from one another. */
export class Contexts {
  /** The contexts whose routes have all been seen, a parent before its children. */
  readonly seen = new Set<object>()
  readonly #declared = new WeakMap<object, Requirement[]>()
  #sealed = false

  /** True once all is loaded, or a requirement was resolved: no requirement may be added any more. */
  get sealed (): boolean { return this.#sealed }

  seal (): void { this.#sealed = true }

  /** Returns the requirements that the context itself declared, in order. */
  declaredBy (context: object): readonly Requirement[] { return this.#declared.get(context) ?? [] }

  /**
   * Adds a requirement to a context; `[]` makes it public and stands alone.
   *
   * @throws `FST_AUTH_BAD_SECURITY` once the contexts are sealed
   */
  declare (context: object, requirement: Requirement, where: string): void {
    if (this.#sealed) {
      throw badSecurity(where, 'the application is loaded; declare what a context requires before it is ready')
    }
    const earlier = this.declaredBy(context)
    if (earlier.length > 0 && [requirement, ...earlier].some((list) => list.length === 0)) {
      throw badSecurity(where, 'a context is either public by `secure([])` or requires something; declare one of them')
    }
    this.#declared.set(context, [...earlier, requirement])
  }

  /** Returns true if the context or a parent has declared a requirement so far. */
  declares (context: object): boolean {
    const parent = parentOf(context)
    return this.declaredBy(context).length > 0 || (parent !== null && this.declares(parent))
  }

  /** Returns the requirement of a context and its parents: `null` if none declares any, `[]` if it is public. Seals. */
  of (context: object, where: string): Requirement | null {
    this.seal()
    const parent = parentOf(context)
    return this.declaredBy(context).reduce<Requirement | null>(
      (sum, requirement) => add(where, sum, requirement, innermost), parent === null ? null : this.of(parent, where))
  }
}

// A route's `{}` is `null` in its types; contexts have no types to keep to.
const innermost: Subject = (parent, child) => child.subject ?? parent.subject
