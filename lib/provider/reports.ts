/** The log lines of a verifier. None has a token in it. */

/** Milliseconds since 1970. */
export type Clock = () => number

/** The part of Fastify's logger that is used. */
export interface Log {
  warn (details: object, message: string): void
  debug (details: object, message: string): void
}

/** The part of a `VerifyContext` that is used. */
export interface Context {
  readonly request: { readonly log: Log }
}

/** The reason for which a token is refused. */
export interface Refused {
  /** For the log. */
  readonly reason: string
  /** For the log, where the token itself is good, so that strangers cannot cause the line: what to do. */
  readonly cure?: string
  /** For the client. */
  readonly description?: string
}

const MINUTE = 60_000

/** Logs each refusal at `debug`, and what only a setting can cause at `warn`, once for each reason in a minute. */
export class Reports {
  readonly #clock: Clock
  readonly #warnedAt = new Map<string, number>()

  constructor (clock: Clock) {
    this.#clock = clock
  }

  refused (log: Log, issuer: string, { reason, cure }: Refused): void {
    log.debug({ reason, issuer }, 'A token is refused')
    if (cure === undefined) return
    const key = `${issuer} ${cure}`
    const now = this.#clock()
    if (Math.abs(now - (this.#warnedAt.get(key) ?? -Infinity)) < MINUTE) return
    this.#warnedAt.set(key, now)
    log.warn({ reason, issuer }, `A token of the trusted issuer is refused, as ${reason}: ${cure}`)
  }
}
