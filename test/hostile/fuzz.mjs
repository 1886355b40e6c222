/**
 * Tries the properties for as long as one likes, 200,000 mutations of a token, and spellings of paths with every
 * combination of the router's options, with another seed each time: `npm run fuzz -- --minutes 10`.
 */

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('Usage: npm run fuzz -- [--minutes N] [--seed N], ' +
    'where the minutes are more than 0 and the seed is a whole number')
  process.exit(2)
}

// Each of the three properties has the time for itself.
const files = ['applications', 'headers', 'paths', 'tokens'].map((name) => `test/hostile/${name}.ts`)
const timeout = Math.ceil(minutes * 60 * 3 + 600)
const options = ['--disable-coverage', '--reporter=tap', '--jobs=1', `--timeout=${timeout}`]
const { status } = spawnSync('tap', ['run', ...files, ...options], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_MINUTES: String(minutes), FUZZ_SEED: String(seed) }
})
process.exitCode = status ?? 1
