/** Imports go one way: each place imports those that stand before it in this list, CONTRIBUTING lists the same order, and no file imports itself by way of others. */

import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(__dirname, '..')

const ORDER = [
  'types', 'lib/errors.ts', 'lib/outcome.ts', 'lib/compare.ts', 'lib/fastify-internals.ts', 'lib/provider', 'lib/jwt', 'lib/introspection',
  'lib/header', 'lib/schemes', 'lib/requirement', 'lib/request',
  'lib/scheme.ts', 'lib/routes', 'lib/openapi', 'lib/token', 'lib/token-form.ts', 'lib/audit.ts', 'lib/auth-schemes.ts', 'lib/plugin.ts', 'lib/index.ts', 'lib/index.mts'
]

const list = (folder: string, recursive = true): string[] => readdirSync(join(root, folder), { recursive, encoding: 'utf8' })
  .filter((name) => /\.[cm]?[jt]s$/.test(name)).map((name) => join(folder, name))

function importsOf (file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/^(?:import|export)\b[^'"(=]*?'(\.[^']*)'/gm)].map(([, path]) => relative(root, join(root, dirname(file), path as string)))
    .map((path) => path.replace(/\.js$/, '')).map((path) => files.find((candidate) => candidate === `${path}.ts` || candidate === `${path}/index.ts`) ?? path)
}

const files = [...list('types'), ...list('lib')]
const levelOf = (file: string): number => ORDER.findIndex((place) => file === place || file.startsWith(`${place}/`))

for (const file of files) {
  t.test(file, async (t) => {
    t.not(levelOf(file), -1, 'it has a place')
    for (const imported of importsOf(file)) {
      t.ok(files.includes(imported), `${imported} is there`)
      t.ok(levelOf(imported) <= levelOf(file), `it may import ${imported}`)
    }
  })
}

const SUBPATHS = ['lib/provider/', 'lib/jwt/', 'lib/introspection/']
const isOfSubpath = (file: string): boolean => SUBPATHS.some((folder) => file.startsWith(folder))

t.test('the main entry imports no subpath, and the subpaths import its types and errors alone', async (t) => {
  for (const file of files) {
    for (const imported of importsOf(file)) {
      if (isOfSubpath(file)) t.ok(isOfSubpath(imported) || imported === 'lib/errors.ts' || imported.startsWith('types/'), `${file}: ${imported}`)
      else t.notOk(isOfSubpath(imported), `${file}: ${imported}`)
    }
  }
})

t.test('CONTRIBUTING lists the same order', async (t) => {
  const [, list = ''] = /```text order\n([^]*?)```/.exec(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')) ?? []
  t.strictSame(list.split('\n').map((line) => line.split(/ {2,}/)[0]).filter((place) => place !== ''), ORDER)
})

t.test('no file imports itself by way of others', async (t) => {
  const done = new Set<string>()
  function walk (file: string, path: readonly string[]): void {
    if (path.includes(file)) t.fail([...path, file].join(' -> '))
    if (done.has(file) || path.includes(file)) return
    for (const imported of importsOf(file)) walk(imported, [...path, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  t.equal(done.size, files.length)
})
