/** Imports go one way: each folder knows those that stand before it in this list, and no file knows itself by way of others. */

import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(__dirname, '..')

const ORDER = [
  'types', 'lib/errors.ts', 'lib/compare.ts', 'lib/provider', 'lib/jwt', 'lib/introspection', 'lib/header', 'lib/schemes', 'lib/request', 'lib/security', 'lib/openapi', 'lib/token', 'lib/token-form.ts', 'lib/audit.ts',
  'lib/plugin.ts', 'lib/index.ts', 'lib/index.mts'
]
const LONGEST = 250

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
      t.ok(levelOf(imported) <= levelOf(file), `it may know ${imported}`)
    }
  })
}

t.test('no file knows itself by way of others', async (t) => {
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

t.test(`no file has more than ${LONGEST} lines`, async (t) => {
  const all = [...files, ...list('example'), ...list('test'), ...['bench', 'docs', 'mutation', 'scripts', '.'].flatMap((folder) => list(folder, false))]
  t.strictSame(all.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length - 1 > LONGEST), [])
})
