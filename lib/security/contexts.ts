/** What `app.secure` declared, for each encapsulation context. */

import { badSecurity } from '../errors'
import { both, type Groups } from './normalize'

/** Keeps the declarations of contexts, which are instances that inherit from one another. */
export class Contexts {
  readonly #declared = new WeakMap<object, Groups[]>()

  /** Adds a requirement to a context; `[]` makes it public and stands alone. */
  declare (context: object, groups: Groups, where: string): void {
    const earlier = this.#declared.get(context) ?? []
    if (earlier.length > 0 && [groups, ...earlier].some((list) => list.length === 0)) {
      throw badSecurity(where, 'a context is either public by `secure([])` or requires something; declare one of them')
    }
    this.#declared.set(context, [...earlier, groups])
  }

  /** What a context and those around it require: `null` where none says anything, `[]` where it is public. */
  of (context: object, where: string): Groups | null {
    const outer: unknown = Object.getPrototypeOf(context)
    const around = outer === null ? null : this.of(outer as object, where)
    return (this.#declared.get(context) ?? []).reduce<Groups | null>((sum, groups) => add(where, sum, groups), around)
  }
}

/** Adds what an inner place says to what was said around it. `[]` is the way out. */
export function add (where: string, around: Groups | null, inner: Groups | null): Groups | null {
  if (inner === null) return around
  if (around === null || around.length === 0 || inner.length === 0) return inner
  return both(where, around, inner)
}
