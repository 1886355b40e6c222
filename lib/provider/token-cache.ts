/** Verified tokens, by their digest. */

export class TokenCache<T> {
  readonly #size: number
  readonly #entries = new Map<string, { readonly value: T, readonly until: number }>()

  /** @param size how many are kept; the oldest leaves first. 0: none */
  constructor (size: number) {
    this.#size = size
  }

  /** Returns the kept value, `undefined` from `until` on. */
  get (digest: string, now: number): T | undefined {
    const entry = this.#entries.get(digest)
    return entry !== undefined && now < entry.until ? entry.value : undefined
  }

  /** @param until milliseconds since 1970 */
  set (digest: string, value: T, until: number): void {
    if (this.#size === 0) return
    this.#entries.delete(digest)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#size) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(digest, { value, until })
  }
}
