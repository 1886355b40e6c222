/**
 * Lets tests import NestJS. From Node.js 22 on tap's loader resolves what a package of ES modules imports, and cannot
 * read the pattern "./*.js" in its `exports`; `require.resolve` can.
 */

import * as modules from 'node:module'
import { pathToFileURL } from 'node:url'

type Resolve = (specifier: string, context: unknown, next: Resolve) => unknown

const { registerHooks } = modules as { registerHooks?: (hooks: { resolve: Resolve }) => void }
registerHooks?.({
  resolve: (specifier, context, next) => specifier.startsWith('@nestjs/')
    ? { url: pathToFileURL(require.resolve(specifier)).href, shortCircuit: true }
    : next(specifier, context, next)
})
