/** The page of errors has every code that there is, and no other. */

import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { read, root } from './read'

t.test('each code has its section', async (t) => {
  const thrown = new Set([...readFileSync(join(root, 'lib/errors.ts'), 'utf8').matchAll(/FST_AUTH_\w+/g)].map(([code]) => code))
  const told = [...read('docs/errors.md').matchAll(/^### (FST_AUTH_\w+)$/gm)].map(([, code]) => code as string)
  t.strictSame(told.sort(), [...thrown].sort())
})
