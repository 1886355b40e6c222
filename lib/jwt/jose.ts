/** The optional peer dependency that verifies and makes signatures. */

import { badOption } from '../errors'

/** Throws where jose is not installed. It is loaded later, as it is an ES module. */
export function requireJose (where: string): void {
  try {
    require.resolve('jose')
  } catch {
    throw badOption(where, 'jose is not installed: npm install jose')
  }
}
