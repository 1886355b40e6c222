/**
 * Lets tests import NestJS. From Node.js 22 on tap's loader resolves what a package of ES modules imports, and cannot
 * read the pattern "./*.js" in its `exports`.
 */

import * as modules from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Resolve = (specifier: string, context: unknown, next: Resolve) => unknown

const packages = join(__dirname, '../../../node_modules')
const { registerHooks } = modules as { registerHooks?: (hooks: { resolve: Resolve }) => void }
registerHooks?.({
  resolve: (specifier, context, next) => /^@nestjs\/.*\.js$/.test(specifier)
    ? { url: pathToFileURL(join(packages, specifier)).href, shortCircuit: true }
    : next(specifier, context, next)
})
