/** The checks of the options that the verifiers share. */

import { badOption } from '../errors'

export type Options = Readonly<Record<string, unknown>>

/** A copy of the options, of which none is unknown, `undefined` or missing. */
export function readOptions (
  where: string, options: unknown, required: readonly string[], optional: readonly string[]
): Options {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw badOption(where, 'the options must be an object')
  }
  const own = { ...options } as Options
  for (const [key, value] of Object.entries(own)) {
    if (!required.includes(key) && !optional.includes(key)) {
      throw badOption(where, `there is no option \`${key}\`: it takes ${[...required, ...optional].join(', ')}`)
    }
    if (value === undefined) throw badOption(where, `the option \`${key}\` is undefined`)
  }
  const missing = required.find((key) => !Object.hasOwn(own, key))
  if (missing !== undefined) throw badOption(where, `the option \`${missing}\` is required`)
  return own
}

/** Returns true for a string that is not empty. */
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

export function requiredText (where: string, options: Options, key: string): string {
  const value = options[key]
  if (!isText(value)) throw badOption(where, `the option \`${key}\` must be a string that is not empty`)
  return value
}

/** A whole number in a range, `otherwise` where the option is not given. */
export function wholeNumber (
  where: string, options: Options, key: string, otherwise: number | undefined,
  least: number, most = Number.MAX_SAFE_INTEGER
): number {
  const value = options[key] === undefined ? otherwise : options[key]
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    throw badOption(where, `the option \`${key}\` must be a whole number from ${least} to ${most}`)
  }
  return value as number
}

export function optionalFunction<F> (where: string, options: Options, key: string): F | undefined {
  const value = options[key]
  if (value !== undefined && typeof value !== 'function') {
    throw badOption(where, `the option \`${key}\` must be a function`)
  }
  return value as F | undefined
}

/** The accepted audiences; `null`, which is logged, where none is checked. */
export function audiences (where: string, options: Options): readonly string[] | null {
  const { audience } = options
  if (audience === null) {
    const place = String(options.issuer ?? options.endpoint)
    process.emitWarning(`${where}: \`audience\` is null, so tokens for every API of ${place} are accepted`)
    return null
  }
  const list: readonly unknown[] = Array.isArray(audience) ? Array.from(audience) : [audience]
  if (list.length === 0 || !list.every(isText)) {
    throw badOption(where, 'the option `audience` must be a string, a list of strings, or null')
  }
  return list
}
