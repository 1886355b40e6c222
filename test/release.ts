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
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages: { '': { name: 'released' } } }))
  git('init', '--quiet', '--initial-branch', 'main')
  git('config', 'user.name', 'A')
  git('config', 'user.email', 'a@example.com')
  git('add', '.')
  git('commit', '--quiet', '--message', 'Begin')
  const release = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  return { folder, git, release }
}
const version = (folder: string): string => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version

t.test('the version is raised, the changelog dated, and both are committed and tagged', async (t) => {
  const { folder, git, release } = repository(t)
  const { status, stderr } = release('minor')
  t.equal(status, 0, stderr)
  t.equal(version(folder), '0.4.0')
  t.match(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8'), /^# Changelog\n\n## 0\.4\.0, \d{4}-\d\d-\d\d\n\n- More\.\n\n## 0\.3\.1, 2026-01-01\n\n- Less\.\n$/)
  t.equal(git('describe').trim(), 'v0.4.0')
  t.equal(git('log', '-1', '--format=%s').trim(), 'Release 0.4.0')
  t.equal(git('status', '--porcelain'), '')
})

const FIRST = '# Changelog\n\n## Unreleased\n\nThe first version.\n'

t.test('a version that was never released is released as it is', async (t) => {
  const { folder, git, release } = repository(t, { ...READY, version: '0.1.0' }, FIRST)
  const { status, stderr } = release()
  t.equal(status, 0, stderr)
  t.equal(version(folder), '0.1.0')
  t.match(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8'), /^# Changelog\n\n## 0\.1\.0, \d{4}-\d\d-\d\d\n\nThe first version\.\n$/)
  t.equal(git('describe').trim(), 'v0.1.0')
  t.equal(git('log', '-1', '--format=%s').trim(), 'Release 0.1.0')
  // The tag alone shows that it was released.
  writeFileSync(join(folder, 'CHANGELOG.md'), FIRST)
  git('commit', '--quiet', '--all', '--message', 'Go on')
  t.match(release(), { status: 1, stderr: 'Not released: say patch, minor or major\n' })
  t.equal(release('major').status, 0)
  t.equal(version(folder), '1.0.0')
  t.equal(git('describe').trim(), 'v1.0.0')
})

t.test('a version whose section in the changelog has a date was released, even if its tag was not fetched', async (t) => {
  const { git, release } = repository(t)
  t.match(release(), { status: 1, stderr: 'Not released: say patch, minor or major\n' })
  t.equal(git('log', '--format=%s').trim(), 'Begin')
})

t.test('a dry run walks through everything, changes nothing, and lists what a release lacks', async (t) => {
  const scripts = {
    test: 'node -e "console.log(\'tested, dry run\', process.env.npm_config_dry_run)"',
    prepack: 'node -e "console.error(\'built\')"',
    release: `node ${script}`
  }
  const { folder, git, release } = repository(t, { ...READY, repository: undefined, scripts }, CHANGELOG)
  git('checkout', '--quiet', '-b', 'other')
  writeFileSync(join(folder, 'more.txt'), '')
  const kept = ['package.json', 'package-lock.json', 'CHANGELOG.md']
  const state = (): string => [...kept.map((name) => readFileSync(join(folder, name), 'utf8')), git('status', '--porcelain'), git('log', '--format=%H %D')].join('\n')
  const before = state()
  // npm keeps an option before `--` for itself.
  const ofNpm = spawnSync('npm', ['run', 'release', '--dry-run', 'minor'], { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  for (const { status, stdout, stderr } of [release('minor', '--dry-run'), ofNpm]) {
    t.equal(status, 0, stderr)
    t.equal(state(), before)
    t.match(stdout, 'tested, dry run undefined')
    t.match(stderr, 'built')
    t.match(stdout, /CHANGELOG\.md would have\n\n## 0\.4\.0, \d{4}-\d\d-\d\d\n\n- More\.\n\n/)
    t.notMatch(stdout, 'Less')
    t.match(stdout, '+ released@0.4.0')
    const [, lacks = ''] = stdout.split('A release lacks:\n')
    t.strictSame(lacks.trim().split('\n'), [
      '- there are changes that are not committed',
      '- releases are made of main',
      '- package.json has no `repository`, which npm compares with the provenance'
    ])
  }
})

t.test('a dry run of the first version takes any step, and lacks nothing where all is ready', async (t) => {
  const { status, stdout } = repository(t, { ...READY, version: '0.1.0' }, FIRST).release('minor', '--dry-run')
  t.equal(status, 0)
  t.match(stdout, '+ released@0.1.0')
  t.match(stdout, /A release lacks nothing\.\n$/)
})

t.test('a dry run with failing tests fails', async (t) => {
  const { status, stdout, stderr } = repository(t, { ...READY, scripts: { test: 'node -e "process.exit(1)"' } }).release('patch', '--dry-run')
  t.equal(status, 1)
  t.match(stderr, /Not released: npm test failed\n$/)
  t.notMatch(stdout, 'CHANGELOG')
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
