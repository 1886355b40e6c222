/** `npm run test:hosts`: compares documents and responses with many versions of Fastify and @fastify/swagger. */

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { LATEST, LOWEST, createHost, firstDifference, outputOf, pack } from './host.mjs'

// Versions between the lowest and the latest.
const FASTIFY = ['~5.2.0', '~5.4.0', '~5.6.0', '~5.8.0', '~5.10.0']
const SWAGGER = ['9.4.0', '9.5.1', '9.7.0', '9.8.2', '9.9.0']

/** Each @fastify/swagger with the lowest and the latest Fastify, each Fastify with the latest @fastify/swagger. */
function listPairs () {
  const swagger = '@fastify/swagger'
  const pairs = [LOWEST[swagger], ...SWAGGER, LATEST[swagger]].flatMap((version) => [
    { ...LOWEST, [swagger]: version },
    { ...LATEST, [swagger]: version }
  ])
  return [...pairs, ...FASTIFY.map((fastify) => ({ ...LATEST, fastify }))]
}

const directory = mkdtempSync(join(tmpdir(), 'hosts-'))
process.on('exit', () => { rmSync(directory, { recursive: true, force: true }) })
const packed = await pack(directory)
const expected = await outputOf()
const pairs = listPairs()
const count = { passed: 0, failed: 0 }

async function test (number) {
  const versions = pairs[number]
  const project = join(directory, String(number))
  const problem = await createHost(project, packed, versions).then(() => outputOf(project))
    .then((output) => firstDifference(expected, output), (error) => error.message)
  rmSync(project, { recursive: true, force: true })
  count[problem === null ? 'passed' : 'failed']++
  const title = Object.entries(versions).map(([name, version]) => `${name} ${version}`).sort().reverse().join(', ')
  console.log(problem === null ? `passed: ${title}` : `failed: ${title}\n        ${problem}`)
}

let next = 0
async function work () {
  while (next < pairs.length) await test(next++)
}
await Promise.all(Array.from({ length: availableParallelism() }, work))

console.log(`${count.passed} passed, ${count.failed} failed`)
process.exitCode = count.failed === 0 ? 0 : 1
