/**
 * The mutation score: each small change to what decides access must be noticed by a test.
 *
 * First each file is tried with the test of its own name, then what survived with all tests of this list. What still
 * survives must stand in equivalent.json, with the reason why no test can see it. Arguments choose files: `npm run
 * mutation -- lib/header/challenge.js`.
 */

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Stryker } from '@stryker-mutator/core'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..')
const built = join(root, 'build/mutation')
const FOLDERS = ['schemes', 'requirement', 'routes', 'request', 'header', 'jwt']
const FILES = ['lib/scheme.js', 'lib/outcome.js']
const OTHER_TESTS = [
  'test/{matrix,plugin,audit,auth-schemes,token-form,scheme,outcome}.js',
  'test/hostile/{handlers,leaks,concurrency}.js',
  'test/openapi/*.js', ...FOLDERS.map((folder) => `test/${folder}/*.js`)
]
const isAlive = ({ status }) => !['Killed', 'Timeout', 'RuntimeError'].includes(status)
// What the compiler adds.
const COMPILED = 'Object.defineProperty(exports'

// Compiled first: Stryker then starts plain JavaScript, many times.
rmSync(built, { recursive: true, force: true })
mkdirSync(built, { recursive: true })
const compiler = join(root, 'node_modules/.bin/tsc')
execFileSync(compiler, ['-p', root, '--noEmit', 'false', '--outDir', built], { stdio: 'inherit' })
writeFileSync(join(built, 'package.json'), '{}')
cpSync(join(root, 'README.md'), join(built, 'README.md'))
process.chdir(built)

async function run (mutate, testFiles) {
  return await new Stryker({
    mutate,
    testRunner: 'tap',
    plugins: [join(here, 'node_modules/@stryker-mutator/tap-runner/dist/src/index.js')],
    tap: { testFiles, nodeArgs: ['-r', '{{hookFile}}', '{{testFile}}'] },
    coverageAnalysis: 'perTest',
    concurrency: Number(process.env.CONCURRENCY ?? 2),
    timeoutMS: 30_000,
    reporters: ['json'],
    jsonReporter: { fileName: join(built, 'report.json') },
    logLevel: 'warn',
    fileLogLevel: 'off',
    tempDirName: join(built, 'sandbox'),
    allowEmpty: true
  }).runMutationTest()
}

const asked = process.argv.slice(2)
const inFolders = FOLDERS.flatMap((folder) => readdirSync(`lib/${folder}`).map((name) => `lib/${folder}/${name}`))
const files = asked.length > 0 ? asked : [...FILES, ...inFolders]
const alive = []
let total = 0
for (const file of files) {
  const own = file.replace(/^lib/, 'test')
  const lines = readFileSync(file, 'utf8').split('\n')
  const tests = existsSync(own) ? [own, own.replace(/js$/, '*.js')] : OTHER_TESTS
  const results = (await run([file], tests))
    .filter(({ location }) => !lines[location.start.line - 1].startsWith(COMPILED))
  const survived = results.filter(isAlive)
  total += results.length
  console.log(`${file}: ${results.length - survived.length} of ${results.length} mutants noticed by its own test`)
  for (const { location, mutatorName, replacement } of survived) {
    alive.push({ file, location, mutatorName, replacement })
  }
}
const key = ({ location, mutatorName, replacement }) => JSON.stringify([location, mutatorName, replacement])
const wanted = new Set(alive.map(key))
const ranges = alive.map(({ file, location: { start, end } }) =>
  `${file}:${start.line}:${start.column}-${end.line}:${end.column}`)
const again = ranges.length === 0 ? [] : await run(ranges, OTHER_TESTS)
const survivors = again.filter((result) => wanted.has(key(result)) && isAlive(result))

const listed = JSON.parse(readFileSync(join(here, 'equivalent.json'), 'utf8'))
let unexplained = 0
for (const { fileName, location: { start, end }, mutatorName, replacement, status } of survivors) {
  const file = fileName.slice(fileName.indexOf('lib/'))
  const lines = readFileSync(file, 'utf8').split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines[lines.length - 1].slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  const original = lines.map((line) => line.trim()).join(' ')
  const mutant = replacement.split('\n').map((line) => line.trim()).join(' ')
  if (listed.some((entry) => entry.file === file && entry.original === original && entry.mutant === mutant)) continue
  unexplained++
  console.log(`\n${file}:${start.line} ${mutatorName}, ${status}\n- ${original}\n+ ${mutant}`)
}
const killed = total - survivors.length
console.log(`\n${killed} of ${total} mutants noticed: ${(100 * killed / total).toFixed(1)} %. ` +
  `${survivors.length - unexplained} more are equivalent, ${unexplained} are neither.`)
process.exitCode = unexplained === 0 ? 0 : 1
