/** A release is made only where all is in order, and then it is a commit and a tag. */

import t, { type Test } from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const script = join(__dirname, '../scripts/release.mjs')
const READY = { name: 'released', version: '0.3.1', repository: 'somewhere', scripts: { test: 'node -e ""' } }
const CHANGELOG = '# Changelog\n\n## Unreleased\n\n- More.\n\n## 0.3.1, 2026-01-01\n\n- Less.\n'

function repository (t: Test, manifest: object = READY, changelog = CHANGELOG) {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const git = (...args: string[]): string => execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args], { cwd: folder, encoding: 'utf8' })
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
  execFileSync('npm', ['install', '--silent', '--no-audit'], { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } })
  git('init', '--quiet', '--initial-branch', 'main')
  git('config', 'user.name', 'A')
  git('config', 'user.email', 'a@example.com')
  git('add', '.')
  git('commit', '--quiet', '--message', 'Begin')
  const release = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  return { folder, git, release }
}

t.test('the version is raised, the changelog dated, and both are committed and tagged', async (t) => {
  const { folder, git, release } = repository(t)
  const { status, stderr } = release('minor')
  t.equal(status, 0, stderr)
  t.equal(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version, '0.4.0')
  t.match(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8'), /^# Changelog\n\n## 0\.4\.0, \d{4}-\d\d-\d\d\n\n- More\.\n\n## 0\.3\.1, 2026-01-01\n\n- Less\.\n$/)
  t.equal(git('describe').trim(), 'v0.4.0')
  t.equal(git('log', '-1', '--format=%s').trim(), 'Release 0.4.0')
  t.equal(git('status', '--porcelain'), '')
})

const problems: ReadonlyArray<readonly [message: string, manifest: object, changelog: string, step: string, change: string | null]> = [
  ['say patch, minor or major', READY, CHANGELOG, 'next', null],
  ['there are changes that are not committed', READY, CHANGELOG, 'patch', 'package.json'],
  ['package.json has no `repository`', { ...READY, repository: undefined }, CHANGELOG, 'patch', null],
  ['CHANGELOG.md has nothing under "## Unreleased"', READY, '# Changelog\n\n## Unreleased\n\n## 0.3.1\n\n- Less.\n', 'patch', null],
  ['CHANGELOG.md has nothing under "## Unreleased"', READY, '# Changelog\n', 'patch', null]
]
for (const [message, manifest, changelog, step, change] of problems) {
  t.test(`not released: ${message}`, async (t) => {
    const { folder, git, release } = repository(t, manifest, changelog)
    if (change !== null) copyFileSync(join(folder, 'CHANGELOG.md'), join(folder, change))
    const { status, stderr } = release(step)
    t.equal(status, 1)
    t.match(stderr, `Not released: ${message}`)
    t.equal(git('log', '--format=%s').trim(), 'Begin')
  })
}

t.test('failing tests and another branch release nothing', async (t) => {
  const failing = repository(t, { ...READY, scripts: { test: 'node -e "process.exit(1)"' } })
  t.equal(failing.release('patch').status, 1)
  t.equal(failing.git('status', '--porcelain'), '')
  const elsewhere = repository(t)
  elsewhere.git('checkout', '--quiet', '-b', 'other')
  t.match(elsewhere.release('patch').stderr, 'releases are made of main')
})
