/** All comparisons, as one table. `node run.mjs hooks boot` runs only these. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { table } from './measure.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 9)
const parts = ['http', 'tokens', 'hooks', 'garbage', 'boot']
// For what a round leaves behind, so that nothing of it is collected before it was counted.
const ROOM = ['--expose-gc', '--min-semi-space-size=512', '--max-semi-space-size=512']
const asked = process.argv.slice(2)

if (asked[0] === '--part') {
  const [, part, number] = asked
  const { [part]: run } = await import(part === 'garbage' ? './hooks.mjs' : `./${part}.mjs`)
  process.stdout.write(JSON.stringify(await run(ROUNDS, Number(number))))
} else {
  const rows = []
  for (const part of asked.length > 0 ? asked : parts) {
    console.error(`measuring: ${part}`)
    // Each comparison in a process of its own: what the compiler learned of one is no burden for the next.
    for (let number = 0; ; number++) {
      const { stdout, status } = spawnSync(process.execPath, [...part === 'garbage' ? ROOM : [], fileURLToPath(import.meta.url), '--part', part, String(number)], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
      if (status !== 0) process.exit(1)
      const measured = JSON.parse(stdout)
      if (measured === null) break
      rows.push(...measured)
    }
  }
  const versionOf = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
  console.log(`${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${os.cpus().length} cores of ${os.cpus()[0].model.trim()}, ${os.type()}; ${Object.keys(dependencies).map((name) => `${name} ${versionOf(name)}`).join(', ')}; medians of ${ROUNDS} rounds, with the middle half of them\n`)
  console.log(table(rows))
}
