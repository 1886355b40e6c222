/**
 * `npm run release -- patch|minor|major`: tests, raises the version, dates the changelog's section "Unreleased",
 * commits and tags. Nothing is pushed. A version in package.json that was never released is released as it is.
 *
 * With `--dry-run` all is tried up to the publishing, nothing is changed, and the end lists what a release lacks.
 *
 * Everything that could be wrong is asked before anything is written.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const HEADING = '## Unreleased\n'
const STEPS = ['major', 'minor', 'patch']

// Without `--`, npm keeps the option and hands it on to all that is run here.
const { npm_config_dry_run: ofNpm, ...env } = process.env
const isDry = process.argv.includes('--dry-run') || ofNpm === 'true'
const lacks = []

/** Ends a release; in a dry run, it is a line of the list at the end. */
function stop (problem) {
  if (isDry) return lacks.push(problem)
  console.error(`Not released: ${problem}`)
  process.exit(1)
}

const say = (text) => { console.log(`\n> ${text}\n`) }
const ask = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', env }).trim()

function run (command, ...args) {
  say([command, ...args].join(' '))
  try {
    execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
  } catch {
    console.error(`Not released: ${command} ${args[0]} failed`)
    process.exit(1)
  }
}

function raised (version, step) {
  const numbers = version.split('.').map(Number)
  const place = STEPS.indexOf(step)
  return numbers.map((number, index) => index < place ? number : index === place ? number + 1 : 0).join('.')
}

if (ask('git', 'status', '--porcelain') !== '') stop('there are changes that are not committed')
if (ask('git', 'branch', '--show-current') !== 'main') stop('releases are made of main')

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const changelog = readFileSync('CHANGELOG.md', 'utf8')
const isTagged = ask('git', 'tag', '--list', `v${manifest.version}`) !== ''
// A clone may be without tags.
const wasReleased = isTagged || changelog.includes(`\n## ${manifest.version}, `)
const [step] = process.argv.slice(2).filter((argument) => argument !== '--dry-run')
if (step === undefined ? wasReleased : !STEPS.includes(step)) {
  console.error('Not released: say patch, minor or major')
  process.exit(1)
}
const version = wasReleased ? raised(manifest.version, step) : manifest.version
const origin = wasReleased ? `after ${manifest.version}` : 'which package.json has and was never released'
say(`Version ${version}, ${origin}`)

const { repository } = manifest
if (repository === undefined) stop('package.json has no `repository`, which npm compares with the provenance')
const [before, after = ''] = changelog.split(HEADING)
const [section] = after.split('\n## ')
if (section.trim() === '') stop(`CHANGELOG.md has nothing under "${HEADING.trim()}"`)

run('npm', 'ci', ...isDry ? ['--dry-run'] : [])
run('npm', 'test')

const heading = `## ${version}, ${new Date().toISOString().slice(0, 10)}\n`
if (isDry) {
  say('CHANGELOG.md would have')
  console.log(`${heading}${section}`)
  say(`git would have the commit "Release ${version}" with the tag v${version}`)
  tryToPublish()
  say('Nothing was changed')
  console.log(lacks.length === 0 ? 'A release lacks nothing.' : ['A release lacks:', ...lacks].join('\n- '))
} else {
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version')
  writeFileSync('CHANGELOG.md', `${before}${heading}${after}`)
  run('git', 'commit', '--quiet', '--all', '--message', `Release ${version}`)
  run('git', 'tag', '--annotate', `v${version}`, '--message', version)
  console.log(`\nTagged v${version}. This publishes it: git push --follow-tags`)
}

/** Publishes nothing: the package is packed with its new version, and npm prints what it would do. */
function tryToPublish () {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  process.on('exit', () => { rmSync(folder, { recursive: true, force: true }) })
  run('npm', 'pack', '--silent', '--pack-destination', folder)
  run('tar', '-xzf', join(folder, readdirSync(folder)[0]), '-C', folder)
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ ...manifest, version }))
  run('npm', 'publish', join(folder, 'package'), '--dry-run', '--ignore-scripts', '--access', 'public')
}
