/** The helpers of the tests of documents. */

import t from 'tap'
import { Validator } from '@seriousme/openapi-schema-validator'

export const handler = async (): Promise<string> => 'ran'

export async function assertValid (document: object): Promise<void> {
  t.equal((await new Validator().validate(structuredClone(document) as any)).valid, true)
}

/** The `security` of each operation, and the statuses of its responses. */
export function operationsIn (document: any): Record<string, unknown> {
  return Object.fromEntries(Object.entries<any>(document.paths).flatMap(([path, item]) =>
    Object.entries<any>(item).map(([method, { security, responses }]) => [`${method} ${path}`, [security, Object.keys(responses).join()]])))
}
