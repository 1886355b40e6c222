/** The documentation as a site: the Markdown pages of the repository, as they are, and the files that they link to. */

import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import source from '../source/[file].paths.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const shown = new Set(source.paths.map(({ params }) => params.file))
const read = (file) => readFileSync(root + file, 'utf8')

// A page is listed by its heading.
const titleOf = (page) => /^# (.+)$/m.exec(read(page))[1].replace(/`([^`]+)`/g, '<code>$1</code>')

const sidebar = Object.entries(JSON.parse(read('docs/.vitepress/sidebar.json'))).map(([text, pages]) => ({
  text,
  items: pages.map((page) => ({ text: titleOf(page), link: addressOf(page) }))
}))

/** The path of a file of the repository on the site. */
function addressOf (file) {
  if (file === 'README.md') return '/'
  if (file.endsWith('.md')) return `/${file}`
  if (!shown.has(file)) throw new Error(`a link leads to ${file}: docs/source/[file].paths.mjs has to list it`)
  return `/docs/source/${file}.md`
}

/** The names of headings on GitHub, for which the pages' links are written. */
const slugify = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')

function configure (md) {
  // Comments have the setup of the pages' programs, which readers do not see.
  md.renderer.rules.html_block = (tokens, index) => tokens[index].content.replace(/<!--[^]*?-->/g, '')

  // Links are written for the repository, relative to their file.
  const openLink = md.renderer.rules.link_open
  md.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const href = tokens[index].attrGet('href')
    if (!/^(?:[a-z]+:|[#/])/i.test(href) && env.realPath !== undefined) {
      const [path, anchor] = href.split('#')
      const file = posix.join(posix.dirname(env.realPath.slice(root.length)), path)
      tokens[index].attrSet('href', addressOf(file) + (anchor === undefined ? '' : `#${anchor}`))
    }
    return openLink(tokens, index, options, env, self)
  }
}

// On a slow machine the highlighter would give up in the middle of a line.
const unlimited = { preprocess: (_code, options) => { options.tokenizeTimeLimit = 0 } }

/** A page for the search, in which colours of code would cost seconds. */
function renderForSearch (text, env, md) {
  md.options.highlight = null
  return md.render(text, env)
}

export default defineConfig({
  title: 'fastify-auth-schemes',
  description: JSON.parse(read('package.json')).description,
  srcDir: '..',
  srcExclude: ['build/**', 'test/**'],
  outDir: '../build/site',
  cacheDir: '../build/site-cache',
  rewrites: { 'README.md': 'index.md' },
  ignoreDeadLinks: false,
  markdown: { anchor: { slugify }, codeTransformers: [unlimited], config: configure },
  themeConfig: { sidebar, outline: [2, 3], search: { provider: 'local', options: { _render: renderForSearch } } }
})
