/**
 * `npm run release -- patch|minor|major`: tests, raises the version, dates the changelog's section "Unreleased", commits and tags. Nothing is pushed.
 *
 * Everything that could be wrong is asked before anything is written.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const HEADING = '## Unreleased\n'

function stop (problem) {
  console.error(`Not released: ${problem}`)
  process.exit(1)
}

const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
const ask = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim()

const [step] = process.argv.slice(2)
if (!['patch', 'minor', 'major'].includes(step)) stop('say patch, minor or major')
if (ask('git', 'status', '--porcelain') !== '') stop('there are changes that are not committed')
if (ask('git', 'branch', '--show-current') !== 'main') stop('releases are made of main')
if (JSON.parse(readFileSync('package.json', 'utf8')).repository === undefined) stop('package.json has no `repository`, which npm compares with the provenance')

const changelog = readFileSync('CHANGELOG.md', 'utf8')
const [before, after] = changelog.split(HEADING)
if (after === undefined || after.split('\n## ')[0].trim() === '') stop(`CHANGELOG.md has nothing under "${HEADING.trim()}"`)

run('npm', 'ci')
run('npm', 'test')

run('npm', 'version', step, '--no-git-tag-version')
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
writeFileSync('CHANGELOG.md', `${before}## ${version}, ${new Date().toISOString().slice(0, 10)}\n${after}`)
run('git', 'commit', '--quiet', '--all', '--message', `Release ${version}`)
run('git', 'tag', '--annotate', `v${version}`, '--message', version)
console.log(`\nTagged v${version}. This publishes it: git push --follow-tags`)
