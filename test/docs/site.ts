/** The site lists every page, and what was built of it (`npm run docs:build`) has no dead link, nothing hidden, and nothing of another host. */

import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pages, read, root } from './read'

const site = join(root, 'build/site')
const files = readdirSync(site, { recursive: true, encoding: 'utf8' })
const html = new Map(files.filter((name) => name.endsWith('.html')).map((name) => [name, readFileSync(join(site, name), 'utf8')]))
const [, base = ''] = /\\"base\\":\\"([^"]+)\\"/.exec(html.get('index.html') ?? '') ?? []
const addressOf = (page: string): string => page === 'README.md' ? 'index.html' : page.replace(/md$/, 'html')

t.test('the sidebar lists each page once', async (t) => {
  const groups = JSON.parse(readFileSync(join(root, 'docs/.vitepress/sidebar.json'), 'utf8')) as Record<string, string[]>
  t.strictSame(Object.values(groups).flat().sort(), [...pages].sort())
})

t.test('each page was built', async (t) => {
  for (const page of pages) t.ok(html.has(addressOf(page)), page)
})

const anchors = new Map([...html].map(([name, text]) => [name, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]))

for (const [name, text] of html) {
  t.test(`${name}: its links lead somewhere, and it loads nothing from elsewhere`, async (t) => {
    for (const [, tag, attributes = ''] of text.matchAll(/<(a|link|script|img|source)\b([^>]*)>/g)) {
      const [, address] = /\b(?:href|src)="([^"]*)"/.exec(attributes) ?? []
      if (address === undefined || (tag === 'a' && /^(?:https?|mailto):/.test(address))) continue
      const [path = '', anchor] = decodeURI(address).split('#')
      const absolute = path.startsWith(base) ? path.slice(base.length) : relative(site, join(site, dirname(name), path))
      const target = path === '' ? name : /(?:^|\/)$/.test(absolute) ? `${absolute}index.html` : absolute
      t.ok(files.includes(target), `${address} exists`)
      if (anchor !== undefined && anchor !== '') t.ok(anchors.get(target)?.has(anchor), `${target} has #${anchor}`)
    }
    t.notMatch(text, /\b(?:src|srcset)="(?:https?:)?\/\//)
  })
}

const COMMENT = /<!--[^]*?-->/g
const wordsOf = (texts: readonly string[]): Set<string> => new Set(texts.join('\n').toLowerCase().match(/\w{6,}/g))

t.test('what comments hide is neither on a page nor in the search', async (t) => {
  const texts = pages.map(read)
  const seen = wordsOf(texts.map((text) => text.replace(COMMENT, '')))
  const hidden = [...wordsOf(texts.flatMap((text) => text.match(COMMENT) ?? []))].filter((word) => !seen.has(word))
  t.ok(hidden.length > 5)
  const index = files.find((name) => name.includes('@localSearchIndex')) as string
  for (const name of [...pages.map(addressOf), index]) {
    const words = wordsOf([readFileSync(join(site, name), 'utf8')])
    t.strictSame(hidden.filter((word) => words.has(word)), [], name)
  }
})
