/**
 * Tries the properties for as long as one likes, and 200,000 mutations of a token, with another seed each time: `npm run fuzz -- --minutes 10`. Spellings of
 * paths are tried with every combination of the router's options.
 */

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('Usage: npm run fuzz -- [--minutes N] [--seed N], where the minutes are more than 0 and the seed is a whole number')
  process.exit(2)
}

// Each of the three properties has the time for itself.
const { status } = spawnSync('tap', ['run', 'test/hostile/applications.ts', 'test/hostile/headers.ts', 'test/hostile/paths.ts', 'test/hostile/tokens.ts', '--disable-coverage', '--reporter=tap', '--jobs=1', `--timeout=${Math.ceil(minutes * 60 * 3 + 600)}`], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_MINUTES: String(minutes), FUZZ_SEED: String(seed) }
})
process.exitCode = status ?? 1
