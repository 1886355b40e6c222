/** Links between pages lead somewhere, and files are shown as they are. */

import t from 'tap'
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { anchorsOf, filesOf, linksOf, pages, read, root } from './read'

for (const page of pages) {
  t.test(page, async (t) => {
    for (const { path, anchor } of linksOf(page)) {
      const target = path === '' ? page : relative(root, join(root, dirname(page), path))
      t.ok(existsSync(join(root, target)), `${target} exists`)
      if (anchor !== undefined) t.ok(anchorsOf(target).includes(anchor), `${target} has a heading for #${anchor}`)
    }
    t.ok(true)
  })
}

t.test('every page is linked from another', async (t) => {
  const linked = new Set(pages.flatMap((page) => linksOf(page).map(({ path }) => relative(root, join(root, dirname(page), path)))))
  t.strictSame(pages.filter((page) => page !== 'README.md' && !linked.has(page)), [])
})

t.test('code that names a file of the repository is that file', async (t) => {
  const shown = pages.flatMap(filesOf)
  t.ok(shown.length > 0)
  for (const { path, code } of shown) t.equal(`${code}\n`, read(path), path)
})
