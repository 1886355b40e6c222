/** What `app.secure` declared, for each encapsulation context. */

import { badSecurity } from '../errors'
import { both, limited, type Groups, type Own } from './normalize'

/** Keeps the declarations of contexts, which are instances that inherit from one another. */
export class Contexts {
  readonly #known = new WeakSet()
  readonly #declared = new WeakMap<object, Groups[]>()
  #sealed = false

  /** Whether all is loaded, or a route was asked for, so that nothing may be added any more. */
  get sealed (): boolean { return this.#sealed }

  /** A context whose routes are all seen. */
  add (context: object): void { this.#known.add(context) }

  has (context: object): boolean { return this.#known.has(context) }

  /** Nothing may be added from now on. */
  seal (): void { this.#sealed = true }

  /** What the context itself declared, in order. */
  declaredBy (context: object): readonly Groups[] { return this.#declared.get(context) ?? [] }

  /** Adds a requirement to a context; `[]` makes it public and stands alone. Not once it is sealed. */
  declare (context: object, groups: Groups, where: string): void {
    if (this.#sealed) throw badSecurity(where, 'the application is loaded; declare what a context requires before it is ready')
    const earlier = this.declaredBy(context)
    if (earlier.length > 0 && [groups, ...earlier].some((list) => list.length === 0)) {
      throw badSecurity(where, 'a context is either public by `secure([])` or requires something; declare one of them')
    }
    this.#declared.set(context, [...earlier, groups])
  }

  /** What a context and those around it require: `null` where none says anything, `[]` where it is public. */
  of (context: object, where: string): Groups | null {
    this.seal()
    const outer: unknown = Object.getPrototypeOf(context)
    const around = outer === null ? null : this.of(outer as object, where)
    return this.declaredBy(context).reduce<Groups | null>((sum, groups) => add(where, sum, groups, innermost), around)
  }
}

// A route's `{}` is `null` in its types; contexts have no types to keep to.
const innermost: Own = (outer, inner) => inner.own ?? outer.own

/** Adds what an inner place says to what was said around it. `[]` is the way out. */
export function add (where: string, around: Groups | null, inner: Groups | null, own?: Own): Groups | null {
  if (inner === null) return around
  if (around === null || around.length === 0 || inner.length === 0) return inner
  return limited(where, both(around, inner, own))
}
